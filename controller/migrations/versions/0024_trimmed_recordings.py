"""What of an uploaded recording is heard."""

import sqlalchemy as sa
from alembic import op

revision = "0024"
down_revision = "0023"


def upgrade() -> None:
    with op.batch_alter_table("announcements") as table:
        table.add_column(sa.Column("trim_from_ms", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("trim_to_ms", sa.Integer(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("announcements") as table:
        table.drop_column("trim_to_ms")
        table.drop_column("trim_from_ms")

"""How urgent an alert is, and of which danger it warns: an alert that is no emergency does not sound as one."""

import sqlalchemy as sa
from alembic import op

revision = "0029"
down_revision = "0028"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("priority", sa.Integer(), nullable=False, server_default="3"))
    op.add_column("alerts", sa.Column("hazard", sa.String(length=16), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("alerts") as table:
        table.drop_column("hazard")
        table.drop_column("priority")

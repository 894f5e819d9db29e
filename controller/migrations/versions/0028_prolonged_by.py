"""Who let an alert live longer last: where two people are needed the next one is somebody else."""

import sqlalchemy as sa
from alembic import op

revision = "0028"
down_revision = "0027"


def upgrade() -> None:
    op.add_column("alerts", sa.Column("prolonged_by", sa.String(length=64), nullable=False, server_default=""))


def downgrade() -> None:
    with op.batch_alter_table("alerts") as table:
        table.drop_column("prolonged_by")

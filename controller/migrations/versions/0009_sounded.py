"""How whole and how loud each play record's sound was."""

import sqlalchemy as sa
from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    with op.batch_alter_table("play_records") as table:
        table.add_column(sa.Column("underruns", sa.Integer(), nullable=True))
        table.add_column(sa.Column("underrun_ms", sa.Integer(), nullable=True))
        table.add_column(sa.Column("level_dbfs", sa.Double(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("play_records") as table:
        table.drop_column("level_dbfs")
        table.drop_column("underrun_ms")
        table.drop_column("underruns")

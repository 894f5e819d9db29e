"""Whom to call in an area whose speakers do not answer, and alerts that neighbours sound one after another."""

import sqlalchemy as sa
from alembic import op

revision = "0018"
down_revision = "0015"


def upgrade() -> None:
    with op.batch_alter_table("areas") as table:
        table.add_column(sa.Column("contact", sa.String(length=200), nullable=False, server_default=""))
    with op.batch_alter_table("alerts") as table:
        table.add_column(sa.Column("stagger_ms", sa.Integer(), nullable=False, server_default="0"))


def downgrade() -> None:
    with op.batch_alter_table("alerts") as table:
        table.drop_column("stagger_ms")
    with op.batch_alter_table("areas") as table:
        table.drop_column("contact")

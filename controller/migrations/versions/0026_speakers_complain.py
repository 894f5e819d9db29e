"""Whether a speaker's last words name a problem: of thousands nobody looks into the JSON of each."""

import sqlalchemy as sa
from alembic import op

revision = "0026"
down_revision = "0025"

STATES = sa.table("device_states", sa.column("complains", sa.Boolean()), sa.column("state", sa.JSON()))


def upgrade() -> None:
    op.add_column("device_states", sa.Column("complains", sa.Boolean(), nullable=True))
    said = sa.func.coalesce(STATES.c.state["problems"].as_string(), "[]")
    has_spoken = sa.func.coalesce(sa.func.length(sa.cast(STATES.c.state, sa.Text)), 0) > len("null")
    op.execute(STATES.update().where(has_spoken).values(complains=said != "[]"))


def downgrade() -> None:
    with op.batch_alter_table("device_states") as table:
        table.drop_column("complains")

"""People: what each does, second factors, one-time links, identities of elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

ROLES = ["administrator", "approver", "auditor", "broadcaster", "duty_officer", "technician"]


def upgrade() -> None:
    users = sa.table("users", sa.column("roles", sa.JSON()))
    # Until now everybody could do everything in their area: nobody loses what they had.
    op.execute(users.update().values(roles=ROLES))


def downgrade() -> None:
    users = sa.table("users", sa.column("roles", sa.JSON()))
    op.execute(users.update().values(roles=[]))

"""Alerts that take the place of several, and warnings of others."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0013"

ID = sa.String(length=26)
FOREIGN_KEY = "fk_alerts_replaces_id_alerts"


def upgrade() -> None:
    with op.batch_alter_table("alerts") as table:
        table.add_column(sa.Column("replaces", sa.JSON(), nullable=False, server_default=sa.text("'[]'")))
        table.add_column(sa.Column("relayed", sa.Boolean(), nullable=False, server_default=sa.false()))
    alerts = sa.table("alerts", sa.column("id", ID), sa.column("replaces_id", ID), sa.column("replaces", sa.JSON()))
    bind = op.get_bind()
    for key, replaced in bind.execute(
        sa.select(alerts.c.id, alerts.c.replaces_id).where(alerts.c.replaces_id.is_not(None))
    ).all():
        bind.execute(alerts.update().where(alerts.c.id == key).values(replaces=[replaced]))
    with op.batch_alter_table("alerts") as table:
        table.drop_constraint(FOREIGN_KEY, type_="foreignkey")
        table.drop_column("replaces_id")


def downgrade() -> None:
    with op.batch_alter_table("alerts") as table:
        table.add_column(sa.Column("replaces_id", ID, nullable=True))
        table.create_foreign_key(FOREIGN_KEY, "alerts", ["replaces_id"], ["id"])
        table.drop_column("relayed")
        table.drop_column("replaces")

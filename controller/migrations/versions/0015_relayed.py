"""Alerts that take the place of several, warnings of others, and what others were told of ours."""

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"

ID = sa.String(length=26)
MOMENT = sa.DateTime(timezone=True)
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
    op.create_table(
        "cap_published",
        sa.Column("alert_id", ID, nullable=False),
        sa.Column("revision", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("identifier", sa.String(length=64), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.Column("cancelled", sa.Boolean(), nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["alert_id"], ["alerts.id"], name="fk_cap_published_alert_id_alerts"),
        sa.PrimaryKeyConstraint("alert_id", "revision", name="pk_cap_published"),
        sa.UniqueConstraint("identifier", name="uq_cap_published_identifier"),
    )
    op.create_index("ix_cap_published_sent_at", "cap_published", ["sent_at"])


def downgrade() -> None:
    op.drop_table("cap_published")
    with op.batch_alter_table("alerts") as table:
        table.add_column(sa.Column("replaces_id", ID, nullable=True))
        table.create_foreign_key(FOREIGN_KEY, "alerts", ["replaces_id"], ["id"])
        table.drop_column("relayed")
        table.drop_column("replaces")

"""Schedules by the moon and without public holidays; calendars that people subscribe to."""

import sqlalchemy as sa
from alembic import op

revision = "0023"
down_revision = "0022"

_AIRS = ("schedules", "approved_versions")


def upgrade() -> None:
    for name in _AIRS:
        with op.batch_alter_table(name) as table:
            table.add_column(sa.Column("lunar_days", sa.JSON(), nullable=False, server_default="[]"))
            table.add_column(sa.Column("skip_holidays", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.create_table(
        "calendar_subscriptions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("secret_hash", sa.String(length=64), nullable=False),
        sa.Column("user_id", sa.String(length=26), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"]),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id"),
        sa.UniqueConstraint("secret_hash"),
    )
    op.create_index("ix_calendar_subscriptions_user_id", "calendar_subscriptions", ["user_id"])
    op.create_index("ix_calendar_subscriptions_area_code", "calendar_subscriptions", ["area_code"])


def downgrade() -> None:
    op.drop_table("calendar_subscriptions")
    for name in reversed(_AIRS):
        with op.batch_alter_table(name) as table:
            table.drop_column("skip_holidays")
            table.drop_column("lunar_days")

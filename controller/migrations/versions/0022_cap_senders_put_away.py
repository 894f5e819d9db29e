"""Senders of CAP that are put away, how often feeds are looked at, what was not taken, and recordings of texts."""

import sqlalchemy as sa
from alembic import op

revision = "0022"
down_revision = "0021"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("cap_senders") as table:
        table.add_column(sa.Column("retired_at", MOMENT, nullable=True))
    with op.batch_alter_table("cap_feeds") as table:
        table.add_column(sa.Column("interval_s", sa.Integer(), nullable=False, server_default="60"))
    with op.batch_alter_table("cap_feed_states") as table:
        table.add_column(sa.Column("problem", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("looked_at", MOMENT, nullable=True))
    with op.batch_alter_table("announcements") as table:
        table.add_column(sa.Column("recording_url", sa.Text(), nullable=True))
        table.add_column(sa.Column("recording_sha1", sa.String(length=40), nullable=True))
    op.create_table(
        "cap_refusals",
        sa.Column("sender_id", sa.String(length=26), sa.ForeignKey("cap_senders.id"), primary_key=True),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("code", sa.String(length=64), nullable=False),
    )


def downgrade() -> None:
    op.drop_table("cap_refusals")
    with op.batch_alter_table("announcements") as table:
        table.drop_column("recording_sha1")
        table.drop_column("recording_url")
    with op.batch_alter_table("cap_feed_states") as table:
        table.drop_column("looked_at")
        table.drop_column("problem")
    with op.batch_alter_table("cap_feeds") as table:
        table.drop_column("interval_s")
    with op.batch_alter_table("cap_senders") as table:
        table.drop_column("retired_at")

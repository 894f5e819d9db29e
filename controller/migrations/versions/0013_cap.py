"""Who sends CAP messages, what came of them, and the feeds that are looked at."""

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"

MOMENT = sa.DateTime(timezone=True)
ID = sa.String(length=26)


def upgrade() -> None:
    op.create_table(
        "cap_senders",
        sa.Column("id", ID, nullable=False),
        sa.Column("title", sa.String(length=200), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.Column("certificates", sa.JSON(), nullable=False),
        sa.Column("release", sa.String(length=16), nullable=False),
        sa.Column("ladder", sa.JSON(), nullable=False),
        sa.Column("languages", sa.JSON(), nullable=False),
        sa.Column("token_hash", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name="fk_cap_senders_area_code_areas"),
        sa.PrimaryKeyConstraint("id", name="pk_cap_senders"),
        sa.UniqueConstraint("token_hash", name="uq_cap_senders_token_hash"),
    )
    op.create_index("ix_cap_senders_area_code", "cap_senders", ["area_code"])
    op.create_table(
        "cap_messages",
        sa.Column("id", ID, nullable=False),
        sa.Column("sender_id", ID, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.Column("sender_name", sa.Text(), nullable=False),
        sa.Column("identifier", sa.Text(), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("status", sa.String(length=16), nullable=False),
        sa.Column("type", sa.String(length=16), nullable=False),
        sa.Column("outcome", sa.String(length=16), nullable=False),
        sa.Column("notices", sa.JSON(), nullable=False),
        sa.Column("alerts", sa.JSON(), nullable=False),
        sa.Column("over_at", MOMENT, nullable=False),
        sa.Column("document", sa.LargeBinary(), nullable=False),
        sa.ForeignKeyConstraint(["sender_id"], ["cap_senders.id"], name="fk_cap_messages_sender_id_cap_senders"),
        sa.PrimaryKeyConstraint("id", name="pk_cap_messages"),
        sa.UniqueConstraint("sender_id", "key_hash", name="uq_cap_messages_sender_id_key_hash"),
    )
    op.create_index("ix_cap_messages_sender_id", "cap_messages", ["sender_id"])
    op.create_index("ix_cap_messages_received_at", "cap_messages", ["received_at"])
    op.create_table(
        "cap_references",
        sa.Column("message_id", ID, nullable=False),
        sa.Column("key_hash", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["message_id"], ["cap_messages.id"], name="fk_cap_references_message_id_cap_messages", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("message_id", "key_hash", name="pk_cap_references"),
    )
    op.create_index("ix_cap_references_key_hash", "cap_references", ["key_hash"])
    op.create_table(
        "cap_feeds",
        sa.Column("id", ID, nullable=False),
        sa.Column("sender_id", ID, nullable=False),
        sa.Column("url", sa.Text(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["sender_id"], ["cap_senders.id"], name="fk_cap_feeds_sender_id_cap_senders"),
        sa.PrimaryKeyConstraint("id", name="pk_cap_feeds"),
    )
    op.create_index("ix_cap_feeds_sender_id", "cap_feeds", ["sender_id"])
    op.create_table(
        "cap_feed_states",
        sa.Column("feed_id", ID, nullable=False),
        sa.Column("etag", sa.Text(), nullable=True),
        sa.Column("last_modified", sa.Text(), nullable=True),
        sa.Column("handled", sa.JSON(), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("next_at", MOMENT, nullable=True),
        sa.ForeignKeyConstraint(
            ["feed_id"], ["cap_feeds.id"], name="fk_cap_feed_states_feed_id_cap_feeds", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("feed_id", name="pk_cap_feed_states"),
    )
    op.create_index("ix_cap_feed_states_next_at", "cap_feed_states", ["next_at"])


def downgrade() -> None:
    for table in ("cap_feed_states", "cap_feeds", "cap_references", "cap_messages", "cap_senders"):
        op.drop_table(table)

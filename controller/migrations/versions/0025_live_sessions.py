"""Who speaks live, and to whom."""

import sqlalchemy as sa
from alembic import op

revision = "0025"
down_revision = "0024"

ID = sa.String(length=26)
MOMENT = sa.DateTime(timezone=True)
SESSIONS, TARGETS = "live_sessions", "live_targets"


def upgrade() -> None:
    op.create_table(
        SESSIONS,
        sa.Column("id", ID, nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("ending", sa.String(length=16), nullable=True),
        sa.Column("announcement_id", ID, nullable=True),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name="fk_live_sessions_area_code_areas"),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcements.id"], name="fk_live_sessions_announcement_id_announcements"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_live_sessions"),
    )
    for column in ("area_code", "ended_at", "announcement_id"):
        op.create_index(f"ix_live_sessions_{column}", SESSIONS, [column])
    op.create_table(
        TARGETS,
        sa.Column("live_session_id", ID, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["live_session_id"], ["live_sessions.id"],
            name="fk_live_targets_live_session_id_live_sessions", ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("live_session_id", "kind", "key", name="pk_live_targets"),
    )  # fmt: skip
    op.create_index("ix_live_targets_key", TARGETS, ["key"])


def downgrade() -> None:
    op.drop_table(TARGETS)
    op.drop_table(SESSIONS)

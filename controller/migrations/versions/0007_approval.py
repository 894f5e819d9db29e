"""Schedules that somebody approves."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from alembic import op

from controller.database import UtcDateTime

revision = "0007"
down_revision = "0006"

MOMENT = sa.DateTime(timezone=True)
AIRS = (
    "title",
    "first_local",
    "zone",
    "rrule",
    "except_local",
    "extra_local",
    "over_at",
    "priority",
    "resume",
    "volume",
    "late_join_s",
    "commune_rank",
    "staggered",
)


def upgrade() -> None:
    op.create_table(
        "approved_versions",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("schedule_id", sa.String(length=26), nullable=False),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("content", sa.JSON(), nullable=False),
        sa.Column("sound_key", sa.String(length=64), nullable=True),
        sa.Column("asked", sa.String(length=24), nullable=False),
        sa.Column("approved_by", sa.String(length=64), nullable=False),
        sa.Column("approved_at", MOMENT, nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("first_local", sa.String(length=32), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("rrule", sa.Text(), nullable=True),
        sa.Column("except_local", sa.JSON(), nullable=False),
        sa.Column("extra_local", sa.JSON(), nullable=False),
        sa.Column("over_at", MOMENT, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column(
            "resume",
            sa.Enum("rejoin", "restart", "skip", name="resume", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("volume", sa.Integer(), nullable=True),
        sa.Column("late_join_s", sa.Integer(), nullable=True),
        sa.Column("commune_rank", sa.Integer(), nullable=False),
        sa.Column("staggered", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_approved_versions_schedule_id", ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["sound_key"], ["assemblies.key"], name="fk_approved_versions_sound_key"),
        sa.PrimaryKeyConstraint("id", name="pk_approved_versions"),
    )
    for column in ("schedule_id", "sound_key", "over_at"):
        op.create_index(f"ix_approved_versions_{column}", "approved_versions", [column])
    op.create_table(
        "approved_targets",
        sa.Column("version_id", sa.String(length=26), nullable=False),
        sa.Column(
            "kind",
            sa.Enum("area", "group", "device", name="targetkind", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["version_id"], ["approved_versions.id"], name="fk_approved_targets_version_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("version_id", "kind", "key", name="pk_approved_targets"),
    )
    op.create_index("ix_approved_targets_key", "approved_targets", ["key"])
    op.create_table(
        "approvals",
        sa.Column("schedule_id", sa.String(length=26), nullable=False),
        sa.Column(
            "state",
            sa.Enum("draft", "submitted", "approved", "rejected", name="approvalstate", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("digest", sa.String(length=64), nullable=False),
        sa.Column("makers", sa.JSON(), nullable=False),
        sa.Column("submitted_by", sa.String(length=64), nullable=False),
        sa.Column("submitted_at", MOMENT, nullable=True),
        sa.Column("rejected_by", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("changed_at", MOMENT, nullable=False),
        sa.Column("airing_id", sa.String(length=26), nullable=True),
        sa.ForeignKeyConstraint(["airing_id"], ["approved_versions.id"], name="fk_approvals_airing_id"),
        sa.ForeignKeyConstraint(["schedule_id"], ["schedules.id"], name="fk_approvals_schedule_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("schedule_id", name="pk_approvals"),
    )
    for column in ("state", "airing_id"):
        op.create_index(f"ix_approvals_{column}", "approvals", [column])
    _approve_what_is_there()


def _approve_what_is_there() -> None:
    """Every schedule counts as approved by its author. A version's id is its schedule's: both are unique among theirs.

    Digests stay empty; the service reads what the schedules say when it starts, before it answers anybody.
    """
    schedules = _table("schedules", "id", "playlist_id", "author", *AIRS)
    playlists = _table("playlists", "id", "sound_key")
    targets = _table("schedule_targets", "schedule_id", "kind", "key")
    now, nothing = sa.literal(datetime.now(UTC), UtcDateTime()), sa.literal("")
    empty, nobody = sa.literal({}, sa.JSON()), sa.literal([], sa.JSON())
    versions = {
        "id": schedules.c.id,
        "schedule_id": schedules.c.id,
        "digest": nothing,
        "content": empty,
        "sound_key": playlists.c.sound_key,
        "asked": sa.literal("none"),
        "approved_by": schedules.c.author,
        "approved_at": now,
        **{name: schedules.c[name] for name in AIRS},
    }
    sounding = schedules.join(playlists, playlists.c.id == schedules.c.playlist_id)
    _copy("approved_versions", versions, sounding)
    _copy(
        "approved_targets", {"version_id": targets.c.schedule_id, "kind": targets.c.kind, "key": targets.c.key}, targets
    )
    approvals = {
        "schedule_id": schedules.c.id,
        "state": sa.literal("approved"),
        "digest": nothing,
        "makers": nobody,
        "submitted_by": nothing,
        "rejected_by": nothing,
        "reason": nothing,
        "changed_at": now,
        "airing_id": schedules.c.id,
    }
    _copy("approvals", approvals, schedules)


def _table(name: str, *columns: str) -> sa.TableClause:
    return sa.table(name, *(sa.column(each) for each in columns))


def _copy(into: str, values: Mapping[str, sa.ColumnElement[Any]], source: sa.FromClause) -> None:
    chosen = sa.select(*values.values()).select_from(source)
    op.execute(_table(into, *values).insert().from_select(list(values), chosen))


def downgrade() -> None:
    for table in ("approvals", "approved_targets", "approved_versions"):
        op.drop_table(table)

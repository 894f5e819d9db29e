"""Announcements, playlists, schedules; plans and what stands on the broker; states, records, commands."""

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "assemblies",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("recipe", sa.JSON(), nullable=False),
        sa.Column(
            "status",
            sa.Enum("processing", "ready", "failed", name="status", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("stretches", sa.JSON(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_vi", sa.Text(), nullable=True),
        sa.Column("error_en", sa.Text(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_assemblies"),
    )
    op.create_index("ix_assemblies_status", "assemblies", ["status"])
    op.create_table(
        "clips",
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("media_type", sa.String(length=100), nullable=False),
        sa.Column("loudness_lufs", sa.Double(), nullable=True),
        sa.Column("true_peak_dbtp", sa.Double(), nullable=True),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("sha256", name="pk_clips"),
    )
    op.create_table(
        "retained_documents",
        sa.Column("topic", sa.String(length=255), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=True),
        sa.Column("payload", sa.LargeBinary(), nullable=False),
        sa.Column("content_hash", sa.String(length=64), nullable=False),
        sa.Column("version", sa.BigInteger(), nullable=False),
        sa.Column("content_sha256", sa.String(length=64), nullable=True),
        sa.Column("issued_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("published_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("topic", name="pk_retained_documents"),
    )
    op.create_index("ix_retained_documents_device_id", "retained_documents", ["device_id"])
    op.create_index("ix_retained_documents_published_at", "retained_documents", ["published_at"])
    op.create_table(
        "announcements",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("kind", sa.Enum("text", "file", name="kind", native_enum=False, length=16), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("voice", sa.String(length=64), nullable=True),
        sa.Column("category", sa.String(length=64), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("source", sa.String(length=64), nullable=True),
        sa.Column("source_name", sa.String(length=255), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.Column(
            "status",
            sa.Enum("processing", "ready", "failed", name="status", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("job", sa.String(length=26), nullable=False),
        sa.Column("error_code", sa.String(length=64), nullable=True),
        sa.Column("error_vi", sa.Text(), nullable=True),
        sa.Column("error_en", sa.Text(), nullable=True),
        sa.Column("clip_sha256", sa.String(length=64), nullable=True),
        sa.Column("duration_ms", sa.Integer(), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name="fk_announcements_area_code"),
        sa.ForeignKeyConstraint(["clip_sha256"], ["clips.sha256"], name="fk_announcements_clip_sha256"),
        sa.PrimaryKeyConstraint("id", name="pk_announcements"),
    )
    op.create_index("ix_announcements_area_code", "announcements", ["area_code"])
    op.create_index("ix_announcements_clip_sha256", "announcements", ["clip_sha256"])
    op.create_index("ix_announcements_status", "announcements", ["status"])
    op.create_table(
        "playlists",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("retired_at", MOMENT, nullable=True),
        sa.Column("wanted_key", sa.String(length=64), nullable=True),
        sa.Column("sound_key", sa.String(length=64), nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name="fk_playlists_area_code"),
        sa.ForeignKeyConstraint(["sound_key"], ["assemblies.key"], name="fk_playlists_sound_key"),
        sa.ForeignKeyConstraint(["wanted_key"], ["assemblies.key"], name="fk_playlists_wanted_key"),
        sa.PrimaryKeyConstraint("id", name="pk_playlists"),
    )
    op.create_index("ix_playlists_area_code", "playlists", ["area_code"])
    op.create_index("ix_playlists_sound_key", "playlists", ["sound_key"])
    op.create_index("ix_playlists_wanted_key", "playlists", ["wanted_key"])
    op.create_table(
        "commands",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("action", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("requested_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_commands_device_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("id", name="pk_commands"),
    )
    op.create_index("ix_commands_device_id", "commands", ["device_id"])
    op.create_index("ix_commands_requested_at", "commands", ["requested_at"])
    op.create_table(
        "device_states",
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("session", sa.String(length=128), nullable=True),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("online_changed_at", MOMENT, nullable=True),
        sa.Column("seen_at", MOMENT, nullable=True),
        sa.Column("agent_version", sa.String(length=64), nullable=False),
        sa.Column("plan_version", sa.BigInteger(), nullable=True),
        sa.Column("config_version", sa.BigInteger(), nullable=True),
        sa.Column("ready", sa.Integer(), nullable=False),
        sa.Column("planned", sa.Integer(), nullable=False),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("player", sa.String(length=16), nullable=False),
        sa.Column("on_air", sa.String(length=128), nullable=True),
        sa.Column("state", sa.JSON(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_device_states_device_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", name="pk_device_states"),
    )
    op.create_index("ix_device_states_on_air", "device_states", ["on_air"])
    op.create_index("ix_device_states_online", "device_states", ["online"])
    op.create_index("ix_device_states_seen_at", "device_states", ["seen_at"])
    op.create_table(
        "planned_occurrences",
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("occurrence_id", sa.String(length=64), nullable=False),
        sa.Column("schedule_id", sa.String(length=26), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("starts_at", MOMENT, nullable=False),
        sa.Column("ends_at", MOMENT, nullable=False),
        sa.Column("duration_ms", sa.Integer(), nullable=False),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column("issuer_depth", sa.Integer(), nullable=False),
        sa.Column("commune_rank", sa.Integer(), nullable=False),
        sa.Column(
            "resume", sa.Enum("rejoin", "restart", "skip", name="resume", native_enum=False, length=16), nullable=False
        ),
        sa.Column("late_join_s", sa.Integer(), nullable=True),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column("stretches", sa.JSON(), nullable=False),
        sa.Column("clips", sa.JSON(), nullable=False),
        sa.Column("plan_version", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name="fk_planned_occurrences_device_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("device_id", "occurrence_id", name="pk_planned_occurrences"),
    )
    op.create_index("ix_planned_occurrences_device_starts", "planned_occurrences", ["device_id", "starts_at"])
    op.create_index("ix_planned_occurrences_occurrence_id", "planned_occurrences", ["occurrence_id"])
    op.create_index("ix_planned_occurrences_schedule_id", "planned_occurrences", ["schedule_id"])
    op.create_index("ix_planned_occurrences_starts_at", "planned_occurrences", ["starts_at"])
    op.create_table(
        "play_records",
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("boot", sa.String(length=128), nullable=False),
        sa.Column("seq", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("boot_order", sa.BigInteger(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("received_at", MOMENT, nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("occurrence_id", sa.String(length=128), nullable=True),
        sa.Column("schedule_id", sa.String(length=128), nullable=True),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("clip_sha256", sa.String(length=64), nullable=True),
        sa.Column("planned_at", MOMENT, nullable=True),
        sa.Column("started_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("from_ms", sa.Integer(), nullable=False),
        sa.Column("played_ms", sa.Integer(), nullable=False),
        sa.Column("start_error_ms", sa.Double(), nullable=True),
        sa.Column("volume", sa.Integer(), nullable=False),
        sa.Column(
            "outcome",
            sa.Enum(
                "completed",
                "pre-empted",
                "stopped",
                "interrupted",
                "failed",
                "missed",
                "skipped",
                name="outcome",
                native_enum=False,
                length=16,
            ),
            nullable=False,
        ),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("clock", sa.String(length=16), nullable=False),
        sa.Column("plan_version", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_play_records_device_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", "boot", "seq", name="pk_play_records"),
    )
    op.create_index("ix_play_records_at", "play_records", ["at"])
    op.create_index("ix_play_records_device_order", "play_records", ["device_id", "boot_order", "seq"])
    op.create_index("ix_play_records_occurrence_id", "play_records", ["occurrence_id"])
    op.create_index("ix_play_records_outcome", "play_records", ["outcome"])
    op.create_table(
        "playlist_items",
        sa.Column("playlist_id", sa.String(length=26), nullable=False),
        sa.Column("position", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column(
            "kind",
            sa.Enum("chime", "announcement", "pause", name="itemkind", native_enum=False, length=16),
            nullable=False,
        ),
        sa.Column("announcement_id", sa.String(length=26), nullable=True),
        sa.Column("chime", sa.String(length=16), nullable=False),
        sa.Column("repeat", sa.Integer(), nullable=False),
        sa.Column("pause_ms", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["announcement_id"], ["announcements.id"], name="fk_playlist_items_announcement_id"),
        sa.ForeignKeyConstraint(
            ["playlist_id"], ["playlists.id"], name="fk_playlist_items_playlist_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("playlist_id", "position", name="pk_playlist_items"),
    )
    op.create_index("ix_playlist_items_announcement_id", "playlist_items", ["announcement_id"])
    op.create_table(
        "record_marks",
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("boot", sa.String(length=128), nullable=False),
        sa.Column("boot_order", sa.BigInteger(), nullable=False),
        sa.Column("complete_to", sa.BigInteger(), nullable=False),
        sa.Column("dropped", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["device_id"], ["devices.id"], name="fk_record_marks_device_id", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("device_id", "boot", name="pk_record_marks"),
    )
    op.create_table(
        "schedules",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("playlist_id", sa.String(length=26), nullable=False),
        sa.Column("title", sa.String(length=300), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("first_local", sa.String(length=32), nullable=False),
        sa.Column("zone", sa.String(length=64), nullable=False),
        sa.Column("rrule", sa.Text(), nullable=True),
        sa.Column("except_local", sa.JSON(), nullable=False),
        sa.Column("extra_local", sa.JSON(), nullable=False),
        sa.Column("over_at", MOMENT, nullable=True),
        sa.Column("priority", sa.Integer(), nullable=False),
        sa.Column(
            "resume", sa.Enum("rejoin", "restart", "skip", name="resume", native_enum=False, length=16), nullable=False
        ),
        sa.Column("volume", sa.Integer(), nullable=True),
        sa.Column("late_join_s", sa.Integer(), nullable=True),
        sa.Column("commune_rank", sa.Integer(), nullable=False),
        sa.Column("staggered", sa.Boolean(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name="fk_schedules_area_code"),
        sa.ForeignKeyConstraint(["playlist_id"], ["playlists.id"], name="fk_schedules_playlist_id"),
        sa.PrimaryKeyConstraint("id", name="pk_schedules"),
    )
    op.create_index("ix_schedules_active", "schedules", ["active"])
    op.create_index("ix_schedules_area_code", "schedules", ["area_code"])
    op.create_index("ix_schedules_over_at", "schedules", ["over_at"])
    op.create_index("ix_schedules_playlist_id", "schedules", ["playlist_id"])
    op.create_table(
        "cancelled_occurrences",
        sa.Column("occurrence_id", sa.String(length=64), nullable=False),
        sa.Column("schedule_id", sa.String(length=26), nullable=False),
        sa.Column("cancelled_at", MOMENT, nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_cancelled_occurrences_schedule_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("occurrence_id", name="pk_cancelled_occurrences"),
    )
    op.create_index("ix_cancelled_occurrences_schedule_id", "cancelled_occurrences", ["schedule_id"])
    op.create_table(
        "command_attempts",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("command_id", sa.String(length=26), nullable=False),
        sa.Column("sent_at", MOMENT, nullable=True),
        sa.Column("replied_at", MOMENT, nullable=True),
        sa.Column("outcome", sa.String(length=16), nullable=True),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["command_id"], ["commands.id"], name="fk_command_attempts_command_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_command_attempts"),
    )
    op.create_index("ix_command_attempts_command_id", "command_attempts", ["command_id"])
    op.create_index("ix_command_attempts_sent_at", "command_attempts", ["sent_at"])
    op.create_table(
        "schedule_targets",
        sa.Column("schedule_id", sa.String(length=26), nullable=False),
        sa.Column(
            "kind", sa.Enum("area", "group", "device", name="targetkind", native_enum=False, length=16), nullable=False
        ),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.ForeignKeyConstraint(
            ["schedule_id"], ["schedules.id"], name="fk_schedule_targets_schedule_id", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("schedule_id", "kind", "key", name="pk_schedule_targets"),
    )
    op.create_index("ix_schedule_targets_key", "schedule_targets", ["key"])


def downgrade() -> None:
    op.drop_table("schedule_targets")
    op.drop_table("command_attempts")
    op.drop_table("cancelled_occurrences")
    op.drop_table("schedules")
    op.drop_table("record_marks")
    op.drop_table("playlist_items")
    op.drop_table("play_records")
    op.drop_table("planned_occurrences")
    op.drop_table("device_states")
    op.drop_table("commands")
    op.drop_table("playlists")
    op.drop_table("announcements")
    op.drop_table("retained_documents")
    op.drop_table("clips")
    op.drop_table("assemblies")

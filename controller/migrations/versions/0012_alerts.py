"""Alerts, whom they address, and how far each has come on every speaker."""

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0009"

MOMENT = sa.DateTime(timezone=True)
WORD = sa.String(length=16)


def upgrade() -> None:
    op.create_table(
        "alerts",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("state", WORD, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("sound_revision", sa.Integer(), nullable=False),
        sa.Column("headline", sa.String(length=300), nullable=False),
        sa.Column("signal", sa.String(length=32), nullable=True),
        sa.Column("signal_ms", sa.Integer(), nullable=False),
        sa.Column("announcement_id", sa.String(length=26), nullable=True),
        sa.Column("all_clear_id", sa.String(length=26), nullable=True),
        sa.Column("volume", sa.Integer(), nullable=True),
        sa.Column("repeat", sa.JSON(), nullable=False),
        sa.Column("lifetime_s", sa.Integer(), nullable=False),
        sa.Column("replaces_id", sa.String(length=26), nullable=True),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("released_by", sa.String(length=64), nullable=False),
        sa.Column("released_at", MOMENT, nullable=True),
        sa.Column("counted_at", MOMENT, nullable=True),
        sa.Column("starts_at", MOMENT, nullable=True),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.Column("ended_by", sa.String(length=64), nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("all_clear_until", MOMENT, nullable=True),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_alerts")),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name=op.f("fk_alerts_area_code_areas")),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcements.id"], name=op.f("fk_alerts_announcement_id_announcements")
        ),
        sa.ForeignKeyConstraint(
            ["all_clear_id"], ["announcements.id"], name=op.f("fk_alerts_all_clear_id_announcements")
        ),
        sa.ForeignKeyConstraint(["replaces_id"], ["alerts.id"], name=op.f("fk_alerts_replaces_id_alerts")),
    )
    for column in ("area_code", "state", "announcement_id", "all_clear_id", "released_at"):
        op.create_index(op.f(f"ix_alerts_{column}"), "alerts", [column])
    op.create_table(
        "alert_targets",
        sa.Column("alert_id", sa.String(length=26), nullable=False),
        sa.Column("kind", WORD, nullable=False),
        sa.Column("key", sa.String(length=128), nullable=False),
        sa.PrimaryKeyConstraint("alert_id", "kind", "key", name=op.f("pk_alert_targets")),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_targets_alert_id_alerts"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_alert_targets_key"), "alert_targets", ["key"])
    op.create_table(
        "alert_reach",
        sa.Column("alert_id", sa.String(length=26), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("online", sa.Boolean(), nullable=False),
        sa.Column("phase", WORD, nullable=True),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("received_at", MOMENT, nullable=True),
        sa.Column("first_sound_at", MOMENT, nullable=True),
        sa.Column("finished_at", MOMENT, nullable=True),
        sa.Column("reason", sa.String(length=200), nullable=False),
        sa.Column("incident_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("alert_id", "device_id", name=op.f("pk_alert_reach")),
        sa.ForeignKeyConstraint(
            ["alert_id"], ["alerts.id"], name=op.f("fk_alert_reach_alert_id_alerts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_alert_reach_device_id_devices"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_alert_reach_device_id"), "alert_reach", ["device_id"])
    op.create_index("ix_alert_reach_alert_id_phase", "alert_reach", ["alert_id", "phase"])


def downgrade() -> None:
    op.drop_table("alert_reach")
    op.drop_table("alert_targets")
    op.drop_table("alerts")

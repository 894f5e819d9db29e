"""How machines were over time, incidents, and photos of speakers."""

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0019"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    op.create_table(
        "health_samples",
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("slot_s", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("span_s", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("temperature_c", sa.Double(), nullable=True),
        sa.Column("signal_percent", sa.Double(), nullable=True),
        sa.Column("volume", sa.Integer(), nullable=True),
        sa.Column("clock_offset_ms", sa.Double(), nullable=True),
        sa.Column("uptime_s", sa.Double(), nullable=True),
        sa.Column("data_bytes", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("device_id", "slot_s", "span_s", name=op.f("pk_health_samples")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_health_samples_device_id_devices"), ondelete="CASCADE"
        ),
    )
    op.create_index("ix_health_samples_span_s_slot_s", "health_samples", ["span_s", "slot_s"])
    op.create_table(
        "incidents",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("code", sa.String(length=128), nullable=False),
        sa.Column("said", sa.String(length=300), nullable=False),
        sa.Column("began_at", MOMENT, nullable=False),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.Column("times", sa.Integer(), nullable=False),
        sa.Column("acknowledged_by", sa.String(length=64), nullable=False),
        sa.Column("acknowledged_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_incidents")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_incidents_device_id_devices"), ondelete="CASCADE"
        ),
    )
    op.create_index("ix_incidents_device_id_code", "incidents", ["device_id", "code"])
    op.create_index(op.f("ix_incidents_ended_at"), "incidents", ["ended_at"])
    op.create_table(
        "device_photos",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("device_id", sa.String(length=128), nullable=False),
        sa.Column("sha256", sa.String(length=64), nullable=False),
        sa.Column("size_bytes", sa.Integer(), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("added_at", MOMENT, nullable=False),
        sa.Column("removed_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_device_photos")),
        sa.ForeignKeyConstraint(
            ["device_id"], ["devices.id"], name=op.f("fk_device_photos_device_id_devices"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_device_photos_device_id"), "device_photos", ["device_id"])
    op.create_index(op.f("ix_device_photos_removed_at"), "device_photos", ["removed_at"])
    with op.batch_alter_table("device_states") as table:
        table.add_column(sa.Column("sampled_s", sa.BigInteger(), nullable=True))


def downgrade() -> None:
    with op.batch_alter_table("device_states") as table:
        table.drop_column("sampled_s")
    op.drop_table("device_photos")
    op.drop_table("incidents")
    op.drop_table("health_samples")

"""Sound shaped, spoken in two languages and shown; pronunciations; fades, beds and relays in playlists."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"

MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    with op.batch_alter_table("announcements") as table:
        table.add_column(sa.Column("profile", sa.String(length=16), nullable=False, server_default="horn"))
        table.add_column(sa.Column("speed_wpm", sa.Integer(), nullable=True))
        table.add_column(sa.Column("second_language", sa.String(length=16), nullable=True))
        table.add_column(sa.Column("second_text", sa.Text(), nullable=False, server_default=""))
        table.add_column(sa.Column("second_voice", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("second_source", sa.String(length=64), nullable=True))
        table.add_column(sa.Column("second_source_name", sa.String(length=255), nullable=False, server_default=""))
        table.add_column(sa.Column("before", sa.JSON(), nullable=True))
        table.add_column(sa.Column("after", sa.JSON(), nullable=True))
    with op.batch_alter_table("assemblies") as table:
        table.add_column(sa.Column("relays", sa.JSON(), nullable=False, server_default="[]"))
    with op.batch_alter_table("playlist_items") as table:
        table.add_column(sa.Column("fade_in_ms", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("fade_out_ms", sa.Integer(), nullable=False, server_default="0"))
        table.add_column(sa.Column("bed_id", sa.String(length=26), nullable=True))
        table.add_column(sa.Column("bed_db", sa.Double(), nullable=True))
        table.add_column(sa.Column("relay_url", sa.String(length=2000), nullable=False, server_default=""))
        table.add_column(sa.Column("relay_title", sa.String(length=300), nullable=False, server_default=""))
        table.add_column(sa.Column("relay_ms", sa.Integer(), nullable=False, server_default="0"))
        table.create_foreign_key("fk_playlist_items_bed_id", "announcements", ["bed_id"], ["id"])
    with op.batch_alter_table("planned_occurrences") as table:
        table.add_column(sa.Column("own_volume", sa.Boolean(), nullable=False, server_default=sa.true()))
        table.add_column(sa.Column("relays", sa.JSON(), nullable=False, server_default="[]"))
    op.create_index("ix_playlist_items_bed_id", "playlist_items", ["bed_id"])
    op.create_table(
        "pronunciations",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("language", sa.String(length=16), nullable=False),
        sa.Column("written", sa.String(length=100), nullable=False),
        sa.Column("spoken", sa.String(length=200), nullable=False),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["area_code"], ["areas.code"], name="fk_pronunciations_area_code"),
        sa.PrimaryKeyConstraint("id", name="pk_pronunciations"),
        sa.UniqueConstraint("area_code", "language", "written", name="uq_pronunciations_area_code_language_written"),
    )


def downgrade() -> None:
    op.drop_table("pronunciations")
    op.drop_index("ix_playlist_items_bed_id", "playlist_items")
    with op.batch_alter_table("planned_occurrences") as table:
        table.drop_column("relays")
        table.drop_column("own_volume")
    with op.batch_alter_table("playlist_items") as table:
        table.drop_constraint("fk_playlist_items_bed_id", type_="foreignkey")
        for column in ("relay_ms", "relay_title", "relay_url", "bed_db", "bed_id", "fade_out_ms", "fade_in_ms"):
            table.drop_column(column)
    with op.batch_alter_table("assemblies") as table:
        table.drop_column("relays")
    with op.batch_alter_table("announcements") as table:
        for column in (
            "after",
            "before",
            "second_source_name",
            "second_source",
            "second_voice",
            "second_text",
            "second_language",
            "speed_wpm",
            "profile",
        ):
            table.drop_column(column)

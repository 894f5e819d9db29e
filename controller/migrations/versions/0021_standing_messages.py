"""Standing messages that areas word for themselves."""

import sqlalchemy as sa
from alembic import op

revision = "0021"
down_revision = "0020"


def upgrade() -> None:
    op.create_table(
        "standing_messages",
        sa.Column("id", sa.String(length=26), nullable=False),
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("hazard", sa.String(length=16), nullable=False),
        sa.Column("headline", sa.String(length=300), nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("second_language", sa.String(length=16), nullable=True),
        sa.Column("second_text", sa.Text(), nullable=False),
        sa.Column("announcement_id", sa.String(length=26), nullable=True),
        sa.Column("author", sa.String(length=64), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["area_code"], ["areas.code"], name=op.f("fk_standing_messages_area_code_areas"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(
            ["announcement_id"], ["announcements.id"], name=op.f("fk_standing_messages_announcement_id_announcements")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_standing_messages")),
        sa.UniqueConstraint("area_code", "hazard", name=op.f("uq_standing_messages_area_code_hazard")),
    )
    op.create_index(
        op.f("ix_standing_messages_announcement_id"), "standing_messages", ["announcement_id"], unique=False
    )


def downgrade() -> None:
    op.drop_table("standing_messages")

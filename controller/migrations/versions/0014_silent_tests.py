"""When each commune's speakers are next tested without a sound."""

import sqlalchemy as sa
from alembic import op

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    op.create_table(
        "silent_tests",
        sa.Column("area_code", sa.String(length=64), nullable=False),
        sa.Column("every", sa.String(length=16), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("area_code", name=op.f("pk_silent_tests")),
        sa.ForeignKeyConstraint(
            ["area_code"], ["areas.code"], name=op.f("fk_silent_tests_area_code_areas"), ondelete="CASCADE"
        ),
    )
    op.create_index(op.f("ix_silent_tests_due_at"), "silent_tests", ["due_at"])


def downgrade() -> None:
    op.drop_table("silent_tests")

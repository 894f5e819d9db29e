"""Play records of one outcome, found in the order in which they are read."""

from alembic import op

revision = "0027"
down_revision = "0026"

RECORDS = "play_records"


def upgrade() -> None:
    op.drop_index("ix_play_records_outcome", RECORDS)
    op.create_index("ix_play_records_outcome_at", RECORDS, ["outcome", "at"])


def downgrade() -> None:
    op.drop_index("ix_play_records_outcome_at", RECORDS)
    op.create_index("ix_play_records_outcome", RECORDS, ["outcome"])

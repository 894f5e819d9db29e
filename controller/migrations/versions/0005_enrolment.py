"""Speakers: codes, applications and certificates."""

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """As above."""

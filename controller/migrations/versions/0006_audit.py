"""The audit trail."""

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Filled with its tables."""


def downgrade() -> None:
    """As above."""

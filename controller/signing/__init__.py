"""Keys that orders are signed with: made, put to use, replaced, revoked."""

"""The voices of this service, and drafts read aloud while they are written."""

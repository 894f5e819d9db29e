"""The Common Alerting Protocol (OASIS CAP 1.2): what others' messages ask of us, and our alerts as messages."""

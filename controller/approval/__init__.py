"""Approval: what airs is exactly what somebody who may has let through."""

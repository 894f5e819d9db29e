"""Shapes of entries."""

import json
from typing import Any, Self

from pydantic import AwareDatetime, BaseModel

from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.audit.models import AuditEntry


class EntryOut(BaseModel):
    """One entry of the trail."""

    number: int
    at: AwareDatetime
    actor: str
    address: str | None
    """From where; told to who may audit."""
    kind: str
    key: str
    action: str
    label: str
    changes: dict[str, list[Any]]
    """By field: before and after."""
    hash: str

    @classmethod
    def of(cls, row: AuditEntry, viewer: Viewer) -> Self:
        """Return what the viewer may see of an entry."""
        return cls.model_validate(
            {
                "number": row.number,
                "at": row.at,
                "actor": row.actor,
                "address": row.address if viewer.may(Permission.AUDIT) else None,
                "kind": row.kind,
                "key": row.key,
                "action": row.action,
                "label": row.label,
                "changes": json.loads(row.changes),
                "hash": row.hash,
            }
        )


class HeadOut(BaseModel):
    """How far the trail has come, signed."""

    number: int
    hash: str
    token: str
    """A JWS of the service: keep it elsewhere, and a trail that is cut off before it is found out."""

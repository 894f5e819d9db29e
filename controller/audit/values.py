"""What an entry says of a value: short, and the same on every machine. Pure."""

import hashlib
import math
from collections.abc import Mapping
from datetime import UTC, datetime
from enum import Enum
from typing import Final

from controller.audit.chain import Changes, Json, canonical

TEXT_MAX_CHARS: Final = 500
"""A longer text is told by its beginning, its length and its hash."""
BEGINS_CHARS: Final = 200
STRUCTURE_MAX_BYTES: Final = 2000
EXACT_MAX: Final = 2**53 - 1
"""Above it a number of JSON is no longer exact (RFC 7493, section 2.2)."""
_SPELT_ALIKE: Final = (1e-4, EXACT_MAX)
"""Between these Python spells a number as RFC 8785 does; above, where all are whole, it adds a fraction of nothing."""
HIDDEN: Final = "•••"
"""Stands for what nobody may read: that it changed is told, not what it is."""


def moment(at: datetime) -> str:
    """Return a moment as entries carry it: of one width, so that it sorts as text."""
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ").rjust(27, "0")


def plain(value: object) -> Json:  # noqa: PLR0911 one a kind of value
    """Return a column's value as JSON that every machine writes alike."""
    match value:
        case None | bool():
            return value
        case Enum():
            return plain(value.value)
        case int():
            return int(value) if abs(value) <= EXACT_MAX else str(value)
        case float():
            return _number(value)
        case str():
            return value.encode("utf-8", "replace").decode()
        case datetime():
            return moment(value)
        case bytes():
            return f"sha256:{hashlib.sha256(value).hexdigest()}"
        case Mapping():
            return {str(plain(str(name))): plain(each) for name, each in value.items()}
        case list() | tuple() | set() | frozenset():
            each = [plain(one) for one in value]
            return sorted(each, key=canonical) if isinstance(value, set | frozenset) else each
        case _:
            return plain(str(value))


def told(value: object) -> Json:
    """Return a value as an entry tells it: whole when it is short."""
    whole = plain(value)
    if isinstance(whole, str):
        return whole if len(whole) <= TEXT_MAX_CHARS else _shortened(whole, whole.encode())
    if isinstance(whole, list | dict) and len(written := canonical(whole)) > STRUCTURE_MAX_BYTES:
        return _shortened(written.decode(), written)
    return whole


def difference(before: Mapping[str, object], after: Mapping[str, object]) -> Changes:
    """Return what became different, field by field; of a field that holds named values, name by name."""
    changes: dict[str, list[Json]] = {}
    for name in sorted(before.keys() | after.keys()):
        was, now = plain(before.get(name)), plain(after.get(name))
        if isinstance(was, dict) and isinstance(now, dict):
            for part in sorted(was.keys() | now.keys()):
                if was.get(part) != now.get(part):
                    changes[f"{name}.{part}"] = [told(was.get(part)), told(now.get(part))]
        elif canonical(was) != canonical(now):
            changes[name] = [told(was), told(now)]
    return changes


def _number(value: float) -> Json:
    if math.isfinite(value) and value.is_integer() and abs(value) <= EXACT_MAX:
        return int(value)
    return value if _SPELT_ALIKE[0] <= abs(value) <= _SPELT_ALIKE[1] else repr(value)


def _shortened(text: str, whole: bytes) -> Json:
    return {"begins": text[:BEGINS_CHARS], "length": len(text), "sha256": hashlib.sha256(whole).hexdigest()}

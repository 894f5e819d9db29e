"""What is released: all that an alert would have heard, and where, each part by its own name. Pure."""

import hashlib
from collections.abc import Collection, Mapping
from datetime import UTC
from enum import StrEnum
from typing import Any, Final

from controller.alerts.models import AlertRow
from controller.announcements.models import Announcement
from controller.audit.chain import canonical
from controller.broadcasts.models import TargetKind
from controller.text import Text

NAME_CHARS: Final = 32
"""Of the hex digits of a SHA-256: 128 bits, which nobody meets by trying."""


class Part(StrEnum):
    """One side of an alert, in the order in which a digest names them."""

    HEADLINE = "headline"
    WORDS = "words"
    SOUND = "sound"
    SIGNAL = "signal"
    WHERE = "where"
    PLAN = "plan"


PART_TEXTS: Final = {
    Part.HEADLINE: Text("the headline"),
    Part.WORDS: Text("the words"),
    Part.SOUND: Text("the sound of the words"),
    Part.SIGNAL: Text("the signal"),
    Part.WHERE: Text("where it is heard"),
    Part.PLAN: Text("how and how long it is repeated"),
}

Members = Mapping[str, Collection[str]]
"""The speakers of each group that alerts address."""


def digest(row: AlertRow, members: Members) -> str:
    """Return the name of all that a release would let be heard: one for each part, so that a change can be told."""
    said = _content(row, members)
    return ".".join(_name(said[part]) for part in Part)


def changed_since(seen: str, row: AlertRow, members: Members) -> tuple[Part, ...]:
    """Return which parts are not those that the releaser saw.

    A draft is released before its sound is made, too: who saw the words while there was none has heard none, and
    lets go whatever is made of these words. Who saw it with a sound lets go that one.
    """
    names, now = seen.split("."), digest(row, members).split(".")
    if len(names) != len(now):
        return tuple(Part)
    changed = {part for part, was, is_ in zip(Part, names, now, strict=True) if was != is_}
    if names[tuple(Part).index(Part.SOUND)] == _name(None):
        changed.discard(Part.SOUND)
    return tuple(part for part in Part if part in changed)


def _content(row: AlertRow, members: Members) -> dict[Part, Any]:
    words = row.announcement
    return {
        Part.HEADLINE: [row.kind.value, row.area_code, row.headline, row.hazard],
        Part.WORDS: None if words is None else _words(words),
        Part.SOUND: None if words is None else words.clip_sha256,
        Part.SIGNAL: [row.signal, row.signal_ms],
        Part.WHERE: {
            "targets": sorted([target.kind.value, target.key] for target in row.targets),
            "members": {
                target.key: sorted(members.get(target.key, ()))
                for target in row.targets
                if target.kind is TargetKind.GROUP
            },
            "polygon": row.polygon,
        },
        Part.PLAN: {
            "priority": row.priority,
            "repeat": row.repeat,
            "lifetime_s": row.lifetime_s,
            "expires_at": row.expires_at.astimezone(UTC).isoformat() if row.expires_at else None,
            "volume": row.volume,
            "stagger_ms": row.stagger_ms,
            "replaces": sorted(row.replaces),
        },
    }


def _words(said: Announcement) -> dict[str, Any]:
    """Return what decides how words are spoken, or which recording is heard instead."""
    return {
        "id": said.id,
        "kind": said.kind.value,
        "text": said.text,
        "language": said.language,
        "voice": said.voice,
        "speed_wpm": said.speed_wpm,
        "profile": said.profile,
        "source": said.source,
        "recording": [said.recording_url, said.recording_sha1],
        "trim": [said.trim_from_ms, said.trim_to_ms],
        "second": [said.second_language, said.second_text, said.second_voice, said.second_source],
    }


def _name(part: object) -> str:
    return hashlib.sha256(canonical(part)).hexdigest()[:NAME_CHARS]

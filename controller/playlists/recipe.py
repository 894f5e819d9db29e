"""What a playlist's sound is made of, and the name that this gives it. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from audio.signals import EXERCISE_WORDS, Signal
from audio.speech import VIETNAMESE
from controller.announcements.models import Announcement, Kind
from controller.playlists.models import ItemKind, PlaylistItem

EDITION = 2
"""Of the way sound is assembled, and of our signals: another one makes everything anew."""
BED_DB = -18.0

Recipe = list[dict[str, Any]]


def recipe(items: Sequence[PlaylistItem], announcements: Mapping[str, Announcement]) -> Recipe | None:
    """Return what is to be assembled, or None while an announcement has no sound yet."""
    steps: Recipe = []
    ordered = sorted(items, key=lambda item: item.position)
    for number, item in enumerate(ordered, start=1):
        match item.kind:
            case ItemKind.CHIME:
                steps.append({"id": str(number), "kind": "chime", **_chime(item, ordered[number:], announcements)})
            case ItemKind.PAUSE:
                steps.append({"id": str(number), "kind": "pause", "ms": item.pause_ms})
            case ItemKind.ANNOUNCEMENT:
                step = _reading(item, announcements)
                if step is None:
                    return None
                steps.append({"id": str(number), "kind": "announcement", **step})
            case ItemKind.RELAY:
                step = _relay(item, announcements)
                if step is None:
                    return None
                steps.append({"id": str(number), "kind": "relay", **step})
    return steps


def _chime(
    item: PlaylistItem, after: Sequence[PlaylistItem], announcements: Mapping[str, Announcement]
) -> dict[str, Any]:
    """A signal; an exercise with the words that say so, read as the first typed Vietnamese words after it are."""
    step: dict[str, Any] = {"chime": item.chime}
    if item.pause_ms:
        step["ms"] = item.pause_ms
    if item.chime == Signal.EXERCISE:
        held = (announcements.get(each.announcement_id or "") for each in after if each.kind is ItemKind.ANNOUNCEMENT)
        typed = (each for each in held if each and each.kind is Kind.TEXT and each.language == VIETNAMESE)
        reader = next(typed, None)
        step["says"] = {
            "text": EXERCISE_WORDS,
            "voice": reader.voice if reader else None,
            "speed_wpm": reader.speed_wpm if reader else None,
        }
    return step


def _reading(item: PlaylistItem, announcements: Mapping[str, Announcement]) -> dict[str, Any] | None:
    """An announcement and what is done to it; what changes nothing is left out."""
    announcement = announcements.get(item.announcement_id or "")
    if announcement is None or announcement.clip_sha256 is None:
        return None
    step = {"clip": announcement.clip_sha256, "title": announcement.title, "repeat": item.repeat}
    wishes = {
        "gap_ms": item.pause_ms if item.repeat > 1 else 0,
        "fade_in_ms": item.fade_in_ms,
        "fade_out_ms": item.fade_out_ms,
    }
    step |= {name: ms for name, ms in wishes.items() if ms}
    if item.bed_id is not None:
        bed = announcements.get(item.bed_id)
        if bed is None or bed.clip_sha256 is None:
            return None
        step["bed"] = {"clip": bed.clip_sha256, "db": BED_DB if item.bed_db is None else item.bed_db}
    return step


def _relay(item: PlaylistItem, announcements: Mapping[str, Announcement]) -> dict[str, Any] | None:
    """Another station's time, and the clip that stands in for it."""
    step = {"url": item.relay_url, "title": item.relay_title, "ms": item.relay_ms}
    if item.announcement_id is None:
        return step
    fallback = announcements.get(item.announcement_id)
    if fallback is None or fallback.clip_sha256 is None:
        return None
    return step | {"fallback": fallback.clip_sha256}


def key(steps: Recipe) -> str:
    """Return the name of a recipe's sound: the same steps, the same sound."""
    said = json.dumps([EDITION, steps], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()

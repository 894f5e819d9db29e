"""What a playlist's sound is made of, and the name that this gives it. Pure."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from typing import Any

from controller.announcements.models import Announcement
from controller.playlists.models import ItemKind, PlaylistItem

EDITION = 1
"""Of the way sound is assembled: another one makes everything anew."""

Recipe = list[dict[str, Any]]


def recipe(items: Sequence[PlaylistItem], announcements: Mapping[str, Announcement]) -> Recipe | None:
    """Return what is to be assembled, or None while an announcement has no sound yet."""
    steps: Recipe = []
    for number, item in enumerate(sorted(items, key=lambda item: item.position), start=1):
        match item.kind:
            case ItemKind.CHIME:
                steps.append({"id": str(number), "kind": "chime", "chime": item.chime})
            case ItemKind.PAUSE:
                steps.append({"id": str(number), "kind": "pause", "ms": item.pause_ms})
            case ItemKind.ANNOUNCEMENT:
                announcement = announcements.get(item.announcement_id or "")
                if announcement is None or announcement.clip_sha256 is None:
                    return None
                steps.append(
                    {
                        "id": str(number),
                        "kind": "announcement",
                        "clip": announcement.clip_sha256,
                        "title": announcement.title,
                        "repeat": item.repeat,
                    }
                )
    return steps


def key(steps: Recipe) -> str:
    """Return the name of a recipe's sound: the same steps, the same sound."""
    said = json.dumps([EDITION, steps], sort_keys=True, separators=(",", ":"), ensure_ascii=False)
    return hashlib.sha256(said.encode()).hexdigest()

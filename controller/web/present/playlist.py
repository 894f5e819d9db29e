"""The form of a playlist: its items as text, what a press on one of its buttons makes of them, what it asks for. Pure.

Nothing is kept between two presses but what the form holds, so that neither a restart nor a browser without scripts
loses anything.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from datetime import datetime
from typing import Any, Final

from audio.signals import ABOUT, Signal, Use, length_ms
from controller.playlists.models import ItemKind
from controller.playlists.schemas import ITEMS_MAX, REPEAT_MAX, ItemOut
from controller.web.i18n import Translator
from controller.web.present.words import signal_names


@dataclass(frozen=True)
class ItemValues:
    """One item, as it was typed. What its kind does not have stays as it is."""

    kind: str
    announcement: str = ""
    """What is read; of a relay, what stands in for it."""
    repeat: str = "1"
    gap_s: str = "2"
    fade_in_s: str = "0"
    fade_out_s: str = "0"
    bed: str = ""
    bed_db: str = "-18"
    chime: str = "opening"
    seconds: str = ""
    pause_s: str = "2"
    url: str = ""
    title: str = ""
    minutes: str = "30"


@dataclass(frozen=True)
class PlaylistValues:
    """The whole form. `gone` was removed last, from place `gone_from`: it can be taken back."""

    token: str
    title: str = ""
    items: tuple[ItemValues, ...] = ()
    gone: ItemValues | None = None
    gone_from: int = 0
    version: str = ""
    """The mark of the playlist that is edited, as it was seen; nothing for a new one."""


@dataclass(frozen=True)
class Rehearsal:
    """What can be heard of a playlist, or what it waits for."""

    playlist: str
    urls: tuple[str, ...] = ()
    """One for each stretch of our own sound; between two of them a station is relayed."""
    stations: tuple[str, ...] = ()
    length: str = ""
    waits: str = ""
    error: str = ""


@dataclass(frozen=True)
class PlaylistView:
    """The form of a playlist, with when each item begins and what is wrong with it."""

    values: PlaylistValues
    errors: dict[str, str]
    begins: tuple[str, ...]
    length: str
    kinds: dict[str, str]
    chimes: tuple[tuple[str, str], ...]
    announcements: tuple[tuple[str, str], ...]
    look_at: int | None = None
    """The item that was moved or added just now."""
    rehearsal: Rehearsal | None = None
    kept: bool = False
    airings: int = 0


@dataclass(frozen=True)
class PlaylistRow:
    """One playlist of the list."""

    id: str
    title: str
    author: str
    made_at: datetime
    items: int
    length: str
    airings: int
    failed: bool


CHIMES: Final = tuple(kind for kind in Signal if ABOUT[kind].use is not Use.ALARM)


FIELDS: Final = tuple(field.name for field in fields(ItemValues))


def fresh(token: str) -> PlaylistValues:
    """A form to begin with: what most playlists are."""
    return PlaylistValues(
        token,
        items=(
            ItemValues(ItemKind.CHIME, chime=Signal.OPENING),
            ItemValues(ItemKind.ANNOUNCEMENT),
            ItemValues(ItemKind.CHIME, chime=Signal.CLOSING),
        ),
    )


def values_of(sent: Mapping[str, str]) -> PlaylistValues:
    """Read the form back. Items are `item-0-kind` and `item-0-…`, then `item-1-…`."""
    items: list[ItemValues] = []
    while len(items) < ITEMS_MAX and f"item-{len(items)}-kind" in sent:
        items.append(_item(sent, f"item-{len(items)}"))
    return PlaylistValues(
        token=sent.get("token", ""),
        title=sent.get("title", "").strip(),
        items=tuple(items),
        gone=_item(sent, "gone") if "gone-kind" in sent else None,
        gone_from=max(0, _place(sent.get("gone-place", ""))),
        version=sent.get("version", ""),
    )


def _place(text: str) -> int:
    """A place in the list, or one that is none."""
    return next((place for place in range(ITEMS_MAX) if text == str(place)), -1)


def _item(sent: Mapping[str, str], prefix: str) -> ItemValues:
    given = {name: sent[f"{prefix}-{name}"].strip() for name in FIELDS if f"{prefix}-{name}" in sent}
    kind = given.pop("kind", "")
    return ItemValues(kind if kind in set(ItemKind) else ItemKind.PAUSE, **given)


def of_saved(token: str, title: str, items: Sequence[ItemOut], version: str) -> PlaylistValues:
    """The form of a playlist that is there."""
    return PlaylistValues(token, title, tuple(_of_saved(item) for item in items), version=version)


def mark(title: str, items: Sequence[ItemOut], *, shelved: bool) -> str:
    """A fingerprint of what people see of a playlist: another one means that somebody changed it."""
    return hashlib.sha256(repr((title, [item.model_dump() for item in items], shelved)).encode()).hexdigest()[:16]


def _of_saved(item: ItemOut) -> ItemValues:
    return ItemValues(
        kind=item.kind,
        announcement=item.announcement_id or "",
        repeat=str(item.repeat),
        gap_s=_seconds(item.repeat_gap_ms),
        fade_in_s=_seconds(item.fade_in_ms),
        fade_out_s=_seconds(item.fade_out_ms),
        bed=item.bed_id or "",
        bed_db=f"{item.bed_db:g}" if item.bed_db is not None else "-18",
        chime=item.chime or Signal.OPENING,
        seconds=f"{item.seconds:g}" if item.seconds else "",
        pause_s=_seconds(item.pause_ms or 0),
        url=item.url or "",
        title=item.title or "",
        minutes=f"{(item.duration_ms or 0) / 60_000:g}",
    )


def _seconds(ms: int) -> str:
    return f"{ms / 1000:g}"


def pressed(values: PlaylistValues, button: str) -> tuple[PlaylistValues, int | None]:
    """Return what a button makes of the form, and the place of the item to look at then.

    Buttons are `add:KIND`, `up:PLACE`, `down:PLACE`, `remove:PLACE` and `undo`; others change nothing.
    """
    what, _, about = button.partition(":")
    items, place = list(values.items), _place(about)
    if what == "add" and about in set(ItemKind) and len(items) < ITEMS_MAX:
        closes = bool(items) and items[-1].kind == ItemKind.CHIME and about != ItemKind.CHIME
        where = len(items) - closes  # what is said comes before the chime that closes
        items.insert(where, ItemValues(about))
        return replace(values, items=tuple(items)), where
    if what == "undo" and values.gone is not None and len(items) < ITEMS_MAX:
        where = min(values.gone_from, len(items))
        items.insert(where, values.gone)
        return replace(values, items=tuple(items), gone=None), where
    if not 0 <= place < len(items):
        return values, None
    if what == "remove":
        gone = items.pop(place)
        return replace(values, items=tuple(items), gone=gone, gone_from=place), None
    to = place + {"up": -1, "down": 1}.get(what, 0)
    if to == place or not 0 <= to < len(items):
        return values, place
    items[place], items[to] = items[to], items[place]
    return replace(values, items=tuple(items)), to


def wish(values: PlaylistValues) -> dict[str, Any]:
    """What is asked for, as the API takes it; numbers that are none stay text, and are refused there."""
    return {"title": values.title, "items": [_wish(item) for item in values.items]}


def _wish(item: ItemValues) -> dict[str, Any]:
    match item.kind:
        case ItemKind.CHIME:
            attention = item.chime == Signal.ATTENTION and item.seconds
            return {"kind": "chime", "chime": item.chime, **({"seconds": _number(item.seconds)} if attention else {})}
        case ItemKind.ANNOUNCEMENT:
            return {
                "kind": "announcement",
                "announcement_id": item.announcement,
                "repeat": item.repeat,
                "repeat_gap_ms": _ms(item.gap_s),
                "fade_in_ms": _ms(item.fade_in_s),
                "fade_out_ms": _ms(item.fade_out_s),
                "bed_id": item.bed or None,
                "bed_db": _number(item.bed_db) if item.bed else None,
            }
        case ItemKind.RELAY:
            return {
                "kind": "relay",
                "url": item.url,
                "title": item.title,
                "duration_ms": _ms(item.minutes, 60_000),
                "announcement_id": item.announcement or None,
            }
        case _:
            return {"kind": "pause", "pause_ms": _ms(item.pause_s)}


_SAID_MAX: Final = 1e9
"""Longer is a slip of the finger: it stays text, and is refused."""


def _number(text: str) -> float | str:
    try:
        return float(text.replace(",", ".").replace("−", "-"))
    except ValueError:
        return text


def _ms(text: str, unit_ms: int = 1000) -> int | str:
    number = _number(text)
    return round(number * unit_ms) if isinstance(number, float) and abs(number) < _SAID_MAX else text


_FIELD_OF: Final = {
    "announcement_id": "announcement",
    "repeat_gap_ms": "gap_s",
    "fade_in_ms": "fade_in_s",
    "fade_out_ms": "fade_out_s",
    "bed_id": "bed",
    "pause_ms": "pause_s",
    "duration_ms": "minutes",
}


def field_of(path: str) -> str:
    """The form's field that a refusal is about, `items.3.chime.seconds` → `item-3-seconds`; "" where there is none."""
    match path.split("."):
        case ["title"]:
            return "title"
        case ["items", place, *_, last] if _FIELD_OF.get(last, last) in FIELDS:
            return f"item-{place}-{_FIELD_OF.get(last, last)}"
        case _:
            return ""


def marks_ms(items: Sequence[ItemValues], lengths_ms: Mapping[str, int]) -> tuple[int | None, ...]:
    """When each item begins, and last when all is over; None from the first whose length is not known yet."""
    marks: list[int | None] = [0]
    for item in items:
        length, begins = _length_ms(item, lengths_ms), marks[-1]
        marks.append(None if length is None or begins is None else begins + length)
    return tuple(marks)


def _length_ms(item: ItemValues, lengths_ms: Mapping[str, int]) -> int | None:
    match item.kind:
        case ItemKind.CHIME if item.chime in set(Signal) - {Signal.EXERCISE}:  # after that one a voice speaks
            seconds = _ms(item.seconds) if item.chime == Signal.ATTENTION and item.seconds else None
            return seconds if isinstance(seconds, int) else length_ms(Signal(item.chime))
        case ItemKind.ANNOUNCEMENT:
            once, times, gap = lengths_ms.get(item.announcement), _number(item.repeat), _ms(item.gap_s)
            if once is None or not isinstance(times, float) or not isinstance(gap, int) or not 1 <= times <= REPEAT_MAX:
                return None
            return int(times) * once + (int(times) - 1) * gap
        case ItemKind.RELAY:
            minutes = _ms(item.minutes, 60_000)
            return minutes if isinstance(minutes, int) else None
        case ItemKind.PAUSE:
            pause = _ms(item.pause_s)
            return pause if isinstance(pause, int) else None
        case _:
            return None


def kinds(t: Translator) -> dict[str, str]:
    """What can be added, in plain words."""
    return {
        ItemKind.ANNOUNCEMENT.value: t("Announcement"),
        ItemKind.CHIME.value: t("Chime"),
        ItemKind.PAUSE.value: t("Pause"),
        ItemKind.RELAY.value: t("Another station (relay)"),
    }


def chime_choices(t: Translator) -> tuple[tuple[str, str], ...]:
    """The signals that any playlist may hold."""
    return tuple((kind.value, signal_names(t)[kind]) for kind in CHIMES)

"""Which speakers somebody wants to see, and in what order. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, NamedTuple
from urllib.parse import urlencode

from controller.incidents.edges import OFFLINE
from controller.monitoring.fleet import Fine
from controller.text import plain
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.causes import cause_text, causes, codes, tone_name
from controller.web.present.speakers import SpeakerFacts, fine_tone, speaker_view, told, tone_of, tone_rank
from controller.web.present.tone import Tone
from controller.web.speaker_views import SpeakerRow, SpeakerWish, ToneCount

HERE: Final = "/speakers"


class Entry(NamedTuple):
    """What decides whether and where a speaker stands in the list: of thousands nobody needs more."""

    id: str
    name: str
    place: str
    note: str
    tone: Tone
    lacking: int
    """Pieces of its plan that it has not got yet."""
    wrong: frozenset[str]
    """By the names of the causes."""


def entry(facts: SpeakerFacts, now: datetime) -> Entry:
    """Return what the list goes by."""
    lacking = max(0, facts.report.planned - facts.report.ready) if facts.report else 0
    return Entry(facts.id, facts.name, facts.place, facts.note, tone_of(facts), lacking, codes(facts, now))


def fine_entry(speaker: Fine, place: str) -> Entry:
    """Return the same of a speaker with which nothing is wrong."""
    return Entry(speaker.id, speaker.name, place, speaker.note, fine_tone(speaker), 0, frozenset())


def row_of(facts: SpeakerFacts, formats: Formats, now: datetime) -> SpeakerRow:
    """Show one speaker as a line."""
    view, found = speaker_view(facts, formats, now), causes(facts, formats, now)
    name = tone_name(view.tone, formats.t)
    return SpeakerRow(view, name, found[0] if found else None, max(0, len(found) - 1))


def matching(entries: Iterable[Entry], wish: SpeakerWish) -> list[Entry]:
    """Return those whose name, id, place or note has every word of the search, and that have the problem.

    Marks and capitals do not matter.
    """
    words = plain(wish.q).split()
    return [
        each
        for each in entries
        if (not wish.problem or wish.problem in each.wrong)
        and (not words or _has(words, f"{each.name} {each.id} {each.place} {each.note}"))
    ]


def _has(words: Iterable[str], text: str) -> bool:
    text = plain(text)
    return all(word in text for word in words)


def began(facts: SpeakerFacts, row: SpeakerRow) -> datetime | None:
    """Since when a line's cause lasts, where that is known."""
    if row.cause is None:
        return None
    if row.cause.code == OFFLINE:
        return facts.changed_at
    said = (*(told(facts.report) if facts.report else ()), *facts.faults)
    return next((each.since for each in said if each.code == row.cause.code), None)


def in_state(entries: Iterable[Entry], state: str) -> list[Entry]:
    """Return those in one state; all where none is named."""
    return [each for each in entries if each.tone == state] if state in set(Tone) else list(entries)


def counted(entries: Iterable[Entry], wish: SpeakerWish, t: Translator) -> tuple[ToneCount, ...]:
    """Count the states, the worst first; one that nobody is in is left out unless it was asked for."""
    counts = Counter(each.tone for each in entries)
    shown = sorted((tone for tone in Tone if counts[tone] or tone == wish.state), key=tone_rank)
    return tuple(
        ToneCount(
            tone,
            tone_name(tone, t),
            counts[tone],
            address(replace(wish, state="" if tone == wish.state else tone.value)),
            tone == wish.state,
        )
        for tone in shown
    )


def problems_of(codes: Iterable[str], t: Translator) -> tuple[tuple[str, str], ...]:
    """What is wrong with any of them, in words, to choose from."""
    return tuple(sorted(((code, cause_text(code, "", t)) for code in set(codes)), key=lambda each: plain(each[1])))


def ordered(entries: Iterable[Entry], sort: str) -> list[Entry]:
    """Sort: the worst first, by name, by place, or by how much of the plan is ready. The id decides what is alike."""
    return sorted(entries, key=_SORTS.get(sort, _SORTS["state"]))


def sorts(t: Translator) -> tuple[tuple[str, str], ...]:
    """The orders to choose from."""
    return (
        ("state", t("The worst first")),
        ("name", t("By name")),
        ("place", t("By place")),
        ("ready", t("By readiness")),
    )


def address(wish: SpeakerWish, path: str = HERE, **more: object) -> str:
    """The address that shows this."""
    asked = {name: value for name, value in {**asdict(wish), **more}.items() if value}
    return f"{path}?{urlencode(asked)}" if asked else path


def _by_name(each: Entry) -> tuple[object, ...]:
    return _natural(each.name), each.id


@lru_cache(maxsize=20_000)
def _natural(text: str) -> tuple[tuple[str, int], ...]:
    """Words and numbers of a name, so that 3 stands before 12."""
    return tuple((word, int(number or 0)) for word, number in _WORD_AND_NUMBER.findall(plain(text)))


_WORD_AND_NUMBER: Final = re.compile(r"([^0-9]+|(?=[0-9]))([0-9]{0,18})")
_SORTS: Final[Mapping[str, Callable[[Entry], tuple[Any, ...]]]] = {
    "state": lambda each: (tone_rank(each.tone), *_by_name(each)),
    "name": _by_name,
    "place": lambda each: (_natural(each.place), *_by_name(each)),
    "ready": lambda each: (-each.lacking, *_by_name(each)),
}

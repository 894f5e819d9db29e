"""Which speakers somebody wants to see, and in what order. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from typing import Any, Final
from urllib.parse import urlencode

from controller.incidents.edges import OFFLINE
from controller.text import plain
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.causes import cause_text, causes, tone_name, tone_rank
from controller.web.present.speakers import SpeakerFacts, speaker_view
from controller.web.speaker_views import SpeakerRow, SpeakerWish, ToneCount
from controller.web.views import Tone

HERE: Final = "/speakers"


def row_of(facts: SpeakerFacts, formats: Formats, now: datetime) -> SpeakerRow:
    """Show one speaker as a line."""
    view, found = speaker_view(facts, formats, now), causes(facts, formats, now)
    name = tone_name(view.tone, formats.t)
    return SpeakerRow(view, name, found[0] if found else None, max(0, len(found) - 1))


def matching(
    facts: Iterable[SpeakerFacts], wish: SpeakerWish, codes: Mapping[str, frozenset[str]]
) -> list[SpeakerFacts]:
    """Return those whose name, id, place or note has every word of the search, and that have the problem.

    Marks and capitals do not matter. `codes`: what is wrong with each, by id.
    """
    words = plain(wish.q).split()
    found = []
    for each in facts:
        text = plain(f"{each.name} {each.id} {each.place} {each.note}")
        if all(word in text for word in words) and (not wish.problem or wish.problem in codes[each.id]):
            found.append(each)
    return found


def began(facts: SpeakerFacts, row: SpeakerRow) -> datetime | None:
    """Since when a line's cause lasts, where that is known."""
    if row.cause is None:
        return None
    if row.cause.code == OFFLINE:
        return facts.changed_at
    said = (*(facts.state.problems if facts.state else ()), *facts.faults)
    return next((each.since for each in said if each.code == row.cause.code), None)


def in_state(rows: Iterable[SpeakerRow], state: str) -> list[SpeakerRow]:
    """Return those in one state; all where none is named."""
    return [row for row in rows if row.speaker.tone == state] if state in set(Tone) else list(rows)


def counted(rows: Iterable[SpeakerRow], wish: SpeakerWish, t: Translator) -> tuple[ToneCount, ...]:
    """Count the states, the worst first; one that nobody is in is left out unless it was asked for."""
    counts = Counter(row.speaker.tone for row in rows)
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


def ordered(rows: Iterable[SpeakerRow], sort: str) -> list[SpeakerRow]:
    """Sort: the worst first, by name, by place, or by how much of the plan is ready. The id decides what is alike."""
    return sorted(rows, key=_SORTS.get(sort, _SORTS["state"]))


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


def _by_name(row: SpeakerRow) -> tuple[object, ...]:
    return _natural(row.speaker.name), row.speaker.id


def _natural(text: str) -> tuple[tuple[str, int], ...]:
    """Words and numbers of a name, so that 3 stands before 12."""
    return tuple((word, int(number or 0)) for word, number in _WORD_AND_NUMBER.findall(plain(text)))


_WORD_AND_NUMBER: Final = re.compile(r"([^0-9]+|(?=[0-9]))([0-9]{0,18})")
_SORTS: Final[Mapping[str, Callable[[SpeakerRow], tuple[Any, ...]]]] = {
    "state": lambda row: (tone_rank(row.speaker.tone), *_by_name(row)),
    "name": _by_name,
    "place": lambda row: (_natural(row.speaker.place), *_by_name(row)),
    "ready": lambda row: (row.speaker.ready - row.speaker.planned, *_by_name(row)),
}

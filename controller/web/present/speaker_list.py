"""Which speakers somebody wants to see, and in what order. Pure."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, replace
from datetime import datetime
from functools import lru_cache
from typing import Any, Final
from urllib.parse import urlencode

from controller.incidents.edges import OFFLINE
from controller.text import plain
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.causes import cause_text, causes, tone_name
from controller.web.present.speakers import SpeakerFacts, speaker_view, told, tone_of, tone_rank
from controller.web.speaker_views import SpeakerRow, SpeakerWish, ToneCount
from controller.web.views import Tone

HERE: Final = "/speakers"


def row_of(facts: SpeakerFacts, formats: Formats, now: datetime) -> SpeakerRow:
    """Show one speaker as a line."""
    view, found = speaker_view(facts, formats, now), causes(facts, formats, now)
    name = tone_name(view.tone, formats.t)
    return SpeakerRow(view, name, found[0] if found else None, max(0, len(found) - 1))


def matching(
    facts: Iterable[SpeakerFacts], wish: SpeakerWish, troubles: Mapping[str, frozenset[str]]
) -> list[SpeakerFacts]:
    """Return those whose name, id, place or note has every word of the search, and that have the problem.

    Marks and capitals do not matter. `troubles`: what is wrong with each, by id.
    """
    words = plain(wish.q).split()
    return [
        each
        for each in facts
        if (not wish.problem or wish.problem in troubles[each.id])
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


def in_state(facts: Iterable[SpeakerFacts], state: str) -> list[SpeakerFacts]:
    """Return those in one state; all where none is named."""
    return [each for each in facts if tone_of(each) == state] if state in set(Tone) else list(facts)


def counted(facts: Iterable[SpeakerFacts], wish: SpeakerWish, t: Translator) -> tuple[ToneCount, ...]:
    """Count the states, the worst first; one that nobody is in is left out unless it was asked for."""
    counts = Counter(tone_of(each) for each in facts)
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


def ordered(facts: Iterable[SpeakerFacts], sort: str) -> list[SpeakerFacts]:
    """Sort: the worst first, by name, by place, or by how much of the plan is ready. The id decides what is alike."""
    return sorted(facts, key=_SORTS.get(sort, _SORTS["state"]))


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


def _by_name(facts: SpeakerFacts) -> tuple[object, ...]:
    return _natural(facts.name), facts.id


@lru_cache(maxsize=20_000)
def _natural(text: str) -> tuple[tuple[str, int], ...]:
    """Words and numbers of a name, so that 3 stands before 12."""
    return tuple((word, int(number or 0)) for word, number in _WORD_AND_NUMBER.findall(plain(text)))


def _readiness(facts: SpeakerFacts) -> int:
    return facts.report.ready - facts.report.planned if facts.report else 0


_WORD_AND_NUMBER: Final = re.compile(r"([^0-9]+|(?=[0-9]))([0-9]{0,18})")
_SORTS: Final[Mapping[str, Callable[[SpeakerFacts], tuple[Any, ...]]]] = {
    "state": lambda facts: (tone_rank(tone_of(facts)), *_by_name(facts)),
    "name": _by_name,
    "place": lambda facts: (_natural(facts.place), *_by_name(facts)),
    "ready": lambda facts: (_readiness(facts), *_by_name(facts)),
}

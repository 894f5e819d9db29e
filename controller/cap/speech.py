"""What is said of a message, and in which language."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Final

from audio.signals import EXERCISE_SAID
from controller.cap.message import Info

SPOKEN_MAX: Final = 4000
"""Characters, some five minutes: as much text as an alert carries to a speaker."""
_BROADCAST_TEXT: Final = re.compile(r"(broadcast_?text|eas_?text)$", re.IGNORECASE)
"""Whoever names a parameter so has written it to be read out; profiles put their own name before it."""
_TAG: Final = re.compile(r"</?[A-Za-z][^<>]{0,200}>")
_SENTENCE_END: Final = re.compile(r"[.!?…]\s")
EXERCISE_AFTER: Final = {"vi": "Xin nhắc lại: đây là diễn tập.", "en": "I repeat: this is an exercise."}
CANCELLED: Final = {
    "vi": "Thông báo khẩn cấp đã phát trước đây nay được huỷ bỏ.",
    "en": "The emergency announcement made earlier is now cancelled.",
}


@dataclass(frozen=True, slots=True)
class Voice:
    """A text with its language, for a voice to read."""

    language: str
    """A language tag (RFC 5646)."""
    text: str
    shortened: bool = False
    """The message said more than is read out."""


def voices(infos: Iterable[Info], wanted: Sequence[str], *, exercise: bool = False) -> tuple[Voice, ...]:
    """One voice for each language, those of `wanted` first and in its order.

    Of two tellings in one language for the same places the first counts. What says nothing has no voice.
    """
    spoken: dict[str, Voice] = {}
    for info in infos:
        voice = _voice(info, exercise=exercise)
        if voice.text and info.language.lower() not in spoken:
            spoken[info.language.lower()] = voice
    order = [tag.lower() for tag in wanted]
    return tuple(sorted(spoken.values(), key=lambda voice: _rank(voice.language, order)))


def farewell(infos: Sequence[Info], wanted: Sequence[str], *, exercise: bool) -> tuple[Voice, ...]:
    """What is said when an alert is cancelled: the message's own words, or that it is cancelled."""
    own = voices(infos, wanted, exercise=exercise)
    return own or (Voice("vi", _as_exercise(CANCELLED["vi"], "vi") if exercise else CANCELLED["vi"]),)


def _voice(info: Info, *, exercise: bool) -> Voice:
    text, shortened = _text(info)
    return Voice(info.language, _as_exercise(text, info.language) if exercise and text else text, shortened)


def _text(info: Info) -> tuple[str, bool]:
    """The text made to be read out, or headline, description and instruction; whether something was left away.

    Too long a text loses its description first: what to do counts more than what was measured.
    """
    made = [_plain(each.value) for each in info.parameters if _BROADCAST_TEXT.search(each.name) and each.value]
    if made:
        return _cut(made[0])
    parts = [_plain(each) for each in (info.headline, info.description, info.instruction) if each]
    whole = _joined(parts)
    if len(whole) <= SPOKEN_MAX:
        return whole or _plain(info.event), False
    brief = _joined([_plain(each) for each in (info.headline, info.instruction) if each])
    return (_cut(brief)[0] or _cut(whole)[0]), True


def _cut(text: str) -> tuple[str, bool]:
    """The text up to the last whole sentence that fits."""
    if len(text) <= SPOKEN_MAX:
        return text, False
    ends = [match.start() + 1 for match in _SENTENCE_END.finditer(text, 0, SPOKEN_MAX)]
    return text[: ends[-1] if ends else SPOKEN_MAX], True


def _joined(parts: Iterable[str]) -> str:
    """One text in which each part is a sentence of its own."""
    return " ".join(part if part.endswith((".", "!", "?", "…", ":")) else f"{part}." for part in parts if part)


def _plain(text: str) -> str:
    """One line without markup, which some senders put into their texts."""
    return " ".join(_TAG.sub(" ", text).split())


def _as_exercise(text: str, language: str) -> str:
    """Framed in the words that say so. Vietnamese always says it: everybody who hears must know."""
    own = primary(language)
    own = own if own in EXERCISE_SAID else "vi"
    before = EXERCISE_SAID["vi"] if own == "vi" else f"{EXERCISE_SAID['vi']} {EXERCISE_SAID[own]}"
    return f"{before} {text} {EXERCISE_AFTER[own]}"


def primary(tag: str) -> str:
    """The language of a tag, without its region: `vi` of `vi-VN`."""
    return tag.lower().split("-", 1)[0]


def _rank(tag: str, wanted: Sequence[str]) -> int:
    """How soon a language comes; a region that was not asked for is better than another language."""
    lower = tag.lower()
    exact = next((place for place, each in enumerate(wanted) if each == lower), None)
    near = next((place for place, each in enumerate(wanted) if primary(each) == primary(lower)), len(wanted))
    return near if exact is None else min(exact, near)

"""From a typed text to what an engine reads: sentences with the pauses between them.

An officer writes a pause as `[nghỉ 2 giây]` (or `[pause 2 s]`), or leaves a line empty.
"""

import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass, replace

from audio.speech.voices import VIETNAMESE
from audio.text import for_reading, sentences

DEFAULT_SPEED_WPM = 150
SENTENCE_MS = 430
PARAGRAPH_MS = 720
"""What espeak-ng itself leaves at 150 words a minute; at another speed the pauses shrink and grow with the words."""
EMPTY_LINE_MS = 1300
WRITTEN_PAUSE_MS = 1000
"""Of a `[nghỉ]` that does not say how long."""
LONGEST_PAUSE_MS = 30_000

_BREAK = re.compile(
    r"\[\s*(?P<mark>nghỉ|pause)\b\s*(?P<s>\d{1,3}(?:[.,]\d{1,2})?)?\s*(?:giây|gy|s|sec|seconds?)?\s*\]"
    r"|(?P<empty>\n[^\S\n]*\n\s*)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Sentence:
    """Words to say in one breath, and the silence after them."""

    text: str
    pause_ms: int


def script(
    text: str,
    language: str = VIETNAMESE,
    dictionary: Mapping[str, str] | None = None,
    speed_wpm: int = DEFAULT_SPEED_WPM,
) -> tuple[Sentence, ...]:
    """What to say of `text`, in order; empty when it has no word."""
    pace = DEFAULT_SPEED_WPM / speed_wpm
    said: list[Sentence] = []
    at = 0
    plain = unicodedata.normalize("NFC", text.replace("\r\n", "\n"))
    for mark in (*_BREAK.finditer(plain), None):
        said += _block(plain[at : mark.start() if mark else None], language, dictionary or {}, pace)
        if mark is None or not said:
            at = mark.end() if mark else at
            continue
        pause_ms = round(EMPTY_LINE_MS * pace) if mark["empty"] else _written_ms(mark["s"])
        said[-1] = replace(said[-1], pause_ms=max(pause_ms, said[-1].pause_ms if mark["empty"] else 0))
        at = mark.end()
    return (*said[:-1], replace(said[-1], pause_ms=0)) if said else ()


def _written_ms(seconds: str | None) -> int:
    wished_ms = round(1000 * float(seconds.replace(",", "."))) if seconds else WRITTEN_PAUSE_MS
    return min(wished_ms, LONGEST_PAUSE_MS)


def _block(text: str, language: str, dictionary: Mapping[str, str], pace: float) -> list[Sentence]:
    said: list[Sentence] = []
    for paragraph in for_reading(text, dictionary, language=language).split("\n\n"):
        found = [one for one in sentences(paragraph) if any(letter.isalnum() for letter in one)]
        said += [Sentence(one, round(SENTENCE_MS * pace)) for one in found[:-1]]
        said += [Sentence(one, round(PARAGRAPH_MS * pace)) for one in found[-1:]]
    return said

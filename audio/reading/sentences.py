"""A text cut where a voice may breathe, so that it can begin before it has read everything."""

import re
from collections.abc import Iterator

from audio.reading.layout import ITEM, paragraphs
from audio.reading.tables import ABBREVIATIONS, any_of
from audio.reading.words import SMALL

LONGEST_CHARS = 300

_DOTTED = any_of(written for written in ABBREVIATIONS if "." in written)
_END = re.compile(
    rf"(?:(?<!\w)(?:{_DOTTED}|[A-ZĐ]\.|[Vv]\.?[Vv]\.(?=\s[{SMALL}]))\s|[.!?…]{{1,40}}[)\]\"'”»]{{0,3}}(?P<end>\s))"
)
_BREATHS = (re.compile(r"[;:]\s"), re.compile(r",\s"), re.compile(r"\s"))


def sentences(text: str) -> list[str]:
    """The sentences of a text, normalised or not, none longer than 300 characters and no word lost."""
    return [piece for paragraph in paragraphs(text) for whole in _sentences(paragraph) for piece in _short(whole)]


def _sentences(paragraph: str) -> Iterator[str]:
    mark = ITEM.match(paragraph)
    begin = 0
    for match in _END.finditer(paragraph, mark.end() if mark else 0):
        if match["end"]:
            yield paragraph[begin : match.start("end")]
            begin = match.end("end")
    if rest := paragraph[begin:].strip():
        yield rest


def _short(sentence: str) -> Iterator[str]:
    while len(sentence) > LONGEST_CHARS:
        cut = _cut(sentence[: LONGEST_CHARS + 1])
        yield sentence[:cut].rstrip()
        sentence = sentence[cut:].lstrip()
    if sentence:
        yield sentence


def _cut(head: str) -> int:
    """The last good place to breathe in the later half of `head`; in the middle of a word only when it has no other."""
    for breath in _BREATHS:
        places = [match.end() for match in breath.finditer(head, len(head) // 2)]
        if places:
            return places[-1]
    places = [match.end() for match in _BREATHS[-1].finditer(head)]
    return places[-1] if places else LONGEST_CHARS

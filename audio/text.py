"""From written Vietnamese to the words that a voice should say, and to sentences that it can begin with.

A page becomes paragraphs (`layout`); a paragraph is read once from left to right, and wherever the reader stands the
officer's dictionary speaks first, then the first rule that fits (`rules`). The tables that offices extend lie beside
them in `audio/reading/*.tsv`.
"""

from collections.abc import Mapping
from types import MappingProxyType

from audio.reading.layout import ITEM, as_written, clean, paragraphs, without_page_numbers
from audio.reading.pronunciations import Pronunciations
from audio.reading.rules import RULES, item
from audio.reading.sentences import sentences
from audio.reading.speech import Speech

__all__ = ["for_reading", "sentences"]

_NOTHING: Mapping[str, str] = MappingProxyType({})


def for_reading(text: str, dictionary: Mapping[str, str] = _NOTHING, *, language: str = "vi") -> str:
    """The words to read aloud, paragraph by paragraph; empty when there are none.

    `dictionary` is the officer's (written → said). Other languages keep their own numbers and abbreviations: their
    engines know them better than we do.
    """
    vietnamese = language.split("-", maxsplit=1)[0] == "vi"
    page = paragraphs(without_page_numbers(clean(text) if vietnamese else as_written(text)))
    read = _vietnamese if vietnamese else _as_written
    pronunciations = Pronunciations(dictionary)
    return "\n\n".join(said for paragraph in page if (said := read(paragraph, pronunciations)))


def _vietnamese(paragraph: str, pronunciations: Pronunciations) -> str:
    speech = Speech()
    begin = 0
    if mark := ITEM.match(paragraph):
        speech.say(item(mark))
        speech.say(".")
        begin = mark.end()

    def read(begin: int, end: int) -> None:
        while begin < end:
            for pattern, saying in RULES:
                if (match := pattern.match(paragraph, begin, end)) and (said := saying(match)) is not None:
                    speech.say(said)
                    begin = match.end()
                    break
            else:
                begin += 1

    for start, end, said in pronunciations.find(paragraph):
        read(begin, start)
        speech.say(said)
        begin = max(begin, end)
    read(begin, len(paragraph))
    return speech.paragraph()


def _as_written(paragraph: str, pronunciations: Pronunciations) -> str:
    mark = ITEM.match(paragraph)
    begin = mark.end() if mark and mark["bullet"] else 0
    parts = []
    for start, end, said in pronunciations.find(paragraph):
        parts += [paragraph[begin:start], said]
        begin = max(begin, end)
    whole = "".join([*parts, paragraph[begin:]]).strip()
    if not any(character.isalnum() for character in whole):
        return ""
    return f"{whole.rstrip(' ,;')}." if whole[-1].isalnum() or whole[-1] in ",;" else whole

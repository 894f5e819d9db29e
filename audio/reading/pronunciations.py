"""The officer's own dictionary: what it says about a word stands above every rule."""

import re
from collections.abc import Iterator, Mapping

from audio.reading.layout import clean

_TOKEN = re.compile(r"\w+|[^\w\s]")
_UNSPEAKABLE = re.compile(r"[^\w\s.,;:!?'-]|_")


class Pronunciations:
    """Finds entries in a text: whole words and phrases, the longest first, any case unless written in capitals."""

    def __init__(self, entries: Mapping[str, str]) -> None:
        self._by_first_token: dict[str, list[tuple[re.Pattern[str], str]]] = {}
        for written, said in sorted(entries.items(), key=lambda entry: -len(entry[0])):
            words = clean(written).split()
            if first := _TOKEN.match(" ".join(words)):
                self._by_first_token.setdefault(first[0].casefold(), []).append((_whole(words), _harmless(said)))

    def find(self, text: str) -> Iterator[tuple[int, int, str]]:
        """Start, end and words of each entry in `text`, from left to right, none inside another."""
        end = 0
        for token in _TOKEN.finditer(text) if self._by_first_token else ():
            if token.start() < end:
                continue
            for entry, said in self._by_first_token.get(token[0].casefold(), ()):
                if match := entry.match(text, token.start()):
                    end = match.end()
                    yield token.start(), end, said
                    break


def _whole(words: list[str]) -> re.Pattern[str]:
    phrase = r"\s+".join(map(re.escape, words))
    case = 0 if " ".join(words).isupper() else re.IGNORECASE
    return re.compile(rf"(?<!\w){phrase}(?!\w)" if re.match(r"\w", words[0]) else rf"{phrase}(?!\w)", case)


def _harmless(said: str) -> str:
    """Letters, digits and pauses: no mark-up, no control character reaches a voice."""
    return " ".join(_UNSPEAKABLE.sub(" ", clean(said)).split())

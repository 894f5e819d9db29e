"""Sentences for people: English in the source, the other languages in the catalogues."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache, lru_cache
from pathlib import Path
from typing import Literal

from babel.messages.pofile import read_po
from babel.numbers import format_decimal

Language = Literal["vi", "en"]
LANGUAGES: tuple[Language, ...] = ("vi", "en")
LOCALES = Path(__file__).parent / "locale"


@cache
def translations(language: Language) -> Mapping[str, tuple[str, ...]]:
    """Each English sentence in one language, in all its forms. Read as text, once; nothing is compiled."""
    with catalogue_of(language).open("rb") as file:
        return {
            (message.id if isinstance(message.id, str) else message.id[0]): (
                (message.string,) if isinstance(message.string, str) else tuple(message.string)
            )
            for message in read_po(file, locale=language)
            if message.id and message.string
        }


def catalogue_of(language: Language) -> Path:
    """Where the sentences of a language are written."""
    return LOCALES / language / "LC_MESSAGES" / "loa.po"


def counting(language: Language, one: str, many: str, n: int) -> str:
    """Return the sentence that fits the number in one language, still to be filled in."""
    forms, index = translations(language).get(one, ()), 0 if language == "vi" or n == 1 else 1
    return forms[index] if index < len(forms) and forms[index] else (one if n == 1 else many)


@lru_cache(maxsize=20_000)
def number(language: Language, value: float) -> str:
    """Return a number as people write it: `1.234,5` in Vietnamese. A page of a province has hundreds."""
    text: str = format_decimal(value, locale=language)
    return text


@dataclass(frozen=True, slots=True, init=False)
class Text:
    """One sentence in both languages, written in English; `values` fill its `%(name)s`.

    A value that is a Text itself is said in the same language. Nothing is looked up before somebody reads it.
    """

    sentence: str
    values: tuple[tuple[str, object], ...]
    translated: str | None
    """Its Vietnamese, where it is not ours to translate."""
    many: tuple[str, int] | None
    """The sentence for several things, and how many these are."""

    def __init__(self, sentence: str, /, **values: object) -> None:
        object.__setattr__(self, "sentence", sentence)
        object.__setattr__(self, "values", tuple(values.items()))
        object.__setattr__(self, "translated", None)
        object.__setattr__(self, "many", None)

    @classmethod
    def both(cls, vi: str, en: str) -> "Text":
        """Return what comes in both languages already, from a floor below."""
        text = cls(en)
        object.__setattr__(text, "translated", vi)
        return text

    @classmethod
    def count(cls, one: str, many: str, n: int, **values: object) -> "Text":
        """Return the sentence for `n` things, which it calls `%(n)s` and writes as people do."""
        text = cls(one, n=n, **values)
        object.__setattr__(text, "many", (many, n))
        return text

    @property
    def vi(self) -> str:
        """The sentence in Vietnamese."""
        return self.in_language("vi")

    @property
    def en(self) -> str:
        """The sentence in English."""
        return self.in_language("en")

    def in_language(self, language: Language) -> str:
        """Return the sentence in `language`."""
        text = self.sentence
        if self.many is not None:
            text = counting(language, text, *self.many)
        elif language != "en":
            text = self.translated or translations(language).get(text, (text,))[0] or text
        if not self.values:
            return text
        return text % {name: self._written(value, language) for name, value in self.values}

    def _written(self, value: object, language: Language) -> object:
        if isinstance(value, Text):
            return value.in_language(language)
        return number(language, value) if self.many is not None and isinstance(value, int) else value


def plain(text: str) -> str:
    """Return a text as somebody types it who is in a hurry: without marks and capitals. To search by."""
    letters = unicodedata.normalize("NFD", text.casefold().replace("đ", "d"))
    return "".join(letter for letter in letters if not unicodedata.combining(letter))

"""Single words: Vietnamese ones as they are, foreign ones as Vietnamese say them, the rest letter by letter."""

import re
import unicodedata
from functools import lru_cache
from typing import Protocol

from audio.reading.tables import ABBREVIATIONS, LETTERS, WORDS

_TONES = dict.fromkeys(map(ord, "\u0300\u0301\u0303\u0309\u0323"))
_ONSET = r"(?:ngh|ng|nh|ch|gh|gi|kh|ph|qu|th|tr|[bcdđghklmnprstvx])?"
_OPEN = r"i[au]?|iêu|uy[au]?|u[aêơei]?|uô?i|ư[aui]?|ươ[iu]|oa[iyo]?|oeo?|oi?|ôi?|ơi?|a[iouy]?|âu|ây|eo?|êu?|y|uâ?y"
_NUCLEUS = r"iê|uyê|uâ|uô|uê|ươ|oa|oă|oe|oo|uy|[aăâeêioôơuư]"
_END = r"nh|ng|ch|[mnptc]"
_SYLLABLE = re.compile(rf"{_ONSET}(?:{_OPEN}|(?:{_NUCLEUS})(?P<end>{_END}))|yêu|(?:yê|quyê|quy)(?P<closed>{_END})")
_BARE_SYLLABLE = re.compile(
    "".join(letter for letter in unicodedata.normalize("NFD", _SYLLABLE.pattern) if not unicodedata.combining(letter))
)
_STOPS = ("p", "t", "c", "ch")
_LONGEST_PIECE = 14
_SHORTEST_LOUD_WORD = 3
_VIETNAMESE = frozenset("abcdeghiklmnopqrstuvxyàáảãạăằắẳẵặâầấẩẫậđèéẻẽẹêềếểễệìíỉĩịòóỏõọôồốổỗộơờớởỡợùúủũụưừứửữựỳýỷỹỵfjwz")
SMALL = "".join(sorted(_VIETNAMESE))
CAPITAL = SMALL.upper()


@lru_cache(maxsize=4096)
def is_syllable(word: str) -> bool:
    """Whether a word in small letters can be a Vietnamese syllable; «mac» cannot: its tone is missing."""
    plain = unicodedata.normalize("NFC", unicodedata.normalize("NFD", word).translate(_TONES))
    match = _SYLLABLE.fullmatch(plain)
    return match is not None and (plain != word or (match["end"] or match["closed"]) not in _STOPS)


def is_marked(word: str) -> bool:
    """Whether it carries a sign that abbreviations do not: any but the bar of Đ and the horns of Ơ, Ư."""
    return any(mark in "\u0300\u0301\u0302\u0303\u0306\u0309\u0323" for mark in unicodedata.normalize("NFD", word))


@lru_cache(maxsize=4096)
def word(written: str) -> str:
    """A run of letters, as it is said."""
    low = sayable(written.lower())
    if len(low) == 1:
        return letters(low)
    if not low or is_syllable(low):
        return low
    if said := WORDS.get(low) or ABBREVIATIONS.get(low.upper()) or ABBREVIATIONS.get(written):
        return said
    return low if is_marked(low) else _foreign(low)


def shout(written: str, before: str, after: str) -> str:
    """A run of capitals: a word of a headline, or an abbreviation that nobody wrote down yet."""
    low = written.lower()
    in_a_headline = (is_marked(before) and before.isupper()) or (is_marked(after) and after.isupper())
    if is_marked(low) or (is_syllable(low) and (in_a_headline or len(low) >= _SHORTEST_LOUD_WORD)) or low in WORDS:
        return word(low)
    return letters(written)


def letters(written: str) -> str:
    """The names of the letters."""
    return " ".join(LETTERS.get(letter.upper()) or sayable(letter.lower()) for letter in written).strip()


def sayable(low: str) -> str:
    """Only letters that a Vietnamese voice knows: ñ becomes n, what has no likeness goes."""
    composed = unicodedata.normalize("NFC", low)
    bare = (letter if letter in _VIETNAMESE else unicodedata.normalize("NFD", letter)[0] for letter in composed)
    return "".join(letter for letter in bare if letter in _VIETNAMESE)


def piece_of_an_address(part: str) -> str:
    """«vanthu» or «ubndxa» of an e-mail address: the fewest syllables and known words that make it up."""
    best: list[tuple[str, ...] | None] = [()]
    for end in range(1, len(part) + 1):
        ways = [
            (*head, said)
            for start in range(end - 1, max(-1, end - 1 - _LONGEST_PIECE), -1)
            if (head := best[start]) is not None and (said := _known_piece(part[start:end]))
        ]
        best.append(min(ways, key=_strangeness, default=None))
    return " ".join(best[-1] or ()) or word(part)


def _strangeness(pieces: tuple[str, ...]) -> tuple[int, int]:
    """Of two ways to part «xatrungloc», the less likely is greater: «xat rung loc», «dan ang»."""
    return len(pieces), sum(piece[0] in "aeiouy" or piece.endswith(_STOPS) for piece in pieces)


@lru_cache(maxsize=4096)
def _known_piece(piece: str) -> str:
    known = WORDS.get(piece) or (len(piece) > 2 and ABBREVIATIONS.get(piece.upper())) or ""  # noqa: PLR2004 - «an» is no an ninh
    return known or (piece if len(piece) > 1 and _BARE_SYLLABLE.fullmatch(piece) else "")


class _Normaliser(Protocol):
    def normalize(self, text: str, enable_preprocessing: bool) -> str: ...  # noqa: FBT001 - theirs


@lru_cache(maxsize=1)
def _normaliser() -> _Normaliser:
    from vietnormalizer import (  # type: ignore[import-untyped] # noqa: PLC0415 - 0.1 s, and absent from the speaker
        VietnameseNormalizer,
    )

    normaliser: _Normaliser = VietnameseNormalizer()
    return normaliser


def _foreign(low: str) -> str:
    if not any(vowel in low for vowel in "aeiouy"):
        return letters(low)
    said = _normaliser().normalize(low, enable_preprocessing=False)
    return " ".join(sayable(part) for part in said.replace("-", " ").split()) or letters(low)

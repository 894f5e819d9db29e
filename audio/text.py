"""From written Vietnamese to the words that a voice should say.

Our rules come first and settle what offices write (dates, times, document numbers, abbreviations, telephone
numbers); what is left, mostly plain numbers and units, goes to vietnormalizer. Paragraphs stay apart: a voice
pauses between them.
"""

import re
import textwrap
import unicodedata
from collections.abc import Callable
from functools import lru_cache
from typing import Protocol

from audio.reading_rules import (
    ABBREVIATIONS,
    DIGITS,
    DOCUMENT_PARTS,
    EMERGENCY_NUMBERS,
    LETTERS,
    NOT_A_DAY_CUES,
    ROMAN_CUES,
    UNITS,
)

_PART_CHARS = 600
_ENDLESS_WORD = re.compile(r"\S{40}")
"""No word is so long; without these two bounds, a page of digits would keep the expressions busy for hours."""
_LAST_DAY, _LAST_MONTH = 31, 12
_Saying = str | Callable[[re.Match[str]], str]


def for_reading(text: str) -> str:
    """The words to read aloud, paragraph by paragraph; empty when there are none."""
    paragraphs = (_paragraph(line) for line in unicodedata.normalize("NFKC", text.replace("º", "°")).splitlines())
    return "\n\n".join(paragraph for paragraph in paragraphs if paragraph)


def _paragraph(line: str) -> str:
    spaced = _ENDLESS_WORD.sub(r"\g<0> ", line)
    said = " ".join(_said(part) for part in textwrap.wrap(spaced, _PART_CHARS, break_on_hyphens=False)).strip(" ,;")
    if not any(character.isalnum() for character in said):
        return ""
    return said if said.endswith((".", "!", "?", ":")) else f"{said}."


def _said(part: str) -> str:
    for pattern, saying in _RULES:
        part = pattern.sub(saying, part)
    part = _normaliser().normalize(_calm(part))
    for pattern, saying in _AFTERWARDS:
        part = pattern.sub(saying, part)
    return part


class _Normaliser(Protocol):
    def normalize(self, text: str) -> str: ...


@lru_cache(maxsize=1)
def _normaliser() -> _Normaliser:
    from vietnormalizer import (  # type: ignore[import-untyped] # noqa: PLC0415 - 0.1 s, and absent from the speaker
        VietnameseNormalizer,
    )

    normaliser: _Normaliser = VietnameseNormalizer()
    return normaliser


def _calm(line: str) -> str:
    """Lower the headlines: in «THÔNG BÁO CHO BÀ CON», CHO is a word, not three letters."""
    words = line.split(" ")
    shouted = [word.strip(".,:;!?()").isupper() for word in words]
    return " ".join(
        word.lower() if loud and (any(shouted[max(0, i - 1) : i]) or any(shouted[i + 1 : i + 2])) else word
        for i, (word, loud) in enumerate(zip(words, shouted, strict=True))
    )


def _abbreviation(match: re.Match[str]) -> str:
    return f" {ABBREVIATIONS[match[0]]} "


def _document_number(match: re.Match[str]) -> str:
    numbers = " trên ".join(match["numbers"].strip("/").split("/"))
    return f"{numbers} {_document_words(match['code'])}"


def _document_kind(match: re.Match[str]) -> str:
    return f"{DOCUMENT_PARTS[match[1]]} "


def _document_words(code: str) -> str:
    return " ".join(_document_part(part) for part in re.split(r"[-/&]", code) if part)


def _document_part(part: str) -> str:
    stem = part.rstrip("0123456789")
    number = part[len(stem) :]
    words = DOCUMENT_PARTS.get(stem) or " ".join(LETTERS.get(letter.upper(), letter) for letter in stem)
    return f"{words} {number}".strip()


def _date(match: re.Match[str]) -> str:
    day, month, year = (int(number) for number in match.group("day", "month", "year"))
    if day > _LAST_DAY or month > _LAST_MONTH:
        return match[0]
    return f"ngày {day} tháng {month} năm {year}"


def _day_and_month(match: re.Match[str]) -> str:
    day, month = int(match["day"]), int(match["month"])
    if match["cue"] or not 1 <= day <= _LAST_DAY or not 1 <= month <= _LAST_MONTH:
        return f"{match['cue'] or ''}{match['day']} trên {match['month']}"
    return f"ngày {day} tháng {month}"


def _day_range(match: re.Match[str]) -> str:
    year = f" năm {match['year']}" if match["year"] else ""
    return f"ngày {int(match['first'])} đến ngày {int(match['last'])} tháng {int(match['month'])}{year}"


def _time(match: re.Match[str]) -> str:
    minutes = int(match["minutes"] or 0)
    return f"{int(match['hours'])} giờ {minutes} phút" if minutes else f"{int(match['hours'])} giờ"


def _per(match: re.Match[str]) -> str:
    return f" một {UNITS[match['unit']]}"


def _spelled_digits(match: re.Match[str] | str) -> str:
    groups = re.findall(r"\d+", match if isinstance(match, str) else match[0])
    return " " + ", ".join(" ".join(DIGITS[int(digit)] for digit in group) for group in groups) + " "


def _decimal(match: re.Match[str]) -> str:
    part = _spelled_digits(match["part"]) if match["part"].startswith("0") else match["part"]
    return f"{match['whole']} phẩy {part} "


def _roman(match: re.Match[str]) -> str:
    worth = {"I": 1, "V": 5, "X": 10}
    values = [worth[letter] for letter in match["numeral"]]
    following = [*values[1:], 0]
    total = sum(-value if value < after else value for value, after in zip(values, following, strict=True))
    return f"{match['cue']} {total}"


def _rule(pattern: str, saying: _Saying, flags: int = 0) -> tuple[re.Pattern[str], _Saying]:
    return re.compile(pattern, flags), saying


def _any_of(words: dict[str, str] | tuple[str, ...]) -> str:
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_HOUR = r"(?<![\d.,/])(?P<hours>[01]?\d|2[0-4])"
_UNIT = rf"(?P<unit>(?:{_any_of(UNITS)})(?![\w²³]))"

_RULES: tuple[tuple[re.Pattern[str], _Saying], ...] = (
    _rule(r"[\u200b-\u200f\ufeff\x00-\x08\x0b-\x1f]", ""),
    _rule(r"(?<!\S)[-–−](?=\d+(?:,\d+)?\s?(?:°|độ))", "âm "),
    _rule(r"^\s*(?:[-–—*•●▪]+|\+(?!\d))\s*", ""),
    _rule(r"[«»“”\"‘’]", " "),
    _rule(r"\s*[()\[\]]+\s*", ", "),
    _rule(r"…|\.{3,}", "."),
    _rule(r"(?<=\w)@(?=\w)", " a còng "),
    _rule(r"(?<=[a-z])\.(?=(?:gov|com|vn|edu|org|net)\b)", " chấm "),
    _rule(
        r"(?P<numbers>(?<![\d/])\d+/(?:\d{4}/)?)(?P<code>[A-ZĐ][A-Za-zĐđ]*\d*(?:[-/&][A-ZĐ][A-Za-zĐđ]*\d*)*)",
        _document_number,
    ),
    _rule(rf"\b({_any_of(DOCUMENT_PARTS)})\s+(?:số\s+)?(?=\d)", _document_kind),
    _rule(rf"(?<![\w&])(?:{_any_of(ABBREVIATIONS)})(?![\wÀ-ỹ])", _abbreviation),
    _rule(r"\bP\.\s*(?=\d|[A-ZĐÀ-Ỹ])", "phường "),
    _rule(r"\bQ\.\s*(?=\d|[A-ZĐÀ-Ỹ])", "quận "),
    _rule(r"\+84[ .-]?(?=\d)", "0"),
    _rule(r"(?<![\d.,])0\d[\d .-]{6,11}\d(?![\d.,]\d|\d)", _spelled_digits),
    _rule(r"\d{13,}", _spelled_digits),
    _rule(r"(?<!\d)1[89]00[ .]?\d{2}[ .]?\d{2,4}(?!\d)", _spelled_digits),
    _rule(rf"(?:(?<=gọi )|(?<=ngay ))(?:{_any_of(EMERGENCY_NUMBERS)})\b", _spelled_digits),
    _rule(rf"{_HOUR}\s?(?:[hHg]|giờ\s?)(?P<minutes>[0-5]\d)(?:\s?(?:phút|p|ph))?(?![\d\w])", _time),
    _rule(rf"{_HOUR}:(?P<minutes>[0-5]\d)(?![\d:])", _time),
    _rule(rf"{_HOUR}\s?[hH](?P<minutes>)(?!\w)", _time),
    _rule(
        r"(?:\b[Nn]gày\s+)?(?<![\d/])(?P<first>\d{1,2})\s*[-–—]\s*(?P<last>\d{1,2})/(?P<month>\d{1,2})(?:/(?P<year>\d{4}))?(?![\d/])",
        _day_range,
    ),
    _rule(
        r"(?:\b[Nn]gày\s+)?(?<![\d/])(?P<day>\d{1,2})(?P<by>[/.-])(?P<month>\d{1,2})(?P=by)(?P<year>\d{4})(?!\d)", _date
    ),
    _rule(r"\b([Tt]háng|[Qq]uý)\s+(\d{1,2}|[IV]{1,3})\s?[/-]\s?(\d{4})", r"\1 \2 năm \3"),
    _rule(
        rf"(?P<cue>\b(?:{NOT_A_DAY_CUES})\s+)?(?:\b[Nn]gày\s+)?(?<![\d/.,])(?P<day>\d{{1,3}})/(?P<month>\d{{1,3}})(?![\d/.,]\d|\d|/)",
        _day_and_month,
        re.IGNORECASE,
    ),
    _rule(rf"\b(?P<cue>{ROMAN_CUES})\s+(?P<numeral>[IVX]+)\b", _roman, 0),
    _rule(r"(?<=\d)\.(?=\d{3}(?!\d))", ""),
    _rule(r"(?<=\d)(?:,(?=\d+,\d)|(?<=,\d),)(?=\d)", ", "),
    _rule(r"(?<![\d,])(?P<whole>\d+),(?P<part>\d+)(?!,?\d)", _decimal),
    _rule(r"(?<=\d)\s?(?:đ|₫|vnđ|vnd|VNĐ|VND)(?![\wÀ-ỹ])", " đồng"),
    _rule(rf"(?<=[a-zà-ỹ%])\s?/\s?{_UNIT}", _per),
    _rule(r"(?<=\d)\s?(?:°|độ )\s?C\b", " độ xê"),
    _rule(r"\b(\d+)\s?[-–—]\s?(\d+)\s?%", r"\1 đến \2%"),
    _rule(r"(?<=[\dờt])\s?[-–—]\s?(?=\d|ngày \d)", " đến "),
    _rule(r"\s?%", " phần trăm"),
    _rule(r"(?<=\d)/(?=\d)", " trên "),
    _rule(r"(?<!\d)(?<=\w)/(?!h\b|s\b)(?=\w)", " "),
    _rule(r"\s[-–—]\s", ", "),
    _rule(r"\s+", " "),
)

_AFTERWARDS: tuple[tuple[re.Pattern[str], _Saying], ...] = (
    _rule(r"\d+", _spelled_digits),
    _rule(r"\btháng bốn\b", "tháng tư"),
    _rule(r"\b(ngày )+ngày\b", "ngày"),
    _rule(r"\s+([,.;:!?])", r"\1"),
    _rule(r"([,;])(?:\s*[,;])+", r"\1"),
    _rule(r"[,;]+\s*([.!?])", r"\1"),
    _rule(r"\s+", " "),
)

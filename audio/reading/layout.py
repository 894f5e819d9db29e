"""From a page to paragraphs: what a PDF broke is joined, what the writer set apart stays apart."""

import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise

_OPEN_LINE_CHARS = 40
"""A line this long that the next one continues in small letters was broken by its width, not by its writer."""
_PAGE_CHARS = range(50, 121)
"""The width of a printed page; typed paragraphs are longer, lists and headings shorter."""
_NEARLY_FULL = 0.8
_SIGNS_OF_BREAKING = 2
_STOPS = (".", "!", "?", ":", ";")

ITEM = re.compile(
    r"""(?:(?P<bullet>[-–—*•●▪■◦○·✓➢⇒]{1,3}|\+)(?=\s|[^\W\d_])|(?P<dash>[-–](?=\d)(?!\d{1,3}(?:,\d{1,2})?\s?(?:°|độ)))
        |\(?(?P<number>\d{1,2}(?:\.\d{1,2}){0,3}|[IVX]{1,5}|[a-zđ])[.)/](?=\s|[^\W\d_]{2})
        |(?P<numbered>\d{1,2}(?:\.\d{1,2}){1,3})(?=\s+[^\W\d_]))\s*""",
    re.VERBOSE,
)
"""What begins an item of a list: - + • 1. 1.1. 2) 3/ I. a) (b)."""

_PAGE_NUMBER = re.compile(r"[-–—]\s?\d{1,3}\s?[-–—]|(?:trang|page)\s?\d{1,3}(?:\s?/\s?\d{1,3})?", re.IGNORECASE)
_NUMBER_ALONE = re.compile(r"\d{1,3}")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1f\x7f-\x84\x86-\x9f]")
_INVISIBLE = re.compile(
    r"[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\ufeff\x00-\x08\x0b\x0e-\x1f\x7f-\x84\x86-\x9f]"
)
_DEGREES = dict.fromkeys(map(ord, "º˚⁰"), "°")
"""Signs that people type for a degree, and that would become an o, a space or a nought: 25˚C."""
_COLUMNS = re.compile(r"(?<=[^\s,.;:])(?:\t+|\u0020{4,})(?=\S)")
_BLANK = re.compile(r"[^\S\n]+")


def clean(text: str) -> str:
    """Composed letters, plain digits, nothing invisible, a pause where columns stand side by side."""
    text = unicodedata.normalize("NFKC", _INVISIBLE.sub("", _COLUMNS.sub(", ", text).translate(_DEGREES)))
    return "".join(
        str(unicodedata.decimal(character)) if character.isdecimal() and not character.isascii() else character
        for character in text
    )


def as_written(text: str) -> str:
    """Composed letters and no control character; the digits and joints of other scripts stay."""
    return unicodedata.normalize("NFC", _CONTROL.sub("", text))


def paragraphs(text: str) -> list[str]:
    """The paragraphs, headings and list items of a page, each on one line, in order."""
    return _joined([_BLANK.sub(" ", line).strip() for line in text.splitlines() if line.strip()])


def without_page_numbers(text: str) -> str:
    """Drop the lines that only number a page: a lone «2» only from a page that a machine broke."""
    lines = [line.strip() for line in text.splitlines()]
    printed = _page_width(filter(None, lines)) > 0
    return "\n".join(
        line for line in lines if not (_PAGE_NUMBER.fullmatch(line) or (printed and _NUMBER_ALONE.fullmatch(line)))
    )


def _joined(lines: list[str]) -> list[str]:
    width = _page_width(lines)
    blocks: list[str] = []
    last = ""
    parts: list[str] = []
    for line in lines:
        if parts and not _continues(last, line, width):
            blocks.append(" ".join(parts))
            parts = []
        parts.append(line)
        last = line
    return [*blocks, " ".join(parts)] if parts else blocks


def _continues(line: str, following: str, width: int) -> bool:
    """Whether `following` goes on where `line` was broken."""
    if line.endswith(_STOPS) or ITEM.match(following):
        return False
    if following[0].islower():
        return len(line) >= _OPEN_LINE_CHARS or line.endswith(",")
    first_word = following[:40].split(" ", 1)[0]
    return bool(width) and len(line) + 1 + len(first_word) > _NEARLY_FULL * width and not line.isupper()


def _page_width(lines: Iterable[str]) -> int:
    """How many characters a line of this page takes; 0 when its lines were not broken by a width."""
    lines = list(lines)
    signs = sum(following[0].islower() and _continues(line, following, 0) for line, following in pairwise(lines))
    widest = max((len(line) for line in lines), default=0)
    return widest if signs >= _SIGNS_OF_BREAKING and widest in _PAGE_CHARS else 0

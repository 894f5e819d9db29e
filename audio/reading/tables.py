"""The tables beside this file: what anyone may extend without touching code."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from pathlib import Path


def _table(name: str) -> dict[str, str]:
    lines = Path(__file__).with_name(f"{name}.tsv").read_text(encoding="utf-8").splitlines()
    rows = (unicodedata.normalize("NFC", line).split("\t") for line in lines if line and not line.startswith("#"))
    return {written: said.lower() for written, said in rows}


ABBREVIATIONS: Mapping[str, str] = _table("abbreviations")
DOCUMENTS: Mapping[str, str] = _table("documents")
UNITS: Mapping[str, str] = _table("units")
SYMBOLS: Mapping[str, str] = _table("symbols")
WORDS: Mapping[str, str] = _table("words")
_CUES = _table("cues")

LETTERS = {
    "A": "a", "Ă": "á", "Â": "ớ", "B": "bê", "C": "xê", "D": "dê", "Đ": "đê", "E": "e", "Ê": "ê", "F": "ép",
    "G": "giê", "H": "hát", "I": "i", "J": "gi", "K": "ca", "L": "lờ", "M": "mờ", "N": "nờ", "O": "o", "Ô": "ô",
    "Ơ": "ơ", "P": "pê", "Q": "quy", "R": "rờ", "S": "ét", "T": "tê", "U": "u", "Ư": "ư", "V": "vê", "W": "vê kép",
    "X": "ích", "Y": "y", "Z": "dét",
}  # fmt: skip
"""How a letter is named."""


def any_of(words: Iterable[str]) -> str:
    """An expression for any of the words, the longest first."""
    return "|".join(re.escape(word).replace(r"\ ", " ") for word in sorted(words, key=len, reverse=True))


def cue(kind: str) -> str:
    """An expression for any cue of a kind, in small letters or capitals."""
    return f"(?i:{any_of(_CUES[kind].split('|'))})"

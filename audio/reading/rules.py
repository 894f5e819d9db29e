"""All rules, in the order in which they are tried wherever the reader stands."""

from audio.reading import codes, dates, figures, numbers, prose
from audio.reading.forms import Match, Rule
from audio.reading.words import letters

RULES: tuple[Rule, ...] = (
    *prose.FIXED,
    *codes.ADDRESSES,
    *dates.TIMES,
    *codes.DOCUMENT_NUMBERS,  # before dates: QĐ 29/2021 is no month
    *codes.PLATES_AND_PLACES,
    *figures.PARTS,
    *dates.DATES,
    *figures.TELEPHONES,
    *figures.NUMBERS,
    *figures.BESIDE_NUMBERS,
    *prose.WORDS,
    *prose.SIGNS,
)
"""Where none fits, the character is silent."""


def item(match: Match) -> str:
    """What is said for the mark that begins an item of a list."""
    mark = match["number"] or match["numbered"]
    if not mark:
        return ""
    worth = numbers.roman(mark)
    if worth:
        return numbers.cardinal(worth)
    return letters(mark) if mark.isalpha() else numbers.pointed(mark)

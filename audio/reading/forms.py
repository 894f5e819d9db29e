"""What rules are made of: a rule is an expression and what is said for its match.

None leaves the place to the next rule. No expression may look further than a few dozen characters, so that reading
takes a time proportional to the text.
"""

import re
from collections.abc import Callable

from audio.reading import numbers
from audio.reading.tables import ABBREVIATIONS
from audio.reading.words import word

Match = re.Match[str]
Saying = Callable[[Match], str | None]
Rule = tuple[re.Pattern[str], Saying]

HERE = r"(?<![\d.,/])"
"""Where a number begins."""

YEAR = r"(?:19|20)\d\d"
AND = r"\s?(?:,|;|-|–|—|và|hoặc|đến|tới)\s?"
_SPOKEN_AND = {",": ", ", ";": ", ", "-": " đến ", "–": " đến ", "—": " đến ", "tới": " đến "}


def rule(pattern: str, saying: Saying | str) -> Rule:
    """A rule that says the same words for every match, or what `saying` makes of it."""
    return re.compile(pattern), (lambda _match: saying) if isinstance(saying, str) else saying


def count(written: str) -> str:
    """Digits as a whole number."""
    return numbers.cardinal(int(written))


def before(match: Match) -> str:
    """The few words that stand before a match."""
    return match.string[max(0, match.start() - 40) : match.start()]


def connected(written: str, say: Callable[[str], str]) -> str:
    """A list such as «2, 3 và 4» or «II-IV», each member said by `say`."""
    parts = re.split(rf"({AND})", written)
    return "".join(
        _SPOKEN_AND.get(part.strip(), f" {part.strip()} ") if i % 2 else say(part) for i, part in enumerate(parts)
    )


def in_words(cue: str) -> str:
    """The words of a cue, abbreviations read out."""
    return " ".join(ABBREVIATIONS.get(part) or word(part) for part in re.findall(r"[^\W\d_]+", cue))


def of_year(written: str | None) -> str:
    """« năm 2026», also of a year in two digits; nothing when there is none."""
    if not written:
        return ""
    year = int(written)
    if len(written) == 2:  # noqa: PLR2004 - 26 is 2026, 75 is 1975
        year += 2000 if year < 50 else 1900  # noqa: PLR2004
    return f" năm {numbers.cardinal(year)}"

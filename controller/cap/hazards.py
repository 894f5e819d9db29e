"""Of what a message warns, read from its event and the codes of it. Pure.

Vietnamese is read with its marks: without them a storm (bão) is a report (báo). A word that only says why, what is
over or what is prepared for («mưa lớn do bão», “no tsunami”) names no danger: better the attention call than a siren
that means something else.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import Final

from controller.alerts.standing import Danger, Grade, Hazard
from controller.cap.message import Info

_ASIDE: Final = re.compile(
    r"\b(?:do|vì|sau|hết|chống|hoàn lưu|không (?:có|còn|cần)|no|after|due to|caused by)\b[^,.;:]*"
)
_WORDS: Final = tuple(
    (hazard, re.compile(rf"\b({'|'.join(words)})\b"))
    for hazard, *words in (
        (Hazard.TSUNAMI, "sóng thần", "tsunami"),
        (Hazard.DAM, "xả lũ", "vỡ (đập|hồ)", "dam ?(failure|break|burst|release|discharge|overflow)"),
        (Hazard.FLOOD, "lũ", "lụt", "flood(s|ing)?"),
        (
            Hazard.STORM,
            *(r"bão(?! (cát|tuyết|từ)\b)", "typhoon", "hurricane", "cyclone", "(tropical|emergency) storm"),
            "^storm( warning)?$",
        ),
        (
            Hazard.FIRE,
            *("(?<!nguy cơ )(?<!dự báo )cháy", "hỏa hoạn", "hoả hoạn"),
            r"(wild|bush|forest ?)?fires?(?! (weather|danger|ban)\b)",
        ),
        (Hazard.EVACUATION, "sơ tán", "evacuat(e|ion)"),
    )
)
"""The first that is named counts, as when a storm brings a flood."""
_SAME: Final[Mapping[str, Hazard]] = MappingProxyType(
    {
        "tsw": Hazard.TSUNAMI,
        "ffw": Hazard.FLOOD,
        "flw": Hazard.FLOOD,
        "cfw": Hazard.FLOOD,
        "huw": Hazard.STORM,
        "trw": Hazard.STORM,
        "frw": Hazard.FIRE,
        "evi": Hazard.EVACUATION,
    }
)
"""Warnings by their codes of SAME, which some name beside the event."""

_RISK: Final = re.compile(r"rủi ro thiên tai[^.;,]*")
"""Levels of risk are another scale."""
_NUMBER: Final = r"(?P<level>iii|ii|i|[123])\b"
_LEVELS: Final[Mapping[Hazard, re.Pattern[str]]] = MappingProxyType(
    {
        Hazard.FLOOD: re.compile(
            r"(?<!dưới )(?<!dưới mức )(?<!below )(?<!under )"
            rf"(?:\b(?:báo động|bđ|alarm)(?: lũ)?(?: cấp| số| level)? ?|\b(?:lũ|flood) (?:cấp|mức|level) ){_NUMBER}"
        ),
        Hazard.TSUNAMI: re.compile(rf"\b(?:cấp|mức|level)(?: độ)? {_NUMBER}"),
    }
)
_GRADES: Final[Mapping[str, Grade]] = MappingProxyType(
    dict(zip(("i", "ii", "iii", "1", "2", "3"), 2 * (Grade.LEVEL_1, Grade.LEVEL_2, Grade.LEVEL_3), strict=True))
)
_EMERGENCY_STORM: Final = re.compile(r"\bbão(?: số \d+)? khẩn cấp\b|\bemergency storm\b")


def danger_in(infos: Iterable[Info]) -> Danger | None:
    """Return of what these tellings of one thing warn; None: of nothing that has a sound of its own.

    The event and its codes name the hazard; the headline, which may speak of others, only how bad it is.
    """
    tellings = tuple(infos)
    events = [_plain(text) for info in tellings for text in (info.event, *(code.value for code in info.event_codes))]
    warned = [_ASIDE.sub("", text).strip() for text in events]
    coded = {
        _SAME.get(_plain(code.value)) for info in tellings for code in info.event_codes if code.name.upper() == "SAME"
    }
    hazard = next((each for each, words in _WORDS if each in coded or _any(words, warned)), None)
    if hazard is None:
        return None
    headlines = [_plain(info.headline) for info in tellings if info.headline]
    return Danger(hazard, _grade(hazard, [_RISK.sub("", text) for text in (*events, *headlines)]))


def _grade(hazard: Hazard, texts: Sequence[str]) -> Grade | None:
    """The highest that is named."""
    if hazard is Hazard.STORM:
        return Grade.EMERGENCY if _any(_EMERGENCY_STORM, texts) else None
    if (levels := _LEVELS.get(hazard)) is None:
        return None
    return max((_GRADES[found["level"]] for text in texts for found in levels.finditer(text)), default=None)


def _any(pattern: re.Pattern[str], texts: Iterable[str]) -> bool:
    return any(map(pattern.search, texts))


def _plain(text: str) -> str:
    return " ".join(unicodedata.normalize("NFC", text).casefold().replace("_", " ").split())

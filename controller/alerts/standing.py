"""Repeat plans, and the standing messages as they come with the system. An area may word its own."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final

from audio.signals import Signal
from controller.text import Text
from protocol.messages import RepeatPlan

HOUR_S: Final = 3600


class Repeats(StrEnum):
    """How often an alert sounds."""

    ONCE = "once"
    TWICE = "twice"
    EVERY_10_MIN = "every_10_min"
    EVERY_30_MIN = "every_30_min"
    TSUNAMI = "tsunami"
    TSUNAMI_3 = "tsunami_3"

    def plan(self) -> RepeatPlan:
        """Return it in numbers."""
        return REPEATS[self][1]

    def words(self) -> Text:
        """Return what people read."""
        return REPEATS[self][0]


REPEATS: Final = {
    Repeats.ONCE: (Text("Once"), RepeatPlan()),
    Repeats.TWICE: (Text("Twice, 5 minutes apart"), RepeatPlan(first_gaps_s=(300,))),
    Repeats.EVERY_10_MIN: (Text("Every 10 minutes"), RepeatPlan(then_every_s=600)),
    Repeats.EVERY_30_MIN: (Text("Every 30 minutes"), RepeatPlan(then_every_s=1800)),
    Repeats.TSUNAMI: (
        Text("Tsunami: at once, twice more 5 minutes apart, then every 30 minutes"),
        RepeatPlan(first_gaps_s=(300, 300), then_every_s=1800),
    ),
    Repeats.TSUNAMI_3: (
        Text("Tsunami level 3: at once, twice more 5 minutes apart, then every 20 minutes"),
        RepeatPlan(first_gaps_s=(300, 300), then_every_s=1200),
    ),
}
"""As the rules for tsunami bulletins have it, and what other dangers ask for."""


class Hazard(StrEnum):
    """What a standing message is for."""

    STORM = "storm"
    FLOOD = "flood"
    DAM = "dam"
    TSUNAMI = "tsunami"
    EVACUATION = "evacuation"
    FIRE = "fire"
    ALL_CLEAR = "all_clear"
    """What is said when an alert is called off."""
    EXERCISE = "exercise"


NO_DANGER: Final = frozenset({Hazard.ALL_CLEAR, Hazard.EXERCISE})
"""What is said beforehand, too, and warns of nothing."""


@dataclass(frozen=True, slots=True)
class Standing:
    """A message for a danger that is known before it comes."""

    code: Hazard
    headline: str
    text: str
    signal: Signal
    repeats: Repeats
    lifetime_s: int


STANDING: Final = (
    Standing(
        Hazard.STORM,
        "Báo bão",
        "Bão đang đến gần. Bà con khẩn trương chằng chống nhà cửa, tìm nơi trú ẩn an toàn, không ra ngoài khi gió mạnh."
        " Theo dõi hướng dẫn của chính quyền địa phương.",
        Signal.STORM,
        Repeats.EVERY_30_MIN,
        12 * HOUR_S,
    ),
    Standing(
        Hazard.FLOOD,
        "Báo động lũ cấp III",
        "Mực nước đã vượt báo động III. Bà con vùng trũng thấp, ven sông di chuyển người và tài sản lên nơi cao ngay."
        " Không đi qua đường ngập, ngầm tràn.",
        Signal.FLOOD_3,
        Repeats.EVERY_30_MIN,
        12 * HOUR_S,
    ),
    Standing(
        Hazard.DAM,
        "Hồ chứa xả lũ",
        "Hồ chứa đang xả lũ. Bà con ven sông và vùng hạ du rời khỏi bờ sông ngay, không vớt củi, không đánh bắt cá."
        " Di chuyển lên nơi cao theo hướng dẫn.",
        Signal.FLOOD_2,
        Repeats.EVERY_10_MIN,
        6 * HOUR_S,
    ),
    Standing(
        Hazard.TSUNAMI,
        "Cảnh báo sóng thần",
        "Cảnh báo sóng thần. Bà con ven biển rời bãi biển và di chuyển ngay lên nơi cao, xa bờ."
        " Không quay lại cho đến khi có tin hủy cảnh báo.",
        Signal.FLOOD_3,
        Repeats.TSUNAMI,
        12 * HOUR_S,
    ),
    Standing(
        Hazard.EVACUATION,
        "Lệnh sơ tán",
        "Chính quyền yêu cầu bà con sơ tán ngay đến điểm tập kết đã được thông báo. Mang theo giấy tờ, thuốc men,"
        " nước uống. Giúp đỡ người già, trẻ em và người khuyết tật.",
        Signal.ATTENTION,
        Repeats.EVERY_10_MIN,
        6 * HOUR_S,
    ),
    Standing(
        Hazard.FIRE,
        "Cháy lớn",
        "Có cháy lớn trong khu vực. Bà con bình tĩnh rời khỏi khu vực cháy, nhường đường cho xe chữa cháy."
        " Gọi 114 khi thấy người mắc kẹt.",
        Signal.ATTENTION,
        Repeats.EVERY_10_MIN,
        2 * HOUR_S,
    ),
    Standing(
        Hazard.ALL_CLEAR,
        "Báo yên",
        "Nguy hiểm đã qua, báo động đã được hủy. Bà con trở lại sinh hoạt bình thường.",
        Signal.ALL_CLEAR,
        Repeats.ONCE,
        HOUR_S,
    ),
    Standing(
        Hazard.EXERCISE,
        "Diễn tập",
        "Đây là diễn tập. Bà con không lo lắng, không cần sơ tán. Nhắc lại, đây chỉ là diễn tập.",
        Signal.EXERCISE,
        Repeats.ONCE,
        HOUR_S,
    ),
)


class Grade(StrEnum):
    """How bad a hazard is, by the word of whoever warns of it."""

    LEVEL_1 = "1"
    """Of a river's alarm levels, or of a tsunami's."""
    LEVEL_2 = "2"
    LEVEL_3 = "3"
    EMERGENCY = "emergency"
    """«Bão khẩn cấp», of storms."""


@dataclass(frozen=True, slots=True)
class Danger:
    """A hazard, and how bad it is where somebody says so."""

    hazard: Hazard
    grade: Grade | None = None


@dataclass(frozen=True, slots=True)
class Heard:
    """How an alert is heard, besides its words."""

    signal: Signal
    repeats: Repeats


PLAIN: Final = Heard(Signal.ATTENTION, Repeats.ONCE)
_AGAIN: Final = frozenset({Hazard.TSUNAMI})
"""What the rules have repeated until it is called off. Of other dangers senders speak again themselves."""
_STANDING: Final[Mapping[Hazard, Heard]] = MappingProxyType(
    {each.code: Heard(each.signal, each.repeats if each.code in _AGAIN else Repeats.ONCE) for each in STANDING}
)
_GRADED: Final[Mapping[Danger, Heard]] = MappingProxyType(
    {
        Danger(Hazard.STORM, Grade.EMERGENCY): Heard(Signal.FLOOD_3, _STANDING[Hazard.STORM].repeats),
        # no siren means less than alarm level II
        Danger(Hazard.FLOOD, Grade.LEVEL_1): Heard(Signal.ATTENTION, _STANDING[Hazard.FLOOD].repeats),
        Danger(Hazard.FLOOD, Grade.LEVEL_2): Heard(Signal.FLOOD_2, _STANDING[Hazard.FLOOD].repeats),
        Danger(Hazard.TSUNAMI, Grade.LEVEL_3): Heard(_STANDING[Hazard.TSUNAMI].signal, Repeats.TSUNAMI_3),
    }
)


def heard(danger: Danger | None) -> Heard:
    """Return how a danger is heard that somebody else warns of.

    With the siren of its standing message, unless its grade asks for more or less; and once, but for a tsunami: a
    sender lets a warning live for days, and nobody here has chosen that its siren comes again every night.
    """
    if danger is None:
        return PLAIN
    return _GRADED.get(danger, _STANDING[danger.hazard])

"""Repeat plans, and the standing messages as they come with the system. An area may word its own."""

from dataclasses import dataclass
from enum import StrEnum
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
    Repeats.ONCE: (Text("Một lần", "Once"), RepeatPlan()),
    Repeats.TWICE: (Text("Hai lần, cách nhau 5 phút", "Twice, 5 minutes apart"), RepeatPlan(first_gaps_s=(300,))),
    Repeats.EVERY_10_MIN: (Text("Mỗi 10 phút", "Every 10 minutes"), RepeatPlan(then_every_s=600)),
    Repeats.EVERY_30_MIN: (Text("Mỗi 30 phút", "Every 30 minutes"), RepeatPlan(then_every_s=1800)),
    Repeats.TSUNAMI: (
        Text(
            "Sóng thần: ngay, hai lần nữa cách 5 phút, rồi mỗi 30 phút",
            "Tsunami: at once, twice more 5 minutes apart, then every 30 minutes",
        ),
        RepeatPlan(first_gaps_s=(300, 300), then_every_s=1800),
    ),
    Repeats.TSUNAMI_3: (
        Text(
            "Sóng thần cấp 3: ngay, hai lần nữa cách 5 phút, rồi mỗi 20 phút",
            "Tsunami level 3: at once, twice more 5 minutes apart, then every 20 minutes",
        ),
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

"""Which signals there are, and what each means: to residents, to officers, and by whose word."""

from dataclasses import dataclass
from enum import StrEnum


class Signal(StrEnum):
    """A sound with a meaning. Speakers make it themselves: an alert on the wire names it by its value."""

    OPENING = "opening"
    CLOSING = "closing"
    ATTENTION = "attention"
    TEST_RISING = "test-rising"
    TEST_FALLING = "test-falling"
    EXERCISE = "exercise"
    TEST_TONE = "test-tone"
    STORM = "storm"
    FLOOD_2 = "flood-2"
    FLOOD_3 = "flood-3"
    ALL_CLEAR = "all-clear"


class Use(StrEnum):
    """When a signal may sound."""

    ROUTINE = "routine"
    """In any programme."""
    TEST = "test"
    """When equipment is tried and when people rehearse: never together with an alarm."""
    ALARM = "alarm"
    """With an emergency only: no programme can hold it."""


@dataclass(frozen=True, slots=True)
class About:
    """What people are told of a signal, in Vietnamese and English."""

    use: Use
    name_vi: str
    name_en: str
    meaning_vi: str
    meaning_en: str
    source_vi: str
    source_en: str
    """Where the meaning comes from; ours where no rule names one."""


_OURS = ("Loa", "Loa")
_EN_50849 = ("EN 50849", "EN 50849")
_HUE = ("Huế, 2025: tín hiệu còi báo thiên tai", "Huế, 2025: siren codes for disasters")
_J_ALERT = (
    "theo các lần thử J-ALERT toàn quốc của Nhật Bản",
    "after the nationwide tests of J-ALERT in Japan",
)
_DE_AT = (
    "Loa, theo tiếng còi đều một phút của Đức và Áo; quy định của Huế không nêu",
    "Loa, after the steady minute of Germany and Austria; the Huế rule names none",
)

EXERCISE_WORDS = "Đây là diễn tập."
"""“This is an exercise”: said after the exercise chime, and begins the words of an alert that is one."""
TEST_WORDS = "Đây là buổi thử loa."
"""“This is a test of the loudspeakers”: begins the words of a test that is heard."""
EXERCISE_SAID = {"vi": EXERCISE_WORDS, "en": "This is an exercise."}
TEST_SAID = {"vi": TEST_WORDS, "en": "This is a test of the loudspeakers."}
"""Both in each language that we have them in."""

ABOUT: dict[Signal, About] = {
    Signal.OPENING: About(
        Use.ROUTINE,
        "Nhạc hiệu mở đầu",
        "Opening chime",
        "Ba nốt đi lên: chương trình bắt đầu.",
        "Three notes rising: a programme begins.",
        *_OURS,
    ),
    Signal.CLOSING: About(
        Use.ROUTINE,
        "Nhạc hiệu kết thúc",
        "Closing chime",
        "Ba nốt đi xuống: chương trình kết thúc.",
        "Three notes falling: the programme is over.",
        *_OURS,
    ),
    Signal.ATTENTION: About(
        Use.ROUTINE,
        "Tín hiệu chú ý",
        "Attention call",
        "Hai nốt luân phiên: hãy lắng nghe, sắp có thông báo quan trọng.",
        "Two notes in turn: listen, something important follows.",
        *_EN_50849,
    ),
    Signal.TEST_RISING: About(
        Use.TEST,
        "Chuông thử, đi lên",
        "Test chime, rising",
        "Bốn nốt cao đi lên: bắt đầu thử loa, không có nguy hiểm.",
        "Four high notes rising: a test begins, there is no danger.",
        *_J_ALERT,
    ),
    Signal.TEST_FALLING: About(
        Use.TEST,
        "Chuông thử, đi xuống",
        "Test chime, falling",
        "Bốn nốt cao đi xuống: thử loa đã xong.",
        "Four high notes falling: the test is over.",
        *_J_ALERT,
    ),
    Signal.EXERCISE: About(
        Use.TEST,
        "Chuông diễn tập",
        "Exercise chime",
        "Bốn nốt cao lên rồi xuống, hai lần: diễn tập, không có nguy hiểm. Sau đó luôn có câu «Đây là diễn tập.»",
        "Four high notes up and down, twice: an exercise, no danger. «Đây là diễn tập.» is always said right after it.",
        *_OURS,
    ),
    Signal.TEST_TONE: About(
        Use.TEST,
        "Âm thử của kỹ thuật viên",
        "Technician's test tone",
        "Tiếng bíp 1 kHz mỗi giây: kỹ thuật viên đang kiểm tra loa.",
        "A 1 kHz beep every second: a technician is checking the speaker.",
        *_OURS,
    ),
    Signal.STORM: About(
        Use.ALARM,
        "Còi báo bão",
        "Storm siren",
        "3 hồi còi, mỗi hồi 20 giây, cách nhau 10 giây: bão.",
        "3 calls of 20 s, 10 s apart: a storm.",
        *_HUE,
    ),
    Signal.FLOOD_2: About(
        Use.ALARM,
        "Còi báo lũ trên báo động II",
        "Siren for a flood over alarm level II",
        "2 hồi còi, mỗi hồi 10 giây, cách nhau 10 giây: lũ trên báo động II.",
        "2 calls of 10 s, 10 s apart: a flood over alarm level II.",
        *_HUE,
    ),
    Signal.FLOOD_3: About(
        Use.ALARM,
        "Còi báo lũ trên báo động III, bão khẩn cấp, sóng thần",
        "Siren for a flood over alarm level III, an emergency storm or a tsunami",
        "5 hồi còi, mỗi hồi 30 giây, cách nhau 5 giây: lũ trên báo động III, bão khẩn cấp hoặc sóng thần.",
        "5 calls of 30 s, 5 s apart: a flood over alarm level III, an emergency storm or a tsunami.",
        *_HUE,
    ),
    Signal.ALL_CLEAR: About(
        Use.ALARM,
        "Còi báo yên",
        "All clear",
        "Một hồi còi đều, 60 giây: nguy hiểm đã qua.",
        "One steady call of 60 s: the danger is over.",
        *_DE_AT,
    ),
}

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.alerts.schemas import CountsOut
from controller.web.formats import Formats
from controller.web.i18n import Language, translator
from controller.web.present import alerts, compose, portrait
from controller.web.present.areas import ChoiceFacts, PlaceFacts, tree
from controller.web.present.compose import ComposeValues
from controller.web.present.reading import reading_s
from controller.web.present.targets import Choice
from controller.web.present.timeline import AiringFacts, Phase, days, occurrence_view, repetition, unreachable
from controller.web.present.tone import Tone
from controller.web.present.words import reason_text
from schedules.types import VIETNAM

NOON = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
T = translator(Language.VIETNAMESE)
FORMATS = Formats(T, ZoneInfo(VIETNAM))
MORNING = AiringFacts(
    schedule_id="01",
    id="s.20261120T050015Z",
    title="Bản tin",
    starts_at=NOON,
    ends_at=NOON + timedelta(minutes=5),
    duration_ms=300_000,
    targets=4,
)


def view(**changes: object):
    now = changes.pop("now", NOON)
    return occurrence_view(replace(MORNING, **changes), FORMATS, now)


def test_an_occurrence_waits_airs_and_is_over():
    before, during, after = (NOON + timedelta(minutes=minute) for minute in (-1, 1, 6))
    assert (view(now=before).phase, view(now=during).phase) == (Phase.COMING, Phase.ON_AIR)
    assert view(now=after, played=4).phase is Phase.OVER
    assert view(now=during, played=4).phase is Phase.OVER, "stopped early everywhere"
    assert view(now=during, cancelled=True).phase is Phase.OVER


@pytest.mark.parametrize(
    ("facts", "tone"),
    [
        ({"played": 4}, Tone.GOOD),
        ({"played": 3, "missed": 1}, Tone.BAD),
        ({"played": 3, "failed": 1}, Tone.BAD),
        ({"played": 3, "partly": 1}, Tone.WARN),
        ({"played": 3, "unreported": 1}, Tone.WAIT),
        ({"cancelled": True}, Tone.OFF),
    ],
)
def test_what_became_of_it_has_a_tone(facts: dict[str, int], tone: Tone):
    assert view(now=NOON + timedelta(hours=1), **facts).tone is tone


def test_only_what_still_comes_is_marked_as_an_odd_hour():
    night = datetime(2026, 11, 20, 20, 15, tzinfo=UTC)
    at_night = {"starts_at": night, "ends_at": night + timedelta(minutes=5)}
    assert view(**at_night, now=NOON).odd_hour
    assert not view(**at_night, now=night + timedelta(hours=1), played=4).odd_hour


@given(
    st.permutations(
        [replace(MORNING, id=f"s.{hour}", starts_at=NOON + timedelta(hours=hour)) for hour in range(-4, 30, 3)]
    )
)
def test_the_day_does_not_depend_on_the_order_of_occurrences(airings: list[AiringFacts]):
    today, tomorrow = days(airings, FORMATS, NOON)
    shown = [each.at for each in (*today.occurrences, *tomorrow.occurrences)]
    assert shown == sorted(shown)
    assert all(at < NOON + timedelta(hours=24) for at in shown)
    assert today.occurrences[: today.now_before] == tuple(each for each in today.occurrences if each.at <= NOON)


@pytest.mark.parametrize(
    ("rule", "words"),
    [
        (None, ""),
        ("FREQ=DAILY", "hằng ngày"),
        ("FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR", "Thứ Hai đến thứ Sáu"),
        ("FREQ=WEEKLY;BYDAY=MO", "hằng tuần"),
        ("FREQ=MONTHLY;BYMONTHDAY=1", "hằng tháng"),
        ("FREQ=YEARLY", "có lặp lại"),
    ],
)
def test_a_repetition_is_said_in_plain_words(rule: str | None, words: str):
    assert repetition(rule, FORMATS) == words


PLACES = [
    PlaceFacts("24", "Bắc Ninh", "tỉnh", "VN"),
    PlaceFacts("1", "Tân Yên", "xã", "24"),
    PlaceFacts("2", "Lục Nam", "xã", "24"),
    PlaceFacts("3", "Nơi không loa", "xã", "24"),
]
SPEAKERS = [ChoiceFacts("b", "Chợ", "2", online=True), ChoiceFacts("a", "Đình", "2", online=False)]


PROVINCE = tree(
    PLACES, [*SPEAKERS, ChoiceFacts("c", "Nhà văn hoá", "1", online=True), ChoiceFacts("d", "Bến", "1", online=True)]
)


@given(
    st.frozensets(st.sampled_from(["24", "1", "2", "3", "elsewhere"])),
    st.frozensets(st.sampled_from(["a", "b", "c", "d", "gone"])),
)
def test_what_lies_in_a_place_that_is_chosen_is_chosen_once(areas: frozenset[str], devices: frozenset[str]):
    inside = {"24": {"1", "2", "a", "b", "c", "d"}, "1": {"c", "d"}, "2": {"a", "b"}}
    covered = {each for area in areas for each in inside.get(area, ())}
    chosen = Choice(areas, frozenset({"g"}), devices, "drawn").pruned(PROVINCE)
    assert chosen.areas == areas - covered, "a place that the tree does not show stays"
    assert chosen.devices == devices - covered - {"gone"}
    assert (chosen.groups, chosen.polygon) == ({"g"}, "drawn")


@given(st.permutations(PLACES), st.permutations(SPEAKERS))
def test_the_tree_holds_places_with_speakers_only_in_any_order(places: list[PlaceFacts], speakers: list[ChoiceFacts]):
    (commune,) = tree(places, speakers)
    assert commune.name == "Lục Nam", "the tree begins where it first branches"
    assert [device.name for device in commune.devices] == ["Chợ", "Đình"]


def test_a_place_with_one_speaker_is_that_speaker():
    (province,) = tree(PLACES, [*SPEAKERS, ChoiceFacts("c", "Nhà văn hoá", "1", online=True)])
    assert [child.name for child in province.children] == ["Lục Nam"]
    assert [device.name for device in province.devices] == ["Nhà văn hoá"]
    assert province.size == 3


def test_without_a_title_the_first_words_serve():
    values = ComposeValues(token="t", text="Kính thưa bà con, sáng mai trạm y tế xã tiêm chủng cho trẻ.")
    assert compose.title_of(values) == "Kính thưa bà con, sáng mai trạm y …"
    assert compose.title_of(replace(values, title="Tiêm chủng")) == "Tiêm chủng"


@pytest.mark.parametrize(
    ("repeat", "rule"),
    [
        ("once", None),
        ("daily", "FREQ=DAILY"),
        ("weekdays", "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR"),
        ("weekly", "FREQ=WEEKLY;BYDAY=SA"),
    ],
)
def test_a_repetition_becomes_a_rule(repeat: str, rule: str | None):
    values = ComposeValues(token="t", when="at", day="2026-11-21", time="06:30", repeat=repeat)
    recurrence = compose.recurrence_of(values, NOON, VIETNAM)
    assert (recurrence.rrule, recurrence.first_local) == (rule, datetime(2026, 11, 21, 6, 30))  # noqa: DTZ001 wall clock


def test_other_words_ask_for_another_sound():
    values = ComposeValues(token="t", text="Xin chào")
    assert compose.fingerprint(values) == compose.fingerprint(replace(values, title="khác", text=" Xin chào "))
    assert compose.fingerprint(values) != compose.fingerprint(replace(values, text="Xin chào bà con"))


def test_durations_and_numbers_are_written_as_people_do():
    assert [FORMATS.duration(s) for s in (0.4, 75, 120, 3900)] == [
        "1 giây",
        "1 phút 15 giây",
        "2 phút",
        "1 giờ 05 phút",
    ]
    assert FORMATS.number(1234.56, 1) == "1.234,6"
    assert FORMATS.number(-0.04, 1) == "0"
    assert FORMATS.clock_s(NOON + timedelta(milliseconds=14_999)) == "12:00:15"
    assert FORMATS.day(NOON) == "Thứ Sáu, 20 tháng 11"
    assert FORMATS.since(NOON - timedelta(days=1), NOON) == "12:00 19/11/2026"


def test_reading_takes_as_long_as_it_takes_to_say():
    assert reading_s("  ") is None
    assert reading_s("Kính thưa bà con! Từ 8 giờ ngày 24/11 nhà máy nước tạm ngừng cấp nước.") == pytest.approx(
        6, abs=2
    )


@pytest.mark.parametrize(
    ("reason", "words"),
    [
        ("agent_off", "Cụm loa đang tắt"),
        ("quiet_hours", "Rơi vào giờ yên tĩnh; chỉ khẩn cấp mới được phát."),
        ("by s.20261120T050015Z", ""),
        ("a new word", "a new word"),
    ],
)
def test_why_something_was_not_played_is_said_in_words(reason: str, words: str):
    assert reason_text(T, reason) == words


@given(st.lists(st.integers(0, 100), min_size=1, max_size=200))
def test_an_outline_stays_inside_its_frame(peaks: list[int]):
    drawn = portrait.outline(peaks)
    points = [tuple(map(float, each.split())) for each in drawn.removeprefix("M").removesuffix("Z").split("L")]

    assert len(points) == 2 * len(peaks)
    assert all(0 <= x < len(peaks) and 0 <= y <= 100 for x, y in points)


def test_what_was_done_to_a_sound_is_said_in_plain_words():
    before = {"lufs": -25.2, "peak_dbtp": -8.0, "duration_ms": 9_100, "waveform": [1, 2]}
    after = {"lufs": -16.1, "peak_dbtp": -2.4, "duration_ms": 7_000, "waveform": [50, 90]}

    assert portrait.change(before, after, FORMATS) == "Đã tăng 9 dB, cắt 2,1 giây im lặng."
    assert portrait.change(after, before, FORMATS) == "Đã giảm 9 dB."
    assert not portrait.change(after, after, FORMATS)
    assert not portrait.change(None, after, FORMATS)


def test_a_sound_without_an_outline_is_not_drawn():
    assert portrait.portrait({"lufs": -16.0, "waveform": []}, "Trước", FORMATS) is None


def test_what_comes_next_is_marked_once_and_what_was_called_off_is_not_it():
    later = replace(MORNING, id="b", starts_at=NOON + timedelta(hours=2), ends_at=NOON + timedelta(hours=3))
    off = replace(MORNING, id="a", starts_at=NOON + timedelta(hours=1), cancelled=True)
    tomorrow = replace(later, id="c", starts_at=NOON + timedelta(hours=20), ends_at=NOON + timedelta(hours=21))
    shown = days([tomorrow, later, off, MORNING], FORMATS, NOON)
    assert [each.id for day in shown for each in day.occurrences if each.comes_next] == ["b"]


def test_a_speaker_that_is_away_before_a_broadcast_needs_somebody():
    coming = replace(MORNING, starts_at=NOON + timedelta(hours=1), ends_at=NOON + timedelta(hours=2))
    coming = replace(coming, away=1, away_names=["Đình"])
    [need] = unreachable([coming], FORMATS, NOON)
    assert need.text == "13:00 “Bản tin”: hiện không liên lạc được Đình."
    for settled in (
        replace(coming, away=0, away_names=()),
        replace(coming, cancelled=True),
        replace(coming, starts_at=NOON - timedelta(minutes=1)),
        replace(coming, starts_at=NOON + timedelta(hours=25), ends_at=NOON + timedelta(hours=26)),
    ):
        assert unreachable([settled], FORMATS, NOON) == ()


@pytest.mark.parametrize(("begin", "end"), [("2", "1"), ("x", ""), ("-1", ""), ("nan", ""), ("", "inf"), ("1e300", "")])
def test_a_part_that_is_none_is_said_so(begin: str, end: str):
    values = ComposeValues(token="", source="file", trim_from_s=begin, trim_to_s=end)
    assert "file" in compose.sound_errors(values, T, sent={"file"})


def test_other_ends_of_a_recording_are_another_sound():
    values = ComposeValues(token="", source="file")
    assert compose.fingerprint(values) != compose.fingerprint(replace(values, trim_from_s="1"))
    assert compose.fingerprint(values) == compose.fingerprint(replace(values, voice="north"))


@given(st.lists(st.integers(0, 20_000), min_size=6, max_size=6))
def test_the_bar_of_an_alert_is_filled_by_all_its_speakers_and_hides_none(parts: list[int]) -> None:
    finished, sounding, failed, only_received, waiting, unreachable = parts
    of = CountsOut(
        targeted=sum(parts),
        received=finished + sounding + failed + only_received,
        sounding=sounding,
        finished=finished,
        failed=failed,
        waiting=waiting,
        unreachable=unreachable,
    )
    bar = alerts.shares(of)
    order = (Tone.GOOD, Tone.AIR, Tone.BAD, Tone.WAIT, Tone.WARN, Tone.AWAY)
    assert [each.tone for each in bar] == [tone for tone, number in zip(order, parts, strict=True) if number]
    assert sum(each.width for each in bar) == pytest.approx(100 if any(parts) else 0)
    assert all(each.width > 0.9 for each in bar)


def test_a_speaker_that_sounds_a_repetition_is_one_that_has_sounded_it() -> None:
    bar = alerts.shares(CountsOut(targeted=4, received=4, sounding=4, finished=4))
    assert [(each.tone, each.width) for each in bar] == [(Tone.GOOD, 100)]

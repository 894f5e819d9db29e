"""Which siren and which repeats a message gets: by what its event says, and only in a real emergency."""

import random
import unicodedata
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.signals import Signal
from controller.alerts.standing import PLAIN, STANDING, Danger, Grade, Hazard, Heard, Repeats, Standing, heard
from controller.cap.hazards import danger_in
from controller.cap.judging import Known, Release, SenderPolicy, Wanted, judge
from controller.cap.message import Category, Certainty, Info, Named, Severity, Urgency
from controller.cap.reading import read
from schedules.types import Priority
from tests.support.cap import BAC_GIANG, NOON, cap, info

STORM = Heard(Signal.STORM, Repeats.ONCE)
EMERGENCY_STORM = Heard(Signal.FLOOD_3, Repeats.ONCE)
FLOOD_1 = Heard(Signal.ATTENTION, Repeats.ONCE)
FLOOD_2 = Heard(Signal.FLOOD_2, Repeats.ONCE)
FLOOD_3 = Heard(Signal.FLOOD_3, Repeats.ONCE)
DAM = Heard(Signal.FLOOD_2, Repeats.ONCE)
TSUNAMI = Heard(Signal.FLOOD_3, Repeats.TSUNAMI)
TSUNAMI_3 = Heard(Signal.FLOOD_3, Repeats.TSUNAMI_3)
NO_SIREN = Heard(Signal.ATTENTION, Repeats.ONCE)

EVENTS = {
    "Tsunami Warning": TSUNAMI,
    "Sóng thần": TSUNAMI,
    "Cảnh báo sóng thần mức 1": TSUNAMI,
    "Cảnh báo sóng thần mức 2": TSUNAMI,
    "Cảnh báo sóng thần mức 3": TSUNAMI_3,
    "Tsunami level III": TSUNAMI_3,
    "Sóng thần, rủi ro thiên tai cấp 3": TSUNAMI,
    "Sóng thần sau động đất": TSUNAMI,
    "Flood Warning": FLOOD_3,
    "Flash Flood Watch": FLOOD_3,
    "Lũ quét": FLOOD_3,
    "Ngập lụt": FLOOD_3,
    "Lũ trên báo động I": FLOOD_1,
    "Lũ trên báo động II": FLOOD_2,
    "Lũ trên báo động 2, dưới báo động 3": FLOOD_2,
    "Lũ từ báo động 2 lên báo động 3": FLOOD_3,
    "Lũ vượt BĐ3": FLOOD_3,
    "Flood over alarm level II": FLOOD_2,
    "Flood level 2": FLOOD_2,
    "Báo động lũ cấp III": FLOOD_3,
    "Lũ, rủi ro thiên tai do lũ cấp 2": FLOOD_3,
    "Bão và lũ quét": FLOOD_3,
    "Hồ chứa xả lũ": DAM,
    "Dam break": DAM,
    "Storm": STORM,
    "Bão": STORM,
    "Bão số 3 giật cấp 15": STORM,
    "Typhoon Warning": STORM,
    "Tin bão khẩn cấp": EMERGENCY_STORM,
    "Tin bão số 5 khẩn cấp": EMERGENCY_STORM,
    "Emergency storm": EMERGENCY_STORM,
    "Fire": NO_SIREN,
    "Cháy rừng": NO_SIREN,
    "Hỏa hoạn": NO_SIREN,
    "Lệnh sơ tán": NO_SIREN,
    "Sơ tán do lũ": NO_SIREN,
}
OTHERS = (
    "Homeland Security Advisory System Update",
    "Earthquake",
    "thunderstorm",
    "orages",
    "Winter storm warning",
    "Bão tuyết",
    "Báo động giả",
    "Cảnh báo",
    "Mưa lớn do hoàn lưu bão",
    "Sạt lở đất sau mưa lũ",
    "Phòng chống lũ",
    "Không có nguy cơ sóng thần",
    "No tsunami threat",
    "Nguy cơ cháy rừng cấp V",
    "Fire weather",
    "Sạt lở đất",
    "",
)


def telling(event: str, *, headline: str | None = None, codes: tuple[Named, ...] = ()) -> Info:
    return Info(
        event,
        (Category.MET,),
        Urgency.IMMEDIATE,
        Severity.EXTREME,
        Certainty.OBSERVED,
        headline=headline,
        event_codes=codes,
    )


def said(*infos: Info) -> Heard:
    return heard(danger_in(infos))


def wanted(status: str = "Actual", kind: str = "Alert", **facts: str) -> Wanted:
    message = read(cap(info(**facts), status=status, kind=kind, references="a,b,2026-11-23T11:00:00+07:00"))
    policy = SenderPolicy(release=Release.AT_ONCE)
    (only,) = judge(message, policy, BAC_GIANG, Known(), signed=False, now=NOON + timedelta(minutes=1)).raises
    return only


@pytest.mark.parametrize("event", EVENTS)
def test_an_event_has_the_siren_and_the_repeats_of_its_hazard(event: str):
    assert said(telling(event)) == EVENTS[event]


@pytest.mark.parametrize("event", OTHERS)
def test_what_names_no_hazard_calls_for_attention_once(event: str):
    assert said(telling(event)) == PLAIN == Heard(Signal.ATTENTION, Repeats.ONCE)


@given(
    st.sampled_from(sorted(EVENTS)),
    st.sampled_from([str.upper, str.lower, str.title]),
    st.sampled_from(["NFC", "NFD", "NFKC", "NFKD"]),
    st.sampled_from([" ", "  ", "\n\t"]),
)
def test_how_an_event_is_typed_changes_nothing(event: str, cased, form, gap: str):  # type: ignore[no-untyped-def]
    typed = unicodedata.normalize(form, cased(event)).replace(" ", gap)
    assert said(telling(f"{gap}{typed}{gap}")) == EVENTS[event]


@given(st.lists(st.sampled_from([*sorted(EVENTS), *OTHERS]), min_size=1, max_size=4), st.randoms())
def test_languages_of_one_telling_count_in_any_order_and_others_take_nothing_away(
    events: list[str], dice: random.Random
):
    found = danger_in(map(telling, events))
    dice.shuffle(events)
    assert danger_in(map(telling, [*events, *OTHERS])) == found


@given(st.text(), st.text())
def test_whatever_it_says_an_alert_never_sounds_as_a_test_or_as_all_clear(event: str, headline: str):
    assert said(telling(event, headline=headline)).signal in {
        Signal.ATTENTION,
        Signal.STORM,
        Signal.FLOOD_2,
        Signal.FLOOD_3,
    }


@pytest.mark.parametrize("start", STANDING, ids=lambda each: each.code)
def test_without_a_grade_a_hazard_has_the_siren_that_the_console_begins_with_and_only_a_tsunami_comes_again(
    start: Standing,
):
    again = start.code is Hazard.TSUNAMI
    assert heard(Danger(start.code)) == Heard(start.signal, start.repeats if again else Repeats.ONCE)


def test_a_headline_says_how_bad_it_is_and_not_what():
    assert said(telling("Lũ", headline="Sông Thương vượt báo động II")) == FLOOD_2
    assert said(telling("Bão", headline="TIN BÃO KHẨN CẤP")) == EMERGENCY_STORM
    assert said(telling("Mưa lớn", headline="Mưa lớn, bão đã tan")) == PLAIN


def test_a_code_names_the_hazard_where_the_event_does_not():
    assert danger_in([telling("Cảnh báo", codes=(Named("SAME", "TSW"),))]) == Danger(Hazard.TSUNAMI)
    assert danger_in([telling("x", codes=(Named("list", "structure_fire"),))]) == Danger(Hazard.FIRE)
    assert danger_in([telling("x", codes=(Named("list", "TSW"), Named("SAME", "SVA"), Named("SAME", "EQW")))]) is None


@given(st.sampled_from(Urgency), st.sampled_from(Severity), st.sampled_from(Certainty))
def test_only_what_the_ladder_calls_an_emergency_has_a_siren(
    urgency: Urgency, severity: Severity, certainty: Certainty
):
    alert = wanted(event="Bão", urgency=urgency, severity=severity, certainty=certainty)
    assert (alert.danger is not None) == (alert.priority is Priority.EMERGENCY)


def test_an_exercise_keeps_its_own_chime_and_sounds_once():
    assert wanted("Exercise", event="Sóng thần mức 3").danger is None


def test_an_update_is_heard_as_an_alert_is():
    assert wanted(kind="Update", event="Sóng thần mức 3").danger == Danger(Hazard.TSUNAMI, Grade.LEVEL_3)


def test_a_second_language_may_name_the_hazard():
    first, second = telling("Cảnh báo khẩn"), replace(telling("Flood over alarm level II"), language="en")
    assert danger_in([first, second]) == danger_in([second, first]) == Danger(Hazard.FLOOD, Grade.LEVEL_2)

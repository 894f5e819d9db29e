# ruff: noqa: DTZ001 - recurrences are made of wall-clock times

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from functools import partial

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.collisions import collisions
from schedules.errors import InvalidStagger
from schedules.plan import FREEZE, Calendar, PlanWindow, compile_plan, occurrence_id, plan_window
from schedules.reasons import Reason
from schedules.recurrence import once, weekly
from schedules.stagger import stagger_ms
from schedules.types import Caps, Percent, Priority, Resume, Schedule, ScheduleId, SpeakerPolicy, VolumeRule
from tests.schedules.language import MONDAY, airing, at, every_day, window

NIGHT = SpeakerPolicy(quiet_hours=(window("21:30-05:00"),))
OPEN = SpeakerPolicy()
NOW = at("08:00")
WEEK = plan_window(NOW)
MORNING = every_day("morning", "06:00", 15)
EVENING = every_day("evening", "17:00", 15)


def ids(plan):
    return [each.id for each in plan.occurrences]


def reasons(plan):
    return {each.occurrence_id: each.reason for each in plan.omitted}


def today(name: str, clock: str, minutes: float = 10, priority: Priority = Priority.ROUTINE) -> Schedule:
    local = datetime.fromisoformat(f"{MONDAY} {clock}")
    return Schedule(ScheduleId(name), name, once(local), round(minutes * 60_000), priority)


def test_the_window_is_eight_local_days_from_this_midnight():
    assert PlanWindow(at("00:00"), at("00:00", day=8)) == WEEK
    assert plan_window(at("23:59:59")) == WEEK
    assert plan_window(datetime(2026, 11, 1, 12, tzinfo=UTC), "America/New_York", 1) == PlanWindow(
        datetime(2026, 11, 1, 4, tzinfo=UTC), datetime(2026, 11, 2, 5, tzinfo=UTC)
    )


def test_an_occurrence_is_named_by_its_schedule_and_nominal_start():
    plan = compile_plan([EVENING], OPEN, WEEK, NOW, stagger_ms=30_000)
    first = plan.occurrences[0]
    assert first.id == "evening.20261123T100000Z" == occurrence_id(ScheduleId("evening"), at("17:00"))
    assert first.starts_at == at("17:00:30")


def test_a_plan_says_all_that_the_conductor_asks():
    schedule = replace(EVENING, issuer_depth=1, commune_rank=4, resume=Resume.SKIP, late_join_s=60, volume=Percent(55))
    first = compile_plan([schedule], OPEN, WEEK, NOW).occurrences[0]
    assert (first.schedule_id, first.title, first.duration_ms, first.priority) == (
        "evening", "evening", 900_000, Priority.ROUTINE
    )  # fmt: skip
    assert (first.issuer_depth, first.commune_rank, first.resume, first.late_join_s, first.volume) == (
        1, 4, Resume.SKIP, 60, 55
    )  # fmt: skip


def test_volume_is_that_of_the_time_of_day():
    soft = SpeakerPolicy(volume_rules=(VolumeRule(window("16:00-18:00"), Percent(30)),))
    assert {each.volume for each in compile_plan([EVENING], soft, WEEK, NOW).occurrences} == {30}


def test_what_began_before_the_window_and_still_sounds_is_in_it():
    late = every_day("late", "23:50", 20)
    plan = compile_plan([late], OPEN, WEEK, at("00:05"))
    assert plan.occurrences[0].starts_at == at("23:50", day=-1)
    assert compile_plan([late], OPEN, WEEK, at("00:10")).occurrences[0].starts_at == at("23:50")


def test_routine_and_priority_never_reach_into_quiet_hours_and_an_emergency_may():
    for priority in (Priority.ROUTINE, Priority.PRIORITY, Priority.LIVE):
        plan = compile_plan(
            [today("a", "21:25", 10, priority), today("b", "03:15", 10, priority)], NIGHT, WEEK, at("00:00")
        )
        assert set(reasons(plan).values()) == {Reason.QUIET_HOURS}
        assert not plan.occurrences
    assert compile_plan([today("e", "22:00", 10, Priority.EMERGENCY)], NIGHT, WEEK, NOW).occurrences


def test_what_ends_as_quiet_hours_begin_is_aired():
    assert compile_plan([today("a", "21:20")], NIGHT, WEEK, NOW).occurrences


def test_stagger_may_push_an_item_into_quiet_hours_where_it_is_left_out():
    plan = compile_plan([today("a", "21:19")], NIGHT, WEEK, NOW, stagger_ms=90_000)
    assert list(reasons(plan).values()) == [Reason.QUIET_HOURS]


def test_only_routine_items_are_staggered():
    wanted = [today("routine", "10:00"), today("priority", "10:00", priority=Priority.PRIORITY)]
    wanted.append(replace(today("together", "10:00"), staggered=False))
    plan = compile_plan(wanted, OPEN, WEEK, NOW, stagger_ms=60_000)
    assert {each.schedule_id: each.starts_at for each in plan.occurrences} == {
        "routine": at("10:01"),
        "priority": at("10:00"),
        "together": at("10:00"),
    }


def test_stagger_may_be_asked_for_each_schedule():
    plan = compile_plan([today("a", "10:00", 1)], OPEN, WEEK, NOW, stagger_ms=partial(stagger_ms, 1))
    assert plan.occurrences[0].starts_at == at("10:01:05")


@pytest.mark.parametrize("wrong", [-1, 3_600_001])
def test_a_stagger_that_no_calendar_can_hold_is_refused(wrong):
    with pytest.raises(InvalidStagger):
        compile_plan([MORNING], OPEN, WEEK, NOW, stagger_ms=wrong)


def test_caps_leave_out_what_is_too_much():
    ward = SpeakerPolicy(caps=Caps(sessions_per_day=1))
    plan = compile_plan([today("a", "10:00"), today("b", "12:00")], ward, WEEK, NOW)
    assert [each.title for each in plan.occurrences] == ["a"]
    assert list(reasons(plan).values()) == [Reason.SESSIONS_PER_DAY]


def test_days_of_this_week_that_the_window_left_behind_still_count():
    five_days = SpeakerPolicy(caps=Caps(days_per_week=5))
    thursday = at("00:00", day=3)
    plan = compile_plan([EVENING], five_days, plan_window(thursday), thursday)
    aired = [(each.starts_at - at("17:00")).days for each in plan.occurrences]
    assert aired == [3, 4, 7, 8, 9, 10]


def test_a_plan_stays_the_same_all_day_unless_somebody_edits():
    wanted = [MORNING, EVENING, every_day("noon", "11:30", 5, priority=Priority.PRIORITY)]
    ward = SpeakerPolicy(caps=Caps(sessions_per_day=2, days_per_week=5), quiet_hours=NIGHT.quiet_hours)
    first = compile_plan(wanted, ward, WEEK, at("00:00"))
    known = first.occurrences
    calendar = Calendar(WEEK)
    for minutes in range(0, 24 * 60, 7):
        now = at("00:00") + timedelta(minutes=minutes)
        known = compile_plan(wanted, ward, calendar, now, previous=known).occurrences
    assert known == first.occurrences


def test_what_is_on_air_or_about_to_be_stays_though_its_schedule_was_deleted():
    known = compile_plan([MORNING, EVENING], OPEN, WEEK, at("00:00")).occurrences
    about_to = compile_plan([MORNING], OPEN, WEEK, at("16:59:51"), previous=known)
    assert at("17:00") in {each.starts_at for each in about_to.occurrences}
    on_air = compile_plan([MORNING], OPEN, WEEK, at("17:14:59"), previous=known)
    assert at("17:00") in {each.starts_at for each in on_air.occurrences}
    early = compile_plan([MORNING], OPEN, WEEK, at("16:59:50"), previous=known)
    assert at("17:00") not in {each.starts_at for each in early.occurrences}


def test_what_is_about_to_air_keeps_its_old_words():
    known = compile_plan([EVENING], OPEN, WEEK, at("00:00")).occurrences
    edited = replace(EVENING, title="new title", volume=Percent(10))
    plan = compile_plan([edited], OPEN, WEEK, at("16:59:55"), previous=known)
    assert [each.title for each in plan.occurrences[:2]] == ["evening", "new title"]


def test_what_is_over_stays_in_the_plan_of_its_day():
    known = compile_plan([MORNING], OPEN, WEEK, at("00:00")).occurrences
    assert compile_plan([], OPEN, WEEK, NOW, previous=known).occurrences == known[:1]
    tomorrow = at("00:00", day=1)
    assert compile_plan([], OPEN, plan_window(tomorrow), tomorrow, previous=known).occurrences == ()


def test_nothing_new_joins_within_the_freeze_but_an_emergency():
    soon, then = today("soon", "08:00:09"), today("then", "08:00:10")
    emergency = today("flood", "08:00:05", priority=Priority.EMERGENCY)
    plan = compile_plan([soon, then, emergency], OPEN, WEEK, NOW, previous=())
    assert [each.title for each in plan.occurrences] == ["flood", "then"]
    assert list(reasons(plan).values()) == [Reason.FROZEN]
    assert timedelta(seconds=10) == FREEZE


def test_what_would_move_into_the_freeze_stays_where_it_was():
    short = today("short", "08:00", 1)
    known = compile_plan([short], OPEN, WEEK, at("07:00"), stagger_ms=120_000).occurrences
    assert known[0].starts_at == at("08:02")
    for now in (at("07:59:55"), at("08:00:30"), at("08:01:49")):
        assert compile_plan([short], OPEN, WEEK, now, previous=known).occurrences == known


def test_the_freeze_may_be_chosen():
    soon = today("soon", "08:00:09")
    assert compile_plan([soon], OPEN, WEEK, NOW, previous=(), freeze=timedelta(seconds=5)).occurrences


def test_a_schedule_added_in_the_middle_of_its_time_waits_for_the_next():
    running = every_day("running", "07:55", 30)
    plan = compile_plan([running], OPEN, WEEK, NOW, previous=())
    assert plan.occurrences[0].starts_at == at("07:55", day=1)
    assert list(reasons(plan).values()) == [Reason.ALREADY_BEGUN]


def test_a_speaker_without_any_plan_may_join_what_is_running():
    running = every_day("running", "07:55", 30)
    assert compile_plan([running], OPEN, WEEK, NOW).occurrences[0].starts_at == at("07:55")


def test_a_settled_occurrence_counts_against_the_caps():
    ward = SpeakerPolicy(caps=Caps(sessions_per_day=1))
    known = (airing("gone", at("06:00")),)
    plan = compile_plan([today("later", "12:00")], ward, WEEK, NOW, previous=known)
    assert ids(plan) == ["gone"]


def test_what_was_called_off_is_gone_at_once_and_leaves_its_room_to_others():
    policy = SpeakerPolicy(caps=Caps(sessions_per_day=1))
    first, second = today("first", "08:00"), today("second", "10:00")
    promised = compile_plan([first, second], policy, WEEK, at("07:00"))
    assert ids(promised) == [occurrence_id(first.id, at("08:00"))]

    plan = compile_plan(
        [first, second], policy, WEEK, at("07:59:55"), previous=promised.occurrences, called_off=ids(promised)
    )

    assert ids(plan) == [occurrence_id(second.id, at("10:00"))]


def test_a_plan_knows_its_collisions():
    plan = compile_plan([today("a", "10:00"), today("b", "10:05", priority=Priority.PRIORITY)], OPEN, WEEK, NOW)
    assert plan.collisions == tuple(collisions(plan.occurrences))
    assert [(each.winner.title, each.loser.title) for each in plan.collisions] == [("b", "a")]


def test_a_calendar_shared_among_speakers_gives_the_same_plans():
    calendar = Calendar(WEEK)
    wanted = [MORNING, EVENING]
    for policy in (OPEN, NIGHT):
        assert compile_plan(wanted, policy, calendar, NOW) == compile_plan(wanted, policy, WEEK, NOW)


OVERLAPPING_DAY = [
    MORNING,
    EVENING,
    replace(MORNING, id=ScheduleId("morning, too")),
    every_day("relay", "06:10", 30, priority=Priority.PRIORITY),
    every_day("night", "21:25", 10),
    every_day("drill", "21:20", 20, priority=Priority.EMERGENCY),
    every_day("ranked", "17:00", 15, order=-1),
    Schedule(ScheduleId("weekly"), "weekly", weekly(datetime(2026, 11, 1, 17, 5), [0, 2]), 600_000),
    today("soon", "08:00:05"),
]
SHARED = Calendar(WEEK)


@given(st.permutations(OVERLAPPING_DAY), st.integers(0, 24 * 60))
def test_the_plan_does_not_depend_on_the_order_of_schedules(shuffled, minutes):
    ward = replace(NIGHT, caps=Caps(sessions_per_day=2, session_max_s=1800, days_per_week=5))
    now = at("00:00") + timedelta(minutes=minutes)
    known = compile_plan(OVERLAPPING_DAY[2:], ward, SHARED, at("00:00")).occurrences
    expected = compile_plan(OVERLAPPING_DAY, ward, SHARED, now, previous=known)
    assert compile_plan(shuffled, ward, SHARED, now, previous=known[::-1]) == expected


@given(st.permutations(OVERLAPPING_DAY), st.integers(0, 24 * 3600), st.integers(0, len(OVERLAPPING_DAY)))
def test_no_edit_changes_what_is_frozen(shuffled, seconds, left):
    now = at("00:00") + timedelta(seconds=seconds)
    known = compile_plan(OVERLAPPING_DAY, NIGHT, SHARED, at("00:00")).occurrences
    plan = compile_plan(shuffled[:left], OPEN, SHARED, now, previous=known)
    frozen = [each for each in plan.occurrences if each.starts_at < now + FREEZE]
    strangers = [each for each in frozen if each not in known]
    assert [each for each in frozen if each in known] == [each for each in known if each.starts_at < now + FREEZE]
    assert all(each.priority is Priority.EMERGENCY for each in strangers)

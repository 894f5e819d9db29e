from collections import defaultdict
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.caps import SESSION_GAP, allowed, capped, refusal
from schedules.reasons import Reason
from schedules.types import Caps, Priority, SpeakerPolicy
from tests.schedules.language import airing, at, sounded

HANOI = SpeakerPolicy(caps=Caps(sessions_per_day=2, session_max_s=900, days_per_week=5))


def under(**limits: int) -> SpeakerPolicy:
    return SpeakerPolicy(caps=Caps(**limits))


def outcome(occurrences, policy, given=()):
    kept, cut = capped(occurrences, policy, given)
    return [each.id for each in kept], {each.id: reason for each, reason in cut}


def test_hanoi_airs_two_sessions_of_fifteen_minutes_on_five_days():
    week = [airing(f"{day} {clock}", at(clock, day), 15) for day in range(7) for clock in ("06:30", "11:30", "17:00")]
    kept, cut = outcome(week, HANOI)
    assert kept == [f"{day} {clock}" for day in range(5) for clock in ("06:30", "11:30")]
    assert {cut[f"{day} 17:00"] for day in range(5)} == {Reason.SESSIONS_PER_DAY}
    assert {cut[f"{day} 06:30"] for day in (5, 6)} == {Reason.DAYS_PER_WEEK}


def test_the_days_of_the_next_week_are_counted_anew():
    fortnight = [airing(f"{day}", at("06:30", day), 15) for day in range(14)]
    assert outcome(fortnight, HANOI)[0] == ["0", "1", "2", "3", "4", "7", "8", "9", "10", "11"]


def test_announcements_in_a_row_are_one_session():
    row = [airing("a", at("06:00"), 5), airing("b", at("06:05:30"), 5), airing("c", at("06:11"), 5)]
    assert outcome(row, under(sessions_per_day=1)) == (["a", "b", "c"], {})
    assert outcome(row, under(session_max_s=900)) == (["a", "b"], {"c": Reason.SESSION_CAP})


def test_what_would_join_two_sessions_into_one_too_long_is_cut():
    day = [airing("a", at("06:00"), 6), airing("c", at("06:10"), 6, priority=Priority.PRIORITY)]
    filler = airing("b", at("06:06"), 4)
    assert outcome([*day, filler], under(session_max_s=900)) == (["c", "a"], {"b": Reason.SESSION_CAP})


def test_one_item_longer_than_a_session_is_cut():
    assert outcome([airing("long", at("06:00"), 16)], HANOI) == ([], {"long": Reason.SESSION_CAP})


def test_the_day_has_a_sum():
    day = [airing("a", at("06:00"), 20), airing("b", at("12:00"), 20), airing("c", at("17:00"), 10)]
    assert outcome(day, under(daily_max_s=1800)) == (["a", "c"], {"b": Reason.DAILY_CAP})


def test_priority_items_count_first_and_are_never_cut():
    day = [
        airing("routine", at("06:00"), 5),
        airing("p1", at("11:00"), 30, priority=Priority.PRIORITY),
        airing("p2", at("17:00"), 30, priority=Priority.LIVE),
        airing("p3", at("19:00"), 30, priority=Priority.PRIORITY),
    ]
    assert outcome(day, HANOI) == (["p1", "p2", "p3"], {"routine": Reason.SESSIONS_PER_DAY})


def test_emergencies_neither_count_nor_are_cut():
    day = [
        *(airing(f"e{hour}", at(f"{hour}:00"), 30, priority=Priority.EMERGENCY) for hour in range(10, 14)),
        airing("a", at("15:00"), 15),
        airing("b", at("17:00"), 15),
    ]
    assert outcome(day, HANOI)[1] == {}


def test_what_is_settled_counts():
    settled = [airing("a", at("06:00"), 5), airing("b", at("09:00"), 5)]
    assert outcome([airing("c", at("12:00"), 5)], HANOI, settled) == ([], {"c": Reason.SESSIONS_PER_DAY})


def test_of_two_at_once_the_commune_order_decides_who_has_the_room():
    pair = [airing("a", at("06:00"), 10, order=2), airing("b", at("06:00"), 10, order=1)]
    assert outcome(pair, under(daily_max_s=600)) == (["b"], {"a": Reason.DAILY_CAP})


def test_the_device_holds_the_same_caps_after_what_it_heard():
    heard = [sounded(airing("a", at("06:00"), 15)), sounded(airing("b", at("11:00"), 15))]
    third = airing("c", at("17:00"), 15)
    assert not allowed(third, heard, HANOI)
    assert refusal(third, heard, HANOI) is Reason.SESSIONS_PER_DAY
    assert allowed(third, heard[:1], HANOI)
    assert allowed(airing("c", at("17:00"), 15, priority=Priority.PRIORITY), heard, HANOI)


def test_an_occurrence_is_not_held_against_itself_when_it_resumes():
    mine = airing("a", at("06:00"), 15)
    assert allowed(mine, [sounded(mine)], under(sessions_per_day=1, session_max_s=900, daily_max_s=900))


def test_the_device_forgives_what_a_sound_card_adds():
    first = sounded(airing("a", at("06:00"), 10 + 1 / 60))
    assert allowed(airing("b", at("06:10"), 5), [first], under(session_max_s=900, daily_max_s=900))


plans = st.lists(
    st.builds(
        lambda name, day, minute, length, priority, order: airing(
            f"o{name}", at("00:00", day) + timedelta(minutes=minute), length, priority=priority, order=order
        ),
        st.integers(0, 10**6),
        st.integers(0, 6),
        st.integers(0, 23 * 60),
        st.integers(1, 20),
        st.sampled_from([Priority.ROUTINE, Priority.ROUTINE, Priority.PRIORITY, Priority.EMERGENCY]),
        st.integers(0, 2),
    ),
    max_size=25,
    unique_by=lambda each: each.id,
)
limits = st.builds(
    Caps,
    st.none() | st.integers(0, 3),
    st.none() | st.integers(60, 1800),
    st.none() | st.integers(60, 3600),
    st.none() | st.integers(0, 6),
)


def sessions(occurrences):
    """Return the lengths of the sessions, found the slow and plain way."""
    lengths = []
    start = end = None
    for since, until in sorted((each.starts_at, sounded(each).ends_at) for each in occurrences):
        if end is not None and since - end < SESSION_GAP:
            end = max(end, until)
            lengths[-1] = end - start
        else:
            start, end = since, until
            lengths.append(end - start)
    return lengths


@given(plans, limits)
def test_routine_alone_never_breaks_a_cap(occurrences, caps):
    routine = [each for each in occurrences if each.priority is Priority.ROUTINE]
    kept, cut = capped(routine, SpeakerPolicy(caps=caps))
    assert len(kept) + len(cut) == len(routine)
    by_day = defaultdict(list)
    for each in kept:
        by_day[(each.starts_at + timedelta(hours=7)).date()].append(each)
    for day in by_day.values():
        lengths = sessions(day)
        assert caps.sessions_per_day is None or len(lengths) <= caps.sessions_per_day
        assert caps.session_max_s is None or max(lengths) <= timedelta(seconds=caps.session_max_s)
        assert caps.daily_max_s is None or sum(each.duration_ms for each in day) <= caps.daily_max_s * 1000
    assert caps.days_per_week is None or len(by_day) <= caps.days_per_week


@given(plans, limits, st.randoms(use_true_random=False))
def test_what_is_cut_does_not_depend_on_the_order_of_wishes(occurrences, caps, dice):
    shuffled = list(occurrences)
    dice.shuffle(shuffled)
    kept, cut = capped(occurrences, SpeakerPolicy(caps=caps))
    kept_too, cut_too = capped(shuffled, SpeakerPolicy(caps=caps))
    assert {each.id for each in kept} == {each.id for each in kept_too}
    assert {(each.id, why) for each, why in cut} == {(each.id, why) for each, why in cut_too}
    assert all(each.priority is Priority.ROUTINE for each, _ in cut)


def test_every_reason_has_its_words():
    assert all(reason.explain().vi and reason.explain().en for reason in Reason)

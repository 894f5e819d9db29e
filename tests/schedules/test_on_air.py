from dataclasses import replace
from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.on_air import Candidate, candidate, choose, rank
from schedules.types import OccurrenceId, Priority
from tests.schedules.language import airing, at

NOON = datetime(2026, 11, 23, 5, tzinfo=UTC)


def wish(
    name: str,
    priority: Priority = Priority.ROUTINE,
    *,
    depth: int = 2,
    minute: int = 0,
    order: int = 0,
    ready: bool = True,
) -> Candidate:
    return Candidate(OccurrenceId(name), priority, depth, NOON + timedelta(minutes=minute), order, ready)


# From the first on air to the last: every step of the order is decided by the next place.
ORDER = [
    wish("national emergency", Priority.EMERGENCY, depth=0),
    wish("newer provincial emergency", Priority.EMERGENCY, depth=1, minute=2),
    wish("older provincial emergency", Priority.EMERGENCY, depth=1, minute=1),
    wish("old emergency ranked first", Priority.EMERGENCY, depth=1, order=0),
    wish("old emergency ranked second", Priority.EMERGENCY, depth=1, order=1),
    wish("communal emergency", Priority.EMERGENCY, depth=2, minute=9),
    wish("earlier live", Priority.LIVE, depth=2, minute=1),
    wish("later live", Priority.LIVE, depth=0, minute=2),
    wish("priority ranked first", Priority.PRIORITY, order=1, minute=9),
    wish("priority ranked second", Priority.PRIORITY, order=2),
    wish("routine ranked first", order=1, minute=9),
    wish("earlier routine", order=2, minute=1),
    wish("later routine a", order=2, minute=2),
    wish("later routine b", order=2, minute=2),
]

names = st.text(alphabet="abcdefgh", min_size=1, max_size=4)
wishes = st.builds(
    wish,
    names,
    st.sampled_from(Priority),
    depth=st.integers(0, 3),
    minute=st.integers(0, 3),
    order=st.integers(0, 3),
    ready=st.booleans(),
)
crowds = st.lists(wishes, max_size=8, unique_by=lambda each: each.id)


@given(st.permutations(ORDER))
def test_the_order_is_the_same_however_the_wishes_come(shuffled):
    assert sorted(shuffled, key=rank) == ORDER


@given(st.permutations(ORDER), st.integers(0, len(ORDER) - 1))
def test_the_highest_of_those_present_is_on_air(shuffled, gone):
    present = [each for each in shuffled if each not in ORDER[:gone]]
    assert choose(present, None) == ORDER[gone]


@given(crowds, st.randoms(use_true_random=False), st.data())
def test_the_choice_is_total_and_blind_to_order(crowd, dice, data):
    playing = data.draw(st.none() | st.sampled_from(crowd)) if crowd else None
    shuffled = list(crowd)
    dice.shuffle(shuffled)
    assert choose(crowd, playing) == choose(shuffled, playing)
    assert len({rank(each) for each in crowd}) == len(crowd)


@given(crowds, st.data())
def test_nothing_displaces_what_plays_unless_its_own_sound_is_ready(crowd, data):
    if not crowd:
        return
    playing = data.draw(st.sampled_from(crowd))
    chosen = choose(crowd, playing)
    assert chosen is not None
    assert chosen == playing or chosen.ready


@given(crowds)
def test_asking_again_with_the_winner_playing_changes_nothing(crowd):
    chosen = choose(crowd, None)
    assert choose(crowd, chosen) == chosen


def test_silence_when_nothing_is_ready():
    assert choose([wish("not fetched", ready=False)], None) is None


def test_what_plays_goes_on_though_it_lost_its_readiness():
    playing = wish("bulletin")
    assert choose([wish("bulletin", ready=False)], playing) == wish("bulletin", ready=False)


def test_what_was_stopped_does_not_stay_on_air():
    assert choose([], wish("stopped")) is None


def test_a_repeat_of_an_alert_is_no_newer_than_its_first_airing():
    older = replace(airing("old", at("06:05"), priority=Priority.EMERGENCY), raised_at=at("06:00"))
    newer = airing("new", at("06:01"), priority=Priority.EMERGENCY)
    assert rank(candidate(newer, ready=True)) < rank(candidate(older, ready=True))


def test_a_planned_occurrence_was_raised_when_it_begins():
    occurrence = airing("news", at("06:00"), priority=Priority.PRIORITY, order=3)
    assert candidate(occurrence, ready=True) == Candidate(
        occurrence.id, Priority.PRIORITY, 2, at("06:00"), 3, ready=True
    )

from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from schedules.collisions import Because, collisions
from schedules.entry import nominal_end
from schedules.on_air import candidate, choose
from schedules.types import Priority, Resume
from tests.schedules.language import airing, at


def told(*occurrences):
    return [(each.winner.id, each.loser.id, each.because) for each in collisions(occurrences)]


def test_what_only_touches_does_not_collide():
    assert told(airing("a", at("06:00"), 10), airing("b", at("06:10"), 10)) == []


def test_each_place_of_the_order_is_given_as_the_reason():
    six, later = at("06:00"), at("06:05")
    emergency, priority = Priority.EMERGENCY, Priority.PRIORITY
    assert told(airing("a", six), airing("b", later, priority=priority)) == [("b", "a", Because.PRIORITY)]
    assert told(airing("a", six, priority=emergency, depth=2), airing("b", later, priority=emergency, depth=1)) == [
        ("b", "a", Because.ISSUER)
    ]
    assert told(airing("a", six, priority=emergency), airing("b", later, priority=emergency)) == [
        ("b", "a", Because.NEWER)
    ]
    assert told(airing("a", six, order=2), airing("b", later, order=1)) == [("b", "a", Because.COMMUNE_ORDER)]
    assert told(airing("a", six), airing("b", later)) == [("a", "b", Because.EARLIER)]
    assert told(airing("b", six), airing("a", six)) == [("a", "b", Because.ID)]


def test_a_collision_lasts_as_long_as_the_overlap():
    (only,) = collisions([airing("a", at("06:00"), 10), airing("b", at("06:05"), 10)])
    assert (only.from_, only.until) == (at("06:05"), at("06:10"))


def test_what_returns_to_the_air_yields_again_to_the_next():
    day = [
        airing("long", at("06:00"), 60),
        airing("first", at("06:10"), 5, priority=Priority.PRIORITY),
        airing("second", at("06:30"), 5, priority=Priority.PRIORITY),
    ]
    assert told(*day) == [("first", "long", Because.PRIORITY), ("second", "long", Because.PRIORITY)]


def test_it_is_explained_in_two_languages():
    bulletin = airing("Bản tin sáng", at("06:00"), 10, resume=Resume.SKIP)
    (only,) = collisions([bulletin, airing("Tiếp âm", at("06:05"), 10, priority=Priority.PRIORITY)])
    assert only.explain().vi == (
        "Từ 06:05:00 đến 06:10:00, “Tiếp âm” được phát thay “Bản tin sáng” vì mức ưu tiên cao hơn; "
        "“Bản tin sáng”: phần còn lại không phát."
    )
    assert only.explain().en == (
        "From 06:05:00 to 06:10:00 “Tiếp âm” has the air instead of “Bản tin sáng” because it has the higher priority; "
        "“Bản tin sáng” is not resumed."
    )


def test_a_thousand_at_once_are_told_once_each():
    crowd = [airing(f"{number:04}", at("06:00")) for number in range(1000)]
    assert {each.loser.id for each in collisions(crowd)} == {each.id for each in crowd[1:]}


days = st.lists(
    st.builds(
        lambda name, minute, length, priority, order: airing(
            f"o{name}", at("06:00") + timedelta(minutes=minute), length, priority=priority, order=order
        ),
        st.integers(0, 10**6),
        st.integers(0, 60),
        st.integers(1, 30),
        st.sampled_from(Priority),
        st.integers(0, 2),
    ),
    max_size=12,
    unique_by=lambda each: each.id,
)


@given(days, st.randoms(use_true_random=False))
def test_collisions_do_not_depend_on_the_order_of_occurrences(day, dice):
    shuffled = list(day)
    dice.shuffle(shuffled)
    assert collisions(day) == collisions(shuffled)
    assert len(collisions(day)) <= max(0, len(day) - 1)


@given(days)
def test_the_winner_is_what_would_be_on_air(day):
    for each in collisions(day):
        wishes = [
            candidate(other, ready=True)
            for other in day
            if other.starts_at < each.from_ < nominal_end(other) or other in {each.winner, each.loser}
        ]
        chosen = choose(wishes, None)
        assert chosen is not None
        assert chosen.id == each.winner.id


@given(days)
def test_whatever_begins_under_a_better_one_appears_as_a_loser(day):
    losers = {each.loser.id for each in collisions(day)}
    for one in day:
        wishes = [candidate(each, ready=True) for each in day if each.starts_at <= one.starts_at < nominal_end(each)]
        best = choose(wishes, None)
        assert best is not None
        assert best.id == one.id or one.id in losers

"""The filter believes what most exchanges agree on, and knows how wrong it can be."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from device_agent.clock_filter import DRIFT, Exchange, Sample, estimate, sample

EPOCH = datetime(2026, 11, 24, tzinfo=UTC)
TRUTH_S = EPOCH.timestamp()
delays = st.floats(0.0005, 2.0)


def exchange(sent_s: float, there_s: float, back_s: float, answering_s: float = 0.001) -> Exchange:
    """What an honest controller and an asymmetric network make of a question asked at `sent_s`."""
    received = EPOCH + timedelta(seconds=sent_s + there_s)
    replied = received + timedelta(seconds=answering_s)
    return Exchange(sent_s, received, replied, sent_s + there_s + answering_s + back_s)


def claim(sent_s: float, there_s: float, back_s: float) -> Sample:
    found = sample(exchange(sent_s, there_s, back_s))
    assert found is not None
    return found


@given(delays, delays)
def test_the_truth_lies_within_half_a_round_trip(there_s: float, back_s: float) -> None:
    found = claim(10.0, there_s, back_s)
    assert abs(found.offset_s - TRUTH_S) <= found.reach_s(found.at_mono_s) + 1e-5


@given(st.lists(st.tuples(delays, delays), min_size=3, max_size=16))
def test_honest_exchanges_bound_their_error(paths: list[tuple[float, float]]) -> None:
    samples = [claim(10.0 + at, there, back) for at, (there, back) in enumerate(paths)]
    found = estimate(samples, 40.0)
    assert found is not None
    assert abs(found.offset_s - TRUTH_S) <= found.error_s + 1e-5


@given(st.data(), st.lists(st.tuples(delays, delays), min_size=3, max_size=10))
def test_the_order_of_arrival_does_not_matter(data: st.DataObject, paths: list[tuple[float, float]]) -> None:
    samples = [claim(10.0 + at, there, back) for at, (there, back) in enumerate(paths)]
    assert estimate(data.draw(st.permutations(samples)), 40.0) == estimate(samples, 40.0)


@given(st.floats(-1e6, 1e6), st.floats(0, 0.001))
def test_one_hostile_exchange_does_not_move_the_clock(lie_s: float, round_trip_s: float) -> None:
    honest = [claim(10.0 + at, 0.010, 0.012) for at in range(4)]
    liar = Sample(TRUTH_S + lie_s, round_trip_s, 14.0)
    found = estimate([*honest, liar], 20.0)
    assert found is not None
    assert abs(found.offset_s - TRUTH_S) <= 0.012


def test_two_exchanges_say_nothing_yet() -> None:
    assert estimate([claim(1.0, 0.01, 0.01), claim(2.0, 0.01, 0.01)], 3.0) is None


def test_a_divided_house_says_nothing() -> None:
    honest = [claim(float(at), 0.01, 0.01) for at in range(3)]
    liars = [Sample(TRUTH_S + 3600, 0.02, float(at)) for at in range(3)]
    assert estimate([*honest, *liars], 5.0) is None


def test_error_grows_with_age() -> None:
    samples = [claim(float(at), 0.01, 0.01) for at in range(5)]
    young, old = estimate(samples, 10.0), estimate(samples, 1010.0)
    assert young is not None
    assert old is not None
    assert abs((old.error_s - young.error_s) - 1000 * DRIFT) < 1e-9


def test_impossible_timestamps_claim_nothing() -> None:
    assert sample(Exchange(10.0, EPOCH, EPOCH - timedelta(seconds=1), 10.1)) is None
    assert sample(Exchange(10.0, EPOCH, EPOCH + timedelta(seconds=1), 10.1)) is None
    assert sample(Exchange(10.0, EPOCH, EPOCH, 21.0)) is None

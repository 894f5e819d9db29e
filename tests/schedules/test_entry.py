from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from schedules.entry import Entry, ends_at, entry, nominal_end, sounding_until
from schedules.types import Heard, Resume
from tests.schedules.language import airing, at

HALF = Heard(played_ms=120_000, finished=False)
UNHEARD = Heard(played_ms=0, finished=False)
WHOLE = Heard(played_ms=600_000, finished=True)
SIX = at("06:00")


# resume, late_join_s, how late in seconds, heard before, expected offset in ms (None: stays silent). Ten minutes long.
CASES = [
    (Resume.REJOIN, None, -1, None, None),
    (Resume.REJOIN, None, 0, None, 0),
    (Resume.REJOIN, None, 1, None, 0),
    (Resume.REJOIN, None, 90, None, 90_000),
    (Resume.REJOIN, None, 599, None, 599_000),
    (Resume.REJOIN, None, 600, None, None),
    (Resume.REJOIN, 60, 59, None, 59_000),
    (Resume.REJOIN, 60, 60, None, None),
    (Resume.REJOIN, 60, 300, HALF, 300_000),
    (Resume.REJOIN, 60, 300, UNHEARD, None),
    (Resume.REJOIN, None, 0.5, HALF, 500),
    (Resume.REJOIN, None, 300, WHOLE, None),
    (Resume.RESTART, None, 0, None, 0),
    (Resume.RESTART, None, 300, None, 0),
    (Resume.RESTART, None, 300, HALF, 0),
    (Resume.RESTART, None, 600, HALF, None),
    (Resume.RESTART, 60, 59, HALF, 0),
    (Resume.RESTART, 60, 60, HALF, None),
    (Resume.RESTART, 0, 0.5, None, 0),
    (Resume.RESTART, None, 300, WHOLE, None),
    (Resume.SKIP, None, 0.5, None, 0),
    (Resume.SKIP, None, 2, None, None),
    (Resume.SKIP, None, 0.5, HALF, None),
    (Resume.SKIP, None, 0.5, UNHEARD, 0),
    (Resume.SKIP, 60, 30, None, None),
]


@pytest.mark.parametrize(("resume", "late_join_s", "late_s", "heard", "offset_ms"), CASES)
def test_where_an_occurrence_starts(resume, late_join_s, late_s, heard, offset_ms):
    occurrence = airing("news", SIX, 10, resume=resume, late_join_s=late_join_s)
    now = SIX + timedelta(seconds=late_s)
    assert entry(occurrence, now, heard) == (None if offset_ms is None else Entry(now, offset_ms))


def test_a_rejoined_occurrence_ends_when_it_would_have_ended():
    occurrence = airing("news", SIX, 10)
    assert sounding_until(occurrence, SIX + timedelta(minutes=4), HALF) == nominal_end(occurrence)


def test_a_restarted_occurrence_ends_a_whole_length_later():
    occurrence = airing("news", SIX, 10, resume=Resume.RESTART)
    begun = entry(occurrence, SIX + timedelta(minutes=4), HALF)
    assert begun is not None
    assert ends_at(occurrence, begun) == SIX + timedelta(minutes=14)


def test_silence_has_no_end():
    assert sounding_until(airing("news", SIX, 10), SIX + timedelta(hours=1)) is None


@given(
    st.sampled_from(Resume),
    st.none() | st.integers(0, 1200),
    st.integers(-2_000, 1_300_000),
    st.none() | st.builds(Heard, st.integers(0, 600_000), st.booleans()),
)
def test_an_entry_always_lies_within_the_sound(resume, late_join_s, late_ms, heard):
    occurrence = airing("news", SIX, 10, resume=resume, late_join_s=late_join_s)
    begun = entry(occurrence, SIX + timedelta(milliseconds=late_ms), heard)
    if begun is not None:
        assert 0 <= begun.offset_ms < occurrence.duration_ms
        assert SIX <= begun.at < nominal_end(occurrence)
        assert not (heard and heard.finished)

"""The rehearsal and the outline on their own: pure, and the same however the samples come."""

import math
from array import array

import pytest
from hypothesis import given
from hypothesis import strategies as st

from audio.envelope import Envelope
from audio.loudness import Loudness
from audio.profiles import Compression
from audio.rehearsal import makeup_db
from audio.waveform import PEAKS, Outline, Portrait, joined

CEILING_DB = -6.0


def tone(level: float, seconds: float = 4.0) -> bytes:
    return array("h", [round(32_767 * level * math.sin(n / 8)) for n in range(int(48_000 * seconds))]).tobytes()


def envelope(samples: bytes) -> Envelope:
    made = Envelope()
    made.add(samples)
    return made


TONE = envelope(tone(0.1))
BEATS = envelope((tone(0.8, 0.05) + tone(0.02, 0.45)) * 10)
samples = st.lists(st.integers(-32_768, 32_767), max_size=3000).map(lambda values: array("h", values).tobytes())


def in_chunks(data: bytes, sizes: list[int]) -> list[bytes]:
    chunks = []
    for size in sizes:
        chunks.append(data[:size])
        data = data[size:]
    return [*chunks, data]


@given(samples, st.lists(st.integers(0, 2000)))
def test_the_outline_does_not_depend_on_how_the_samples_come(data: bytes, sizes: list[int]):
    whole, parts = Outline(), Outline()
    whole.add(data)
    for chunk in in_chunks(data, sizes):
        parts.add(chunk)

    assert parts.peaks() == whole.peaks()
    assert max(whole.peaks(), default=0) == round(100 * max(map(abs, array("h", data)), default=0) / 32_768)


@given(samples, st.lists(st.integers(0, 2000)))
def test_the_envelope_does_not_depend_on_how_the_samples_come(data: bytes, sizes: list[int]):
    parts = Envelope()
    for chunk in in_chunks(data, sizes):
        parts.add(chunk)

    assert (parts.peaks, parts.rms) == (envelope(data).peaks, envelope(data).rms)


def test_an_outline_of_hours_is_as_small_as_one_of_seconds():
    outline = Outline()
    silence = bytes(96_000 * 60)
    for _minute in range(180):
        outline.add(silence)
    outline.add(tone(0.5, 60))

    peaks = outline.peaks()
    assert len(peaks) == PEAKS
    assert set(peaks[:-2]) == {0}
    assert peaks[-1] == 50


@given(st.floats(-10, 5))
def test_what_meets_no_limiter_gets_just_what_it_lacks(louder_lu: float):
    assert makeup_db(TONE, 0.0, None, louder_lu, CEILING_DB) == pytest.approx(louder_lu, abs=0.1)


@given(st.floats(-5, 8), st.floats(0.1, 4))
def test_to_come_out_louder_takes_more_gain(louder_lu: float, more_lu: float):
    lower, higher = (makeup_db(BEATS, 0.0, None, wish, CEILING_DB) for wish in (louder_lu, louder_lu + more_lu))

    assert higher >= lower


def test_a_limiter_and_a_compressor_are_made_up_for():
    compression = Compression(threshold_db=-30, ratio=2)

    assert makeup_db(BEATS, 0.0, None, 6, CEILING_DB) > 6.5
    assert makeup_db(TONE, 0.0, compression, 0, CEILING_DB) == pytest.approx(3.5, abs=0.5)  # half of what is above −30


def test_what_can_never_get_there_gets_the_most_and_no_more():
    clicks = envelope((tone(0.8, 0.01) + bytes(96_000 * 2)) * 5)

    assert makeup_db(clicks, 0.0, None, 30, CEILING_DB) < 60


def test_portraits_one_after_the_other():
    loud = Portrait(Loudness(-10.0, -1.0), 3000, (100,) * 200)
    soft = Portrait(Loudness(-40.0, -20.0), 1000, (10,) * 200)

    both = joined([loud, soft])

    assert both.duration_ms == 4000
    assert both.loudness == Loudness(-11.2, -1.0)
    assert both.waveform == (100,) * 150 + (10,) * 50

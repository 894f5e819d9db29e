"""Reading a little faster or slower: every frame of the source counts, and nobody hears it."""

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from device_agent.decoder import Samples
from device_agent.elastic import Elastic
from device_agent.sinks import RATE_HZ

Signal = NDArray[np.float64]
CHUNK = RATE_HZ // 50


def sine(hz: float, seconds: float) -> bytes:
    at = np.arange(round(seconds * RATE_HZ))
    return (np.sin(2 * np.pi * hz * at / RATE_HZ) * 20_000).round().astype("<i2").tobytes()


def heard(elastic: Elastic, chunks: int, rate: float) -> Signal:
    return np.frombuffer(b"".join(elastic.read(CHUNK, rate) for _ in range(chunks)), "<i2").astype(np.float64)


def distortion_db(signal: Signal, hz: float) -> float:
    """THD+N: all that is not the sine at exactly this frequency, beside the sine."""
    angle = 2 * np.pi * hz * np.arange(len(signal)) / RATE_HZ
    basis = np.stack([np.sin(angle), np.cos(angle), np.ones(len(signal))], axis=1)
    pure = basis @ np.linalg.lstsq(basis, signal, rcond=None)[0]
    return float(20 * np.log10((signal - pure).std() / pure.std()))


@pytest.mark.parametrize("ppm", [20, 100, -100, 300, -300, 2000, -2000])
@pytest.mark.parametrize("hz", [1000, 5000])
def test_a_tone_stays_a_pure_tone(hz: int, ppm: int) -> None:
    signal = heard(Elastic(Samples(sine(hz, 2.2))), 100, ppm * 1e-6)
    assert distortion_db(signal[CHUNK:], hz * (1 + ppm * 1e-6)) < -60


def test_nothing_clicks_when_the_rate_changes() -> None:
    elastic = Elastic(Samples(sine(1000, 6)))
    signal = np.concatenate([heard(elastic, 10, ppm * 1e-6) for ppm in (0, 100, -300, 0, 2000, -2000, 0, 0, 150, 0)])
    bend = np.abs(np.diff(signal, 2)).max()
    assert bend < 20_000 * (2 * np.pi * 1000 / RATE_HZ) ** 2 * 1.02


def test_samples_pass_untouched_while_nothing_is_corrected() -> None:
    pcm = np.random.default_rng(1).integers(-32768, 32768, RATE_HZ, dtype="<i2").tobytes()
    elastic = Elastic(Samples(pcm))
    assert b"".join(elastic.read(CHUNK) for _ in range(60)) == pcm


def test_samples_pass_untouched_again_a_while_after_a_correction() -> None:
    pcm = sine(440, 4)
    elastic = Elastic(Samples(pcm))
    heard(elastic, 10, 100e-6)
    heard(elastic, 60, 0.0)
    assert elastic.position == round(elastic.position)
    at = round(elastic.position) * 2
    assert elastic.read(CHUNK) == pcm[at : at + CHUNK * 2]


def test_the_loudest_sound_does_not_wrap_around() -> None:
    pcm = np.where(np.arange(RATE_HZ) // 40 % 2, 32767, -32768).astype("<i2")
    signal = heard(Elastic(Samples(pcm.tobytes())), 40, 300e-6)
    settled = np.abs(np.diff(np.sign(signal))) > 0
    assert settled.sum() == pytest.approx(len(signal) / 40, rel=0.01)


class Stuttering:
    """A source that brings as much as it is told to."""

    def __init__(self, pcm: bytes, portions: Sequence[int]) -> None:
        self._pcm = pcm
        self._portions = list(portions)

    @property
    def ended(self) -> bool:
        return not self._pcm

    def read(self, frames: int) -> bytes:
        size = 2 * min(frames, self._portions.pop(0) if self._portions else frames)
        pcm, self._pcm = self._pcm[:size], self._pcm[size:]
        return pcm


@settings(max_examples=50, deadline=None)
@given(
    length=st.integers(0, 3000),
    rates=st.lists(st.sampled_from([0.0, 20e-6, -100e-6, 0.002, -0.002]), min_size=1, max_size=12),
    portions=st.lists(st.integers(0, 500), max_size=30),
)
def test_every_frame_of_the_source_is_passed_once(length: int, rates: list[float], portions: list[int]) -> None:
    elastic = Elastic(Stuttering(sine(700, 1)[: length * 2], portions))
    made, number = 0, 0
    while not elastic.ended:
        made += len(elastic.read(480, rates[number % len(rates)])) // 2
        number += 1
        assert number < 200
    assert elastic.position == length
    assert made == pytest.approx(length, abs=1 + 0.002 * length)

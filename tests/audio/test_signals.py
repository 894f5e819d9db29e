"""Chimes, the attention call, the test tone, the sirens: each is what it says, and no ear mixes them up."""

import hashlib
import subprocess
import sys
import tracemalloc
from dataclasses import astuple
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from scipy.signal import butter, sosfilt

from audio import signals
from audio.signals import ABOUT, Signal, Use
from tests.support.ears import Samples, from_bytes, loudness_lufs, true_peak_dbtp

SIRENS = [signal for signal in Signal if ABOUT[signal].use is Use.ALARM]
WAILING = [signal for signal in SIRENS if signal is not Signal.ALL_CLEAR]
BELLS = [signal for signal in Signal if ABOUT[signal].use is not Use.ALARM and signal is not Signal.TEST_TONE]
TESTS = [signal for signal in Signal if ABOUT[signal].use is Use.TEST]

DIGESTS = {
    "opening": "aee4a68a47090700",
    "closing": "0a98288ea85c8bec",
    "attention": "98de25426ddb25fb",
    "test-rising": "ae1892e1091579e1",
    "test-falling": "0d9d48eef8bad922",
    "exercise": "4c198f0903dee389",
    "test-tone": "c128465c94a97761",
    "storm": "9a1b8b060b9a9164",
    "flood-2": "4f565e0845efb772",
    "flood-3": "57197b506c75f553",
    "all-clear": "fed222661c848317",
}


@pytest.fixture(scope="module")
def sounds() -> dict[Signal, Samples]:
    return {signal: from_bytes(signals.whole(signal)) for signal in Signal}


def test_every_signal_lasts_as_long_as_it_says(sounds: dict[Signal, Samples]):
    for signal, sound in sounds.items():
        assert len(sound) == signals.length_ms(signal) * 48, signal


def test_a_signal_is_the_same_bytes_every_time_and_everywhere():
    """Whoever changes a sound changes `controller.playlists.recipe.EDITION` too, so that programmes are made anew."""
    code = (
        "import hashlib, sys\n"
        "from audio import signals\n"
        "for signal in reversed(signals.Signal):\n"
        "    print(signal, hashlib.sha256(signals.whole(signal)).hexdigest()[:16])\n"
    )
    said = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    elsewhere = dict(line.split() for line in said.splitlines())

    assert {signal.value: hashlib.sha256(signals.whole(signal)).hexdigest()[:16] for signal in Signal} == elsewhere
    assert elsewhere == DIGESTS


@pytest.mark.parametrize("signal", BELLS)
def test_a_chime_is_as_loud_as_the_speech_that_follows_it(signal: Signal, sounds: dict[Signal, Samples]):
    assert abs(loudness_lufs(sounds[signal]) + 16) <= 0.5


@pytest.mark.parametrize("signal", SIRENS)
def test_a_siren_is_six_louder_than_speech(signal: Signal, sounds: dict[Signal, Samples]):
    assert abs(loudness_lufs(sounds[signal]) + 10) <= 0.5


@pytest.mark.parametrize("signal", Signal)
def test_no_signal_overdrives_what_plays_it(signal: Signal, sounds: dict[Signal, Samples]):
    assert true_peak_dbtp(sounds[signal]) <= -2


@pytest.mark.parametrize("signal", Signal)
def test_a_horn_carries_all_of_a_signal(signal: Signal, sounds: dict[Signal, Samples]):
    pitch_hz, power = spectrum(sounds[signal])

    assert power[(pitch_hz >= 300) & (pitch_hz <= 6000)].sum() / power.sum() > 0.999


@pytest.mark.parametrize("signal", Signal)
def test_no_signal_begins_breaks_off_or_goes_on_with_a_click(signal: Signal, sounds: dict[Signal, Samples]):
    """A click is a burst above everything that the sound is made of."""
    sound = sounds[signal]
    above = sosfilt(butter(8, 9000, "highpass", fs=48_000, output="sos"), sound)

    assert abs(sound[0]) < 0.0005
    assert np.abs(sound[-48:]).max() < 0.005
    assert 20 * np.log10(np.abs(above).max()) < -60


@pytest.mark.parametrize(
    ("signal", "calls", "call_s", "gap_s"),
    [(Signal.STORM, 3, 20, 10), (Signal.FLOOD_2, 2, 10, 10), (Signal.FLOOD_3, 5, 30, 5), (Signal.ALL_CLEAR, 1, 60, 0)],
)
def test_a_siren_calls_as_the_rule_counts(
    signal: Signal, calls: int, call_s: int, gap_s: int, sounds: dict[Signal, Samples]
):
    loud = np.abs(sounds[signal].reshape(-1, 4800)).max(axis=1) > 0.05
    heard = [call_s * 10, gap_s * 10] * (calls - 1) + [call_s * 10]

    changes = np.flatnonzero(np.diff(loud)) + 1
    assert [end - begin for begin, end in pairwise([0, *changes, len(loud)])] == heard
    assert loud[0]


def test_the_opening_rises_and_the_closing_falls():
    assert melody_hz(Signal.OPENING, 3, 450) == sorted(melody_hz(Signal.CLOSING, 3, 450))
    assert melody_hz(Signal.CLOSING, 3, 450) == melody_hz(Signal.OPENING, 3, 450)[::-1]


def test_the_test_chimes_rise_and_fall():
    assert melody_hz(Signal.TEST_RISING, 4, 350) == sorted(melody_hz(Signal.TEST_FALLING, 4, 350))
    assert melody_hz(Signal.TEST_FALLING, 4, 350) == melody_hz(Signal.TEST_RISING, 4, 350)[::-1]


@pytest.mark.parametrize("seconds", [4, 4.5, 6.125, 10])
def test_the_attention_call_lasts_as_long_as_asked(seconds: float):
    sound = from_bytes(b"".join(signals.attention(seconds)))

    assert len(sound) == seconds * 48_000
    assert abs(loudness_lufs(sound) + 16) <= 0.5
    assert np.abs(sound[-48:]).max() < 0.005


@pytest.mark.parametrize("seconds", [0, 3.9, 10.1])
def test_an_attention_call_outside_the_standard_is_refused(seconds: float):
    with pytest.raises(ValueError, match="4 to 10 s"):
        next(signals.attention(seconds))


@pytest.mark.parametrize("seconds", [0, 0.25, 1, 2.5, 10])
def test_the_test_tone_lasts_as_long_as_asked(seconds: float):
    assert len(signals.tone(seconds)) == 2 * round(48_000 * seconds)


def test_the_test_tone_beeps_at_one_kilohertz_every_second():
    sound = from_bytes(signals.tone(3))

    for second in range(3):
        beep = sound[second * 48_000 : second * 48_000 + 24_000]
        pause = sound[second * 48_000 + 24_000 : (second + 1) * 48_000]
        assert np.argmax(np.abs(np.fft.rfft(beep))) == 500
        assert abs(np.abs(beep).max() - 0.25) < 0.001
        assert not pause.any()


def test_a_long_siren_takes_little_memory():
    tracemalloc.start()
    try:
        size = sum(map(len, signals.samples(Signal.FLOOD_3)))
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()

    assert size == 170 * 96_000
    assert peak < 3_000_000


def test_every_signal_says_what_it_means_in_both_languages():
    for signal, about in ABOUT.items():
        assert all(astuple(about)), signal
    assert set(ABOUT) == set(Signal)


@pytest.mark.parametrize("signal", Signal)
def test_the_documents_show_every_signal_and_its_meaning(signal: Signal):
    docs = Path(__file__).parents[2] / "docs"
    (row,) = [line for line in (docs / "sounds.md").read_text().splitlines() if f"`{signal}`" in line]

    about = ABOUT[signal]
    assert all(words in row for words in (about.name_vi, about.name_en, about.meaning_vi, about.meaning_en))
    assert f"{signals.length_ms(signal) / 1000:g} s" in row
    assert 0 < (docs / "sounds" / f"{signal}.png").stat().st_size <= 60_000


# What an ear goes by, measured on any five seconds of a sound.

LISTEN_S = 5
STEP = 1200
"""Samples in one look at the sound: 25 ms."""


def looks(sound: Samples) -> Samples:
    return sound[: len(sound) // STEP * STEP].reshape(-1, STEP)


def unbroken_s(sound: Samples) -> float:
    """The longest time without a drop by 10 dB below what is loud in it."""
    level = np.sqrt((looks(sound) ** 2).mean(axis=1))
    quiet = np.flatnonzero(level < np.percentile(level, 95) / 10**0.5)
    return float(np.diff(quiet, prepend=-1, append=len(level)).max() - 1) * STEP / 48_000


def low_part(sound: Samples) -> float:
    """The part of its power, within a horn's band, that lies where the sirens' pitch is."""
    pitch_hz, power = spectrum(sound)
    return float(power[(pitch_hz > 350) & (pitch_hz < 950)].sum() / power[(pitch_hz > 300) & (pitch_hz < 6000)].sum())


def danger(sound: Samples) -> bool:
    """The simplest ear: it goes on and on, and lies low."""
    return unbroken_s(sound) > 1.5 and low_part(sound) > 0.4


def through_a_horn(sound: Samples, snr_db: float, *, echo: bool, seed: int) -> Samples:
    """From a pole to an ear: the horn's band, a hillside's echo, rain and motorcycles."""
    heard = sosfilt(butter(2, [400, 4000], "bandpass", fs=48_000, output="sos"), sound)
    if echo:
        late = 48_000 * 3 // 10
        heard = heard + 0.5 * np.concatenate([np.zeros(late), heard[:-late]])
    noise = np.random.default_rng(seed).normal(size=len(heard))
    return heard + noise * np.sqrt((heard**2).mean() / (noise**2).mean()) * 10 ** (-snr_db / 20)


def windows(sound: Samples) -> list[Samples]:
    """Every five seconds that begin and end with sound; a shorter signal as a whole."""
    size = LISTEN_S * 48_000
    parts = [sound[at : at + size] for at in range(0, max(1, len(sound) - size + 1), 48_000)]
    return [part for part in parts if np.abs(part[:48_000]).max() > 0.05 and np.abs(part[-48_000:]).max() > 0.05]


def test_the_features_of_a_test_lie_far_from_every_sirens(sounds: dict[Signal, Samples]):
    tests = [(unbroken_s(part), low_part(part)) for signal in TESTS for part in windows(sounds[signal])]
    alarms = [(unbroken_s(sounds[signal]), low_part(sounds[signal])) for signal in SIRENS]

    assert max(unbroken for unbroken, _ in tests) < 1
    assert min(unbroken for unbroken, _ in alarms) > 9
    assert max(low for _, low in tests) < 0.02
    assert min(low for _, low in alarms) > 0.6


@pytest.mark.parametrize("signal", BELLS)
def test_no_chime_goes_on_like_a_siren(signal: Signal, sounds: dict[Signal, Samples]):
    assert unbroken_s(sounds[signal]) < 2


@pytest.mark.parametrize("signal", WAILING)
def test_a_siren_glides_through_all_pitches(signal: Signal, sounds: dict[Signal, Samples]):
    wail = pitches_hz(sounds[signal][: 5 * 48_000])

    assert min(wail) < 420
    assert max(wail) > 880
    assert all(abs(after / before - 1) < 0.09 for before, after in pairwise(wail))


@pytest.mark.parametrize("signal", TESTS)
def test_a_test_steps_between_fixed_notes_above_every_siren(signal: Signal, sounds: dict[Signal, Samples]):
    notes = {round(12 * np.log2(pitch / 1000)) for pitch in pitches_hz(sounds[signal])}

    assert len(notes) <= 4
    assert min(notes) >= 0


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_any_five_seconds_tell_a_test_from_danger_through_horn_echo_and_noise(
    data: st.DataObject, sounds: dict[Signal, Samples]
):
    signal = data.draw(st.sampled_from([*TESTS, *SIRENS]))
    part = data.draw(st.sampled_from(windows(sounds[signal])))
    snr_db = data.draw(st.sampled_from([0, 3, 6, 12]))
    heard = through_a_horn(part, snr_db, echo=data.draw(st.booleans()), seed=len(part))

    assert danger(heard) is (signal in SIRENS)


def melody_hz(signal: Signal, notes: int, apart_ms: int) -> list[int]:
    """The loudest pitch of each note, early in it."""
    sound = from_bytes(signals.whole(signal))
    starts = [note * apart_ms * 48 + 960 for note in range(notes)]
    return [round(loudest_hz(sound[start : start + 14_400]) / 10) for start in starts]


def pitches_hz(sound: Samples) -> list[float]:
    """The loudest pitch in each tenth of a second that sounds."""
    parts = sound[: len(sound) // 4800 * 4800].reshape(-1, 4800)
    return [loudest_hz(part) for part in parts if np.abs(part).max() > 0.05]


def loudest_hz(sound: Samples) -> float:
    pitch_hz, power = spectrum(sound)
    return float(pitch_hz[np.argmax(power)])


def spectrum(sound: Samples) -> tuple[Samples, Samples]:
    power = np.abs(np.fft.rfft(sound * np.hanning(len(sound)))) ** 2
    return np.fft.rfftfreq(len(sound), 1 / 48_000), power

import math

import numpy as np
import pytest

from audio.chime import ChimeKind, chime, tone
from tests.support.ears import from_bytes, loudness_lufs, true_peak_dbtp


@pytest.mark.parametrize("kind", ChimeKind)
def test_a_chime_is_about_as_loud_as_what_follows_it(kind: ChimeKind):
    sound = from_bytes(chime(kind))

    assert abs(loudness_lufs(sound) + 16) <= 1.5
    assert true_peak_dbtp(sound) <= -2


@pytest.mark.parametrize("kind", ChimeKind)
def test_a_chime_begins_and_ends_without_a_click(kind: ChimeKind):
    sound = from_bytes(chime(kind))

    assert abs(sound[0]) < 0.001
    assert np.abs(sound[-48:]).max() < 0.001
    assert np.abs(np.diff(sound)).max() < 0.15


def test_the_opening_rises_and_the_closing_falls():
    def pitch_hz(sound: bytes, at_s: float) -> float:
        part = from_bytes(sound)[int(at_s * 48_000) :][:19_200]
        return float(np.argmax(np.abs(np.fft.rfft(part * np.hanning(len(part))))) * 48_000 / len(part))

    opening = [pitch_hz(chime(ChimeKind.OPENING), at_s) for at_s in (0.02, 0.47, 0.92)]
    closing = [pitch_hz(chime(ChimeKind.CLOSING), at_s) for at_s in (0.02, 0.47, 0.92)]
    assert opening == sorted(opening)
    assert closing == sorted(closing, reverse=True)


def test_the_attention_call_lasts_as_long_as_the_standard_asks():
    assert 4.0 <= len(chime(ChimeKind.ATTENTION)) / 96_000 <= 10.0


@pytest.mark.parametrize("seconds", [0, 0.25, 1, 2.5, 10])
def test_the_test_tone_lasts_as_long_as_asked(seconds: float):
    assert len(tone(seconds)) == 2 * round(48_000 * seconds)


def test_the_test_tone_beeps_at_one_kilohertz_every_second():
    sound = from_bytes(tone(3))

    for second in range(3):
        beep = sound[second * 48_000 : second * 48_000 + 24_000]
        pause = sound[second * 48_000 + 24_000 : (second + 1) * 48_000]
        assert np.argmax(np.abs(np.fft.rfft(beep))) == 500
        assert math.isclose(np.abs(beep).max(), 0.25, abs_tol=0.001)
        assert not pause.any()

"""How loud clips come out, by an ear that is not the one that levelled them."""

import shutil
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import welch

from audio.clips import FilePart, Part, TextPart, clip_from_file, clip_from_parts
from audio.errors import Silent
from audio.profiles import Profile
from audio.speech.espeak import NORTH
from tests.audio.conftest import Record
from tests.support.ears import Samples, hear, loudness_lufs, true_peak_dbtp

RATE_HZ = 48_000
SYLLABLES = "0.9*sin(2*PI*160*t)*(0.6+0.4*sin(2*PI*620*t))*lt(mod(t,0.31),0.22)*abs(sin(PI*mod(t,0.31)/0.22))"
KNOCKS = "0.95*(random(1)-0.5)*2*exp(-120*mod(t,0.9))"
SOUNDS = {
    "voice": f"aevalsrc='0.25*{SYLLABLES}':d=9",
    "whisper": f"aevalsrc='0.03*{SYLLABLES}':d=9",
    "shout": "aevalsrc='0.999*sgn(sin(2*PI*400*t)+0.5*sin(2*PI*13*t))':d=6",
    "voice with knocks": f"aevalsrc='0.2*{SYLLABLES}+{KNOCKS}':d=9",
    "band": (
        "aevalsrc='0.5*sin(2*PI*58*t)*exp(-18*mod(t,0.5))+0.2*sin(2*PI*440*t)*exp(-2*mod(t,0.25))"
        "+0.3*(random(0)-0.5)*exp(-40*mod(t+0.25,0.5))':d=9"
    ),
    "far, then near": f"aevalsrc='(0.12+0.3*gt(t,5))*{SYLLABLES}':d=10",
}
WHITE = "anoisesrc=d=6:r=48000:c=white:a=0.2:seed=4"


def power_db(sound: Samples, low_hz: float, high_hz: float) -> float:
    """Mean power density between two frequencies."""
    frequencies, density = welch(sound, RATE_HZ, nperseg=8192)
    return float(10 * np.log10(density[(frequencies >= low_hz) & (frequencies < high_hz)].mean()))


@pytest.mark.parametrize("profile", Profile)
@pytest.mark.parametrize("kind", SOUNDS)
def test_every_profile_brings_every_kind_of_sound_to_the_same_loudness(
    kind: str, profile: Profile, record: Record, workdir: Path
):
    clip = clip_from_file(record("take.wav", sound=SOUNDS[kind]), workdir, profile=profile)
    sound = hear(clip.path)

    assert loudness_lufs(sound) == pytest.approx(-16, abs=1)
    assert true_peak_dbtp(sound) <= -2


def test_the_ffmpeg_of_the_system_does_it_too(record: Record, workdir: Path, monkeypatch: pytest.MonkeyPatch):
    take = record("take.mp3", sound=SOUNDS["voice with knocks"])
    monkeypatch.setenv("LOA_FFMPEG", str(shutil.which("ffmpeg")))

    clip = clip_from_file(take, workdir)

    assert loudness_lufs(hear(clip.path)) == pytest.approx(-16, abs=1)
    assert true_peak_dbtp(hear(clip.path)) <= -2
    assert clip.before.loudness.integrated_lufs < clip.after.loudness.integrated_lufs


def test_a_horn_gets_what_it_can_radiate(record: Record, workdir: Path):
    sound = hear(clip_from_file(record("white.wav", sound=WHITE), workdir, profile=Profile.HORN).path)
    middle_db = power_db(sound, 500, 4000)

    assert power_db(sound, 30, 150) < middle_db - 20
    assert power_db(sound, 9000, 16_000) < middle_db - 12
    assert abs(power_db(sound, 350, 450) - middle_db) < 3
    assert abs(power_db(sound, 4500, 5500) - middle_db) < 3


def test_as_is_keeps_every_tone_that_indoor_keeps_but_rumble(record: Record, workdir: Path):
    white = record("white.wav", sound=WHITE)
    untouched, indoor = (
        hear(clip_from_file(white, workdir, profile=profile).path) for profile in (Profile.AS_IS, Profile.INDOOR)
    )
    tones_hz = [(50, 70), (300, 500), (1000, 2000), (5000, 7000)]

    assert np.ptp([power_db(untouched, *band) for band in tones_hz]) < 2.5
    assert np.ptp([power_db(indoor, *band) for band in tones_hz[1:]]) < 2.5
    assert power_db(indoor, 30, 45) < power_db(indoor, 300, 500) - 6


def test_compression_brings_the_far_voice_nearer(record: Record, workdir: Path):
    take = record("take.wav", sound="aevalsrc='(0.1+0.2*gt(t,5))*sin(2*PI*1000*t)':d=10")

    def apart_db(profile: Profile) -> float:
        sound = hear(clip_from_file(take, workdir, profile=profile).path)
        return loudness_lufs(sound[-4 * RATE_HZ :]) - loudness_lufs(sound[: 4 * RATE_HZ])

    assert apart_db(Profile.HORN) < apart_db(Profile.INDOOR) - 0.5 < apart_db(Profile.AS_IS) - 1


SPACED = f"aevalsrc='0.3*{SYLLABLES}*(between(t,1.5,4)+between(t,6,8))':d=11"


def test_silence_at_both_ends_goes_and_silence_inside_stays(record: Record, workdir: Path):
    take = record("take.flac", sound=SPACED)

    trimmed = clip_from_file(take, workdir)
    whole = clip_from_file(take, workdir, profile=Profile.AS_IS)

    assert trimmed.duration_ms == pytest.approx(6500 + 2 * 150, abs=120)
    assert len(hear(trimmed.path)) == trimmed.duration_ms * RATE_HZ // 1000
    assert trimmed.before.duration_ms == whole.before.duration_ms == whole.duration_ms == 11_000
    inside = hear(trimmed.path)[int(3.2 * RATE_HZ) : int(4.2 * RATE_HZ)]
    assert np.abs(inside).max() < 0.01


def test_before_and_after_show_what_was_done(record: Record, workdir: Path):
    clip = clip_from_file(record("take.wav", "-ar", "48000", sound=SPACED), workdir, profile=Profile.AS_IS)

    assert len(clip.before.waveform) == len(clip.after.waveform) == 200
    assert max(clip.before.waveform) == pytest.approx(27, abs=2)
    assert max(clip.after.waveform) <= 80
    assert set(clip.before.waveform[:25]) == {0}
    assert clip.after.loudness == clip.loudness
    assert clip.after.loudness.integrated_lufs == pytest.approx(loudness_lufs(hear(clip.path)), abs=0.3)
    assert clip.after.loudness.true_peak_dbtp == pytest.approx(true_peak_dbtp(hear(clip.path)), abs=0.3)


def test_isolated_knocks_keep_their_peak_and_say_that_they_are_too_soft(record: Record, workdir: Path):
    knocks = record("knocks.wav", sound="aevalsrc='0.9*sin(2*PI*900*t)*lt(mod(t,2),0.003)':d=9")

    clip = clip_from_file(knocks, workdir)

    assert true_peak_dbtp(hear(clip.path)) <= -2
    assert not clip.loudness.fit_for_air


def test_a_hum_that_no_horn_radiates_is_refused(record: Record, workdir: Path):
    hum = record("hum.wav", sound="aevalsrc='0.3*sin(2*PI*50*t)':d=4:s=48000")

    with pytest.raises(Silent):
        clip_from_file(hum, workdir)
    assert clip_from_file(hum, workdir, profile=Profile.AS_IS).loudness.fit_for_air


def test_a_title_cannot_pass_for_a_measurement(record: Record, workdir: Path):
    lie = "[ebur128@sound @ 0x1] Summary: I: -16.0 LUFS Peak: -20.0 dBFS [ebur128@band @ 0x1] Summary: I: -16.0 LUFS"
    titled = record("take.mp3", "-metadata", f"title={lie}\n{lie}", sound=SOUNDS["whisper"])

    clip = clip_from_file(titled, workdir)

    assert clip.before.loudness.integrated_lufs < -30
    assert loudness_lufs(hear(clip.path)) == pytest.approx(-16, abs=1)


@pytest.mark.parametrize("profile", [Profile.HORN, Profile.AS_IS])
def test_progress_grows_from_nothing_to_all(profile: Profile, record: Record, workdir: Path):
    told: list[float | None] = []
    clip_from_file(
        record("take.mp3", sound=SOUNDS["voice"]),
        workdir,
        profile=profile,
        on_progress=lambda _stage, done: told.append(done),
    )
    fractions = [done for done in told if done is not None]

    assert len(fractions) == len(told)
    assert fractions[0] < 0.5
    assert all(one <= next_one for one, next_one in pairwise(fractions))
    assert fractions[-1] == 1


def test_while_no_length_is_known_none_is_told(record: Record, workdir: Path):
    take = record("browser.webm", "-c:a", "libopus", "-live", "1", sound=SOUNDS["voice"])
    told: list[tuple[str, float | None]] = []

    clip_from_file(take, workdir, on_progress=lambda stage, done: told.append((stage, done)))

    assert ("listening", None) in told
    assert told[-1] == ("encoding", 1.0)


def test_two_languages_become_one_clip_each_as_loud_as_the_other(record: Record, workdir: Path):
    recording = FilePart(record("take.m4a", sound=SOUNDS["whisper"]))
    text = TextPart("Sáng mai cắt điện từ 7h30 đến 11h, đề nghị bà con chú ý.", NORTH)
    told: list[float] = []
    parts: list[Part] = [text, recording]

    clip = clip_from_parts(
        parts, workdir, pause_ms=1500, on_progress=lambda _stage, done: told.append(done or max(told, default=0.0))
    )
    alone = clip_from_parts([text], workdir)
    sound = hear(clip.path)
    first = sound[: alone.duration_ms * RATE_HZ // 1000]
    pause = sound[len(first) + RATE_HZ // 4 : len(first) + RATE_HZ * 5 // 4]
    second = sound[len(first) + RATE_HZ * 3 // 2 :]

    assert loudness_lufs(first) == pytest.approx(-16, abs=1.2)
    assert loudness_lufs(second) == pytest.approx(-16, abs=1.2)
    assert loudness_lufs(sound) == pytest.approx(-16, abs=1)
    assert true_peak_dbtp(sound) <= -2
    assert np.abs(pause).max() < 0.01
    assert clip.before.duration_ms == pytest.approx(alone.before.duration_ms + 9000, abs=50)
    assert 190 <= len(clip.before.waveform) <= 200
    assert told == sorted(told)
    assert told[-1] == 1
    assert clip_from_parts(parts, workdir / "again", pause_ms=1500).sha256 == clip.sha256


WITNESS = """
import resource, sys
from pathlib import Path
from audio.clips import clip_from_file
clip_from_file(Path(sys.argv[1]), Path(sys.argv[2]))
own, children = (resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
print(own, children)
"""


def peaks_mb(recording: Path, workdir: Path) -> list[float]:
    command = [sys.executable, "-c", WITNESS, str(recording), str(workdir)]
    said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=Path(__file__).parents[2]).stdout
    return [int(kb) / 1024 for kb in said.split()]


def test_memory_does_not_grow_with_the_length(record: Record, workdir: Path):
    short = record("short.mp3", seconds=10)
    long = record("long.mp3", seconds=180)

    for few_mb, many_mb in zip(peaks_mb(short, workdir), peaks_mb(long, workdir), strict=True):
        assert many_mb < few_mb + 8

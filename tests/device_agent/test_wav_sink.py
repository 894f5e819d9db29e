"""The sink without a sound card: paced by the clock, honest about lateness, and what it keeps survives anything."""

import json
import wave
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from device_agent.sinks import RATE_HZ
from device_agent.sinks.sounded import HEADER_BYTES, SoundedFiles
from device_agent.sinks.wav import WavSink

CHUNK = RATE_HZ // 50
SILENCE = bytes(CHUNK * 2)
SOUND = b"\xe8\x03" * CHUNK


@dataclass
class Stage:
    """A sink whose sleeping moves its clock."""

    folder: Path
    now: float = 100.0
    slept: float = 0.0
    sink: WavSink = field(init=False)

    def __post_init__(self) -> None:
        files = SoundedFiles(self.folder, limit_mb=0.5, wall=lambda: 1_700_000_000 + self.now)
        self.sink = WavSink(files, mono=lambda: self.now, sleep=self.sleep)

    def sleep(self, seconds: float) -> None:
        self.now += seconds
        self.slept += seconds

    def kept(self) -> list[Path]:
        return sorted(self.folder.glob("*.wav"))


@pytest.fixture
def stage(tmp_path: Path) -> Iterator[Stage]:
    stage = Stage(tmp_path / "sounded")
    yield stage
    stage.sink.close()


def frames_of(path: Path) -> bytes:
    with wave.open(str(path)) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (RATE_HZ, 1, 2)
        return file.readframes(file.getnframes())


def test_it_takes_samples_no_faster_than_they_sound(stage: Stage) -> None:
    for _ in range(100):
        stage.sink.write(SILENCE)
    assert stage.slept == pytest.approx(2.0 - 0.12, abs=0.001)
    assert stage.sink.consumed().frames == pytest.approx(stage.slept * RATE_HZ, abs=1)


def test_silence_between_broadcasts_is_not_kept(stage: Stage) -> None:
    for _ in range(20):
        stage.sink.write(SILENCE)
    stage.sink.close()
    assert stage.kept() == []


def test_what_sounded_is_kept_with_the_instant_of_its_first_sample(stage: Stage) -> None:
    for _ in range(10):
        stage.sink.write(SILENCE)
    for _ in range(10):
        stage.sink.write(SOUND, "tin-sang")
    for _ in range(10):
        stage.sink.write(SILENCE)
    stage.sink.close()
    (kept,) = stage.kept()
    assert frames_of(kept) == SOUND * 10
    about = json.loads(kept.with_suffix(".json").read_text())
    assert about["occurrence"] == "tin-sang"
    assert about["frames"] == 10 * CHUNK
    assert about["first_sample_mono_ns"] == pytest.approx(100.2e9, abs=1e5)
    assert about["first_sample_utc"].startswith("2023-11-14T22:15:00.2")


def test_a_late_writer_leaves_a_hole_of_silence_where_it_was_heard(stage: Stage) -> None:
    for _ in range(10):
        stage.sink.write(SOUND, "tin-sang")
    before = stage.sink.consumed().frames
    stage.now += 0.5
    assert stage.sink.consumed().frames == 10 * CHUNK > before
    for _ in range(10):
        stage.sink.write(SOUND, "tin-sang")
    for _ in range(10):
        stage.sink.write(SILENCE)
    stage.sink.close()
    heard = frames_of(stage.kept()[0])
    hole = heard.count(b"\0\0" * 100) * 100
    assert hole == pytest.approx(0.38 * RATE_HZ, abs=200)
    assert heard.startswith(SOUND * 10)
    assert heard.endswith(SOUND * 10)


def test_only_what_sounded_is_kept_not_what_was_queued(stage: Stage) -> None:
    stage.sink.write(SOUND, "tin-sang")
    stage.sink.write(SOUND, "tin-sang")
    stage.now += 0.030
    stage.sink.close()
    assert len(frames_of(stage.kept()[0])) // 2 == pytest.approx(0.030 * RATE_HZ, abs=1)


def test_a_growing_file_can_be_read_after_a_power_cut(stage: Stage) -> None:
    for _ in range(100):
        stage.sink.write(SOUND, "tin-sang")
    (kept,) = stage.kept()
    readable = len(frames_of(kept)) // 2
    assert readable > 1.3 * RATE_HZ
    assert kept.stat().st_size >= HEADER_BYTES + readable * 2


def test_two_broadcasts_are_two_files_and_the_oldest_make_room(stage: Stage) -> None:
    for number in range(6):
        for _ in range(100):
            stage.sink.write(SOUND, f"lượt/{number}")
    stage.sink.close()
    names = [path.name for path in stage.kept()]
    assert names[-1].endswith("l__t_5.wav")
    assert not any(name.endswith("_0.wav") for name in names)
    assert sum(path.stat().st_size for path in stage.kept()) <= 500_000 + 2 * 100 * CHUNK * 2


def test_a_full_disk_costs_the_recording_never_the_sound(stage: Stage) -> None:
    stage.folder.write_text("a file where the folder should be")
    for _ in range(20):
        stage.sink.write(SOUND, "tin-sang")
    assert stage.sink.consumed().frames > 0

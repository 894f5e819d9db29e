import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from audio.ffmpeg import executable

Record = Callable[..., Path]

PINK_NOISE = "anoisesrc=d={seconds}:r=44100:c=pink:a=0.3:seed=7"


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """`record("a.mp3", "-b:a", "64k", sound="sine=d=3")`: a file such as an officer may have."""

    def make(name: str, *options: str, sound: str = PINK_NOISE, seconds: float = 3.0) -> Path:
        path = tmp_path / name
        source = ("-f", "lavfi", "-i", sound.format(seconds=seconds))
        subprocess.run([executable(), "-v", "error", "-nostdin", "-y", *source, *options, path], check=True)
        return path

    return make


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    return tmp_path / "clips"

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.support.recordings import make_recording

Record = Callable[..., Path]


@pytest.fixture
def record(tmp_path: Path) -> Record:
    """`record("a.mp3", "-b:a", "64k", seconds=3)`: a file such as an officer may have."""

    def make(name: str, *options: str, **choices: Any) -> Path:
        return make_recording(tmp_path / name, *options, **choices)

    return make


@pytest.fixture
def workdir(tmp_path: Path) -> Path:
    return tmp_path / "clips"

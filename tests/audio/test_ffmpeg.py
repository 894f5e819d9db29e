from pathlib import Path

import pytest

from audio.errors import FfmpegMissing
from audio.ffmpeg import executable


def test_the_named_ffmpeg_comes_first(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    named = tmp_path / "my-ffmpeg"
    named.write_text("#!/bin/sh\n")
    named.chmod(0o755)
    monkeypatch.setenv("LOA_FFMPEG", str(named))

    assert executable() == named


def test_a_named_ffmpeg_that_is_not_there_is_not_replaced_in_silence(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOA_FFMPEG", "/nowhere/ffmpeg")

    with pytest.raises(FfmpegMissing):
        executable()


def test_the_packaged_ffmpeg_is_found_without_a_search_path(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOA_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", "")

    assert "imageio_ffmpeg" in executable().parts


def test_without_any_ffmpeg_we_say_what_to_install(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.delenv("LOA_FFMPEG", raising=False)
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("audio.ffmpeg._packaged", lambda: None)

    with pytest.raises(FfmpegMissing, match="apt install ffmpeg"):
        executable()

from pathlib import Path

import pytest

from audio.chime import ChimeKind, chime
from audio.clips import clip_from_file, clip_from_text
from audio.errors import EmptyPlaylist, NotAudio
from audio.playlist import ChimeItem, ClipItem, Item, PauseItem, RelayItem, assemble
from audio.speech.espeak import NORTH
from tests.support.ears import from_bytes, hear, likeness, loudness_lufs, offset_samples, true_peak_dbtp
from tests.support.recordings import make_recording

PER_MS = 48


@pytest.fixture(scope="module")
def made(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the clips of the morning come from."""
    return tmp_path_factory.mktemp("made")


@pytest.fixture(scope="module")
def news(made: Path) -> ClipItem:
    text = "Sáng mai, nhân dân thôn Đông tập trung tại nhà văn hóa."
    return ClipItem(clip_from_text(text, NORTH, made).path, "Bản tin", "news")


@pytest.fixture(scope="module")
def market(made: Path) -> ClipItem:
    odd_length = make_recording(made / "market.wav", "-ar", "48000", sound="anoisesrc=d=1.23456:c=pink:a=0.3:seed=3")
    return ClipItem(clip_from_file(odd_length, made).path, "Giá cả", "market", repeat=2)


@pytest.fixture
def morning(news: ClipItem, market: ClipItem) -> list[Item]:
    return [ChimeItem("open"), news, PauseItem(777, "breath"), market, ChimeItem("close", ChimeKind.CLOSING)]


def test_every_item_is_found_at_its_mark_to_the_sample(morning: list[Item], workdir: Path):
    (stretch,) = assemble(morning, workdir)
    whole = hear(stretch.path)
    originals = {"open": from_bytes(chime()), "close": from_bytes(chime(ChimeKind.CLOSING))}
    originals |= {item.item_id: hear(item.path) for item in morning if isinstance(item, ClipItem)}

    for mark in stretch.marks:
        if mark.kind == "pause":
            continue
        original = originals[mark.item_id]
        begin = mark.at_ms * PER_MS
        around = whole[max(0, begin - 2000) : begin + len(original) + 2000]
        found = offset_samples(original, around) + max(0, begin - 2000)
        assert abs(found - begin) <= 1
        assert likeness(original, whole[begin : begin + len(original)]) > 0.8


def test_marks_follow_each_other_without_a_gap_and_fill_the_stretch(morning: list[Item], workdir: Path):
    (stretch,) = assemble(morning, workdir)

    assert [mark.item_id for mark in stretch.marks] == ["open", "news", "breath", "market", "market", "close"]
    assert [mark.kind for mark in stretch.marks] == [
        "chime",
        "announcement",
        "pause",
        "announcement",
        "announcement",
        "chime",
    ]
    at_ms = 0
    for mark in stretch.marks:
        assert mark.at_ms == at_ms
        at_ms += mark.duration_ms
    assert stretch.duration_ms == at_ms
    assert len(hear(stretch.path)) == at_ms * PER_MS


def test_a_stretch_is_as_loud_as_its_clips(morning: list[Item], workdir: Path):
    (stretch,) = assemble(morning, workdir)
    whole = hear(stretch.path)

    assert abs(loudness_lufs(whole) + 16) <= 1
    assert true_peak_dbtp(whole) <= -2
    assert stretch.loudness.fit_for_air


def test_a_long_playlist_laid_on_disk_is_the_same_as_in_memory(morning: list[Item], workdir: Path):
    assert assemble(morning, workdir, in_memory_max_ms=0) == assemble(morning, workdir)


def test_a_relay_parts_the_playlist_into_stretches(news: ClipItem, workdir: Path):
    first, second = assemble([ChimeItem("open"), RelayItem(60_000, "vov"), news], workdir)

    assert (first.at_ms, first.duration_ms) == (0, 2500)
    assert second.at_ms == 62_500
    assert [mark.at_ms for mark in second.marks] == [0]


def test_silence_between_relays_needs_no_file(workdir: Path):
    items = [RelayItem(1000, "vov"), PauseItem(500, "p"), RelayItem(1000, "vtv"), ChimeItem("close")]

    (stretch,) = assemble(items, workdir)
    assert stretch.at_ms == 2500


def test_only_the_finished_files_stay(morning: list[Item], workdir: Path):
    (stretch,) = assemble(morning, workdir)

    assert list(workdir.iterdir()) == [stretch.path]


def test_a_playlist_without_sound_is_refused(workdir: Path):
    for items in ([], [PauseItem(1000, "p")], [RelayItem(1000, "vov")]):
        with pytest.raises(EmptyPlaylist):
            assemble(items, workdir)


def test_a_clip_that_is_no_sound_stops_the_work_and_leaves_nothing(tmp_path: Path, workdir: Path):
    broken = tmp_path / "broken.opus"
    broken.write_bytes(b"OggS" + bytes(100))

    with pytest.raises(NotAudio):
        assemble([ChimeItem("open"), ClipItem(broken, "x", "x")], workdir)
    assert list(workdir.iterdir()) == []

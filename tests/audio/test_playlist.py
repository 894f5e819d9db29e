import pickle
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.signal import butter, sosfilt

from audio import playlist, signals
from audio.clips import clip_from_file, clip_from_text
from audio.errors import EmptyPlaylist, ExerciseUnsaid, NotAudio, ProgrammeTooLong
from audio.mixing import BED_LEAD_MS
from audio.playlist import ChimeItem, ClipItem, Item, PauseItem, RelayItem, Underlay, assemble
from audio.signals import Signal
from audio.speech.espeak import NORTH
from tests.support.ears import Samples, from_bytes, hear, likeness, loudness_lufs, offset_samples, true_peak_dbtp
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
    return [ChimeItem("open"), news, PauseItem(777, "breath"), market, ChimeItem("close", Signal.CLOSING)]


@pytest.fixture(scope="module")
def music(made: Path) -> Path:
    chords = make_recording(
        made / "music.wav", "-ar", "48000", sound="aevalsrc=0.2*sin(220*2*PI*t)+0.2*sin(3000*2*PI*t):d=3.3"
    )
    return clip_from_file(chords, made).path


@pytest.fixture
def rich(morning: list[Item], news: ClipItem, music: Path) -> list[Item]:
    """All that a playlist can hold."""
    title = replace(news, item_id="title", repeat=2, gap_ms=1500, bed=Underlay(music, -20))
    faded = replace(news, item_id="faded", fade_in_ms=150, fade_out_ms=333)
    return [*morning[:2], title, PauseItem(333, "rest"), faded, *morning[2:]]


def originals(items: list[Item]) -> dict[str, Samples]:
    sounds = {item.item_id: hear(item.path) for item in items if isinstance(item, ClipItem)}
    chimes = {item.item_id: from_bytes(signals.whole(item.kind)) for item in items if isinstance(item, ChimeItem)}
    return sounds | chimes


def test_every_item_is_found_at_its_mark_to_the_sample(rich: list[Item], workdir: Path):
    (stretch,) = assemble(rich, workdir)
    whole, sounds = hear(stretch.path), originals(rich)
    bedded = [mark for mark in stretch.marks if mark.item_id == "title"]

    for mark in stretch.marks:
        if mark.kind == "pause":
            continue
        original = sounds[mark.item_id]
        begin = (mark.at_ms + (BED_LEAD_MS if mark == bedded[0] else 0)) * PER_MS
        around = whole[max(0, begin - 2000) : begin + len(original) + 2000]
        assert offset_samples(original, around) + max(0, begin - 2000) == begin, mark
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


def test_an_exercise_is_said_to_be_one_right_after_its_signal(news: ClipItem, workdir: Path):
    words = clip_from_text(signals.EXERCISE_WORDS, NORTH, workdir).path

    (stretch,) = assemble([ChimeItem("open", Signal.EXERCISE, says=words), news], workdir)

    assert [(mark.item_id, mark.kind) for mark in stretch.marks] == [
        ("open", "chime"),
        ("open", "announcement"),
        ("news", "announcement"),
    ]
    said = stretch.marks[1]
    assert said.title == signals.EXERCISE_WORDS
    original = hear(words)
    assert likeness(original, hear(stretch.path)[said.at_ms * PER_MS :][: len(original)]) > 0.8


@pytest.mark.parametrize("place", [0, 1])
def test_an_exercise_that_is_not_said_to_be_one_is_never_assembled(news: ClipItem, workdir: Path, place: int):
    items: list[Item] = [news]
    items.insert(place, ChimeItem("chime", Signal.EXERCISE))

    with pytest.raises(ExerciseUnsaid):
        assemble(items, workdir)


@pytest.mark.parametrize("seconds", [4, 7.25, 10])
def test_the_attention_call_lasts_as_long_as_asked(seconds: float, news: ClipItem, workdir: Path):
    (stretch,) = assemble([ChimeItem("call", Signal.ATTENTION, seconds=seconds), news], workdir)

    assert stretch.marks[0].duration_ms == seconds * 1000


def test_a_repeat_with_a_gap_has_a_mark_for_each_reading_and_each_gap(news: ClipItem, workdir: Path):
    (stretch,) = assemble([replace(news, repeat=3, gap_ms=2000)], workdir)

    assert [mark.kind for mark in stretch.marks] == ["announcement", "pause", "announcement", "pause", "announcement"]
    assert {mark.item_id for mark in stretch.marks} == {"news"}
    assert [mark.duration_ms for mark in stretch.marks if mark.kind == "pause"] == [2000, 2000]


def test_a_fade_begins_and_ends_in_silence_and_leaves_the_middle_alone(market: ClipItem, workdir: Path):
    one = replace(market, repeat=1)
    plain, faded = (hear(assemble([PauseItem(100, "p"), item], workdir)[0].path)
                    for item in (one, replace(one, fade_in_ms=400, fade_out_ms=400)))  # fmt: skip

    loud = [np.sqrt((faded[at : at + 960] ** 2).mean()) for at in range(4800, len(faded) - 960, 960)]
    assert max(loud[0], loud[-1]) < 0.1 * max(loud)
    assert loud[:15] == pytest.approx(sorted(loud[:15]), rel=0.5)
    assert likeness(plain[30_000:36_000], faded[30_000:36_000]) > 0.9


def test_a_bed_is_heard_alone_then_softly_under_the_words_and_alone_again(news: ClipItem, music: Path, workdir: Path):
    """The bed's 3 kHz note is measured where the voice has next to nothing."""
    words_ms = -(-len(hear(news.path)) // PER_MS)
    (stretch,) = assemble([replace(news, repeat=2, gap_ms=3000, bed=Underlay(music, -24))], workdir)
    whole = sosfilt(butter(6, [2980, 3020], "bandpass", fs=48_000, output="sos"), hear(stretch.path))

    def bed_db(at_ms: int) -> float:
        part = whole[(at_ms - 150) * PER_MS : (at_ms + 150) * PER_MS]
        return float(10 * np.log10((part**2).mean()))

    alone, gap, tail = bed_db(1200), bed_db(2000 + words_ms + 1500), bed_db(stretch.duration_ms - 1200)
    assert gap == pytest.approx(alone, abs=1.5)
    assert tail == pytest.approx(alone, abs=1.5)
    assert alone - bed_db(2000 + words_ms + 20) == pytest.approx(12, abs=4)
    assert bed_db(150) < alone - 3
    assert stretch.duration_ms == 2 * words_ms + 3000 + 2 * BED_LEAD_MS


def test_the_same_items_give_the_same_bytes_in_any_order_and_process(
    rich: list[Item], morning: list[Item], workdir: Path, tmp_path: Path
):
    (first,) = assemble(rich, workdir)
    assemble(morning, workdir)
    code = (
        "import pickle, sys; from pathlib import Path; from audio.playlist import assemble\n"
        "print(assemble(pickle.loads(bytes.fromhex(sys.argv[1])), Path(sys.argv[2]))[0].sha256)"
    )
    run = [sys.executable, "-c", code, pickle.dumps(rich).hex(), str(tmp_path / "elsewhere")]
    elsewhere = subprocess.run(run, check=True, capture_output=True, text=True).stdout.strip()

    assert assemble(list(reversed(morning)), workdir)[0].sha256 != first.sha256
    assert assemble(rich, tmp_path / "again")[0].sha256 == first.sha256 == elsewhere


def test_what_only_titles_or_ids_tell_apart_is_one_file(morning: list[Item], workdir: Path):
    named = [replace(item, title="Khác", item_id=f"other-{number}") for number, item in enumerate(morning)]

    assert assemble(named, workdir)[0].sha256 == assemble(morning, workdir)[0].sha256


def test_a_playlist_of_nothing_but_a_clip_is_that_clip(news: ClipItem, workdir: Path):
    (stretch,) = assemble([news], workdir)

    assert stretch.path.read_bytes() == news.path.read_bytes()
    assert stretch.sha256 == news.path.stem
    assert [(mark.item_id, mark.at_ms) for mark in stretch.marks] == [("news", 0)]
    assert stretch.loudness.fit_for_air


def test_a_clip_alone_between_relays_is_that_clip(news: ClipItem, workdir: Path):
    before, after = assemble([news, RelayItem(60_000, "vov"), news], workdir)

    assert before.sha256 == after.sha256 == news.path.stem


def test_a_faded_clip_is_a_sound_of_its_own(news: ClipItem, workdir: Path):
    assert assemble([replace(news, fade_in_ms=100)], workdir)[0].sha256 != news.path.stem


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
    for items in ([], [PauseItem(1000, "p")]):
        with pytest.raises(EmptyPlaylist):
            assemble(items, workdir)


def test_a_clip_that_is_no_sound_stops_the_work_and_leaves_nothing(tmp_path: Path, workdir: Path):
    broken = tmp_path / "broken.opus"
    broken.write_bytes(b"OggS" + bytes(100))

    with pytest.raises(NotAudio):
        assemble([ChimeItem("open"), ClipItem(broken, "x", "x")], workdir)
    assert list(workdir.iterdir()) == []


def test_a_programme_of_more_than_a_day_is_refused_before_any_of_it_is_joined(
    news: ClipItem, workdir: Path, monkeypatch: pytest.MonkeyPatch
):
    """Repeats cost nothing to ask for, and 2 TB to join."""
    joined: list[Path] = []
    monkeypatch.setattr(playlist, "join", lambda _parts, path: joined.append(path))
    hours = 3600_000
    over = [PauseItem(10 * hours, "p"), replace(news, repeat=2, gap_ms=10 * hours), PauseItem(4 * hours, "q")]

    for items in (over, [ChimeItem("open"), RelayItem(1000, "vov"), *over], [replace(news, repeat=100_000)]):
        with pytest.raises(ProgrammeTooLong, match="longer than 24 hours"):
            assemble(items, workdir)
    assert joined == []
    assert list(workdir.iterdir()) == []

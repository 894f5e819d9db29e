"""Files that mean harm are refused: no other file is read, no address called, and the work ends."""

import os
import socket
import struct
import zlib
from collections.abc import Iterator
from pathlib import Path

import pytest

from audio.child import ChildLimits, run
from audio.clips import Limits, clip_from_file
from audio.decode import pcm
from audio.errors import AudioError, NotAudio, TooDemanding, TooLong, Truncated, Unreadable
from audio.ffmpeg import executable, recording, stream
from audio.sandbox import Powers, powers
from tests.audio import hostile
from tests.audio.conftest import Record
from tests.audio.hostile import PLAYLISTS, Target
from tests.support.recordings import id3

SHORT = Limits(max_duration_s=60, child=ChildLimits(wall_s=60, cpu_s=30, memory_mb=512))


@pytest.fixture(params=["walls of the kernel", "whitelists alone"])
def with_and_without_walls(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    if request.param == "whitelists alone":
        monkeypatch.setattr("audio.sandbox.powers", lambda: Powers(files=False, network=False))


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


@pytest.fixture
def target(server: socket.socket, record: Record) -> Target:
    """A loud sound on this machine that must never be heard, and a server that must never be called."""
    secret = record("secret.wav", sound="sine=f=997:d=2")
    return Target(secret, f"http://127.0.0.1:{server.getsockname()[1]}/secret.wav")


def called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


@pytest.mark.usefixtures("with_and_without_walls")
@pytest.mark.parametrize("kind", PLAYLISTS)
def test_a_playlist_reads_no_other_file_and_calls_nobody(
    kind: str, target: Target, server: socket.socket, tmp_path: Path, workdir: Path
):
    for name in ("list.mp3", "list.m3u8", "list.sdp", "list.mpd"):
        playlist = tmp_path / name
        playlist.write_bytes(PLAYLISTS[kind](target))
        with pytest.raises(AudioError):
            clip_from_file(playlist, workdir)
    assert not called(server)


@pytest.mark.usefixtures("with_and_without_walls")
def test_an_index_that_points_to_another_file_leads_nowhere(target: Target, record: Record, workdir: Path):
    ours = record("ours.mov", "-c:a", "pcm_s16be")
    ours.write_bytes(hostile.with_its_sound_elsewhere(ours.read_bytes(), target.secret))

    with pytest.raises(AudioError):
        clip_from_file(ours, workdir)


def test_the_walls_hold_even_if_ffmpeg_can_be_talked_into_opening_another_file(target: Target, record: Record):
    ours = record("ours.mov", "-c:a", "pcm_s16be")
    ours.write_bytes(hostile.with_its_sound_elsewhere(ours.read_bytes(), target.secret))
    talked_into = (executable(), "-enable_drefs", "1", "-use_absolute_path", "1", "-i", f"file:{ours}")
    heard = bytearray()
    run(
        [str(part) for part in (*talked_into, "-f", "s16le", "pipe:1")],
        on_output=heard.extend,
        readable=[executable(), ours],
    )

    assert (len(heard) == 0) == powers().files, "what the attack yields where the kernel has no walls"


def test_the_walls_hold_even_if_ffmpeg_can_be_talked_into_calling_out(target: Target, server: socket.socket):
    command = [str(executable()), "-rw_timeout", "1000", "-i", target.url, "-f", "s16le", "pipe:1"]
    run(command, on_output=len, limits=ChildLimits(wall_s=20), readable=[executable()])

    assert called(server) is not powers().network


@pytest.mark.parametrize(
    "name",
    [
        "concat:a|b.wav",
        "-y.wav",
        "http:%2f%2fx.wav",
        "%d.wav",
        "image%03d.png.wav",
        "file:a.wav",
        "data:audio,x.wav",
        "crypto:a.wav",
        "hai\ndòng.wav",
        "Bản tin – sáng 🎙.wav",
        "a'b\"c$(d)`e`.wav",
        "pipe:0",
    ],
)
def test_a_name_is_just_a_name(name: str, record: Record):
    take = record("take.wav")

    assert len(pcm(take.rename(take.with_name(name)))) == 2 * 2 * 48_000


def test_what_is_no_file_is_refused_at_once(tmp_path: Path, workdir: Path):
    pipe = tmp_path / "pipe.wav"
    os.mkfifo(pipe)
    link_to_it = tmp_path / "link.wav"
    link_to_it.symlink_to(pipe)
    round_and_round = tmp_path / "loop.wav"
    round_and_round.symlink_to(round_and_round)
    for path in (pipe, link_to_it, round_and_round, tmp_path, tmp_path / "gone.wav", Path("/dev/zero")):
        with pytest.raises(Unreadable) as refusal:
            clip_from_file(path, workdir)
        assert "Hãy tải tệp lên lần nữa" in refusal.value.message_vi


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("bomb.flac", ()),
        ("bomb.wv", ("-c:a", "wavpack")),
        ("bomb.opus", ("-c:a", "libopus", "-b:a", "500", "-frame_duration", "60")),
    ],
)
def test_a_small_file_that_unpacks_to_hours_is_stopped_at_the_limit(
    name: str, options: tuple[str, ...], record: Record, workdir: Path
):
    bomb = record(name, *options, sound="anullsrc=r=8000:cl=mono,atrim=end=600")
    assert bomb.stat().st_size < 400_000, "what six seconds of plain samples take"

    with pytest.raises(TooLong):
        clip_from_file(bomb, workdir, SHORT)


def test_a_sample_rate_of_one_is_no_way_to_fill_the_disk(record: Record, workdir: Path):
    slow = record("slow.wav")
    header = bytearray(slow.read_bytes())
    header[24:28] = struct.pack("<I", 1)
    slow.write_bytes(header)

    with pytest.raises((TooLong, NotAudio)):
        clip_from_file(slow, workdir, SHORT)


@pytest.mark.parametrize("box", ["moov", "trak", "stsd", "stts", "stsz", "stco", "stsc", "udta"])
@pytest.mark.parametrize("size", [0x7FFF_FFFF, 0])
def test_an_index_of_absurd_size_does_no_harm(box: str, size: int, record: Record, workdir: Path):
    liar = record("liar.m4a", seconds=1)
    data = bytearray(liar.read_bytes())
    at = data.index(box.encode())
    for place in (at - 4, at + 8):
        data[place : place + 4] = struct.pack(">I", size)
        liar.write_bytes(data)
        _ends_well(liar, workdir)


@pytest.mark.parametrize("channels", [0, 255, 0xFFFF])
def test_absurd_channels_do_no_harm(channels: int, record: Record, workdir: Path):
    odd = record("odd.wav")
    data = bytearray(odd.read_bytes())
    data[22:24] = struct.pack("<H", channels)
    odd.write_bytes(data)

    _ends_well(odd, workdir)


def test_metadata_of_absurd_size_does_no_harm(tmp_path: Path, workdir: Path):
    for size in (0x0FFF_FFF0, 0xFFFF_FFFF, 90_000_000):
        path = tmp_path / "tags.mp3"
        path.write_bytes(b"ID3\3\0\0\x7f\x7f\x7f\x7fTIT2" + struct.pack(">IH", size, 0))
        os.truncate(path, 100_000_000)
        with pytest.raises(NotAudio):
            clip_from_file(path, workdir)


def test_thousands_of_tracks_are_refused(record: Record, workdir: Path):
    many = record("many.mov", "-c:a", "pcm_s16be")
    many.write_bytes(hostile.with_many_tracks(many.read_bytes(), 5000))

    with pytest.raises(AudioError):
        clip_from_file(many, workdir)


def test_a_picture_is_never_unpacked_however_large(record: Record):
    head = struct.pack(">II5B", 30_000, 30_000, 16, 6, 0, 0, 0)
    body = zlib.compress(bytes(1_000_000))
    png = b"".join(
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data))
        for name, data in ((b"IHDR", head), (b"IDAT", body), (b"IEND", b""))
    )
    song = record("song.mp3")
    song.write_bytes(id3({b"APIC": b"\0image/png\0\3\0\x89PNG\r\n\x1a\n" + png}) + song.read_bytes())

    assert len(pcm(song, limits=ChildLimits(memory_mb=400))) == pytest.approx(2 * 2 * 48_000, rel=0.03)


def test_a_wave_that_claims_four_gigabytes_is_cut_short(record: Record, workdir: Path):
    liar = record("liar.wav")
    data = bytearray(liar.read_bytes())
    at = data.index(b"data") + 4
    data[at : at + 4] = struct.pack("<I", 0xFFFF_FFF0)
    liar.write_bytes(data)

    with pytest.raises(Truncated):
        clip_from_file(liar, workdir)


def test_what_exceeds_its_limits_is_said_in_words_and_not_tried_again(record: Record):
    endless = [str(executable()), "-f", "lavfi", "-i", "anullsrc", "-f", "s16le", "pipe:1"]

    with pytest.raises(TooDemanding) as refusal:
        stream(endless, len, ChildLimits(wall_s=0.5))
    assert not refusal.value.transient
    assert "xuất lại dưới dạng MP3" in refusal.value.message_vi


def test_a_recording_that_is_a_link_to_a_file_is_that_file(record: Record, tmp_path: Path):
    link = tmp_path / "link.wav"
    link.symlink_to(record("take.wav"))

    assert f"file:{tmp_path / 'take.wav'}" in recording(link).arguments
    assert len(pcm(link)) == 2 * 2 * 48_000


def _ends_well(path: Path, workdir: Path) -> None:
    """Whether it is understood or refused: soon, within its limits, and by one of our own words."""
    try:
        clip_from_file(path, workdir, SHORT)
    except TooDemanding:
        raise
    except AudioError:
        return

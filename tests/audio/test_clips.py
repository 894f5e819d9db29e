import hashlib
from pathlib import Path

import numpy as np
import pytest

from audio.clips import ClipFile, FilePart, Limits, clip_from_file, clip_from_parts, clip_from_text
from audio.errors import (
    AudioError,
    EngineFailed,
    NotAudio,
    NothingToSay,
    Silent,
    TooBig,
    TooLong,
    TooMuchText,
    TooShort,
    Truncated,
    Unwritable,
)
from audio.profiles import Profile
from audio.speech.espeak import CENTRAL, NORTH, SOUTH
from tests.audio.conftest import Record
from tests.support.ears import hear, likeness, loudness_lufs, true_peak_dbtp
from tests.support.recordings import make_recording

RECORDINGS = {
    "radio.mp3": (),
    "phone.m4a": (),
    "voice-memo.amr": ("-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb"),
    "browser.webm": ("-c:a", "libopus"),
    "message.ogg": ("-c:a", "libvorbis", "-ac", "2"),
    "studio.flac": ("-ac", "2", "-sample_fmt", "s32"),
    "old.wav": ("-ar", "11025", "-c:a", "pcm_u8"),
    "windows.wma": ("-c:a", "wmav2"),
}

SPEECH = "Kính thưa bà con xã Tân Yên, sáng mai 25/11/2026 cắt điện từ 7h30 đến 11h."


def fit_for_air(clip: ClipFile) -> bool:
    sound = hear(clip.path)
    return abs(loudness_lufs(sound) + 16) <= 1 and true_peak_dbtp(sound) <= -2


def leftovers(workdir: Path) -> list[Path]:
    return list(workdir.glob("**/*")) if workdir.exists() else []


@pytest.mark.parametrize("name", RECORDINGS)
def test_any_recording_becomes_a_clip_fit_for_air(name: str, record: Record, workdir: Path):
    clip = clip_from_file(record(name, *RECORDINGS[name]), workdir)

    assert fit_for_air(clip)
    assert clip.duration_ms == pytest.approx(2000, abs=60)
    assert clip.path.read_bytes()[28:36] == b"OpusHead"
    assert clip.path.read_bytes()[37] == 1, "mono"
    assert hashlib.sha256(clip.path.read_bytes()).hexdigest() == clip.sha256 == clip.path.stem
    assert clip.size_bytes == clip.path.stat().st_size
    assert leftovers(workdir) == [clip.path]


def test_the_sound_of_a_film_is_taken_however_long_the_picture(record: Record, workdir: Path):
    film = record("film.mp4", "-f", "lavfi", "-i", "color=s=64x64:d=9:r=5", "-c:v", "mpeg4")

    assert clip_from_file(film, workdir).duration_ms == pytest.approx(2000, abs=60)


@pytest.mark.parametrize(
    "sound",
    [
        "anoisesrc=d=3:c=pink:a=0.03",
        "aevalsrc='if(lt(mod(t,0.5),0.02),0.99*sin(3000*t),0.05*sin(1500*t))':d=5",
        "aevalsrc='0.999*sgn(sin(900*t))':d=3",
    ],
    ids=["whisper", "knocks in speech", "shout"],
)
def test_what_was_recorded_too_softly_or_too_loudly_comes_out_alike(sound: str, record: Record, workdir: Path):
    assert fit_for_air(clip_from_file(record("take.wav", sound=sound), workdir))


def test_the_same_input_makes_the_same_bytes(record: Record, workdir: Path):
    recording = record("radio.mp3")

    first = clip_from_file(recording, workdir / "a").path.read_bytes()
    second = clip_from_file(recording, workdir / "b").path.read_bytes()

    assert first == second


def test_a_clip_lasts_exactly_as_long_as_what_was_recorded(record: Record, workdir: Path):
    recording = record("take.wav", "-ar", "48000", seconds=1.2345)

    assert len(hear(clip_from_file(recording, workdir).path)) == round(1.2345 * 48_000)


def test_typed_text_becomes_speech_fit_for_air(workdir: Path):
    clip = clip_from_text(SPEECH, NORTH, workdir)

    assert fit_for_air(clip)
    assert 4_000 < clip.duration_ms < 15_000
    assert leftovers(workdir) == [clip.path]


def test_the_three_voices_sound_different(workdir: Path):
    clips = [clip_from_text("Xin chào bà con.", voice, workdir) for voice in (NORTH, CENTRAL, SOUTH)]

    assert len({clip.sha256 for clip in clips}) == 3


def test_a_faster_voice_takes_less_time(workdir: Path):
    slow, fast = (clip_from_text(SPEECH, NORTH, workdir, speed_wpm=speed) for speed in (120, 200))

    assert fast.duration_ms < 0.8 * slow.duration_ms


def test_progress_is_told_from_stage_to_stage(record: Record, workdir: Path):
    told: list[str] = []
    clip_from_file(record("take.wav"), workdir, on_progress=lambda stage, _done: told.append(stage))

    assert told == sorted(told, key=["listening", "encoding"].index)


def test_work_that_is_called_off_leaves_nothing(record: Record, workdir: Path):
    class CalledOffError(Exception):
        pass

    def call_off(stage: str, _done: float | None) -> None:
        if stage == "encoding":
            raise CalledOffError

    with pytest.raises(CalledOffError):
        clip_from_file(record("take.wav"), workdir, on_progress=call_off)
    assert leftovers(workdir) == []


def test_what_is_not_sound_is_refused(tmp_path: Path, workdir: Path):
    letter = tmp_path / "thong-bao.mp3"
    letter.write_text("Kính gửi bà con, đây là văn bản chứ không phải âm thanh.\n" * 200)
    picture = tmp_path / "anh.mp3"
    picture.write_bytes(b"\x89PNG\r\n\x1a\n" + bytes(2000))
    empty = tmp_path / "rong.mp3"
    empty.touch()

    for path in (letter, picture, empty):
        with pytest.raises(NotAudio):
            clip_from_file(path, workdir)
    assert leftovers(workdir) == []


def test_a_film_without_sound_is_not_sound(record: Record, workdir: Path):
    film = record("film.mp4", "-an", "-f", "lavfi", "-i", "color=s=64x64:d=2:r=5", "-c:v", "mpeg4", "-map", "1:v")

    with pytest.raises(NotAudio):
        clip_from_file(film, workdir)


@pytest.mark.parametrize(
    "text",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:5\n#EXTINF:5,\n{secret}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{secret}'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=audio 9 RTP/AVP 0\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011"><BaseURL>{secret}</BaseURL></MPD>',
    ],
    ids=["hls", "concat", "sdp", "dash"],
)
def test_a_playlist_cannot_make_us_open_another_file(text: str, record: Record, tmp_path: Path, workdir: Path):
    secret = record("secret.wav")
    for name in ("list.mp3", "list.m3u8", "list.sdp", "list.mpd"):
        playlist = tmp_path / name
        playlist.write_text(text.format(secret=secret))
        with pytest.raises(NotAudio):
            clip_from_file(playlist, workdir)


def test_a_name_that_looks_like_an_address_or_an_option_is_just_a_name(record: Record, workdir: Path):
    for name in ("-y.wav", "http:%2f%2fx.wav", "concat:a|b.wav", "%d.wav"):
        recording = record("take.wav")
        assert clip_from_file(recording.rename(recording.with_name(name)), workdir).duration_ms == 2000


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.mp3", ()),
        ("a.m4a", ()),
        ("b.m4a", ("-movflags", "+faststart")),
        ("a.webm", ("-c:a", "libopus")),
        ("a.ogg", ("-c:a", "libopus")),
        ("b.ogg", ("-c:a", "libvorbis")),
        ("a.flac", ()),
        ("a.wav", ()),
        ("a.aiff", ()),
        ("a.wma", ("-c:a", "wmav2")),
        ("a.amr", ("-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb")),
    ],
)
def test_a_recording_whose_end_is_missing_is_refused(
    name: str, options: tuple[str, ...], record: Record, workdir: Path
):
    recording = record(name, *options, seconds=4)
    whole = recording.read_bytes()
    recording.write_bytes(whole[: int(len(whole) * 0.613)])

    with pytest.raises(Truncated):
        clip_from_file(recording, workdir)
    assert leftovers(workdir) == []


def test_a_header_that_promises_hours_is_not_believed(record: Record, workdir: Path):
    recording = record("take.wav")
    liar = bytearray(recording.read_bytes())
    at = liar.index(b"data") + 4
    liar[at : at + 4] = (0xF0000000).to_bytes(4, "little")
    recording.write_bytes(liar)

    with pytest.raises(Truncated):
        clip_from_file(recording, workdir)


def test_a_recording_made_through_a_pipe_states_no_length_and_is_welcome(record: Record, workdir: Path):
    recording = record("take.wav")
    piped = bytearray(recording.read_bytes())
    at = piped.index(b"data") + 4
    piped[at : at + 4] = b"\xff\xff\xff\xff"
    recording.write_bytes(piped)

    assert clip_from_file(recording, workdir).duration_ms == 2000


def test_silence_is_refused_with_its_level(record: Record, workdir: Path):
    with pytest.raises(Silent, match="-70 LUFS"):
        clip_from_file(record("take.wav", sound="anullsrc=d=3"), workdir)
    with pytest.raises(Silent) as refusal:
        clip_from_file(record("take.wav", sound="anoisesrc=d=3:a=0.001"), workdir)
    assert "Hãy thu lại gần micrô hơn" in refusal.value.message_vi


def test_a_tick_is_too_short(record: Record, workdir: Path):
    with pytest.raises(TooShort):
        clip_from_file(record("take.wav", seconds=0.3), workdir)


def test_too_long_and_too_big_are_refused_before_the_work(record: Record, workdir: Path):
    recording = record("take.wav", seconds=6)

    with pytest.raises(TooLong):
        clip_from_file(recording, workdir, Limits(max_duration_s=5))
    with pytest.raises(TooBig):
        clip_from_file(recording, workdir, Limits(max_bytes=100_000))
    assert leftovers(workdir) == []


def test_exactly_the_longest_allowed_is_allowed(record: Record, workdir: Path):
    assert clip_from_file(record("take.wav", seconds=3), workdir, Limits(max_duration_s=3)).duration_ms == 3000


def test_text_without_words_and_endless_text_are_refused(workdir: Path):
    for text in ("", " \n\t ", "… !!! —", "🙂"):
        with pytest.raises(NothingToSay):
            clip_from_text(text, NORTH, workdir)
    with pytest.raises(TooMuchText):
        clip_from_text("a" * 20_001, NORTH, workdir)


def test_a_full_disk_is_said_and_may_be_tried_again(record: Record, tmp_path: Path):
    recording = record("take.wav")
    blocked = tmp_path / "a file"
    blocked.touch()

    with pytest.raises(Unwritable) as refusal:
        clip_from_file(recording, blocked / "clips")
    assert refusal.value.transient


def test_a_disk_that_fills_up_on_the_way_leaves_nothing(record: Record, workdir: Path, monkeypatch: pytest.MonkeyPatch):
    recording = record("take.wav")
    full = Path("/dev/full")
    monkeypatch.setattr("audio.render.durable", lambda _path: full.open("wb", buffering=0))

    with pytest.raises(Unwritable, match="No space left"):
        clip_from_file(recording, workdir)
    assert leftovers(workdir) == []


def test_every_refusal_speaks_both_languages_and_has_its_own_code():
    facts = {"lufs": -52.0, "limit_lufs": -50.0, "limit_s": 0.5, "limit_min": 180.0, "limit_mb": 500.0, "limit_h": 24.0}
    facts_of_text: dict[str, str | float] = {"limit_chars": 20_000.0, "engine": "ffmpeg", "detail": "x", **facts}
    facts_of_text |= {"language": "vi", "detail_vi": "x", "detail_en": "x"}
    kinds = AudioError.__subclasses__()

    for kind in kinds:
        refusal = kind(**facts_of_text)
        assert refusal.message_vi
        assert refusal.message_en
        assert "{" not in refusal.message_vi + refusal.message_en
    assert len({kind.code for kind in kinds}) == len(kinds)
    assert EngineFailed.transient
    assert not NotAudio.transient


def test_speech_survives_the_way_into_the_clip(workdir: Path, tmp_path: Path):
    clip = clip_from_text(SPEECH, NORTH, workdir)
    sound = hear(clip.path)
    again = hear(clip_from_file(clip.path, workdir, profile=Profile.AS_IS).path)

    assert len(again) == len(sound)
    assert likeness(sound, again) > 0.9


@pytest.mark.parametrize("container", ["webm", "wav", "mp3"])
def test_of_a_recording_only_what_is_kept_is_heard_and_the_file_stays_whole(tmp_path: Path, container: str):
    tones = "sine=frequency=440:duration=2[a];sine=frequency=3000:duration=2[b];[a][b]concat=n=2:v=0:a=1"
    source = make_recording(tmp_path / f"take.{container}", sound=tones)
    before = source.read_bytes()
    clip = clip_from_parts([FilePart(source, 2500, 3500)], tmp_path)
    assert clip.before.duration_ms == pytest.approx(1000, abs=40)
    crossings = np.count_nonzero(np.diff(np.signbit(hear(clip.path))))
    assert crossings / (clip.duration_ms / 1000) == pytest.approx(6000, rel=0.1)  # of the second tone alone
    assert source.read_bytes() == before

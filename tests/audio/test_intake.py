"""Whatever an officer has is welcome: recordings of phones, recorders, browsers and studios, and the sound of films."""

from pathlib import Path

import pytest

from audio.ffmpeg import recording
from audio.listen import measure
from audio.truncation import ends_early
from tests.audio.conftest import Record
from tests.support.ears import hear, loudness_lufs
from tests.support.recordings import id3, make_wideband_amr

MOVING = ("-f", "lavfi", "-i", "testsrc=s=64x48:r=5:d=2")
COVER = ("-f", "lavfi", "-i", "testsrc=s=640x640:r=1:d=1", "-map", "0:a", "-map", "1:v")
PHONE = ("-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb")

RECORDINGS: dict[str, tuple[str, ...]] = {
    "phone.m4a": (),
    "ready-to-stream.m4a": ("-movflags", "+faststart"),
    "in-pieces.m4a": ("-movflags", "+frag_keyframe+empty_moov"),
    "lossless.m4a": ("-c:a", "alac"),
    "audiobook.m4b": ("-f", "ipod"),
    "old-phone.3gp": PHONE,
    "newer-phone.3gp": ("-c:a", "aac", "-ar", "16000", "-ac", "1"),
    "memo.amr": PHONE,
    "browser.webm": ("-c:a", "libopus", "-f", "webm", "-live", "1"),
    "browser.weba": ("-c:a", "libvorbis", "-ac", "2", "-f", "webm"),
    "radio.mp3": (),
    "without-a-xing-header.mp3": ("-write_xing", "0"),
    "variable.mp3": ("-q:a", "6", "-ar", "22050"),
    "old.mp2": (),
    "radio.aac": (),
    "plain.wav": (),
    "24-bit.wav": ("-c:a", "pcm_s24le", "-ar", "96000", "-ac", "2"),
    "32-bit.wav": ("-c:a", "pcm_s32le"),
    "float.wav": ("-c:a", "pcm_f32le"),
    "double.wav": ("-c:a", "pcm_f64le"),
    "8-bit.wav": ("-ar", "11025", "-c:a", "pcm_u8"),
    "telephone.wav": ("-ar", "8000", "-c:a", "pcm_alaw"),
    "recorder.wav": ("-c:a", "adpcm_ima_wav"),
    "very-large.wav": ("-rf64", "always"),
    "very-large.w64": (),
    "studio.flac": ("-ac", "2", "-sample_fmt", "s32"),
    "in-ogg.oga": ("-c:a", "flac", "-f", "ogg"),
    "message.ogg": ("-c:a", "libvorbis", "-ac", "2"),
    "message.opus": ("-c:a", "libopus"),
    "windows.wma": ("-c:a", "wmav2"),
    "mac.aiff": (),
    "mac.caf": (),
    "sun.au": (),
    "cinema.ac3": ("-ac", "6"),
    "archive.wv": ("-c:a", "wavpack"),
    "archive.tta": (),
    "film.mp4": (*MOVING, "-c:v", "libx264"),
    "film.mov": (*MOVING, "-c:v", "mpeg4", "-c:a", "pcm_s16be"),
    "film.mkv": (*MOVING, "-c:v", "libx264", "-c:a", "ac3", "-ac", "6"),
    "film.avi": (*MOVING, "-c:v", "mpeg4", "-c:a", "libmp3lame"),
    "film.3gp": (*MOVING, "-c:v", "mpeg4", *PHONE),
    "film.webm": (*MOVING, "-c:v", "libvpx", "-c:a", "libopus"),
    "film.wmv": (*MOVING, "-c:v", "wmv2", "-c:a", "wmav2"),
    "film.flv": (*MOVING, "-c:v", "flv", "-c:a", "libmp3lame"),
    "film.mpg": (*MOVING, "-c:v", "mpeg2video", "-r", "25", "-c:a", "mp2"),
    "film.ts": (*MOVING, "-c:v", "libx264", "-c:a", "aac"),
    "with-a-large-cover.mp3": (*COVER, "-c:v", "png"),
    "with-a-large-cover.m4a": (*COVER, "-c:v", "mjpeg", "-disposition:v", "attached_pic"),
    "with-a-large-cover.flac": (*COVER, "-c:v", "png", "-disposition:v", "attached_pic"),
    "without-an-extension": ("-f", "mp3"),
    "called-mp3.mp3": ("-f", "wav"),
    "called-wav.wav": ("-f", "ogg", "-c:a", "libvorbis", "-ac", "2"),
}


def understood(path: Path) -> None:
    """It is the sound that was recorded, all of it, and whole."""
    heard = hear(path)
    assert len(heard) / 48_000 == pytest.approx(2, abs=0.12)
    assert -37 < loudness_lufs(heard) < -24
    assert not ends_early(measure(recording(path)), path)


@pytest.mark.parametrize("name", RECORDINGS)
def test_any_recording_is_understood(name: str, record: Record):
    understood(record(name, *RECORDINGS[name]))


def test_a_wideband_phone_recording_is_understood(tmp_path: Path):
    understood(make_wideband_amr(tmp_path / "hd-voice.amr"))


def test_sixteen_megabytes_of_pictures_and_lyrics_before_the_sound_are_passed_over(record: Record):
    song = record("song.mp3", "-id3v2_version", "0", "-write_id3v1", "0")
    picture = b"\0image/png\0\3\0" + b"\x89PNG\r\n\x1a\n" + bytes(16_000_000)
    lyrics = b"\3vie\0" + "Việt Nam quê hương tôi\n".encode() * 20_000
    song.write_bytes(id3({b"USLT": lyrics, b"APIC": picture}) + song.read_bytes())

    understood(song)


@pytest.mark.parametrize("title", ["partial file", "moov atom not found", "Duration: 05:00:00.00", "Summary:"])
def test_what_a_recording_says_of_itself_is_not_taken_for_what_ffmpeg_says(title: str, record: Record):
    understood(record("song.mp3", "-metadata", f"title={title}", "-metadata", f"comment=x\n  {title}\n{title}"))


def test_the_first_of_several_languages_of_a_film_is_taken(record: Record):
    two = ("-f", "lavfi", "-i", "anullsrc=d=9", "-map", "0:a", "-map", "1:a")

    understood(record("film.mkv", *two, "-shortest"))

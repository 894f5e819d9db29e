"""Recordings of all kinds, damaged; whatever the decoder makes of them, it ends soon and in our own words."""

import random
import struct
from collections.abc import Callable, Mapping
from pathlib import Path

from audio.child import ChildLimits
from audio.clips import Limits, clip_from_file
from audio.errors import AudioError, TooDemanding
from tests.support.recordings import make_recording, make_wideband_amr

LIMITS = Limits(max_duration_s=20, child=ChildLimits(wall_s=120, quiet_s=60, cpu_s=20, memory_mb=768))
_HEADER_BYTES = 600
_VALUES = (0, 1, 0x7F, 0x80, 0xFF, 0x7FFF, 0xFFFF, 0x7FFF_FFFF, 0x8000_0000, 0xFFFF_FFFF, 0xFFFF_FFFE, 0x0100_0000)
_KINDS: dict[str, tuple[str, ...]] = {
    "a.m4a": (),
    "b.m4a": ("-movflags", "+frag_keyframe+empty_moov"),
    "c.m4a": ("-c:a", "alac"),
    "a.3gp": ("-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb"),
    "a.amr": ("-ar", "8000", "-ac", "1", "-c:a", "libopencore_amrnb"),
    "a.webm": ("-c:a", "libopus", "-live", "1"),
    "a.mp3": (),
    "a.aac": (),
    "a.wav": ("-ar", "16000"),
    "b.wav": ("-c:a", "pcm_s24le", "-ar", "16000", "-rf64", "always"),
    "c.wav": ("-c:a", "adpcm_ms"),
    "a.w64": ("-ar", "16000"),
    "a.flac": (),
    "a.ogg": ("-c:a", "libvorbis", "-ac", "2"),
    "a.opus": ("-c:a", "libopus"),
    "a.wma": ("-c:a", "wmav2"),
    "a.aiff": ("-ar", "16000"),
    "a.caf": ("-ar", "16000"),
    "a.wv": ("-c:a", "wavpack"),
    "a.ac3": (),
    "a.avi": ("-c:a", "libmp3lame"),
    "a.ts": ("-c:a", "mp2"),
    "a.mkv": ("-c:a", "flac"),
    "a.flv": ("-c:a", "libmp3lame"),
}

Damage = Callable[[bytearray, random.Random, list[bytes]], None]


def recordings(folder: Path) -> dict[str, bytes]:
    """One short recording of each kind."""
    made = {name: make_recording(folder / name, *options, seconds=0.7) for name, options in _KINDS.items()}
    made["wide.amr"] = make_wideband_amr(folder / "wide.amr", seconds=0.7)
    return {name: path.read_bytes() for name, path in made.items()}


def _somewhere(data: bytearray, dice: random.Random) -> int:
    """More often in the header, where the promises are."""
    end = len(data) if dice.random() < 0.4 else min(len(data), _HEADER_BYTES)
    return dice.randrange(max(1, end))


def _flip_bits(data: bytearray, dice: random.Random, _others: list[bytes]) -> None:
    for _ in range(dice.choice((1, 3, 30))):
        data[_somewhere(data, dice)] ^= 1 << dice.randrange(8)


def _lie(data: bytearray, dice: random.Random, _others: list[bytes]) -> None:
    for _ in range(dice.choice((1, 2, 5))):
        number = struct.pack(dice.choice((">Q", "<Q")), dice.choice(_VALUES))
        number = number[-4:] if number[0] == 0 else number[:4]
        at = _somewhere(data, dice)
        data[at : at + 4] = number


def _cut(data: bytearray, dice: random.Random, _others: list[bytes]) -> None:
    del data[_somewhere(data, dice) :]


def _drop(data: bytearray, dice: random.Random, _others: list[bytes]) -> None:
    at = _somewhere(data, dice)
    del data[at : at + dice.choice((1, 7, 200, 5000))]


def _repeat(data: bytearray, dice: random.Random, _others: list[bytes]) -> None:
    at = _somewhere(data, dice)
    data[at:at] = data[at : at + dice.choice((4, 64, 3000))] * dice.choice((1, 2, 300))


def _noise(data: bytearray, dice: random.Random, _others: list[bytes]) -> None:
    at = _somewhere(data, dice)
    size = dice.choice((8, 100, 2000))
    data[at : at + size] = dice.randbytes(size) if dice.random() < 0.5 else bytes([dice.choice((0, 255))]) * size


def _splice(data: bytearray, dice: random.Random, others: list[bytes]) -> None:
    other = dice.choice(others)
    data[_somewhere(data, dice) :] = other[dice.randrange(len(other)) :]


_DAMAGES: tuple[Damage, ...] = (_flip_bits, _lie, _lie, _cut, _drop, _repeat, _noise, _splice)


def damaged(whole: Mapping[str, bytes], dice: random.Random) -> tuple[str, bytes]:
    """The next file, by the dice alone."""
    name = dice.choice(list(whole))
    data = bytearray(whole[name])
    for _ in range(dice.choice((1, 1, 2, 4))):
        dice.choice(_DAMAGES)(data, dice, list(whole.values()))
    return name if dice.random() < 0.8 else dice.choice(list(whole)), bytes(data)


def outcome(path: Path, workdir: Path) -> str:
    """What became of it: a clip, or the code of a refusal. Anything else passes through, as does a worn-out limit."""
    try:
        clip = clip_from_file(path, workdir, LIMITS)
    except TooDemanding:
        raise
    except AudioError as refusal:
        return refusal.code
    clip.path.unlink()
    return "clip"

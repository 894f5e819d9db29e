"""Recordings made on the spot by ffmpeg."""

import ctypes
import struct
import subprocess
from pathlib import Path

from audio.ffmpeg import executable

PINK_NOISE = "anoisesrc=d={seconds}:r=44100:c=pink:a=0.3:seed=7"


def make_recording(path: Path, *options: str, sound: str = PINK_NOISE, seconds: float = 2.0) -> Path:
    """A file such as an officer may have: `sound` is a lavfi graph, `options` say how it is encoded."""
    source = ("-f", "lavfi", "-i", sound.format(seconds=seconds))
    subprocess.run([executable(), "-v", "error", "-nostdin", "-y", *source, *options, path], check=True)
    return path


def make_wideband_amr(path: Path, *, seconds: float = 2.0) -> Path:
    """What a phone calls "HD voice": AMR-WB, which no ffmpeg can write (Debian's libvo-amrwbenc0 can)."""
    noise = ("-f", "lavfi", "-i", PINK_NOISE.format(seconds=seconds))
    command = [executable(), "-v", "error", *noise, "-ar", "16000", "-ac", "1", "-f", "s16le", "pipe:1"]
    samples = subprocess.run(command, check=True, capture_output=True).stdout
    library = ctypes.CDLL("libvo-amrwbenc.so.0")
    library.E_IF_init.restype = ctypes.c_void_p
    encoder = ctypes.c_void_p(library.E_IF_init())
    frame = ctypes.create_string_buffer(64)
    written = bytearray(b"#!AMR-WB\n")
    try:
        for at in range(0, len(samples) - 639, 640):
            size = library.E_IF_encode(encoder, 8, samples[at : at + 640], frame, 0)
            written += frame.raw[:size]
    finally:
        library.E_IF_exit(encoder)
    path.write_bytes(written)
    return path


def id3(frames: dict[bytes, bytes]) -> bytes:
    """An ID3v2.3 tag to put before an MP3: pictures, lyrics, titles."""
    content = b"".join(name + struct.pack(">IH", len(each), 0) + each for name, each in frames.items())
    size = bytes(len(content) >> shift & 0x7F for shift in (21, 14, 7, 0))
    return b"ID3\3\0\0" + size + content

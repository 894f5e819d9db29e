"""Recordings made on the spot by ffmpeg."""

import subprocess
from pathlib import Path

from audio.ffmpeg import executable

PINK_NOISE = "anoisesrc=d={seconds}:r=44100:c=pink:a=0.3:seed=7"


def make_recording(path: Path, *options: str, sound: str = PINK_NOISE, seconds: float = 2.0) -> Path:
    """A file such as an officer may have: `sound` is a lavfi graph, `options` say how it is encoded."""
    source = ("-f", "lavfi", "-i", sound.format(seconds=seconds))
    subprocess.run([executable(), "-v", "error", "-nostdin", "-y", *source, *options, path], check=True)
    return path

"""The one way to ffmpeg: where it is, what it may read, and how it is run.

A recording comes from outside, so ffmpeg opens plain files only, never addresses, and only containers that hold
their own sound: a playlist (HLS, concat, DASH, SDP …) could name other files of this machine.
"""

import importlib.util
import os
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from audio.child import ChildLimits, ChildReport, run
from audio.errors import EngineFailed, FfmpegMissing

RATE_HZ = 48_000
"""Every sound inside Loa is mono, signed 16-bit little-endian, at this rate."""
BYTES_PER_SECOND = 2 * RATE_HZ
BYTES_PER_MS = BYTES_PER_SECOND // 1000

CONTAINERS = (
    "aa,aac,ac3,act,adx,aiff,amr,amrnb,amrwb,ape,asf,ast,au,avi,caf,dsf,dss,dts,eac3,flac,flv,g722,g729,gsm,iff,"
    "ilbc,lc3,loas,matroska,webm,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,osq,qcp,rm,rso,sbc,shn,sox,spdif,"
    "tak,truehd,tta,voc,vqf,w64,wav,wtv,wv,xa,xwma"
)

_BASE = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "info", "-filter_threads", "1")
_MONO = f"aresample={RATE_HZ},aformat=sample_fmts=fltp:channel_layouts=mono"


@dataclass(frozen=True, slots=True)
class Source:
    """Something ffmpeg can read: its input arguments."""

    arguments: tuple[str, ...]


def recording(path: Path) -> Source:
    """A file from outside, of whatever kind."""
    return Source((
        "-protocol_whitelist", "file,pipe",
        "-format_whitelist", CONTAINERS,
        "-i", f"file:{path}",
    ))  # fmt: skip


def pcm_file(path: Path, rate_hz: int = RATE_HZ) -> Source:
    """Our own raw mono samples, signed 16-bit little-endian."""
    return Source((
        "-protocol_whitelist", "file,pipe",
        "-f", "s16le", "-ar", str(rate_hz), "-ac", "1",
        "-i", f"file:{path}",
    ))  # fmt: skip


def executable() -> Path:
    """Where ffmpeg is: `LOA_FFMPEG`, else the imageio-ffmpeg package, else the system's."""
    named = os.environ.get("LOA_FFMPEG")
    found = shutil.which(named) if named else _packaged() or shutil.which("ffmpeg")
    if not found:
        raise FfmpegMissing
    return Path(found)


def _packaged() -> str | None:
    """The binary inside imageio-ffmpeg, without importing it: the agent counts its megabytes."""
    spec = importlib.util.find_spec("imageio_ffmpeg")
    for folder in (spec.submodule_search_locations or ()) if spec else ():
        for binary in sorted(Path(folder, "binaries").glob("ffmpeg-*")):
            if os.access(binary, os.X_OK):
                return str(binary)
    return None


def command(source: Source, *output: str, filters: str = "") -> list[str]:
    """Read the first sound track of `source` as mono 48 kHz, filter it, and write it as `output` says."""
    chain = f"{_MONO},{filters}" if filters else _MONO
    return [str(executable()), *_BASE, *source.arguments, "-map", "0:a:0", "-af", chain, *output]


def stream(
    arguments: list[str],
    on_output: Callable[[bytes], object],
    limits: ChildLimits | None = None,
) -> ChildReport:
    """Run ffmpeg, handing on what it writes to stdout. Raises only when it was stopped by a limit or a signal."""
    report = run(arguments, on_output=on_output, limits=limits)
    if report.timed_out or report.status < 0:
        detail = "timeout" if report.timed_out else f"signal {-report.status}"
        raise EngineFailed(engine="ffmpeg", detail=detail)
    return report

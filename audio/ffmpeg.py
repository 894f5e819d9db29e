"""The one way to ffmpeg: where it is, what it may read, and how it is run.

A recording comes from outside, so ffmpeg opens plain files only, never addresses, and only containers that hold
their own sound: a playlist (HLS, concat, DASH, SDP …) could name other files of this machine. It decodes sound only:
neither pictures nor subtitles are looked into. And whatever a file talks it into, the kernel shuts it in with that
one file (`audio.sandbox`).
"""

import errno
import importlib.util
import os
import shutil
import stat
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import IO

from audio.child import ChildLimits, ChildReport, run
from audio.errors import EngineFailed, FfmpegMissing, TooDemanding, Unreadable

RATE_HZ = 48_000
"""Every sound inside Loa is mono, signed 16-bit little-endian, at this rate."""
BYTES_PER_SECOND = 2 * RATE_HZ
BYTES_PER_MS = BYTES_PER_SECOND // 1000

CONTAINERS = (
    "aa,aac,ac3,act,adx,aiff,amr,amrnb,amrwb,ape,asf,ast,au,avi,caf,dsf,dss,dts,eac3,flac,flv,g722,g729,gsm,iff,"
    "ilbc,lc3,loas,matroska,webm,mlp,mov,mp3,mpc,mpc8,mpeg,mpegts,mxf,nut,ogg,oma,osq,qcp,rm,rso,sbc,shn,sox,spdif,"
    "tak,truehd,tta,voc,vqf,w64,wav,wtv,wv,xa,xwma"
)
"""Of these ffmpeg may read: each holds its own sound."""

DECODERS = (
    "8svx_exp,8svx_fib,aac,aac_fixed,aac_latm,ac3,ac3_fixed,adpcm_adx,g722,g726,g726le,"
    "adpcm_ima_qt,adpcm_ima_wav,adpcm_ms,adpcm_sbpro_2,adpcm_sbpro_3,adpcm_sbpro_4,adpcm_swf,adpcm_xa,adpcm_yamaha,"
    "alac,als,amrnb,libopencore_amrnb,amrwb,libopencore_amrwb,ape,atrac1,atrac3,atrac3al,atrac3plus,atrac3plusal,cook,"
    "dca,dolby_e,dsd_lsbf,dsd_lsbf_planar,dsd_msbf,dsd_msbf_planar,dss_sp,dst,dvaudio,eac3,evrc,flac,g723_1,g729,gsm,"
    "gsm_ms,ilbc,mace3,mace6,mlp,mp1,mp1float,mp2,mp2float,mp3,mp3float,mp3adu,mp3adufloat,mp3on4,mp3on4float,"
    "mpc7,mpc8,nellymoser,opus,libopus,osq,pcm_alaw,pcm_bluray,pcm_dvd,pcm_f16le,pcm_f24le,pcm_f32be,pcm_f32le,"
    "pcm_f64be,pcm_f64le,pcm_mulaw,pcm_s16be,pcm_s16be_planar,pcm_s16le,pcm_s16le_planar,pcm_s24be,pcm_s24le,"
    "pcm_s24le_planar,pcm_s32be,pcm_s32le,pcm_s32le_planar,pcm_s64be,pcm_s64le,pcm_s8,pcm_s8_planar,pcm_u16be,"
    "pcm_u16le,pcm_u24be,pcm_u24le,pcm_u32be,pcm_u32le,pcm_u8,qcelp,qdm2,qdmc,real_144,real_288,ralf,s302m,sbc,"
    "shorten,sipr,speex,libspeex,tak,truehd,truespeech,tta,twinvq,metasound,vorbis,libvorbis,wavpack,wmalossless,"
    "wmapro,wmav1,wmav2,wmavoice,xma1,xma2"
)
"""Sound that people record, by ffmpeg's names: no pictures, no subtitles, no formats of old games."""

_MAX_STREAMS = 64
_BASE = ("-nostdin", "-hide_banner", "-nostats", "-loglevel", "info", "-filter_threads", "1")
_MONO = f"aresample={RATE_HZ},aformat=sample_fmts=fltp:channel_layouts=mono"


@dataclass(frozen=True, slots=True)
class Source:
    """Something ffmpeg can read: its input arguments."""

    arguments: tuple[str, ...]


def real_file(path: Path) -> Path:
    """The file behind `path`. Nothing else will do: a pipe would wait for ever, a device never end."""
    try:
        real = path.resolve(strict=True)
        regular = stat.S_ISREG(real.stat().st_mode)
    except OSError as error:
        raise Unreadable(detail=error.strerror or str(error)) from error
    except RuntimeError as error:  # how Python < 3.13 says that links lead in a circle
        raise Unreadable(detail=os.strerror(errno.ELOOP)) from error
    if not regular:
        raise Unreadable(detail="not a file")
    return real


def recording(path: Path, *, from_ms: int = 0, to_ms: int | None = None) -> Source:
    """A file from outside, of whatever kind; of it what lies between two moments (None: its end)."""
    begin = ("-ss", f"{from_ms}ms") if from_ms else ()
    end = ("-t", f"{to_ms - from_ms}ms") if to_ms is not None else ()
    return Source((
        *begin, *end,
        "-protocol_whitelist", "file",
        "-format_whitelist", CONTAINERS,
        "-codec_whitelist", DECODERS,
        "-max_streams", str(_MAX_STREAMS),
        "-i", f"file:{real_file(path)}",
    ))  # fmt: skip


def pcm_file(path: Path, rate_hz: int = RATE_HZ) -> Source:
    """Our own raw mono samples, signed 16-bit little-endian."""
    return Source((
        "-protocol_whitelist", "file",
        "-f", "s16le", "-ar", str(rate_hz), "-ac", "1",
        "-i", f"file:{path}",
    ))  # fmt: skip


def ogg_pipe() -> Source:
    """Our own Ogg Opus, as it comes out of the encoder."""
    return Source(("-protocol_whitelist", "pipe", "-f", "ogg", "-i", "pipe:0"))


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
    *,
    on_log: Callable[[bytes], object] | None = None,
    given: bytes | IO[bytes] = b"",
) -> ChildReport:
    """Run ffmpeg, shut in with its input files, handing on what it writes to stdout.

    Raises only when it was stopped by a limit or a signal.
    """
    inputs = [Path(value.removeprefix("file:")) for flag, value in pairwise(arguments) if flag == "-i"]
    report = run(
        arguments,
        on_output=on_output,
        on_log=on_log,
        given=given,
        limits=limits,
        readable=[Path(arguments[0]), *inputs],
    )
    if report.exhausted:
        raise TooDemanding
    if report.status < 0:
        raise EngineFailed(engine="ffmpeg", detail=f"signal {-report.status}")
    return report

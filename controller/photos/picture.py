"""A stranger's picture, drawn anew: what comes out holds pixels only – no place, no device, no second file inside.

ffmpeg reads it from a pipe, shut in by the kernel as with recordings (`audio.sandbox`): it may read nothing else.
"""

from pathlib import Path
from typing import Final

from audio.child import ChildLimits, run
from audio.errors import EngineFailed
from audio.ffmpeg import executable
from controller.photos.errors import NoPicture, PictureTooBig

MEDIA_TYPE: Final = "image/jpeg"
BYTES_MAX: Final = 5 * 1024 * 1024
PIXELS_MAX: Final = 50_000_000
"""More than any telephone's plain photo; a few kB can unfold to gigabytes."""
SIDE_MAX: Final = 1600
_DRAWN_MAX: Final = 8 * 1024 * 1024
_LIMITS: Final = ChildLimits(wall_s=20, quiet_s=20, cpu_s=20, memory_mb=1024)
_TOO_BIG: Final = ("Picture size", "dimensions")


def kind_of(data: bytes) -> str | None:
    """Return which reader of ffmpeg a picture is for, by its first bytes; None: we take no such file."""
    if data.startswith(b"\xff\xd8\xff"):
        return "jpeg_pipe"
    if data.startswith(b"\x89PNG\r\n\x1a\n"):
        return "png_pipe"
    if data[:4] == b"RIFF" and data[8:12] == b"WEBP":
        return "webp_pipe"
    return None


def drawn_anew(data: bytes) -> bytes:
    """Return the picture as a JPEG of at most `SIDE_MAX` a side, upright. Raises `NoPicture` or `PictureTooBig`.

    Blocking, for up to a second: call it from a thread.
    """
    if len(data) > BYTES_MAX:
        raise PictureTooBig
    kind = kind_of(data)
    if kind is None:
        raise NoPicture
    drawn = bytearray()

    def take(some: bytes) -> None:
        if len(drawn) + len(some) > _DRAWN_MAX:
            raise PictureTooBig
        drawn.extend(some)

    program = executable()
    report = run(_command(program, kind), on_output=take, given=data, limits=_LIMITS, readable=[program])
    if report.exhausted:
        raise PictureTooBig
    if report.status < 0:
        raise EngineFailed(engine="ffmpeg", detail=f"signal {-report.status}")
    if report.status or not drawn:
        raise PictureTooBig if _said_too_big(report.log) else NoPicture
    return bytes(drawn)


def _said_too_big(log: str) -> bool:
    return any(word in log for word in _TOO_BIG)


def _command(program: Path, kind: str) -> list[str]:
    smaller = f"scale=w='min({SIDE_MAX},iw)':h='min({SIDE_MAX},ih)':force_original_aspect_ratio=decrease"
    return [
        str(program), "-nostdin", "-hide_banner", "-nostats", "-loglevel", "error", "-xerror", "-threads", "1",
        "-protocol_whitelist", "pipe", "-codec_whitelist", "mjpeg,png,webp", "-f", kind,
        "-err_detect", "explode", "-max_pixels", str(PIXELS_MAX), "-i", "pipe:0",
        "-map", "0:v:0", "-frames:v", "1", "-map_metadata", "-1", "-vf", f"{smaller},format=yuvj420p,sidedata=delete",
        "-c:v", "mjpeg", "-q:v", "4", "-f", "image2pipe", "pipe:1",
    ]  # fmt: skip

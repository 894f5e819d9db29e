"""Does a recording end before its sound does? Read from what ffmpeg said, the container's own length, and Ogg's pages.

Nothing can tell for a bare stream that states no length (ADTS, MP3 without a Xing header) and was cut between frames.
"""

import re
from pathlib import Path

from audio.listen import Measured

_SAID_SO = (
    "growing file?",  # MP3: shorter than its Xing header says
    "partial file",  # MP4: its index names samples beyond the end
    "moov atom not found",  # MP4: the index, written last, is missing
    "File ended prematurely",  # Matroska, WebM
    "Corrupt bitstream",  # AMR: half a frame
    "Input packet size too small",  # WMA: half a packet
)
_HALF_PACKET = "Packet corrupt"
_LENGTH_UNKNOWN_BY_DESIGN = "Ignoring maximum wav data size"  # a WAV that was written to a pipe
_ESTIMATED = "Estimating duration"
_DURATION = re.compile(r"^  Duration: (\d+):(\d\d):(\d\d\.\d+)", re.MULTILINE)
_PICTURE = re.compile(r"^  Stream #.*: Video: (?!.*\(attached pic\))", re.MULTILINE)
_TAG = re.compile(r"^    .*\n?", re.MULTILINE)
"""ffmpeg indents what the file says of itself: a title may be "partial file"."""

_SLACK_S = 1.0
_SLACK_PART = 0.02
_OGG_PAGE = b"OggS"
_OGG_HEADER_BYTES = 27
_OGG_PAGE_MAX_BYTES = _OGG_HEADER_BYTES + 255 + 255 * 255


def ends_early(measured: Measured, path: Path) -> bool:
    """Whether the file was cut."""
    log = _TAG.sub("", measured.log)
    if any(sentence in log for sentence in _SAID_SO):
        return True
    if _HALF_PACKET in log and _LENGTH_UNKNOWN_BY_DESIGN not in log:
        return True
    return _shorter_than_promised(measured, log) or _last_ogg_page_is_cut(path)


def _shorter_than_promised(measured: Measured, log: str) -> bool:
    promised = _DURATION.search(log)
    if not promised or not measured.sample_count or _ESTIMATED in log or _PICTURE.search(log):
        return False  # a film may well be longer than its sound
    hours, minutes, seconds = promised.groups()
    promised_s = int(hours) * 3600 + int(minutes) * 60 + float(seconds)
    return measured.duration_s < promised_s * (1 - _SLACK_PART) - _SLACK_S


def _last_ogg_page_is_cut(path: Path) -> bool:
    with path.open("rb") as file:
        if file.read(len(_OGG_PAGE)) != _OGG_PAGE:
            return False
        size = path.stat().st_size
        file.seek(max(0, size - _OGG_PAGE_MAX_BYTES))
        end = file.read()
    page = end[end.rfind(_OGG_PAGE) :]
    if len(page) < _OGG_HEADER_BYTES or not page.startswith(_OGG_PAGE):
        return True
    segments = page[26]
    table = page[_OGG_HEADER_BYTES : _OGG_HEADER_BYTES + segments]
    return len(table) < segments or len(page) < _OGG_HEADER_BYTES + segments + sum(table)

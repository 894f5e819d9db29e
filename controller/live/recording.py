"""What was spoken, as an Ogg Opus file (RFC 3533, RFC 7845): the very frames, so that nothing is encoded twice.

Written as it comes: after a kill the file holds all but the last second. Sixty lines of our own, because what muxes
Opus for Python brings ffmpeg's libraries with it, or starts a process for each session.
"""

import struct
from pathlib import Path
from typing import Final

FRAME_SAMPLES: Final = 960
_SERIAL: Final = 1
_PAGE_FRAMES: Final = 50
_SEGMENTS_MAX: Final = 255
_FIRST, _LAST = 2, 4
_POLYNOMIAL: Final = 0x04C11DB7


def _table() -> tuple[int, ...]:
    table = []
    for byte in range(256):
        value = byte << 24
        for _ in range(8):
            value = (value << 1) ^ (_POLYNOMIAL if value & 0x80000000 else 0)
        table.append(value & 0xFFFFFFFF)
    return tuple(table)


_TABLE: Final = _table()


def _crc(data: bytes | bytearray) -> int:
    crc = 0
    for byte in data:
        crc = ((crc << 8) & 0xFFFFFFFF) ^ _TABLE[(crc >> 24) ^ byte]
    return crc


class Recording:
    """One file that grows by a page a second."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self.frames = 0
        path.write_bytes(b"")
        self._page = 0
        self._waiting: list[bytes] = []
        self._write([struct.pack("<8sBBHIhB", b"OpusHead", 1, 1, 312, 48_000, 0, 0)], _FIRST, 0)
        self._write([struct.pack("<8sI3sI", b"OpusTags", 3, b"Loa", 0)], 0, 0)

    def add(self, opus: bytes) -> None:
        """Keep one frame. Raises `OSError` when the disk takes no more."""
        self._waiting.append(opus)
        self.frames += 1
        if len(self._waiting) == _PAGE_FRAMES:
            self._flush(0)

    def close(self) -> None:
        """Write what is left."""
        self._flush(_LAST)

    def _flush(self, flags: int) -> None:
        waiting, self._waiting = self._waiting, []
        self._write(waiting, flags, self.frames * FRAME_SAMPLES)

    def _write(self, packets: list[bytes], flags: int, position: int) -> None:
        lacing = b"".join(b"\xff" * (len(packet) // 255) + bytes([len(packet) % 255]) for packet in packets)
        if len(lacing) > _SEGMENTS_MAX:  # frames far larger than speech: a page holds no more segments
            half = len(packets) // 2
            self._write(packets[:half], flags & ~_LAST, position - (len(packets) - half) * FRAME_SAMPLES)
            self._write(packets[half:], flags & ~_FIRST, position)
            return
        head = struct.pack("<4sBBQIIIB", b"OggS", 0, flags, position, _SERIAL, self._page, 0, len(lacing))
        page = bytearray(head + lacing + b"".join(packets))
        page[22:26] = struct.pack("<I", _crc(page))
        with self.path.open("ab") as file:
            file.write(page)
        self._page += 1

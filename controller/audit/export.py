"""The trail as a file that vouches for itself: JSON lines, the first of them signed. Verified without the database."""

import gzip
import json
import os
from collections.abc import AsyncIterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO, Final, cast

from controller.audit import heads
from controller.audit.chain import Entry, Unreadable, canonical, read_entry
from controller.audit.heads import Signed
from protocol.signing import KeyRing

FORMAT: Final = "loa-audit/1"
LINE_MAX_BYTES: Final = 1024 * 1024
"""Longer than any entry: a hostile file must not fill the memory."""


class NotWritten(Exception):
    """The trail holds something that is no entry."""


def line_of(entry: Entry) -> bytes:
    """Return an entry as a line: its canonical body with its hash."""
    return canonical(entry.body() | {"hash": entry.hash}) + b"\n"


async def write_file(path: Path, token: str, entries: AsyncIterable[Entry | Unreadable]) -> int:
    """Write the header and the entries; return how many. The file appears whole or not at all."""
    draft, count = path.with_name(f".{path.name}.part"), 0
    try:
        with _writing(draft, packed=path.suffix == ".gz") as file:
            file.write(canonical({"export": token, "format": FORMAT}) + b"\n")
            async for entry in entries:
                if isinstance(entry, Unreadable):
                    raise NotWritten(f"entry {entry.number} cannot be read; see: loa audit verify")
                file.write(line_of(entry))
                count += 1
        draft.replace(path)
    finally:
        draft.unlink(missing_ok=True)
    return count


class NotAnExport(Exception):
    """The file does not begin as an export that one of the given keys signed."""


@contextmanager
def reading(path: Path, keys: KeyRing) -> Iterator[tuple[Signed, Iterator[Entry | Unreadable]]]:
    """Open an export: what its header vouches for, and its entries as they stand there, one in memory at a time."""
    with path.open("rb") as raw:
        packed = raw.read(2) == b"\x1f\x8b"
    with cast("BinaryIO", gzip.open(path, "rb")) if packed else path.open("rb") as file:
        signed = _header(_line(file), keys)
        if signed is None or signed.base is None:
            raise NotAnExport(f"{path} does not begin as an export that was signed with a key given here")
        yield signed, _entries(file)


def _header(line: bytes, keys: KeyRing) -> Signed | None:
    said = _parsed(line)
    if not isinstance(said, dict) or said.get("format") != FORMAT or not isinstance(said.get("export"), str):
        return None
    return heads.read(said["export"], purpose=heads.EXPORT, keys=keys)


def _entries(file: BinaryIO) -> Iterator[Entry | Unreadable]:
    while line := _line(file):
        said = _parsed(line)
        yield read_entry(said) if isinstance(said, dict) and canonical(said) + b"\n" == line else Unreadable()


def _line(file: BinaryIO) -> bytes:
    """Return a line; of one that is too long, or of what the packing lost, what no entry is."""
    try:
        return file.readline(LINE_MAX_BYTES)
    except (EOFError, OSError):
        return b""


def _parsed(line: bytes) -> object:
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


@contextmanager
def _writing(path: Path, *, packed: bool) -> Iterator[BinaryIO]:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600)
    with os.fdopen(descriptor, "wb") as raw:
        if packed:
            with gzip.GzipFile(filename="", fileobj=raw, mode="wb", mtime=0) as file:
                yield cast("BinaryIO", file)
        else:
            yield raw
        raw.flush()
        os.fsync(raw.fileno())

"""The file of a backup: a tar stream that ends with the checksum of each of its members, encrypted with age or not."""

import hashlib
import io
import os
import re
import tarfile
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext, suppress
from datetime import datetime
from pathlib import Path
from typing import IO, BinaryIO, Final

import pyrage  # type: ignore[import-untyped]
from pydantic import BaseModel, ConfigDict, ValidationError

from controller.errors import ControllerError
from controller.text import Text

FORMAT: Final = 1
MANIFEST: Final = "manifest.json"
MANIFEST_MAX_BYTES: Final = 256 * 1024 * 1024
DATABASE: Final = "database"
CONTENT: Final = "content/"
FILES: Final = "files/"
COPY_BYTES: Final = 1 << 20
_AGE: Final = b"age-encryption.org/v1"
_NAME: Final = re.compile(r"(database|(content|files)/[^/\0]+(/[^/\0]+)*)")


class BadArchive(ControllerError):
    """The file is not a whole and sound backup: nothing of it is used."""

    code = "bad_backup"
    title = Text("The backup cannot be used")


class Member(BaseModel):
    """One file of a backup."""

    model_config = ConfigDict(frozen=True)

    name: str
    size: int
    sha256: str
    mode: int


class Manifest(BaseModel):
    """What a backup says of itself, at its end: a file that was cut short has none."""

    model_config = ConfigDict(frozen=True)

    format: int = FORMAT
    made_at: datetime
    loa: str
    database: str
    """"sqlite" or "postgresql"."""
    schema_revision: str = ""
    """Of the database: a version that does not know it cannot read it."""
    content_missing: tuple[str, ...] = ()
    """Hashes that the database names and the store had lost already."""
    members: tuple[Member, ...]


Progress = Callable[[int], None]
"""Called with the number of bytes of each piece."""


class Writer:
    """Adds members to a stream."""

    def __init__(self, out: IO[bytes], progress: Progress) -> None:
        self._tar = tarfile.open(fileobj=out, mode="w|", format=tarfile.PAX_FORMAT)  # noqa: SIM115 closed by `finish`
        self._progress = progress
        self._members: list[Member] = []

    def add(self, name: str, path: Path) -> None:
        """Add a file as it is at this moment. One that changes its length meanwhile is an `OSError`."""
        with path.open("rb") as source:
            facts = os.fstat(source.fileno())
            info = _info(name, facts.st_size, facts.st_mode & 0o777)
            reader = _Hashing(source, facts.st_size, self._progress)
            self._tar.addfile(info, reader)
        self._members.append(Member(name=name, size=info.size, sha256=reader.hexdigest(), mode=info.mode))

    def finish(
        self, made_at: datetime, *, loa: str, database: str, schema_revision: str, content_missing: tuple[str, ...]
    ) -> Manifest:
        """End the stream with its manifest."""
        manifest = Manifest(
            made_at=made_at,
            loa=loa,
            database=database,
            schema_revision=schema_revision,
            content_missing=content_missing,
            members=tuple(self._members),
        )
        said = manifest.model_dump_json().encode()
        self._tar.addfile(_info(MANIFEST, len(said), 0o600), io.BytesIO(said))
        self._tar.close()
        return manifest


class _Hashing:
    """Reads a file once for the archive and for its checksum."""

    def __init__(self, source: BinaryIO, size: int, progress: Progress) -> None:
        self._source = source
        self._left = size
        self._progress = progress
        self._digest = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        piece = self._source.read(min(size if size >= 0 else self._left, self._left))
        self._left -= len(piece)
        self._digest.update(piece)
        self._progress(len(piece))
        return piece

    def hexdigest(self) -> str:
        return self._digest.hexdigest()


def _info(name: str, size: int, mode: int) -> tarfile.TarInfo:
    info = tarfile.TarInfo(name)
    info.size, info.mode = size, mode
    return info


def read_archive(source: IO[bytes], keep: Callable[[str], IO[bytes] | None], progress: Progress) -> Manifest:
    """Read a whole backup and check all of it. `keep` says where a member's bytes go, or None. Raises `BadArchive`."""
    found: list[Member] = []
    manifest: Manifest | None = None
    try:
        with tarfile.open(fileobj=source, mode="r|") as tar:
            for info in tar:
                piece = tar.extractfile(info) if info.isreg() else None
                if piece is None or manifest is not None:
                    raise _bad(f"{info.name!r} does not belong in it")
                if info.name == MANIFEST:
                    if info.size > MANIFEST_MAX_BYTES:
                        raise _bad("its manifest is too long")
                    manifest = Manifest.model_validate_json(piece.read())
                    continue
                if not _NAME.fullmatch(info.name) or ".." in info.name.split("/"):
                    raise _bad(f"{info.name!r} does not belong in it")
                found.append(_take(info, piece, keep(info.name), progress))
    except (tarfile.TarError, ValidationError, EOFError, UnicodeError) as error:
        raise _bad(str(error)) from error
    if manifest is None:
        raise _bad("it was cut short")
    if manifest.format != FORMAT:
        raise _bad(f"its format is {manifest.format}; this version reads {FORMAT}")
    _compare(found, manifest)
    return manifest


def _take(info: tarfile.TarInfo, piece: IO[bytes], out: IO[bytes] | None, progress: Progress) -> Member:
    digest, size = hashlib.sha256(), 0
    with out or nullcontext():
        while chunk := piece.read(COPY_BYTES):
            digest.update(chunk)
            size += len(chunk)
            progress(len(chunk))
            if out is not None:
                out.write(chunk)
        if out is not None:
            out.flush()
            os.fsync(out.fileno())
    return Member(name=info.name, size=size, sha256=digest.hexdigest(), mode=info.mode)


def _compare(found: list[Member], manifest: Manifest) -> None:
    expected = {member.name: member for member in manifest.members}
    if len(found) != len(expected) or len(found) != len(manifest.members):
        raise _bad("its members are not those of its manifest")
    for member in found:
        if expected.get(member.name) != member:
            raise _bad(f"{member.name!r} is not what the manifest says")
        if member.name.startswith(CONTENT) and member.name.removeprefix(CONTENT) != member.sha256:
            raise _bad(f"{member.name!r} is not what its name says")
    if DATABASE not in expected:
        raise _bad("it holds no database")


def _bad(why: str) -> BadArchive:
    return BadArchive(Text("The backup cannot be used: %(why)s", why=why))


@contextmanager
def encrypted(out: IO[bytes], recipient: str | None) -> Iterator[IO[bytes]]:
    """Yield where to write so that only the recipient's identity can read it; without a recipient, `out` itself."""
    if recipient is None:
        yield out
        return
    try:
        to = pyrage.x25519.Recipient.from_str(recipient)
    except pyrage.RecipientError as error:
        raise _bad(f"not an age recipient: {error}") from error
    with _piped(lambda source: pyrage.encrypt_io(source, out, [to])) as sink:
        yield sink


@contextmanager
def decrypted(path: Path, identity: Path | None) -> Iterator[IO[bytes]]:
    """Yield a backup's tar stream. Raises `BadArchive` when it cannot be read with that identity."""
    with path.open("rb") as source:
        sealed = source.read(len(_AGE)) == _AGE
        source.seek(0)
        if not sealed:
            yield source
            return
        if identity is None:
            raise _bad("it is encrypted: name the file with the identity (--identity)")
        with _poured(source, _identity(identity)) as clear:
            yield clear


def _identity(path: Path) -> "pyrage.x25519.Identity":
    lines = [line.strip() for line in path.read_text().splitlines()]
    try:
        return pyrage.x25519.Identity.from_str(next(line for line in lines if line.startswith("AGE-SECRET-KEY-")))
    except (StopIteration, pyrage.IdentityError) as error:
        raise _bad(f"{path} holds no age identity") from error


@contextmanager
def _piped(work: Callable[[IO[bytes]], object]) -> Iterator[IO[bytes]]:
    """Run something that reads what the block writes."""
    reads, writes = os.pipe()
    failed: list[BaseException] = []

    def run() -> None:
        with os.fdopen(reads, "rb") as source:
            try:
                work(source)
            except BaseException as error:  # noqa: BLE001 raised where the block ends
                failed.append(error)

    thread = threading.Thread(target=run, name="encrypting")
    thread.start()
    try:
        with os.fdopen(writes, "wb") as sink:
            yield sink
    except BrokenPipeError:
        thread.join()
        if not failed:
            raise
    finally:
        thread.join()
    if failed:
        raise failed[0]


@contextmanager
def _poured(source: IO[bytes], identity: "pyrage.x25519.Identity") -> Iterator[IO[bytes]]:
    """Yield the clear text of an age file."""
    reads, writes = os.pipe()
    failed: list[str] = []

    def run() -> None:
        with suppress(BrokenPipeError), os.fdopen(writes, "wb") as sink:
            try:
                pyrage.decrypt_io(source, sink, [identity])
            except (pyrage.DecryptError, OSError) as error:
                failed.append(str(error))

    thread = threading.Thread(target=run, name="decrypting")
    thread.start()
    try:
        with os.fdopen(reads, "rb") as clear:
            try:
                yield clear
                while clear.read(COPY_BYTES):  # to its end: only there age says whether it was whole
                    pass
            except BadArchive as error:
                clear.close()
                thread.join()
                if failed:
                    raise _bad("; ".join(failed)) from error
                raise
    finally:
        thread.join()
    if failed:
        raise _bad("; ".join(failed))

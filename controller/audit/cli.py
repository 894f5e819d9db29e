"""`loa audit …`: verify, export and prune the trail."""

import asyncio
import base64
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.audit import heads
from controller.audit.chain import Flaw, Verdict
from controller.audit.checking import check_database, check_file, export, prune
from controller.audit.export import NotAnExport, NotWritten
from controller.audit.heads import Signed
from controller.audit.keeping import heads_file
from controller.database import Database
from controller.errors import ControllerError
from controller.keys import Keys
from controller.migrations import migrate
from controller.runtime import Runtime, utc_now
from controller.settings import Settings
from protocol.signing import KeyRing, public_jwk

app = typer.Typer(no_args_is_help=True, help="Who did what: verify, export, prune. Settings come from LOA_* variables.")

BROKEN, UNCHECKED = 1, 2
MEANS = {
    Flaw.ALTERED: "it does not say what was hashed when it was written",
    Flaw.UNLINKED: "it does not follow the entry before it: that one was replaced, or this one was put in",
    Flaw.REMOVED: "it is missing",
    Flaw.REORDERED: "it stands further on",
    Flaw.INSERTED: "it stands here a second time",
    Flaw.TRUNCATED: "it is missing at the end, although a signed head vouches that it was there",
    Flaw.REWRITTEN: "the trail was written anew: the entry is not the one that the service signed for",
    Flaw.UNFOUNDED: "the trail begins after it, and no signature of the service says so",
}
R = TypeVar("R")
KeyOption = Annotated[
    list[str] | None,
    typer.Option("--key", help="A public signing key, `x` of `loa controller key`; repeat. Default: this service's."),
]
HeadsOption = Annotated[
    Path | None, typer.Option("--heads", help="Signed heads that were kept. Default: this service's file.")
]


@app.command("verify")
def verify_trail(
    file: Annotated[Path | None, typer.Argument(help="An exported file; without: the database.")] = None,
    key: KeyOption = None,
    kept_heads: HeadsOption = None,
) -> None:
    """Check that nothing was altered, removed, inserted, reordered or cut off. Exit status 1: something was."""
    settings = Settings()
    keys = _keys(settings, key)
    lies = kept_heads or (None if file else heads_file(settings))
    signed, strange = heads.read_file(lies, keys) if lies is not None else ([], 0)
    if strange:
        _warn(f"{strange} lines of {lies} are not heads signed with a key given here; they were left out of account.")
    wanted = [each.head for each in signed]
    if file is not None:
        _judge(_checked(lambda: check_file(file, keys, wanted)), signed, f"{file}: ")
        return

    async def check() -> Verdict:
        database = Database(settings.database)
        try:
            async with database.reading() as session:
                return await check_database(session, keys, wanted)
        finally:
            await database.close()

    _judge(_checked(lambda: asyncio.run(check())), signed, "")


@app.command("export")
def export_trail(
    out: Annotated[Path, typer.Option(help="The file to write: FILE.jsonl or FILE.jsonl.gz.")],
    since: Annotated[datetime | None, typer.Option(help="Entries from this moment on (UTC).")] = None,
    until: Annotated[datetime | None, typer.Option(help="Entries before this moment (UTC).")] = None,
) -> None:
    """Write the trail, or a part, to a file that can be verified without the database."""

    async def write(session: AsyncSession, runtime: Runtime) -> int:
        return await export(session, out, key=runtime.keys.signing, now=utc_now(), since=_utc(since), until=_utc(until))

    typer.echo(f"{out}: {_in_runtime(write, writes=False)} entries")


@app.command("prune")
def prune_trail(
    file: Annotated[Path, typer.Argument(help="An export of the oldest entries: keep it, it is their only copy.")],
    keep_days: Annotated[int, typer.Option(min=1, help="Refuse to remove entries younger than this.")] = 400,
) -> None:
    """Remove from the database what an export holds. Where the trail begins from then on is recorded and signed."""

    async def cut(session: AsyncSession, runtime: Runtime) -> str:
        lasts = timedelta(days=keep_days)
        count, base = await prune(session, file, key=runtime.keys.signing, now=utc_now(), kept_for=lasts)
        return f"{count} entries removed; the trail begins after entry {base.number}. Keep {file}."

    typer.echo(_in_runtime(cut, writes=True))


def _judge(verdict: Verdict, signed: Sequence[Signed], where: str) -> None:
    first = verdict.last.number - verdict.entries + 1
    if verdict.broken is not None:
        _warn(f"{where}BROKEN at entry {verdict.broken.number} ({verdict.broken.flaw}): {MEANS[verdict.broken.flaw]}.")
        _warn(f"{verdict.entries} entries before it hold.")
        raise typer.Exit(BROKEN)
    span = f" ({first}-{verdict.last.number})" if verdict.entries else ""
    typer.echo(f"{where}{verdict.entries} entries hold{span}; the last has hash {verdict.last.hash}.")
    at = max((each.at for each in signed if each.head.number == verdict.anchored), default="")
    open_end = verdict.last.number - verdict.anchored
    if verdict.anchored and where:
        typer.echo(f"Its end, entry {verdict.anchored}, is signed for.")
    elif verdict.anchored:
        typer.echo(f"Signed for up to entry {verdict.anchored}, at {at}; {open_end} after it are not yet.")
    else:
        _warn("No signed head vouches for any of them: entries cut off at the end would not be missed.")


def _keys(settings: Settings, given: Sequence[str] | None) -> KeyRing:
    """Return the keys to believe. They never come from the database that is being checked."""
    try:
        if given:
            return KeyRing([public_jwk(Ed25519PublicKey.from_public_bytes(_raw(x))) for x in given])
    except ValueError:
        _warn("A key is the `x` that `loa controller key` prints: 43 letters and digits.")
        raise typer.Exit(UNCHECKED) from None
    if not settings.data_dir.is_dir():
        _warn(f"There is no service's key in {settings.data_dir}. Give its public key with --key.")
        raise typer.Exit(UNCHECKED)
    return KeyRing([Keys.load(settings.data_dir).signing.public])


def _checked(check: Callable[[], Verdict]) -> Verdict:
    try:
        return check()
    except (NotAnExport, ControllerError, OSError, SQLAlchemyError) as error:
        _warn(f"Could not be checked: {error}")
        raise typer.Exit(UNCHECKED) from None


def _in_runtime(work: Callable[[AsyncSession, Runtime], Awaitable[R]], *, writes: bool) -> R:
    async def done() -> R:
        runtime = Runtime.open(Settings())
        try:
            await migrate(runtime.settings.database)
            database = runtime.database
            async with database.transaction() if writes else database.reading() as session:
                return await work(session, runtime)
        finally:
            await runtime.database.close()

    try:
        return asyncio.run(done())
    except (NotAnExport, NotWritten, ControllerError, OSError) as error:
        _warn(str(error))
        raise typer.Exit(UNCHECKED) from None


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.replace(tzinfo=UTC)


def _warn(sentence: str) -> None:
    typer.echo(sentence, err=True)


def _raw(x: str) -> bytes:
    return base64.urlsafe_b64decode(x + "=" * (-len(x) % 4))

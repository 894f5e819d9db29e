"""`loa controller key …`: signing keys from the command line. A running service follows within seconds."""

import os
import sys
from collections.abc import Awaitable, Callable
from datetime import datetime, timedelta
from pathlib import Path
from typing import Annotated, TypeVar

import typer
from pydantic import ValidationError
from sqlalchemy.ext.asyncio import AsyncSession

from controller.command import with_runtime
from controller.errors import Conflict, ControllerError, Invalid
from controller.keys import Keys, read_secret
from controller.runtime import Runtime, utc_now
from controller.signing.schemas import OVERLAP_HOURS
from controller.signing.service import SigningKeyService, countersign
from controller.text import Text
from protocol.messages import KeyNotice, TrustedKey
from protocol.signing import SigningKey

app = typer.Typer(help="The keys that orders are signed with. Alone: what speakers pin.")

R = TypeVar("R")


def pinned(key: TrustedKey) -> str:
    """Return a key as it stands in an agent's `trusted_keys`."""
    role = ', role = "recovery"' if key.role == "recovery" else ""
    return f'{{ kid = "{key.kid}", x = "{key.x}"{role} }}'


def _with_keys(work: Callable[[SigningKeyService, Keys], Awaitable[R]]) -> R:
    async def done(session: AsyncSession, runtime: Runtime) -> R:
        service = SigningKeyService(session, runtime.keys, utc_now(), changed=lambda: None)
        return await work(service, runtime.keys)

    return with_runtime(done)


@app.callback(invoke_without_command=True)
def show(context: typer.Context) -> None:
    """Print the public keys, as speakers pin them in their `trusted_keys`."""
    if context.invoked_subcommand is not None:
        return

    async def to_pin(service: SigningKeyService, _keys: Keys) -> list[str]:
        return [pinned(key) for key in await service.to_pin()]

    typer.echo(",\n".join(_with_keys(to_pin)))


@app.command("list")
def list_keys() -> None:
    """Every key and where it is in its life."""

    async def listed(service: SigningKeyService, _keys: Keys) -> list[str]:
        return [
            f"{row.kid}  {row.state:<9}"
            + (f"  from {_at(row.signs_from)}" if row.signs_from else "")
            + (f"  trusted until {_at(row.trusted_until)}" if row.trusted_until else "")
            for row in await service.all()
        ]

    typer.echo("\n".join(_with_keys(listed)))


@app.command()
def rotate(
    overlap_hours: Annotated[
        float, typer.Option(min=0, max=24 * 90, help="How long the new key is announced before it signs.")
    ] = OVERLAP_HOURS,
) -> None:
    """Announce the next key; it takes over by itself."""

    async def rotated(service: SigningKeyService, _keys: Keys) -> str:
        row = await service.rotate(timedelta(hours=overlap_hours))
        return f"{row.kid} signs from {_at(row.signs_from)}."

    typer.echo(_with_keys(rotated))


@app.command()
def retire(kid: str) -> None:
    """Let a key sign no more: the announced one takes over now."""

    async def retired(service: SigningKeyService, _keys: Keys) -> str:
        row = await service.retire(kid)
        return f"{row.kid} is {row.state}."

    typer.echo(_with_keys(retired))


@app.command()
def recovery(
    out: Annotated[Path, typer.Option(help="Where to write the private key: a medium that goes into a safe.")],
    *,
    replace: Annotated[
        bool, typer.Option("--replace", help="The one before was stolen or lost. Enrol every speaker again afterwards.")
    ] = False,
) -> None:
    """Make the recovery key, the only one that can revoke. This machine keeps its public half."""

    async def made(service: SigningKeyService, _keys: Keys) -> str:
        key = SigningKey.generate()
        row = await service.add_recovery(key.public, replace=replace)
        _write_new(out, key.pem())
        return row.kid

    kid = _with_keys(made)
    then = "enrol every speaker again" if replace else "every speaker learns its public half"
    typer.echo(f"{kid} is in {out}. Take it off this machine; {then}.")


@app.command()
def revoke(
    kid: str,
    recovery_key: Annotated[Path, typer.Option(help="The file with the recovery key.")],
) -> None:
    """Have every speaker distrust a stolen key at once and for ever; another key takes over."""

    async def revoked(service: SigningKeyService, _keys: Keys) -> str:
        statement = await service.statement(kid)
        row = await service.revoke(kid, countersign(statement, _recovery(recovery_key), utc_now()))
        return f"{row.kid} is revoked. Orders are signed by another key within seconds."

    typer.echo(_with_keys(revoked))


@app.command()
def sign(recovery_key: Annotated[Path, typer.Option(help="The file with the recovery key.")]) -> None:
    """Sign a revocation statement (JSON on stdin) away from the controller; print the notice to hand in."""
    try:
        statement = KeyNotice.model_validate_json(sys.stdin.buffer.read())
        typer.echo(countersign(statement, _recovery(recovery_key), utc_now()))
    except ValidationError as error:
        typer.echo(f"not a statement: {error}", err=True)
        raise typer.Exit(1) from None
    except ControllerError as error:
        typer.echo(error.detail.en, err=True)
        raise typer.Exit(1) from None


def _at(moment: datetime | None) -> str:
    return moment.strftime("%Y-%m-%d %H:%M UTC") if moment else "?"


def _recovery(path: Path) -> SigningKey:
    try:
        return SigningKey.from_pem(read_secret(path))
    except (OSError, ValueError, TypeError) as error:
        raise Invalid.field("recovery_key", Text("Not a recovery key: %(error)s", error=error)) from error


def _write_new(path: Path, content: bytes) -> None:
    """Write a file that nobody else reads and that was not there before."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        raise Conflict(Text("Cannot write %(path)s: %(strerror)s", path=path, strerror=error.strerror)) from error

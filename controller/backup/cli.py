"""`loa backup` and `loa restore`."""

import asyncio
import os
import sys
from collections.abc import Callable, Coroutine
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Annotated, Any

import pyrage  # type: ignore[import-untyped]
import typer

from controller.backup.archive import Manifest
from controller.backup.service import make_backup, restore_backup, verify_backup
from controller.errors import ControllerError
from controller.runtime import utc_now
from controller.settings import Settings

MIB = 1 << 20
TELLS_EVERY_BYTES = 256 * MIB

backup = typer.Typer(help="Write everything that the service is into one file, while it works.")

IdentityOption = Annotated[
    Path | None, typer.Option(help="The file with the age identity, where the backup is encrypted.")
]


@backup.callback(invoke_without_command=True)
def make(
    context: typer.Context,
    out: Annotated[Path | None, typer.Option(help="The file to write.")] = None,
    recipient: Annotated[
        str | None, typer.Option(help="Encrypt for this age recipient (age1…); see `loa backup identity`.")
    ] = None,
) -> None:
    """Write a backup. Settings come from LOA_* variables, as for the service."""
    if context.invoked_subcommand is not None:
        return
    if out is None:
        typer.echo("Name the file to write: loa backup --out FILE", err=True)
        raise typer.Exit(2)
    manifest = _run(
        lambda: make_backup(Settings(), out, utc_now(), loa=_version(), recipient=recipient, progress=_Teller())
    )
    typer.echo(f"{out}: {_summary(manifest)}")
    if recipient is None:
        typer.echo("It is not encrypted and holds every secret of the service: keep it like the keys.", err=True)


@backup.command()
def verify(file: Path, identity: IdentityOption = None) -> None:
    """Read a backup to its end and compare every checksum."""

    async def verified() -> Manifest:
        return verify_backup(file, identity=identity, progress=_Teller())

    typer.echo(f"{file} is whole: {_summary(_run(verified))}")


@backup.command()
def identity(
    out: Annotated[Path, typer.Option(help="Where to write the identity: a medium that goes into a safe.")],
) -> None:
    """Make a pair of age keys for backups; print the recipient. Who has the identity can read the backups."""
    made = pyrage.x25519.Identity.generate()
    try:
        descriptor = os.open(out, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as file:
            file.write(f"# recipient: {made.to_public()}\n{made}\n")
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        typer.echo(f"Cannot write {out}: {error.strerror}", err=True)
        raise typer.Exit(1) from None
    typer.echo(str(made.to_public()))


def restore(
    *,
    file: Path,
    identity: IdentityOption = None,
    force: Annotated[bool, typer.Option("--force", help="Replace a service that is there; stop it first.")] = False,
) -> None:
    """Check a backup, then put it in LOA_DATA_DIR and LOA_DATABASE_URL."""
    settings = Settings()
    manifest = _run(lambda: restore_backup(settings, file, identity=identity, force=force, progress=_Teller()))
    typer.echo(f"{settings.data_dir}: {_summary(manifest)}. Start the service.")


class _Teller:
    """Says now and then how far it is."""

    def __init__(self) -> None:
        self._done = 0
        self._told = 0

    def __call__(self, size: int) -> None:
        self._done += size
        if self._done - self._told >= TELLS_EVERY_BYTES:
            self._told = self._done
            typer.echo(f"{self._done // MIB} MiB …", err=True)


def _run(work: Callable[[], Coroutine[Any, Any, Manifest]]) -> Manifest:
    try:
        return asyncio.run(work())
    except ControllerError as error:
        typer.echo(error.detail.en, err=True)
    except OSError as error:
        typer.echo(f"{error.filename or 'input/output'}: {error.strerror or error}", err=True)
    sys.exit(1)


def _summary(manifest: Manifest) -> str:
    size = sum(member.size for member in manifest.members)
    said = f"{len(manifest.members)} files, {size / MIB:.1f} MiB, of {manifest.made_at:%Y-%m-%d %H:%M} UTC"
    if manifest.content_missing:
        said += f"; {len(manifest.content_missing)} sounds that it refers to were lost before"
    return said


def _version() -> str:
    try:
        return version("loa")
    except PackageNotFoundError:
        return "0"

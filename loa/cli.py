"""The one command, `loa`. Each side is imported only when it is asked for: a speaker carries no web framework."""

import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib import import_module
from importlib.metadata import PackageNotFoundError, version
from typing import Annotated

import typer

OWN_ROOMS = frozenset({"audio", "controller", "device_agent", "loa", "protocol", "schedules"})


@dataclass(frozen=True, slots=True)
class Mount:
    """Where a subcommand lives, and which extra of the distribution it needs."""

    module: str
    extra: str
    help: str
    name: str = "app"
    """What it is called there: subcommands, or one command."""
    without: tuple[str, ...] = ()
    """Modules that its libraries would import if they can, and do as well without."""


FOR_A_TERMINAL = ("rich", "httpx._main")
"""Colours and httpx's own command: 4 MB of a small board's memory, for whom nobody sits at."""

MOUNTS = {
    "demo": Mount("loa.demo.cli", "demo", "Run a whole commune here: broker, controller, virtual speakers."),
    "fleet": Mount("loa.fleet.cli", "demo", "Rehearse with a simulated fleet of thousands of speakers."),
    "controller": Mount("controller.cli", "controller", "The central service."),
    "broker-config": Mount("controller.broker.cli", "controller", "Write a broker's configuration."),
    "audit": Mount("controller.audit.cli", "controller", "The trail of who did what: verify, export, prune."),
    "agent": Mount("device_agent.cli", "agent", "The agent that runs on a speaker.", without=FOR_A_TERMINAL),
    "backup": Mount("controller.backup.cli", "controller", "Write the whole service into one file.", "backup"),
    "restore": Mount("controller.backup.cli", "controller", "Make the service of a backup.", "restore"),
}


def _show_version(wanted: bool) -> None:  # noqa: FBT001 — the shape of a typer callback
    if wanted:
        try:
            typer.echo(f"loa {version('loa')}")
        except PackageNotFoundError:
            typer.echo("loa, from a source folder that is not installed")
        raise typer.Exit


def _loa(
    *,
    version: Annotated[
        bool, typer.Option("--version", callback=_show_version, is_eager=True, help="Show the version.")
    ] = False,
) -> None:
    """Broadcasts for commune loudspeakers."""


def build(arguments: Sequence[str]) -> typer.Typer:
    """Return the command with the room that `arguments` name; the others are only listed."""
    wanted = next((word for word in arguments if not word.startswith("-")), None)
    plain = wanted in MOUNTS and "rich" in MOUNTS[wanted].without
    app = typer.Typer(
        no_args_is_help=True,
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode=None if plain else "rich",
    )
    app.callback()(_loa)
    for name, mount in MOUNTS.items():
        if name == wanted:
            found = _load(name, mount)
            if isinstance(found, typer.Typer):
                app.add_typer(found, name=name, help=mount.help)
            else:
                app.command(name, help=mount.help)(found)
        else:
            app.command(name, help=mount.help)(lambda: None)
    return app


def _load(name: str, mount: Mount) -> typer.Typer | Callable[..., None]:
    for module in mount.without:
        sys.modules.setdefault(module, None)  # type: ignore[arg-type]  # None: not to be imported
    try:
        room = import_module(mount.module)
    except ModuleNotFoundError as error:
        missing = error.name or str(error)
        if missing.split(".")[0] in OWN_ROOMS:
            raise
        typer.echo(f"`loa {name}` needs {missing!r}. Install it with: pip install 'loa[{mount.extra}]'", err=True)
        raise SystemExit(1) from None
    found: typer.Typer | Callable[..., None] = getattr(room, mount.name)
    return found


def main() -> None:
    """Entry point of the `loa` command."""
    build(sys.argv[1:])()

"""`loa agent …`: run a speaker's agent, or check what it would run with."""

import asyncio
import os
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from device_agent.agent import run_agent
from device_agent.errors import AgentError, ConfigError
from device_agent.logs import LogRing, configure_logs
from device_agent.settings import AgentSettings, load_settings
from device_agent.sinks import SinkError
from device_agent.sinks.choose import open_sink

app = typer.Typer(no_args_is_help=True, help="The agent of one speaker.")

ConfigPath = Annotated[Path, typer.Option("--config", help="The agent's TOML file.")]
StateDir = Annotated[Path | None, typer.Option("--state-dir", help="Replaces the file's state_dir.")]

UNUSABLE = 2
FAILED = 1


def _load(config: Path, state_dir: Path | None) -> AgentSettings:
    try:
        return load_settings(config, state_dir=state_dir)
    except ConfigError as error:
        for problem in error.problems:
            typer.echo(f"{config}: {problem}", err=True)
        raise typer.Exit(UNUSABLE) from error


@app.command()
def run(config: ConfigPath, state_dir: StateDir = None) -> None:
    """Run until SIGTERM or SIGINT."""
    settings = _load(config, state_dir)
    ring = LogRing()
    configure_logs(settings.log_level, ring)
    try:
        asyncio.run(_run_and_leave(settings, ring))
    except AgentError as error:
        typer.echo(f"{error.code}: {error}", err=True)
        raise typer.Exit(FAILED) from error


async def _run_and_leave(settings: AgentSettings, ring: LogRing) -> NoReturn:
    """Leave as soon as everything is closed: a thread may still wait for a mast or a name server, and nobody for it."""
    await run_agent(settings, ring)
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)


@app.command()
def check(config: ConfigPath, state_dir: StateDir = None) -> None:
    """Say what is wrong with the configuration, and where sound would go."""
    settings = _load(config, state_dir)
    typer.echo(f"{config}: good, for speaker {settings.device_id}")
    wanted = f"{settings.sink}:{settings.sink_device}" if settings.sink_device else settings.sink
    try:
        sink = open_sink(wanted, state_dir=settings.state_dir)
    except (SinkError, ValueError) as error:
        typer.echo(f"sound: {error}", err=True)
        raise typer.Exit(FAILED) from error
    typer.echo(f"sound: {sink.name}, {sink.latency_ms:.0f} ms")
    sink.close()


if __name__ == "__main__":
    app()

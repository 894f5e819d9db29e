"""`loa agent …`: run a speaker's agent, or check what it would run with."""

import asyncio
import json
import os
import sys
import time
from collections.abc import Callable
from dataclasses import asdict
from enum import StrEnum
from pathlib import Path
from typing import Annotated, NoReturn

import structlog
import typer

from device_agent.agent import AGENT_VERSION, run_agent
from device_agent.alerts.door import ask
from device_agent.enrolling import Enroller
from device_agent.errors import AgentError, ConfigError
from device_agent.lock import only_instance
from device_agent.logs import LogRing, configure_logs
from device_agent.settings import AgentSettings, base_url, load_settings, state_dir_of, unenrolled
from protocol.enrolment import EnrolmentCode
from protocol.errors import ProtocolError

app = typer.Typer(no_args_is_help=True, help="The agent of one speaker.")

ConfigPath = Annotated[Path, typer.Option("--config", help="The agent's TOML file.")]
StateDir = Annotated[Path | None, typer.Option("--state-dir", help="Replaces the file's state_dir.")]

CONFIG = Path("/etc/loa/agent.toml")


class Language(StrEnum):
    """Vietnamese, or English."""

    VI = "vi"
    EN = "en"


PRIVATE = 0o077
"""What an agent writes is nobody else's business, whoever starts it."""
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
    os.umask(PRIVATE)
    ring = LogRing()
    _be_let_in(config, state_dir, ring)
    settings = _load(config, state_dir)
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


def _be_let_in(config: Path, state_dir: Path | None, ring: LogRing) -> None:
    """Ask to be let in, where the configuration says no more than whom to ask."""
    try:
        asking = unenrolled(config, state_dir=state_dir)
        if asking is None:
            return
        configure_logs("info", ring)
        log = structlog.get_logger(__name__)

        def say(words: str) -> None:
            log.info("enrolment", said=words)

        with only_instance(asking.state_dir):
            _enroller(asking.state_dir, asking.controller, say).by_approval()
    except (AgentError, OSError) as error:
        _fail(error)


@app.command()
def enroll(
    controller: Annotated[str, typer.Option(help="The controller's address, such as https://loa.example.vn.")],
    code: Annotated[str | None, typer.Option(help="The one-time code. Without one: wait to be let in.")] = None,
    config: Annotated[Path, typer.Option("--config", help="The agent's TOML file.")] = CONFIG,
    state_dir: StateDir = None,
) -> None:
    """Make this board a speaker: its own key, its certificate, whom to believe. Safe to repeat."""
    os.umask(PRIVATE)
    try:
        parsed = EnrolmentCode.parse(code) if code is not None else None
        folder = state_dir or state_dir_of(config)
        with only_instance(folder):
            enroller = _enroller(folder, base_url(controller), typer.echo)
            own = enroller.with_code(parsed) if parsed is not None else enroller.by_approval()
    except (AgentError, ProtocolError, OSError, ValueError) as error:
        _fail(error)
    typer.echo(f"This speaker is {own.identity.device_id}, known to {own.identity.controller}.")


def _enroller(folder: Path, controller: str, say: Callable[[str], object]) -> Enroller:
    return Enroller(folder, controller, agent_version=AGENT_VERSION, say=say, sleep=time.sleep)


def _fail(error: Exception) -> NoReturn:
    code = error.code if isinstance(error, AgentError | ProtocolError) else "not_done"
    typer.echo(f"{code}: {error}", err=True)
    raise typer.Exit(FAILED) from error


@app.command()
def check(config: ConfigPath, state_dir: StateDir = None) -> None:
    """Say what is wrong with the configuration; `doctor` looks at the sound."""
    settings = _load(config, state_dir)
    typer.echo(f"{config}: good, for speaker {settings.device_id}")


@app.command()
def hush(config: ConfigPath, state_dir: StateDir = None) -> None:
    """Power the amplifier down: for the supervisor, after the agent ended in whatever way."""
    settings = _load(config, state_dir)
    if settings.amplifier is None:
        return
    line = settings.amplifier.line_of()
    try:
        line.set(on=False)
    except AgentError as error:
        typer.echo(f"{error.code}: {error}", err=True)
        raise typer.Exit(FAILED) from error
    finally:
        line.close()


@app.command()
def sound(
    config: Annotated[Path, typer.Option("--config", help="The agent's TOML file.")] = CONFIG,
    state_dir: StateDir = None,
    *,
    stop: Annotated[bool, typer.Option("--stop", help="End it instead.")] = False,
) -> None:
    """Raise this speaker's own alarm through the agent that runs, link or no link."""
    try:
        done, said = ask(state_dir or state_dir_of(config), "stop" if stop else "sound")
    except AgentError as error:
        _fail(error)
    typer.echo(said, err=not done)
    if not done:
        raise typer.Exit(FAILED)


@app.command()
def doctor(
    config: ConfigPath,
    state_dir: StateDir = None,
    *,
    sound: Annotated[bool, typer.Option(help="Play a test signal of three seconds.")] = True,
    at_night: Annotated[bool, typer.Option(help="Play it in quiet hours, too.")] = False,
    language: Annotated[Language, typer.Option(help="Of the answers.")] = Language.VI,
    as_json: Annotated[bool, typer.Option("--json", help="One JSON object a line, for scripts.")] = False,
) -> None:
    """Say which sound devices there are, which one is used, whether it sounds, how late, and what to do about it."""
    from device_agent.doctor.examination import examine  # noqa: PLC0415 - a running agent has no use for it
    from device_agent.doctor.findings import MARKS, Level  # noqa: PLC0415

    settings = _load(config, state_dir)
    configure_logs("error", LogRing())
    found_bad = False
    for found in examine(settings, sound=sound, at_night=at_night):
        found_bad = found_bad or found.level is Level.BAD
        plain = f"{MARKS[found.level]} {found.said(language)}"
        typer.echo(json.dumps(asdict(found), ensure_ascii=False) if as_json else plain)
    if found_bad:
        raise typer.Exit(FAILED)


if __name__ == "__main__":
    app()

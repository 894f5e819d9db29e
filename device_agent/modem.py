"""How well the mobile modem hears its mast, where ModemManager is there to say it."""

import asyncio
import json
import shutil
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import structlog

log = structlog.get_logger(__name__)

ASK_EVERY_S = 60.0
ANSWERS_WITHIN_S = 10.0
_QUESTION = ("--modem=any", "--output-json")


def signal_percent(answer: bytes) -> int | None:
    """Read `mmcli --modem=any --output-json`; None where it tells no signal."""
    try:
        value = int(json.loads(answer)["modem"]["generic"]["signal-quality"]["value"])
    except (ValueError, TypeError, LookupError, RecursionError):
        return None
    return value if 0 <= value <= 100 else None  # noqa: PLR2004 per cent


class Modem:
    """Asks now and then, in a process beside the agent, and remembers the answer."""

    def __init__(self, find: Callable[[str], str | None] = shutil.which, *, every_s: float = ASK_EVERY_S) -> None:
        self.signal_percent: int | None = None
        self._find = find
        self._every_s = every_s

    async def run(self) -> None:
        """Ask until cancelled; end at once on a machine without ModemManager."""
        found = self._find("mmcli")
        if found is None:
            return
        while True:
            self.signal_percent = await ask(Path(found))
            await asyncio.sleep(self._every_s)


async def ask(program: Path) -> int | None:
    """Return what `mmcli` says of the signal, in per cent; None where it says nothing in time."""
    try:
        child = await asyncio.create_subprocess_exec(
            program,
            *_QUESTION,
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        log.debug("modem_not_asked", error=str(error))
        return None
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            answer, _ = await child.communicate()
    except TimeoutError:
        return None
    finally:
        with suppress(ProcessLookupError):
            child.kill()
        await child.wait()
    return signal_percent(answer) if child.returncode == 0 else None

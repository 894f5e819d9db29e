"""The agent's local socket, and who knocks there: `loa agent sound`. Only root and the service's own user come in."""

import asyncio
import json
import socket
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Final, Literal, NoReturn

import structlog

from device_agent.errors import AgentError

log = structlog.get_logger(__name__)

Wish = Literal["sound", "stop"]
ANSWERED_WITHIN_S: Final = 5.0
_LINE_MAX_BYTES: Final = 1024


class NobodyThere(AgentError):
    """No agent runs on this state directory, or it does not answer."""

    code = "agent_not_running"
    transient = True


def socket_of(state_dir: Path) -> Path:
    """Return where the agent of a state directory listens."""
    return state_dir / "agent.sock"


class LocalDoor:
    """Answers one wish a connection: a line in, a line of JSON out."""

    def __init__(self, path: Path, wishes: dict[str, Callable[[], str]]) -> None:
        self._path = path
        self._wishes = wishes
        self.open = asyncio.Event()
        """Set once somebody may knock."""

    async def run(self) -> NoReturn:
        """Answer until cancelled. A socket that cannot be made is told, and holds nothing else up."""
        try:
            self._path.unlink(missing_ok=True)
            server = await asyncio.start_unix_server(self._answer, self._path, limit=_LINE_MAX_BYTES)
            self._path.chmod(0o600)
            self.open.set()
        except OSError as error:
            log.warning("local_door.shut", path=str(self._path), reason=str(error))
            while True:
                await asyncio.Event().wait()
        try:
            while True:
                await server.serve_forever()
        finally:
            server.close()
            self._path.unlink(missing_ok=True)

    async def _answer(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            async with asyncio.timeout(ANSWERED_WITHIN_S):
                wish = (await reader.readline()).decode(errors="replace").strip()
                writer.write(json.dumps(self._done(wish), ensure_ascii=False).encode() + b"\n")
                await writer.drain()
        except (TimeoutError, ValueError, ConnectionError) as error:
            log.warning("local_door.unheard", reason=str(error)[:300])
        finally:
            writer.close()
            with suppress(ConnectionError):
                await writer.wait_closed()

    def _done(self, wish: str) -> dict[str, object]:
        act = self._wishes.get(wish)
        if act is None:
            return {"done": False, "said": f"not understood; one of: {', '.join(sorted(self._wishes))}"}
        try:
            return {"done": True, "said": act()}
        except AgentError as error:
            return {"done": False, "said": f"{error.code}: {error}"}


def ask(state_dir: Path, wish: Wish) -> tuple[bool, str]:
    """Ask the agent that runs on a state directory; returns whether it was done, and its sentence.

    Raises `NobodyThere`.
    """
    try:
        with socket.socket(socket.AF_UNIX) as door:
            door.settimeout(ANSWERED_WITHIN_S)
            door.connect(str(socket_of(state_dir)))
            door.sendall(f"{wish}\n".encode())
            with door.makefile(encoding="utf-8") as answer:
                said = json.loads(answer.readline())
        return bool(said["done"]), str(said["said"])
    except (OSError, ValueError, KeyError) as error:
        raise NobodyThere(f"no agent answers on {state_dir}: {error}") from error

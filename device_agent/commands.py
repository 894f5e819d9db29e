"""One-off commands: each is obeyed once, within its lifetime, and answered."""

import asyncio
import json
from collections import deque
from collections.abc import Callable
from datetime import datetime
from typing import NoReturn, Protocol

import structlog
from pydantic import TypeAdapter, ValidationError

from device_agent.errors import AgentError
from device_agent.logs import LogRing
from device_agent.orders import AnyCommand, OrderDesk
from protocol.errors import Expired, ProtocolError
from protocol.messages import Action, Command, Reply, Restart, SendLogs, SetVolume, Skip, Stop, TestTone
from protocol.signing import Verified

log = structlog.get_logger(__name__)

QUEUE_MAX = 32
DETAIL_MAX_BYTES = 48 * 1024
_ACTION: TypeAdapter[Action] = TypeAdapter(Action)


class Stage(Protocol):
    """What commands ask of the conductor."""

    async def stop(self, occurrence: str | None = None) -> str:
        """Silence what is on air for good."""

    async def skip(self, occurrence: str) -> str:
        """Leave out one occurrence."""

    def set_volume(self, volume: int, until: datetime) -> str:
        """Override the volume for a while."""

    async def test_tone(self, seconds: float) -> str:
        """Sound a short tone."""


class Commands:
    """Receives commands, obeys them one after another, and replies."""

    def __init__(
        self,
        device_id: str,
        *,
        desk: OrderDesk,
        stage: Stage,
        logs: LogRing,
        now: Callable[[], datetime | None],
        reply: Callable[[Reply], None],
        restart: Callable[[], None],
    ) -> None:
        self._device_id = device_id
        self._desk = desk
        self._stage = stage
        self._logs = logs
        self._now = now
        self._reply = reply
        self._restart = restart
        self._queue: asyncio.Queue[Verified[AnyCommand]] = asyncio.Queue(QUEUE_MAX)
        self._parked: deque[Verified[AnyCommand]] = deque()

    async def receive(self, payload: bytes) -> None:
        """Judge a command and have it obeyed. Without trusted time only Stop is; the others wait for the clock."""
        order = self._desk.command(payload)
        if self._now() is None and order.body.action.get("verb") != "stop":
            if len(self._parked) == QUEUE_MAX:
                self._answer(self._parked.popleft().body, "refused", "too many commands wait for the time")
            self._parked.append(order)
            return
        await self._accept(order)

    async def clock_trusted(self) -> None:
        """The time is known now: judge what waited for it."""
        while self._parked and (now := self._now()) is not None:
            order = self._parked.popleft()
            try:
                if order.expires_at <= now:
                    raise Expired(f"expired at {order.expires_at.isoformat()}")
                await self._accept(order)
            except (ProtocolError, AgentError) as error:
                self._desk.refuse(Command.typ, error)
                if isinstance(error, Expired):
                    self._answer(order.body, "refused", "expired")

    async def run(self) -> NoReturn:
        """Obey until cancelled."""
        async with asyncio.TaskGroup() as group:
            while True:
                order = await self._queue.get()
                group.create_task(self._carry_out(order.body), name=f"command-{order.body.id}")

    async def _accept(self, order: Verified[AnyCommand]) -> None:
        await self._desk.claim(order)
        try:
            self._queue.put_nowait(order)
        except asyncio.QueueFull:
            self._answer(order.body, "refused", "too many commands at once")

    async def _carry_out(self, command: AnyCommand) -> None:
        try:
            action = _ACTION.validate_python(command.action)
        except ValidationError as error:
            self._answer(command, "refused", f"not understood: {error.errors()[0]['msg']}")
            return
        log.info("command", id=command.id, verb=action.verb)
        try:
            detail = await self._obey(action)
        except AgentError as error:
            self._answer(command, "failed", str(error))
        except Exception:  # whoever asked must get an answer, and the next command its turn
            log.exception("command_failed", id=command.id, verb=action.verb)
            self._answer(command, "failed", "internal error; see the agent's log")
        else:
            self._answer(command, "done", detail)

    async def _obey(self, action: Action) -> str:
        match action:
            case Stop():
                return await self._stage.stop(action.occurrence)
            case Skip():
                return await self._stage.skip(action.occurrence)
            case SetVolume():
                return self._stage.set_volume(action.volume, action.until)
            case TestTone():
                return await self._stage.test_tone(action.seconds)
            case SendLogs():
                return self._log_tail(action.lines)
            case Restart():
                self._restart()
                return "restarting"

    def _log_tail(self, lines: int) -> str:
        """As many of the last lines as one reply may hold."""
        kept = self._logs.tail(lines)
        while len(json.dumps("\n".join(kept), ensure_ascii=False).encode()) > DETAIL_MAX_BYTES:
            kept = kept[len(kept) // 10 + 1 :]
        return "\n".join(kept)

    def _answer(self, command: AnyCommand, outcome: str, detail: str) -> None:
        self._reply(
            Reply.model_validate(
                {
                    "device": self._device_id,
                    "command_id": command.id,
                    "outcome": outcome,
                    "detail": detail,
                    "at": self._now(),
                }
            )
        )

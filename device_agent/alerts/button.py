"""The button that raises the local alarm: a contact that must be held, so that no lightning raises it."""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from typing import Final, NoReturn, Protocol

import structlog

from device_agent.errors import AgentError
from protocol.messages import Problem

log = structlog.get_logger(__name__)

LOOK_EVERY_S: Final = 0.05
GAP_MAX_S: Final = 0.5
"""After a longer time without a look nobody knows whether the contact was held all the while."""
RETRY_S: Final = 5.0
STUCK_S: Final = 60.0
"""Nobody holds a button so long: it is stuck, or its wire is cut or joined, and it raises nothing."""


class ContactFault(AgentError):
    """The contact cannot be read."""

    code = "button_fault"
    transient = True


class Contact(Protocol):
    """An input of the board."""

    def pressed(self) -> bool:
        """Whether it is pressed now, whichever way it rests. Raises `ContactFault`."""

    def close(self) -> None:
        """Let it go. Raises `ContactFault`."""


@dataclass(frozen=True, slots=True)
class Hold:
    """What is known of the contact. It counts only after it was seen at rest: stuck at a start it raises nothing."""

    armed: bool = False
    since_s: float | None = None
    seen_s: float | None = None


def follow(hold: Hold, now_s: float, *, pressed: bool, long_s: float) -> tuple[Hold, bool]:
    """Return what is known after a look, and whether it was just held for `long_s`. Times are monotonic."""
    if not pressed:
        return Hold(armed=True, seen_s=now_s), False
    if not hold.armed:
        return Hold(seen_s=now_s), False
    known = hold.since_s is not None and hold.seen_s is not None and now_s - hold.seen_s <= GAP_MAX_S
    since_s = hold.since_s if known and hold.since_s is not None else now_s
    if now_s - since_s >= long_s:
        return Hold(seen_s=now_s), True
    return Hold(armed=True, since_s=since_s, seen_s=now_s), False


class Button:
    """Looks at a contact. `run` it."""

    def __init__(self, contact: Contact, long_s: float, *, mono: Callable[[], float], held: Callable[[], None]) -> None:
        self._contact = contact
        self._long_s = long_s
        self._mono = mono
        self._held = held
        self._hold = Hold()
        self._fault: str | None = None
        self._stuck_since_s: float | None = None

    async def run(self) -> NoReturn:
        """Look until cancelled."""
        try:
            while True:
                wait_s = self.look()
                await asyncio.sleep(wait_s)
        finally:
            with suppress(ContactFault):
                self._contact.close()

    def look(self) -> float:
        """Look once, and act; returns the seconds until the next look."""
        try:
            pressed = self._contact.pressed()
        except ContactFault as error:
            if self._fault is None:
                log.warning("button.fault", reason=str(error))
            self._fault, self._hold, self._stuck_since_s = str(error), Hold(), None
            return RETRY_S
        if self._fault is not None:
            log.info("button.well_again")
            self._fault = None
        now_s = self._mono()
        self._hold, held = follow(self._hold, now_s, pressed=pressed, long_s=self._long_s)
        if self._hold.armed:
            self._stuck_since_s = None
        elif self._stuck_since_s is None:
            self._stuck_since_s = now_s
        if held:
            self._held()
        return LOOK_EVERY_S

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should look at."""
        said = self._fault
        if said is None and self._stuck_since_s is not None and self._mono() - self._stuck_since_s >= STUCK_S:
            said = "pressed all the time: it is stuck, or wired the other way"
        return (Problem(code=ContactFault.code, text=said[:300]),) if said is not None else ()

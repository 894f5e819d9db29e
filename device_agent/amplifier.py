"""The amplifier's power: on only around authorised sound, a moment before it and a moment after.

An amplifier that idles with its power on was how village loudspeakers came to sound foreign radio stations.
"""

from contextlib import suppress
from dataclasses import dataclass
from typing import Final, Protocol

import structlog

from device_agent.errors import AgentError
from protocol.messages import Problem

log = structlog.get_logger(__name__)

_RETRY_S: Final = 5.0


class AmplifierFault(AgentError):
    """The line that powers the amplifier cannot be driven."""

    code = "amplifier_fault"
    transient = True


class Line(Protocol):
    """One output that powers the amplifier."""

    def set(self, *, on: bool) -> None:
        """Drive it. Raises `AmplifierFault`."""

    def close(self) -> None:
        """Let it go. Raises `AmplifierFault`."""


@dataclass(frozen=True, slots=True)
class Margins:
    """How long around sound the amplifier is on: to power up before the first sample, to let the last one ring out.

    Sounds that follow each other within the sum of both share one switching.
    """

    lead_s: float = 0.3
    hold_s: float = 0.8


def wanted(now_s: float, *, sounding: bool, next_s: float | None, last_s: float | None, margins: Margins) -> bool:
    """Say whether the amplifier is to be on. All times are monotonic.

    `next_s` is when the next sound begins, `last_s` when one was last heard.
    """
    coming = next_s is not None and next_s - margins.lead_s <= now_s
    ringing = last_s is not None and now_s < last_s + margins.hold_s
    return sounding or coming or ringing


class Amplifier:
    """Switches a line as sound comes and goes. A line that fails never keeps sound from being played."""

    def __init__(self, line: Line, margins: Margins | None = None) -> None:
        self._line = line
        self._margins = margins or Margins()
        self._last_s: float | None = None
        self._retry_s = 0.0
        self._on: bool | None = None
        self._on_since_s = 0.0
        self._problem: str | None = None

    @property
    def is_on(self) -> bool | None:
        """What was last driven; None while that is not known."""
        return self._on

    def lead_s(self, now_s: float) -> float:
        """How long from now on it takes to be ready for sound: less while it is powering up, nothing when it is on."""
        powered_s = now_s - self._on_since_s if self._on else 0.0
        return max(0.0, self._margins.lead_s - powered_s)

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should look at."""
        return () if self._problem is None else (Problem(code=AmplifierFault.code, text=self._problem[:300]),)

    def follow(self, now_s: float, *, sounding: bool, next_s: float | None) -> None:
        """Switch as the player goes on; called for every chunk."""
        if sounding:
            self._last_s = now_s
        on = wanted(now_s, sounding=sounding, next_s=next_s, last_s=self._last_s, margins=self._margins)
        if on != self._on and now_s >= self._retry_s:
            self._drive(now_s, on=on)

    def cut(self, now_s: float) -> None:
        """Off at once: nothing sounds any more."""
        self._last_s = None
        if self._on is not False:
            self._drive(now_s, on=False)

    def close(self) -> None:
        """Leave it off for good."""
        try:
            with suppress(AmplifierFault):
                self._line.set(on=False)
        finally:
            with suppress(AmplifierFault):
                self._line.close()
        self._on = False

    def _drive(self, now_s: float, *, on: bool) -> None:
        try:
            self._line.set(on=on)
        except AmplifierFault as error:
            if self._problem is None:
                log.warning("amplifier.fault", error=str(error))
            self._on, self._problem, self._retry_s = None, str(error), now_s + _RETRY_S
        else:
            log.info("amplifier.switched", on=on)
            self._on_since_s = now_s
            self._on, self._problem = on, None

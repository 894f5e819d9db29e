"""The alarm that somebody raises at the speaker itself, by a button or a command, link or no link.

The signed configuration must allow it; what it says was settled beforehand: the standing message of a danger, where its
words are here, else what stands in the speaker's settings. From there it goes the way of every alert: through the watch
and the conductor, into the journal, and to the controller when the link is there.
"""

import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Final

import structlog
from pydantic import ValidationError

from audio.signals import Signal, length_ms
from device_agent.alerts.parts import airing_over
from device_agent.alerts.words import Said, SpotWords
from device_agent.clock import TrustedClock
from device_agent.errors import AgentError
from device_agent.files import write_durably
from device_agent.ports import Configs, Journal
from protocol.messages import LOCAL_ALERT, Alert, AlertKind, Config, Problem
from schedules.types import OccurrenceId

log = structlog.get_logger(__name__)

ISSUER_DEPTH_MAX: Final = 16
"""The most that the wire has room for."""
LASTS: Final = timedelta(minutes=10)
"""So long it tries to be heard: past a sound card that comes back, or a power cut. Siren and words last five minutes at
most."""


class NotAllowed(AgentError):
    """Nothing may be raised here, and why."""

    code = "local_alarm_refused"


@dataclass(frozen=True, slots=True)
class Stored:
    """What the alarm of this speaker is without words."""

    headline: str
    signal: Signal


def local_alert(stored: Stored, said: Said | None, config: Config, name: str, now: datetime) -> Alert:
    """Return the alarm as an alert that every area outranks: who raised it sees one river, they see them all."""
    headline, signal = (stored.headline, stored.signal) if said is None else (said.words.headline, _signal(said))
    return Alert(
        id=f"{LOCAL_ALERT}{name}",
        revision=1,
        sound_revision=1,
        kind=AlertKind.ACTUAL,
        issuer=config.device,
        issuer_depth=min(len(config.areas), ISSUER_DEPTH_MAX),
        raised_at=now,
        starts_at=now,
        expires_at=now + LASTS,
        headline=headline,
        signal=signal,
        signal_ms=length_ms(signal),
        message=() if said is None else (said.clip,),
    )


def _signal(said: Said) -> Signal:
    try:
        return Signal(said.words.signal)
    except ValueError:  # a newer controller's
        return Signal.ATTENTION


class LocalAlarm:
    """At most one alarm, kept over restarts until it was heard, stopped, or is too old."""

    def __init__(
        self,
        stored: Stored | None,
        words: SpotWords,
        *,
        file: Path,
        configs: Configs,
        journal: Journal,
        clock: TrustedClock,
        changed: Callable[[], None],
    ) -> None:
        self._stored = stored
        self._words = words
        self._file = file
        self._configs = configs
        self._journal = journal
        self._clock = clock
        self._changed = changed
        self._alert: Alert | None = None

    def load(self) -> None:
        """Take up what a power cut broke off."""
        try:
            self._alert = Alert.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValidationError) as error:
            log.warning("local_alarm.unreadable", reason=str(error)[:300])

    def toggle(self) -> None:
        """What the button does: raise the alarm, or end it while it sounds. A refusal is logged."""
        try:
            log.info(
                "local_alarm.button", said=self.stop() if self.under_way(self._clock.best_guess()) else self.sound()
            )
        except NotAllowed as error:
            log.warning("local_alarm.refused", reason=str(error))

    def sound(self) -> str:
        """Raise it, unless it sounds already; returns a sentence of what was done. Raises `NotAllowed`."""
        now, config = self._clock.best_guess(), self._configs.current()
        if self._stored is None:
            raise NotAllowed("no [local_alarm] stands in this speaker's configuration file")
        if config is None or not config.local_alarm:
            raise NotAllowed("the rules of this speaker's area do not allow a local alarm")
        for alert in self.under_way(now):
            return f"already sounding: {alert.headline}"
        self._alert = local_alert(self._stored, self._words.current(), config, secrets.token_hex(8), now)
        try:
            write_durably(self._file, self._alert.model_dump_json().encode())
        except OSError as error:  # heard all the same; only a restart would not go on with it
            log.warning("local_alarm.not_kept", reason=error.strerror)
        lacking = self._words.wanted and not self._alert.message
        log.warning("local_alarm.raised", alert=self._alert.id, headline=self._alert.headline, words_lacking=lacking)
        self._changed()
        return f"raised: {self._alert.headline}" + (", without words: none are stored here" if lacking else "")

    def stop(self) -> str:
        """End it, and return a sentence of what was done."""
        alert, self._alert = self._alert, None
        was = alert is not None and self._goes_on(alert, self._clock.best_guess())
        try:
            self._file.unlink(missing_ok=True)
        except OSError as error:
            log.warning("local_alarm.not_forgotten", reason=error.strerror)
        if alert is None or not was:
            return "no local alarm was sounding"
        log.warning("local_alarm.stopped", alert=alert.id)
        self._changed()
        return f"stopped: {alert.headline}"

    def under_way(self, now: datetime) -> tuple[Alert, ...]:
        """Return the alarm while something of it is still to be heard, and the configuration allows it."""
        config = self._configs.current()
        allowed = config is not None and config.local_alarm
        return (self._alert,) if allowed and self._alert is not None and self._goes_on(self._alert, now) else ()

    def problems(self) -> tuple[Problem, ...]:
        """Said to the controller as soon as it can hear it: somebody raised the alarm here."""
        return tuple(
            Problem(code="local_alarm", text=each.headline) for each in self.under_way(self._clock.best_guess())
        )

    def _goes_on(self, alert: Alert, now: datetime) -> bool:
        return now < alert.expires_at and not airing_over(alert, 0, self._over)

    def _over(self, name: OccurrenceId) -> bool:
        heard = self._journal.heard(name)
        return heard is not None and heard.finished

"""The words of the alarm on the spot: a standing message of the area, in the newest version that is here whole.

The signed configuration names the message of each danger; while a new version is on its way, the one before it holds.
What the configuration no longer names is withdrawn, or has a blank that nobody here would fill in: it is not said.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog
from pydantic import BaseModel, ConfigDict, ValidationError

from device_agent.files import write_durably
from device_agent.ports import Clips, Configs
from protocol.messages import AlarmWords, ClipRef, Config, Problem

log = structlog.get_logger(__name__)

GRACE_S: Final = 60.0
"""So long words may be missing before a technician is told: at a start they are verified, after an edit fetched."""


class Said(BaseModel):
    """A standing message, and its sound."""

    model_config = ConfigDict(frozen=True)

    words: AlarmWords
    clip: ClipRef


def named(config: Config | None, hazard: str | None) -> Said | None:
    """Return what a configuration has the alarm of one danger say; None: nothing."""
    if config is None or not config.local_alarm:
        return None
    clips = {clip.sha256: clip for clip in config.standing}
    found = (words for words in config.alarm_words if words.hazard == hazard and words.clip in clips)
    return next((Said(words=words, clip=clips[words.clip]) for words in found), None)


class SpotWords:
    """What the alarm of this speaker can say now. Without a hazard: never anything."""

    def __init__(
        self, hazard: str | None, *, file: Path, configs: Configs, clips: Clips, mono: Callable[[], float]
    ) -> None:
        self._hazard = hazard
        self._file = file
        self._configs = configs
        self._clips = clips
        self._mono = mono
        self._held: Said | None = None
        """The last that was here whole."""
        self._lacking_since_s: float | None = None

    @property
    def wanted(self) -> bool:
        """Whether the alarm should have words."""
        return self._hazard is not None

    def load(self) -> None:
        """Know again what was held before the last restart."""
        try:
            held = Said.model_validate_json(self._file.read_bytes())
        except FileNotFoundError:
            return
        except (OSError, ValidationError) as error:
            log.warning("alarm_words.unreadable", reason=str(error)[:300])
            return
        self._held = held if held.words.hazard == self._hazard else None

    def keep(self) -> bool:
        """Take up the newest version once it is here; returns whether another clip is wanted than before."""
        config, before = self._configs.current(), self.clips()
        new = named(config, self._hazard)
        if config is not None and new is None:
            self._hold(None)
        elif new is not None and self._here(new):
            self._hold(new)
        return self.clips() != before

    def clips(self) -> tuple[ClipRef, ...]:
        """The sound that is wanted: of the newest version, and of the one before while that is all there is."""
        new = named(self._configs.current(), self._hazard)
        if new is None:
            return ()
        return tuple({each.clip.sha256: each.clip for each in (self._held, new) if each is not None}.values())

    def current(self) -> Said | None:
        """Return what can be said now."""
        new = named(self._configs.current(), self._hazard)
        if new is None:
            return None
        return next((each for each in (new, self._held) if each is not None and self._here(each)), None)

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should look at: an alarm that is allowed, should say something, and cannot."""
        config = self._configs.current()
        if not self.wanted or config is None or not config.local_alarm or self.current() is not None:
            self._lacking_since_s = None
            return ()
        now_s = self._mono()
        if self._lacking_since_s is None:
            self._lacking_since_s = now_s
        if now_s - self._lacking_since_s < GRACE_S:
            return ()
        why = "not here yet" if named(config, self._hazard) else "the area has none that could be said as it stands"
        return (Problem(code="alarm_without_words", text=f"no words stored for {self._hazard!r}: {why}"),)

    def _here(self, said: Said) -> bool:
        return self._clips.path(said.clip.sha256) is not None

    def _hold(self, said: Said | None) -> None:
        if said == self._held:
            return
        self._held = said
        try:
            if said is None:
                self._file.unlink(missing_ok=True)
            else:
                write_durably(self._file, said.model_dump_json().encode())
        except OSError as error:  # only a restart would not know it
            log.warning("alarm_words.not_kept", reason=error.strerror)

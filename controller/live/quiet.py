"""Which of those that are spoken to keep quiet hours now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from controller.broadcasts.models import TargetKind
from schedules.day import quiet_until
from schedules.types import SpeakerPolicy

TargetKey = tuple[TargetKind, str]


@dataclass(frozen=True, slots=True)
class Home:
    """The place that a speaker stands in."""

    area_code: str
    name: str
    path: str


@dataclass(frozen=True, slots=True)
class QuietPlace:
    """A place in quiet hours."""

    area_code: str
    name: str
    until: datetime
    speakers: int


@dataclass(frozen=True, slots=True)
class Reach:
    """Who would be spoken to."""

    speakers: int
    reachable: int
    quiet: tuple[QuietPlace, ...]
    """The soonest to end first."""
    awake: tuple[TargetKey, ...]
    """The targets in which somebody may be spoken to."""


def reach_of(
    meant: Mapping[TargetKey, Sequence[Home]],
    homes: Mapping[str, Home],
    policies: Mapping[str, SpeakerPolicy],
    now: datetime,
) -> Reach:
    """Return who may be spoken to at `now`: `meant` are the places of each target, `homes` those of each speaker."""
    until = {path: quiet_until(policy, now) for path, policy in policies.items()}
    places = {home for some in meant.values() for home in some}
    asleep = [home for home in places if until[home.path] is not None]
    speakers = dict.fromkeys(asleep, 0)
    for home in homes.values():
        if home in speakers:
            speakers[home] += 1
    quiet = [
        QuietPlace(home.area_code, home.name, ends_at, speakers[home])
        for home in asleep
        if (ends_at := until[home.path]) is not None
    ]
    return Reach(
        speakers=len(homes),
        reachable=len(homes) - sum(speakers.values()),
        quiet=tuple(sorted(quiet, key=lambda each: (each.until, each.name, each.area_code))),
        awake=tuple(
            target for target, some in meant.items() if not some or any(until[home.path] is None for home in some)
        ),
    )

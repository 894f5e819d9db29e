"""What areas say about sound, and what that means for one speaker."""

from collections.abc import Iterable, Sequence
from datetime import time
from enum import StrEnum
from functools import cache
from typing import Annotated, Final, TypeVar
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, ConfigDict, Field

from controller.accounts.roles import Role
from controller.text import Text
from protocol.messages import LocalTime, VolumePercent
from schedules.types import VIETNAM, Caps, ClassVolumes, Percent, SpeakerPolicy, TimeWindow, VolumeRule

T = TypeVar("T")
DEFAULT_VOLUME: Final = SpeakerPolicy().default_volume


_zones = cache(available_timezones)
"""The names of all zones; finding them searches the disk."""


def _known_zone(zone: str) -> str:
    if zone not in _zones():
        raise ValueError(Text("There is no such time zone"))
    return zone


class _Said(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class QuietWindow(_Said):
    """A daily stretch of local time; crosses midnight when it ends at or before its start."""

    start: LocalTime
    end: LocalTime

    def value(self) -> TimeWindow:
        """The same for the planner."""
        return TimeWindow(time.fromisoformat(self.start), time.fromisoformat(self.end))


class VolumeWindow(QuietWindow):
    """The volume of a part of the day."""

    volume: VolumePercent


class ClassVolumesSaid(_Said):
    """The volume of a class of content at any hour; absent is not decided here."""

    routine: VolumePercent | None = None
    priority: VolumePercent | None = None
    live: VolumePercent | None = None
    emergency: VolumePercent | None = None
    """The only volume that may exceed `max_volume`."""


class CapsSaid(_Said):
    """Limits on how much may sound; absent is no limit of this area's own."""

    sessions_per_day: int | None = Field(default=None, ge=0, le=1000)
    session_max_s: int | None = Field(default=None, ge=0, le=86_400)
    daily_max_s: int | None = Field(default=None, ge=0, le=86_400)
    days_per_week: int | None = Field(default=None, ge=0, le=7)


class ApprovalAsked(StrEnum):
    """Who must agree before something airs; each asks for more than the one before."""

    NONE = "none"
    """Nobody else: whoever makes it lets it go on air."""
    ANYONE_WITH_THE_ROLE = "anyone_with_the_role"
    """An approver, who may be the one who made it."""
    SECOND_PERSON = "second_person"
    """An approver who had no hand in it."""


class ReleaseRule(StrEnum):
    """How an area's alerts are released; each asks for more than the one before."""

    OWN_CODE = "own_code"
    """By one person, who shows a one-time code."""
    SECOND_PERSON = "second_person"
    """By another person than the one who wrote it."""


class SilentTest(StrEnum):
    """How often speakers are tested from end to end without a sound."""

    OFF = "off"
    WEEKLY = "weekly"
    MONTHLY = "monthly"


class AreaPolicy(_Said):
    """What one area itself says. Absent is inherited from above.

    Limits (quiet hours, ceiling, caps, approval, release) only ever tighten on the way down: a hamlet cannot lift those
    of its province. Preferences (zone, volumes) are decided by the nearest area that says something. The loudest volume
    of emergencies holds, and at least the ceiling: nobody below makes a warning from above quieter.
    """

    zone: Annotated[str, AfterValidator(_known_zone)] | None = None
    quiet_hours: tuple[QuietWindow, ...] = Field(default=(), max_length=24)
    volume_rules: tuple[VolumeWindow, ...] | None = Field(default=None, max_length=24)
    default_volume: VolumePercent | None = None
    max_volume: VolumePercent | None = None
    class_volumes: ClassVolumesSaid = ClassVolumesSaid()
    caps: CapsSaid = CapsSaid()
    approval: ApprovalAsked = ApprovalAsked.NONE
    release: ReleaseRule = ReleaseRule.OWN_CODE
    local_alarm: bool | None = None
    """Whether a button at the speaker may raise its alarm: some area must allow it, and none forbid it."""
    silent_test: SilentTest | None = None
    """How often the way of an alert is tested without a sound; absent everywhere is monthly."""
    second_factor_roles: tuple[Role, ...] = Field(default=(), max_length=len(Role))
    """Roles that count, here and below, only for who showed a one-time code."""

    def sounds_like(self, other: "AreaPolicy") -> bool:
        """Whether speakers are told the same by both: they differ in who may do what, at most."""
        return not any(getattr(self, name) != getattr(other, name) for name in type(self).model_fields.keys() - _UNTOLD)


_UNTOLD: Final = frozenset({"approval", "release", "silent_test", "second_factor_roles"})
"""What no speaker is told."""


def approval_asked(chain: Iterable[AreaPolicy]) -> ApprovalAsked:
    """Return who must agree to what is issued below a chain of areas: the most that any of them asks for."""
    said = {policy.approval for policy in chain}
    return max(said, key=list(ApprovalAsked).index, default=ApprovalAsked.NONE)


def release_rule(chain: Iterable[AreaPolicy]) -> ReleaseRule:
    """Return how alerts issued below a chain of areas are released: the most that any of them asks for."""
    said = {policy.release for policy in chain}
    return max(said, key=list(ReleaseRule).index, default=ReleaseRule.OWN_CODE)


def silent_test(chain: Iterable[AreaPolicy]) -> SilentTest:
    """Return how often a chain of areas has its speakers tested: the nearest that says something decides."""
    return _nearest(policy.silent_test for policy in chain) or SilentTest.MONTHLY


def local_alarm(chain: Iterable[AreaPolicy]) -> bool:
    """Return whether speakers below a chain of areas may raise their own alarm: somebody allows it, nobody forbids."""
    said = {policy.local_alarm for policy in chain}
    return True in said and False not in said


def effective_policy(chain: Iterable[AreaPolicy]) -> SpeakerPolicy:
    """Return what holds below a chain of areas, the widest first."""
    said = list(chain)
    ceiling = _tightest(policy.max_volume for policy in said)
    ceiling = 100 if ceiling is None else ceiling
    default = _nearest(policy.default_volume for policy in said)
    rules = _nearest(policy.volume_rules for policy in said) or ()
    quiet = {window.value() for policy in said for window in policy.quiet_hours}
    return SpeakerPolicy(
        zone=_nearest(policy.zone for policy in said) or VIETNAM,
        quiet_hours=tuple(sorted(quiet, key=lambda window: (window.start_local, window.end_local))),
        volume_rules=tuple(VolumeRule(rule.value(), Percent(min(rule.volume, ceiling))) for rule in rules),
        default_volume=Percent(min(DEFAULT_VOLUME if default is None else default, ceiling)),
        max_volume=Percent(ceiling),
        class_volumes=_class_volumes([policy.class_volumes for policy in said], ceiling),
        caps=Caps(
            sessions_per_day=_tightest(policy.caps.sessions_per_day for policy in said),
            session_max_s=_tightest(policy.caps.session_max_s for policy in said),
            daily_max_s=_tightest(policy.caps.daily_max_s for policy in said),
            days_per_week=_tightest(policy.caps.days_per_week for policy in said),
        ),
        local_alarm=local_alarm(said),
    )


def _class_volumes(said: Sequence[ClassVolumesSaid], ceiling: int) -> ClassVolumes:
    def held(volume: int | None) -> Percent | None:
        return None if volume is None else Percent(min(volume, ceiling))

    loudest = max((each.emergency for each in said if each.emergency is not None), default=None)
    return ClassVolumes(
        routine=held(_nearest(each.routine for each in said)),
        priority=held(_nearest(each.priority for each in said)),
        live=held(_nearest(each.live for each in said)),
        emergency=None if loudest is None else Percent(max(loudest, ceiling)),
    )


def _tightest(limits: Iterable[int | None]) -> int | None:
    return min((limit for limit in limits if limit is not None), default=None)


def _nearest(values: Iterable[T | None]) -> T | None:
    return next((value for value in reversed(list(values)) if value is not None), None)

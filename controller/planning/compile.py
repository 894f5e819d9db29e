"""From rows to one speaker's plan and configuration. Pure: the same rows in any order give the same bytes."""

import hashlib
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, datetime, timedelta

from protocol.messages import (
    AlarmWords,
    CapLimits,
    ClassVolumes,
    ClipRef,
    Config,
    Order,
    Plan,
    PlanOccurrence,
    Relay,
    Stretch,
    TrustedKey,
    VolumeWindow,
    Window,
)
from schedules.plan import Calendar, CompiledPlan, PlanWindow, compile_plan
from schedules.stagger import stagger_ms, turn_of
from schedules.types import OccurrenceId, PlannedOccurrence, Schedule, ScheduleId, SpeakerPolicy, TimeWindow

LINK_OUTLIVES_PLAN = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class ClipFacts:
    """What a plan says of a clip besides its address."""

    sha256: str
    size_bytes: int
    duration_ms: int
    media_type: str


@dataclass(frozen=True, slots=True)
class Sound:
    """What is heard: files, and the time of other stations between them."""

    stretches: tuple[Stretch, ...]
    relays: tuple[Relay, ...] = ()

    @property
    def clips(self) -> frozenset[str]:
        """All that may have to be played: what stands in for a station too."""
        fallbacks = (relay.fallback for relay in self.relays if relay.fallback is not None)
        return frozenset([*(stretch.clip for stretch in self.stretches), *fallbacks])


@dataclass(frozen=True, slots=True)
class Airing:
    """A planned occurrence together with its sound."""

    occurrence: PlannedOccurrence
    sound: Sound


@dataclass(frozen=True, slots=True)
class Speaker:
    """One speaker as the planner sees it."""

    device_id: str
    name: str
    areas: tuple[str, ...]
    groups: tuple[str, ...]
    policy: SpeakerPolicy
    hamlet_index: int
    schedules: tuple[Schedule, ...]
    previous: tuple[Airing, ...] | None
    """What its last plan held from today on; None: it never had one."""
    standing: tuple[str, ...] = ()
    """The clips of standing messages that it keeps."""
    alarms: tuple[AlarmWords, ...] = ()
    """What its own alarm says."""

    def unnamed(self) -> "Speaker":
        """Return what decides what the speaker airs, and no more: neighbours that are alike air alike."""
        return replace(self, device_id="", name="", areas=(), groups=(), standing=(), alarms=())


@dataclass(frozen=True, slots=True)
class Material:
    """What all speakers of one planning share."""

    sounds: Mapping[ScheduleId, Sound]
    clips: Mapping[str, ClipFacts]
    cancelled: frozenset[str]
    freeze: timedelta
    approved_at: Mapping[ScheduleId, datetime] = field(default_factory=dict)
    """When somebody let what airs go on air, where somebody had to."""


def airings(speaker: Speaker, material: Material, calendar: Calendar, now: datetime) -> tuple[Airing, ...]:
    """Return what the speaker airs. What is on air or about to be keeps the very sound it was promised with."""
    known = {each.occurrence.id: each for each in speaker.previous or ()}
    found: list[Airing] = []
    for occurrence in compiled(speaker, material, calendar, now).occurrences:
        promised = known.get(occurrence.id)
        if promised is not None and occurrence.starts_at < now + material.freeze:
            found.append(promised)
        elif occurrence.schedule_id in material.sounds:
            found.append(Airing(occurrence, material.sounds[occurrence.schedule_id]))
    return tuple(sorted(found, key=lambda each: (each.occurrence.starts_at, each.occurrence.id)))


def compiled(speaker: Speaker, material: Material, calendar: Calendar, now: datetime) -> CompiledPlan:
    """Return what the speaker airs and what it leaves out, by the rules alone."""
    known = {each.occurrence.id for each in speaker.previous or ()}
    return compile_plan(
        [schedule for schedule in speaker.schedules if schedule.id in material.sounds],
        speaker.policy,
        calendar,
        now,
        stagger_ms=lambda schedule: stagger_ms(speaker.hamlet_index, schedule),
        previous=None if speaker.previous is None else [each.occurrence for each in speaker.previous],
        freeze=material.freeze,
        called_off=material.cancelled | _too_late(speaker.schedules, material, calendar, known),
    )


def _too_late(
    schedules: Iterable[Schedule], material: Material, calendar: Calendar, known: Collection[OccurrenceId]
) -> frozenset[str]:
    """Return the airings that had begun before they were approved: not even a new speaker joins them late."""
    return frozenset(
        id_
        for schedule in schedules
        if schedule.id in material.approved_at and schedule.id in material.sounds
        for id_, start in calendar.starts(schedule)
        if start < material.approved_at[schedule.id] and id_ not in known
    )


def plan(
    device_id: str,
    aired: Sequence[Airing],
    clips: Mapping[str, ClipFacts],
    window: PlanWindow,
    url: Callable[[str, datetime], str],
) -> Plan:
    """Return the plan's body; its version is given when it is found to be news."""
    needed = sorted({clip for each in aired for clip in each.sound.clips})
    return Plan(
        device=device_id,
        version=1,
        window_start=window.start,
        window_end=window.end,
        occurrences=tuple(_on_the_wire(each) for each in aired),
        clips=_refs(needed, clips, window.end + LINK_OUTLIVES_PLAN, url),
    )


def _refs(
    needed: Iterable[str], clips: Mapping[str, ClipFacts], links_end: datetime, url: Callable[[str, datetime], str]
) -> tuple[ClipRef, ...]:
    return tuple(
        ClipRef(
            sha256=sha256,
            url=url(sha256, links_end),
            size_bytes=clips[sha256].size_bytes,
            duration_ms=clips[sha256].duration_ms,
            media_type=clips[sha256].media_type,
        )
        for sha256 in needed
    )


def _on_the_wire(airing: Airing) -> PlanOccurrence:
    each = airing.occurrence
    return PlanOccurrence(
        id=each.id,
        schedule_id=each.schedule_id,
        title=each.title,
        starts_at=each.starts_at,
        duration_ms=each.duration_ms,
        priority=each.priority,
        issuer_depth=each.issuer_depth,
        commune_rank=each.commune_rank,
        resume=each.resume,
        late_join_s=each.late_join_s,
        volume=each.volume,
        own_volume=each.own_volume,
        stretches=airing.sound.stretches,
        relays=airing.sound.relays,
    )


def config(
    speaker: Speaker,
    keys: Iterable[TrustedKey],
    notices: Sequence[str] = (),
    standing: tuple[ClipRef, ...] = (),
) -> Config:
    """Return the configuration's body."""
    policy, here = speaker.policy, {clip.sha256 for clip in standing}
    return Config(
        device=speaker.device_id,
        version=1,
        name=speaker.name,
        zone=policy.zone,
        areas=speaker.areas,
        groups=tuple(sorted(speaker.groups)),
        turn=turn_of(speaker.hamlet_index),
        quiet_hours=tuple(Window(**_window(window)) for window in policy.quiet_hours),
        volume_rules=tuple(VolumeWindow(**_window(rule.window), volume=rule.volume) for rule in policy.volume_rules),
        default_volume=policy.default_volume,
        max_volume=policy.max_volume,
        class_volumes=ClassVolumes(**asdict(policy.class_volumes)),
        caps=CapLimits(
            sessions_per_day=policy.caps.sessions_per_day,
            session_max_s=policy.caps.session_max_s,
            daily_max_s=policy.caps.daily_max_s,
            days_per_week=policy.caps.days_per_week,
        ),
        local_alarm=policy.local_alarm,
        standing=standing,
        alarm_words=tuple(each for each in speaker.alarms if policy.local_alarm and each.clip in here),
        keys=tuple(sorted(keys, key=lambda key: key.kid)),
        notices=tuple(notices),
    )


def _window(window: TimeWindow) -> dict[str, str]:
    return {"start": f"{window.start_local:%H:%M}", "end": f"{window.end_local:%H:%M}"}


def kept_clips(
    speaker: Speaker, clips: Mapping[str, ClipFacts], now: datetime, url: Callable[[str, datetime], str]
) -> tuple[ClipRef, ...]:
    """Return the standing messages that the speaker keeps."""
    return _refs((each for each in speaker.standing if each in clips), clips, kept_links_end(now), url)


def kept_links_end(now: datetime) -> datetime:
    """Return when links in a configuration end: the same for a month, or each planning would be news to everybody.

    At least a month from now, which no configuration outlives; a speaker renews those it comes late with.
    """
    months = now.year * 12 + now.month + 1
    return datetime(months // 12, months % 12 + 1, 1, tzinfo=UTC) + LINK_OUTLIVES_PLAN


def content_hash(body: Order) -> str:
    """Return a hash of what an order says, whatever its version."""
    return hashlib.sha256(body.model_dump_json(exclude={"version"}).encode()).hexdigest()

"""Gathering: everything that planning some speakers needs, out of the database in a few queries."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache

from controller.areas.models import Area
from controller.areas.policy import ApprovalAsked, AreaPolicy, effective_policy
from controller.areas.tree import codes_of
from controller.broadcasts.models import TargetKind
from controller.devices.models import Device
from controller.link.models import RetainedDocument
from controller.planning import rows
from controller.planning.compile import ClipFacts, Material, Sound, Speaker
from controller.planning.repository import Addressed, PlanningRepository
from controller.standing.sets import kept
from protocol import topics
from protocol.topics import Channel
from schedules.entry import nominal_end
from schedules.plan import Calendar, plan_window
from schedules.types import DeviceId, Schedule, ScheduleId


@dataclass(frozen=True, slots=True)
class Gathered:
    """Everything that planning some speakers needs, out of the database."""

    speakers: Mapping[str, Speaker]
    material: Material
    calendars: Mapping[str, Calendar]


class Gathering:
    """Collects in a fixed number of queries."""

    def __init__(
        self,
        repository: PlanningRepository,
        *,
        now: datetime,
        days: int,
        freeze: timedelta,
    ) -> None:
        self._repository = repository
        self._now = now
        self._days = days
        self._freeze = freeze

    async def gather(self, devices: Sequence[Device], *, afresh: bool = False) -> Gathered:
        """Return what these speakers are planned from; `afresh`: whatever they were told before."""
        repository, ids = self._repository, [device.id for device in devices]
        chains = {device.id: codes_of(device.area.path) for device in devices}
        areas = await repository.areas({code for chain in chains.values() for code in chain})
        said = {code: AreaPolicy.model_validate(area.policy) for code, area in areas.items()}
        siblings = await repository.siblings({device.area.parent_code or "" for device in devices})
        groups = await repository.groups_of(ids)
        worded = await repository.worded(areas.keys())
        policies = {id_: effective_policy(said[code] for code in chains[id_] if code in said) for id_ in ids}
        calendars = {
            zone: Calendar(plan_window(self._now, zone, self._days))
            for zone in sorted({policy.zone for policy in policies.values()})
        }
        since = min((calendar.window.start for calendar in calendars.values()), default=self._now)
        addressed = await repository.addressed(
            areas=areas.keys(),
            groups={group for found in groups.values() for group in found},
            devices=ids,
            not_over_before=since - timedelta(days=2),
        )
        schedules, sounds = _schedules(addressed)
        approved_at = {
            ScheduleId(each.version.schedule_id): each.version.approved_at
            for each in addressed
            if each.version.asked != ApprovalAsked.NONE
        }
        planned = {} if afresh else await repository.planned(ids, since)
        asked = [] if afresh else [topics.device(DeviceId(id_), Channel.PLAN) for id_ in ids]
        known = await repository.documents(asked)
        cancelled = await repository.cancelled(
            {each.version.schedule_id for each in addressed}
            | {row.schedule_id for found in planned.values() for row in found}
        )
        # What many speakers were told alike is one value in memory.
        airing = cache(rows.airing)
        speakers: dict[str, Speaker] = {}
        for device in devices:
            window = calendars[policies[device.id].zone].window
            previous = [
                each for each in map(airing, planned.get(device.id, ())) if nominal_end(each.occurrence) > window.start
            ]
            keeps = kept(chains[device.id], worded)
            mine = _addresses(chains[device.id], groups.get(device.id, ()), device.id)
            speakers[device.id] = Speaker(
                device_id=device.id,
                name=device.name,
                areas=chains[device.id],
                groups=tuple(sorted(groups.get(device.id, ()))),
                policy=policies[device.id],
                hamlet_index=_index(device.area, siblings),
                schedules=tuple(
                    schedules[each.version.schedule_id]
                    for each in addressed
                    # Who issues reaches its own area only: not a speaker that has moved away, or joined a group since.
                    if each.version.schedule.area_code in chains[device.id] and not mine.isdisjoint(each.targets)
                ),
                previous=tuple(previous) if _was_planned(known, device.id) else None,
                standing=keeps.clips,
                alarms=keeps.alarms,
            )
        hashes = {clip for sound in sounds.values() for clip in sound.clips}
        hashes |= {c for speaker in speakers.values() for a in speaker.previous or () for c in a.sound.clips}
        hashes |= {clip for speaker in speakers.values() for clip in speaker.standing}
        clips = {
            clip.sha256: ClipFacts(clip.sha256, clip.size_bytes, clip.duration_ms, clip.media_type)
            for clip in await repository.clips(hashes)
        }
        return Gathered(speakers, Material(sounds, clips, cancelled, self._freeze, approved_at), calendars)


def _was_planned(known: Mapping[str, RetainedDocument], device_id: str) -> bool:
    document = known.get(topics.device(DeviceId(device_id), Channel.PLAN))
    return document is not None and bool(document.payload)


def _schedules(
    addressed: Sequence[Addressed],
) -> tuple[Mapping[str, Schedule], Mapping[ScheduleId, Sound]]:
    schedules: dict[str, Schedule] = {}
    sounds: dict[ScheduleId, Sound] = {}
    for each in addressed:
        version, sound = each.version, each.version.sound
        if sound is not None:
            schedules[version.schedule_id] = rows.schedule(version, version.schedule, sound.duration_ms or 0)
            sounds[ScheduleId(version.schedule_id)] = rows.sound(sound)
    return schedules, sounds


def _addresses(chain: Sequence[str], groups: Sequence[str], device_id: str) -> frozenset[tuple[TargetKind, str]]:
    return frozenset(
        [
            *((TargetKind.AREA, code) for code in chain),
            *((TargetKind.GROUP, group) for group in groups),
            (TargetKind.DEVICE, device_id),
        ]
    )


def _index(area: Area, siblings: Mapping[str, Sequence[str]]) -> int:
    """Return an area's place among its neighbours: hamlets take turns by it."""
    row = siblings.get(area.parent_code or "", ())
    return row.index(area.code) if area.code in row else 0

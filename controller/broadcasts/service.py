"""What may happen to schedules and their occurrences."""

import asyncio
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from math import ceil
from typing import Any
from zoneinfo import ZoneInfo

from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm.attributes import flag_modified, set_committed_value

from controller.accounts.viewer import Viewer
from controller.approval.ledger import Ledger
from controller.areas.models import Area
from controller.areas.policy import ApprovalAsked
from controller.areas.repository import AreaRepository
from controller.areas.service import Areas
from controller.audit.capture import note
from controller.audit.chain import Changes, Deed
from controller.broadcasts.models import Airs, CancelledOccurrence, Schedule, ScheduleTarget, TargetKind
from controller.broadcasts.preview import Ahead, PreviewOut, beyond, looked_at, preview
from controller.broadcasts.repository import OccurrenceRepository, ScheduleRepository
from controller.broadcasts.schemas import ScheduleEdit, ScheduleIn, Target
from controller.broadcasts.targets import checked
from controller.commands.service import CommandService
from controller.database import new_id
from controller.devices.models import Device
from controller.devices.repository import DeviceRepository
from controller.errors import Conflict, Invalid, NotFound
from controller.events import ScheduleChanged, record_event
from controller.planning import rows
from controller.planning.gather import Gathering
from controller.planning.repository import PlanningRepository
from controller.playlists.models import ItemKind, Playlist
from controller.playlists.repository import PlaylistRepository
from controller.text import Text
from protocol.messages import Skip, Stop
from schedules import recurrence, types
from schedules.errors import InvalidRecurrence
from schedules.types import Resume

EMERGES_WITHIN = timedelta(hours=2)
"""Longest stagger and lateness of a last airing, so that a schedule is not called over too early."""


class PlaylistPutAway(Conflict):
    """What a schedule would air is no longer there to be aired."""

    code = "playlist_put_away"
    title = Text("The playlist of this schedule was put away. Take that back first.")


@dataclass(frozen=True, slots=True)
class Timing:
    """How close to air things still move."""

    lead: timedelta
    freeze: timedelta


class Broadcasts:
    """Schedules within one transaction, as one viewer may change them."""

    def __init__(
        self, session: AsyncSession, viewer: Viewer, *, timing: Timing, commands: CommandService, ledger: Ledger
    ) -> None:
        self.repository = ScheduleRepository(session)
        self.ledger = ledger
        self.occurrences = OccurrenceRepository(session)
        self._session = session
        self._viewer = viewer
        self._areas = Areas(session, viewer)
        self._timing = timing
        self._commands = commands

    async def add(self, wish: ScheduleIn, now: datetime, *, id_: str | None = None) -> Schedule:
        """Make a schedule; the speakers it addresses get new plans."""
        row = await self.draft(wish, now)
        row.id = id_ or row.id
        if wish.first_local is None and await self.approval_asked(row.area) is not ApprovalAsked.NONE:
            raise Invalid.field(
                "first_local", Text("Here somebody has to approve first. Choose a time that leaves them enough of it.")
            )
        if wish.first_local is None and row.playlist.sound is None:
            raise Conflict(
                Text("The playlist has no sound yet, so it cannot air now. Wait until it has, then send again.")
            )
        self.repository.add(row)
        await self._session.flush()
        record_event(self._session, ScheduleChanged(row.id))
        await self.ledger.follow_edit([row.id], now)
        return row

    async def draft(self, wish: ScheduleIn, now: datetime) -> Schedule:
        """Return what the wish asks for, checked, and not yet a schedule."""
        area = await self._areas.place(wish.area_code)
        playlist = await self._playlist(wish.playlist_id)
        with self._session.no_autoflush:
            row = Schedule(
                id=new_id(),
                area_code=area.code,
                playlist_id=playlist.id,
                title=wish.title,
                author=self._viewer.name,
                created_at=now,
                active=wish.active,
                first_local=_local_text(wish.first_local or self._soon(now, wish.zone)),
                zone=wish.zone,
                rrule=wish.rrule,
                except_local=[_local_text(each) for each in wish.except_local],
                extra_local=[_local_text(each) for each in wish.extra_local],
                lunar_days=sorted(set(wish.lunar_days)),
                skip_holidays=wish.skip_holidays,
                priority=int(wish.priority),
                resume=wish.resume,
                volume=wish.volume,
                late_join_s=wish.late_join_s,
                commune_rank=wish.commune_rank,
                staggered=wish.staggered,
                targets=await self._targets(wish.targets, area),
            )
            set_committed_value(row, "area", area)
            set_committed_value(row, "playlist", playlist)
        _check_calendar(row)
        _check_resume(row)
        return row

    async def preview(self, wish: ScheduleIn, now: datetime, *, days: int) -> PreviewOut:
        """Return what the wish would do: collisions with their reasons, and what would not air."""
        return await self.look_ahead(await self.draft(wish, now), now, days=days)

    async def approval_asked(self, area: Area) -> ApprovalAsked:
        """Return who must agree to what this area issues."""
        return (await AreaRepository(self._session).approvals([area.path]))[area.path]

    async def look_ahead(self, row: Schedule, now: datetime, *, days: int) -> PreviewOut:
        """Return what a schedule would do just as it stands, on the speakers that the viewer sees."""
        if row.playlist.sound is None:
            raise Conflict(Text("The playlist has no sound yet"))
        return (await self._foreseen([row], [[row]], now, days))[0]

    async def look_beyond(
        self, edits: Sequence[tuple[Schedule, ScheduleEdit]], stretches: Iterable[tuple[datetime, int]]
    ) -> Ahead:
        """Return what edits of calendars would bring, together, that is not foreseen without them.

        Looked at are stretches of so many days from a moment on. Nothing of what has no sound yet.
        """
        sounding = [(row, wish) for row, wish in edits if row.playlist.sound is not None]
        if not sounding:
            return Ahead(collisions=[], omitted=[])
        known = [row for row, _ in sounding]
        states = [known, [_wished(row, wish) for row, wish in sounding]]
        found = [await self._foreseen(known, states, since, days) for since, days in stretches]
        return beyond((before, after) for before, after in found)

    async def _foreseen(
        self, known: Sequence[Schedule], states: Sequence[Sequence[Schedule]], since: datetime, days: int
    ) -> Sequence[PreviewOut]:
        """Preview some schedules in each of these states of them."""
        addressed = await self._looked_at(known)
        devices = {device.id: device for found in addressed.values() for device in found}
        gathering = Gathering(PlanningRepository(self._session), now=since, days=days, freeze=self._timing.freeze)
        gathered = await gathering.gather([devices[id_] for id_ in sorted(devices)], afresh=True)
        previews: list[PreviewOut] = []
        for state in states:
            wishes: dict[str, list[types.Schedule]] = defaultdict(list)
            for row, draft in zip(known, state, strict=True):
                sound = row.playlist.sound
                wish = rows.schedule(draft, draft, (sound and sound.duration_ms) or 0)
                for device in addressed[row.id]:
                    wishes[device.id].append(wish)
            previews.append(await asyncio.to_thread(preview, wishes, gathered, since, self._timing.freeze))
        return previews

    async def _looked_at(self, known: Sequence[Schedule]) -> Mapping[str, Sequence[Device]]:
        """Return the speakers to look at for each of some schedules; what has the same targets is asked for once."""
        targets = {row.id: frozenset((each.kind, each.key) for each in row.targets) for row in known}
        alike = {targets[row.id]: row.targets for row in known}
        found = {key: looked_at(await self._addressed(some), among=len(alike)) for key, some in alike.items()}
        return {id_: found[key] for id_, key in targets.items()}

    async def _addressed(self, targets: Sequence[ScheduleTarget]) -> Sequence[Device]:
        """Return the viewer's speakers that these targets, checked before, address."""
        planning = PlanningRepository(self._session)
        ids = await planning.reached({kind: {t.key for t in targets if t.kind is kind} for kind in TargetKind})
        return await DeviceRepository(self._session).some(self._viewer, ids)

    async def edit(self, row: Schedule, wish: ScheduleEdit, now: datetime) -> Schedule:
        """Change what the wish names. What is about to air stays as it was promised."""
        if wish.playlist_id is not None:
            row.playlist = await self._playlist(wish.playlist_id)
            row.playlist_id = row.playlist.id
        if wish.targets is not None:
            row.targets = await self._targets(wish.targets, row.area)
            flag_modified(row, "title")  # targets lie in another table: this is an edit all the same
        if wish.active and row.playlist.retired_at is not None:
            raise PlaylistPutAway
        for name, value in _edited(wish).items():
            setattr(row, name, value)
        _check_calendar(row)
        if {"resume", "playlist_id"} & wish.model_fields_set:
            _check_resume(row)
        if wish.active is False:
            await self._stop_sounding(row.id, now)
        await self._session.flush()
        record_event(self._session, ScheduleChanged(row.id))
        await self.ledger.follow_edit([row.id], now)
        return row

    async def remove(self, row: Schedule, now: datetime) -> None:
        """Take a schedule out of the calendar; what of it is on air stops, and stays stopped if it is put back."""
        await self._stop_sounding(row.id, now)
        record_event(self._session, ScheduleChanged(row.id))
        row.active = False
        await self._session.flush()

    async def cancel(self, occurrence_id: str, now: datetime) -> None:
        """Call one occurrence off, everywhere it was to air; where it sounds, it stops."""
        day = await self.occurrences.one(self._viewer, occurrence_id)
        if not day.planned:
            raise NotFound
        schedule = await self.repository.find(self._viewer, day.planned[0].schedule_id)
        if schedule is None:
            raise NotFound
        if max(row.ends_at for row in day.planned) <= now:
            raise Conflict(Text("This occurrence is over"))
        if await self.occurrences.called_off(occurrence_id) is None:
            self._session.add(
                CancelledOccurrence(
                    occurrence_id=occurrence_id,
                    schedule_id=schedule.id,
                    cancelled_at=now,
                    author=self._viewer.name,
                )
            )
        await self._session.flush()
        self._silence([(row.device_id, row.occurrence_id, row.starts_at) for row in day.planned], now)
        record_event(self._session, ScheduleChanged(schedule.id))

    async def take_back(self, occurrence_id: str, now: datetime) -> None:
        """Let what was called off air after all. Too late once speakers may have been ordered to leave it out."""
        day = await self.occurrences.one(self._viewer, occurrence_id)
        off = await self.occurrences.called_off(occurrence_id)
        schedule = await self.repository.find(self._viewer, off.schedule_id) if off else None
        if off is None or schedule is None or not day.planned:
            raise NotFound
        if not schedule.active:
            raise Conflict(Text("The schedule of this airing was taken out of the calendar. Put that back first."))
        if min(row.starts_at for row in day.planned) <= now + self._timing.freeze + self._timing.lead:
            raise Conflict(Text("It was about to begin: this airing can no longer be taken back."))
        await self._session.delete(off)
        told: Changes = {"occurrence_id": [occurrence_id, None]}
        note(self._session, Deed("schedule", schedule.id, "taken_back", schedule.title, schedule.area.path, told))
        record_event(self._session, ScheduleChanged(schedule.id))

    async def stop_all(self, now: datetime) -> None:
        """Silence all that is on air by plan on the viewer's speakers.

        What was issued here is called off as a whole; what others issued ends on these speakers only. Emergencies
        go on: calling those off is another order.
        """
        sounding = await self.occurrences.sounding(self._viewer, now)
        ids = {row.schedule_id for row in sounding}
        ours = await self.repository.all(self.repository.readable(self._viewer).where(Schedule.id.in_(ids)))
        issued_here = {row.id for row in ours}
        for occurrence_id in sorted({row.occurrence_id for row in sounding if row.schedule_id in issued_here}):
            await self.cancel(occurrence_id, now)
        others = [row for row in sounding if row.schedule_id not in issued_here]
        self._silence([(row.device_id, row.occurrence_id, row.starts_at) for row in others], now)

    async def _stop_sounding(self, schedule_id: str, now: datetime) -> None:
        """Silence what of a schedule is on air, or so close to it that plans no longer change."""
        sounding = await self.occurrences.of_schedule(self._viewer, schedule_id, ends_after=now)
        self._silence([(row.device_id, row.occurrence_id, row.starts_at) for row in sounding], now)

    def _silence(self, airings: Iterable[tuple[str, str, datetime]], now: datetime) -> None:
        """Order a stop where it sounds, and a skip where a plan may come too late to prevent it."""
        close: dict[tuple[str, bool], list[str]] = {}
        for device_id, occurrence_id, starts_at in airings:
            if starts_at <= now + self._timing.freeze + self._timing.lead:
                close.setdefault((occurrence_id, starts_at <= now), []).append(device_id)
        for (occurrence_id, begun), device_ids in close.items():
            action = Stop(occurrence=occurrence_id) if begun else Skip(occurrence=occurrence_id)
            self._commands.order(device_ids, action, author=self._viewer.name, now=now)

    def _soon(self, now: datetime, zone: str) -> datetime:
        """Return the next whole second that leaves speakers time to get ready, by the wall clock of `zone`."""
        try:
            local = ZoneInfo(zone)
        except (ValueError, KeyError, OSError) as error:
            raise Invalid.field("zone", Text("There is no such time zone")) from error
        starts_at_s = ceil((now + self._timing.lead).timestamp())
        return datetime.fromtimestamp(starts_at_s, local).replace(tzinfo=None)

    async def _playlist(self, playlist_id: str) -> Playlist:
        playlist = await PlaylistRepository(self._session).find(self._viewer, playlist_id)
        if playlist is None or playlist.retired_at is not None:
            raise Invalid.field("playlist_id", Text("There is no such playlist"))
        return playlist

    async def _targets(self, wishes: Sequence[Target], issuer: Area) -> list[ScheduleTarget]:
        chosen = await checked(self._session, self._viewer, wishes, issuer)
        return [ScheduleTarget(kind=kind, key=key) for kind, key in chosen]


def _wished(row: Schedule, wish: ScheduleEdit) -> Schedule:
    """Return a schedule as an edit of its calendar would leave it: to be looked at, not to be kept."""
    said = {name: getattr(row, name) for name in Airs.__annotations__}
    made = Schedule(id=row.id, area_code=row.area_code, playlist_id=row.playlist_id, **(said | _edited(wish)))
    set_committed_value(made, "area", row.area)
    return made


_MAY_BE_EMPTIED = {"volume", "late_join_s", "rrule"}
_APART = {"playlist_id", "targets"}


def _edited(wish: ScheduleEdit) -> dict[str, Any]:
    """Return the columns that an edit names, as they are stored."""
    columns: dict[str, Any] = {}
    for name in wish.model_fields_set - _APART:
        value = getattr(wish, name)
        if value is None and name not in _MAY_BE_EMPTIED:
            continue
        columns[name] = value
    if "first_local" in columns:
        columns["first_local"] = _local_text(columns["first_local"])
    for name in {"except_local", "extra_local"} & columns.keys():
        columns[name] = [_local_text(each) for each in columns[name]]
    if "lunar_days" in columns:
        columns["lunar_days"] = sorted(set(columns["lunar_days"]))
    return columns


def _local_text(local: datetime) -> str:
    return local.isoformat(timespec="seconds")


def _check_resume(row: Schedule) -> None:
    """Refuse to begin a station again: it goes on meanwhile, and from the start it would run on past its end."""
    if row.resume is Resume.RESTART and any(item.kind is ItemKind.RELAY for item in row.playlist.items):
        raise Invalid.field(
            "resume",
            Text("A programme that relays a station cannot begin again. Choose to rejoin it, or to skip the rest."),
        )


def _check_calendar(row: Schedule) -> None:
    """Refuse a calendar that cannot be used; note when the last airing of a finite one has begun."""
    calendar = rows.recurrence(row)
    try:
        recurrence.validate(calendar)
    except InvalidRecurrence as error:
        raise Invalid.field(error.field, Text.both(error.sentence.vi, error.sentence.en)) from error
    last = max({calendar.first_local, *calendar.extra_local})
    zone = ZoneInfo(calendar.zone)
    row.over_at = None if calendar.rrule else recurrence.to_utc(last, zone) + EMERGES_WITHIN

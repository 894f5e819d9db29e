"""All SQL of planning: what addresses speakers, and what they were told. A few queries for any number of them."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import ColumnElement, Text, and_, cast, delete, func, insert, literal, or_, select
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import aliased

from controller.accounts.viewer import Viewer
from controller.announcements.models import Announcement
from controller.approval.models import Approval, ApprovedTarget, ApprovedVersion
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import CancelledOccurrence, Schedule, TargetKind
from controller.content.models import Clip
from controller.database import UtcDateTime, insert_into
from controller.devices.models import Device, DeviceStatus
from controller.groups.models import GroupMember
from controller.link.models import RetainedDocument
from controller.planning.models import PlannedRow, PlanOwed
from controller.standing.models import StandingMessage
from controller.standing.sets import Worded
from schedules.types import Resume

T = TypeVar("T")
_LOCK = 0x10A_91A2
"""Names the lock under which one of several PostgreSQL clients plans."""
_AS_STORED = {"populate_existing": True}
"""What this transaction read before it waited for the lock may have changed meanwhile."""
VARIABLES_MAX = 500
"""Values in one IN list: far below what every database takes."""


def chunks(values: Iterable[T], size: int = VARIABLES_MAX) -> Iterator[list[T]]:
    """Yield the values in lists of at most `size`."""
    left = iter(values)
    while chunk := list(islice(left, size)):
        yield chunk


@dataclass(frozen=True, slots=True)
class Addressed:
    """The version of a schedule that was approved, and whom it addresses."""

    version: ApprovedVersion
    targets: frozenset[tuple[TargetKind, str]]


class Told(NamedTuple):
    """What a speaker was told of one airing. Many rows are alike, so their sound is left unread, as JSON."""

    occurrence_id: str
    schedule_id: str
    title: str
    starts_at: datetime
    duration_ms: int
    priority: int
    issuer_depth: int
    commune_rank: int
    resume: Resume
    late_join_s: int | None
    volume: int
    own_volume: bool
    stretches: str
    relays: str


_AS_TEXT = {"stretches", "relays"}


class PlanningRepository:
    """The planner sees everything: whom it plans for is not a viewer's question."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def lock(self) -> None:
        """Plan alone until this transaction ends, from everything that was committed before.

        A plan joins many schedules: two transactions that changed one each and did not see the other's would each tell
        the speaker half of it. SQLite has one writer anyhow.
        """
        if self._session.get_bind().dialect.name == "postgresql":
            await self._session.execute(select(func.pg_advisory_xact_lock(_LOCK)))

    async def devices(self, ids: Collection[str]) -> Sequence[Device]:
        """Return these speakers, retired ones too."""
        found: list[Device] = []
        for chunk in chunks(ids):
            statement = select(Device).where(Device.id.in_(chunk))
            found += await self._session.scalars(statement, execution_options=_AS_STORED)
        return found

    async def active_ids(self) -> Sequence[str]:
        """Return the ids of all speakers that take part."""
        return (
            await self._session.scalars(
                select(Device.id).where(Device.status == DeviceStatus.ACTIVE).order_by(Device.id)
            )
        ).all()

    async def areas(self, codes: Collection[str]) -> Mapping[str, Area]:
        """Return these areas by code."""
        found: dict[str, Area] = {}
        for chunk in chunks(codes):
            statement = select(Area).where(Area.code.in_(chunk))
            areas = await self._session.scalars(statement, execution_options=_AS_STORED)
            found |= {area.code: area for area in areas}
        return found

    async def worded(self, codes: Collection[str]) -> Mapping[str, Sequence[Worded]]:
        """Return these areas' own standing messages, by area: as worded before while the sound is being made."""
        found: dict[str, list[Worded]] = defaultdict(list)
        sound, earlier = aliased(Announcement), aliased(Announcement)
        for chunk in chunks(codes):
            rows = await self._session.execute(
                select(
                    StandingMessage.area_code,
                    StandingMessage.hazard,
                    sound.clip_sha256,
                    StandingMessage.headline,
                    earlier.clip_sha256,
                    earlier.title,
                )
                .outerjoin(sound, sound.id == StandingMessage.announcement_id)
                .outerjoin(earlier, earlier.id == StandingMessage.earlier_id)
                .where(StandingMessage.area_code.in_(chunk))
                .order_by(StandingMessage.area_code, StandingMessage.hazard)
            )
            for code, hazard, sha256, headline, earlier_sha256, earlier_headline in rows:
                before = sha256 is None and earlier_sha256 is not None
                said = (earlier_sha256, earlier_headline) if before else (sha256, headline)
                found[code].append(Worded(hazard, *said))
        return found

    async def siblings(self, parents: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the codes of the areas below each of these parents, in order."""
        found: dict[str, list[str]] = defaultdict(list)
        for chunk in chunks(parents):
            rows = await self._session.execute(
                select(Area.parent_code, Area.code).where(Area.parent_code.in_(chunk)).order_by(Area.code)
            )
            for parent, code in rows:
                found[parent or ""].append(code)
        return found

    async def groups_of(self, device_ids: Collection[str]) -> Mapping[str, Sequence[str]]:
        """Return the ids of each speaker's groups."""
        found: dict[str, list[str]] = defaultdict(list)
        for chunk in chunks(device_ids):
            rows = await self._session.execute(
                select(GroupMember.device_id, GroupMember.group_id).where(GroupMember.device_id.in_(chunk))
            )
            for device_id, group_id in rows:
                found[device_id].append(group_id)
        return found

    async def addressed(
        self, *, areas: Collection[str], groups: Collection[str], devices: Collection[str], not_over_before: datetime
    ) -> Sequence[Addressed]:
        """Return what was approved, has its sound and addresses any of these; nothing else of a schedule gets here."""
        targets: dict[str, set[tuple[TargetKind, str]]] = defaultdict(set)
        for kind, keys in ((TargetKind.AREA, areas), (TargetKind.GROUP, groups), (TargetKind.DEVICE, devices)):
            for chunk in chunks(keys):
                rows = await self._session.execute(
                    select(ApprovedTarget.version_id, ApprovedTarget.key)
                    .join(Approval, Approval.airing_id == ApprovedTarget.version_id)
                    .join(ApprovedVersion, ApprovedVersion.id == ApprovedTarget.version_id)
                    .join(Schedule, Schedule.id == ApprovedVersion.schedule_id)
                    .where(
                        ApprovedTarget.kind == kind,
                        ApprovedTarget.key.in_(chunk),
                        Schedule.active,
                        or_(ApprovedVersion.over_at.is_(None), ApprovedVersion.over_at >= not_over_before),
                        ApprovedVersion.sound_key.is_not(None),
                    )
                )
                for version_id, key in rows:
                    targets[version_id].add((kind, key))
        found: list[Addressed] = []
        for chunk in chunks(targets):
            versions = await self._session.scalars(select(ApprovedVersion).where(ApprovedVersion.id.in_(chunk)))
            found += [Addressed(version, frozenset(targets[version.id])) for version in versions]
        return found

    async def planned(self, device_ids: Collection[str], ends_after: datetime) -> Mapping[str, Sequence[Told]]:
        """Return what each speaker was told of what ends after a moment. Past the session: there are many rows."""
        found: dict[str, list[Told]] = defaultdict(list)
        connection, table = await self._session.connection(), PlannedRow.__table__.c
        told = [cast(table[name], Text) if name in _AS_TEXT else table[name] for name in Told._fields]
        for chunk in chunks(device_ids):
            rows = await connection.execute(
                select(table.device_id, *told).where(table.device_id.in_(chunk), table.ends_at > ends_after)
            )
            for row in rows:
                found[row[0]].append(Told._make(row[1:]))
        return found

    async def cancelled(self, schedule_ids: Collection[str]) -> frozenset[str]:
        """Return the occurrences of these schedules that were called off."""
        found: set[str] = set()
        for chunk in chunks(schedule_ids):
            found.update(
                await self._session.scalars(
                    select(CancelledOccurrence.occurrence_id).where(CancelledOccurrence.schedule_id.in_(chunk))
                )
            )
        return frozenset(found)

    async def clips(self, hashes: Collection[str]) -> Sequence[Clip]:
        """Return these clips."""
        found: list[Clip] = []
        for chunk in chunks(hashes):
            found += await self._session.scalars(select(Clip).where(Clip.sha256.in_(chunk)))
        return found

    async def documents(self, topics: Collection[str], *, lock: bool = False) -> Mapping[str, RetainedDocument]:
        """Return what stands, or must stand, on these topics.

        `lock`: until this transaction ends nobody notes that the broker has them, so that what is written over them is
        published too.
        """
        found: dict[str, RetainedDocument] = {}
        for chunk in chunks(sorted(topics)):
            statement = (
                select(RetainedDocument).where(RetainedDocument.topic.in_(chunk)).order_by(RetainedDocument.topic)
            )
            if lock:
                statement = statement.with_for_update()
            rows = await self._session.scalars(statement, execution_options=_AS_STORED)
            found |= {row.topic: row for row in rows}
        return found

    async def versions(self, topics: Collection[str]) -> Mapping[str, int]:
        """Return which version must stand on these topics: the documents themselves may be megabytes."""
        found: dict[str, int] = {}
        for chunk in chunks(sorted(topics)):
            standing = (RetainedDocument.topic.in_(chunk), func.length(RetainedDocument.payload) > 0)
            rows = await self._session.execute(
                select(RetainedDocument.topic, RetainedDocument.version).where(*standing)
            )
            found |= {row.topic: row.version for row in rows}
        return found

    def add_document(self, document: RetainedDocument) -> None:
        """Add a document to the transaction."""
        self._session.add(document)

    async def forget_planned(self, device_id: str, occurrence_ids: Collection[str]) -> None:
        """Remove what a speaker is no longer told."""
        for chunk in chunks(occurrence_ids):
            await self._session.execute(
                delete(PlannedRow).where(PlannedRow.device_id == device_id, PlannedRow.occurrence_id.in_(chunk))
            )

    async def remember_planned(self, values: Sequence[Mapping[str, Any]]) -> None:
        """Note what a speaker is told now."""
        connection = await self._session.connection()
        for chunk in chunks(values):
            await connection.execute(insert(PlannedRow), chunk)

    async def forget_history(self, *, ended_before: datetime) -> None:
        """Remove what was meant to air long ago."""
        await self._session.execute(delete(PlannedRow).where(PlannedRow.ends_at < ended_before))

    async def owe(self, device_ids: Collection[str], now: datetime) -> None:
        """Note that these speakers are to be planned anew, as of now; who waits already, waits since then."""
        insert_rows = insert_into(self._session, PlanOwed)
        for chunk in chunks(sorted(device_ids)):
            rows = select(Device.id, literal(now, UtcDateTime())).where(Device.id.in_(chunk))
            await self._session.execute(insert_rows.from_select(["device_id", "since"], rows).on_conflict_do_nothing())

    async def owed(self, most: int, *, besides: Collection[str] = ()) -> Sequence[str]:
        """Return some of the speakers that wait for a plan, the longest first, but those left for later."""
        waiting = select(PlanOwed.device_id).order_by(PlanOwed.since, PlanOwed.device_id)
        found = await self._session.scalars(waiting.limit(most + len(besides)))
        return [each for each in found if each not in besides][:most]

    async def awaiting(self, viewer: Viewer) -> int:
        """Return how many of a viewer's speakers wait for a plan."""
        statement = (
            select(func.count())
            .select_from(PlanOwed)
            .join(Device, Device.id == PlanOwed.device_id)
            .join(Area, Area.code == Device.area_code)
            .where(within(Area.path, viewer.scope))
        )
        return await self._session.scalar(statement) or 0

    async def settle(self, device_ids: Collection[str]) -> Sequence[datetime]:
        """Strike these speakers off who wait; return since when they did."""
        statement = delete(PlanOwed).where(PlanOwed.device_id.in_(device_ids)).returning(PlanOwed.since)
        return (await self._session.scalars(statement)).all()

    async def below(self, path: str) -> frozenset[str]:
        """Return the speakers in an area's subtree."""
        return await self._ids(within(Area.path, path))

    async def planned_for(self, schedule_ids: Collection[str], ends_after: datetime) -> frozenset[str]:
        """Return the speakers that were told of any airing of these schedules still to come."""
        found: set[str] = set()
        for chunk in chunks(schedule_ids):
            found.update(
                await self._session.scalars(
                    select(PlannedRow.device_id)
                    .where(PlannedRow.schedule_id.in_(chunk), PlannedRow.ends_at > ends_after)
                    .distinct()
                )
            )
        return frozenset(found)

    async def addressed_by(self, schedule_ids: Collection[str]) -> frozenset[str]:
        """Return the speakers that the approved versions of these schedules address now."""
        keys: dict[TargetKind, set[str]] = defaultdict(set)
        for chunk in chunks(schedule_ids):
            rows = await self._session.execute(
                select(ApprovedTarget.kind, ApprovedTarget.key)
                .join(Approval, Approval.airing_id == ApprovedTarget.version_id)
                .where(Approval.schedule_id.in_(chunk))
            )
            for kind, key in rows:
                keys[kind].add(key)
        return await self.reached(keys)

    async def reached(self, keys: Mapping[TargetKind, Collection[str]]) -> frozenset[str]:
        """Return the speakers that these areas, groups and speakers make up."""
        found = set(keys[TargetKind.DEVICE])
        for area in (await self.areas(keys[TargetKind.AREA])).values():
            found |= await self.below(area.path)
        for chunk in chunks(keys[TargetKind.GROUP]):
            found.update(
                await self._session.scalars(select(GroupMember.device_id).where(GroupMember.group_id.in_(chunk)))
            )
        return frozenset(found)

    async def schedules_of(self, playlist_ids: Collection[str]) -> Sequence[str]:
        """Return the schedules that air these playlists."""
        found: list[str] = []
        for chunk in chunks(playlist_ids):
            found += await self._session.scalars(select(Schedule.id).where(Schedule.playlist_id.in_(chunk)))
        return found

    async def _ids(self, condition: ColumnElement[bool]) -> frozenset[str]:
        rows = await self._session.scalars(
            select(Device.id)
            .join(Area, Area.code == Device.area_code)
            .where(and_(condition, Device.status == DeviceStatus.ACTIVE))
        )
        return frozenset(rows)

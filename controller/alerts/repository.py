"""All SQL about alerts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import (
    ColumnElement,
    Row,
    Select,
    and_,
    bindparam,
    case,
    exists,
    func,
    literal,
    or_,
    select,
    tuple_,
    update,
)
from sqlalchemy.ext.asyncio import AsyncSession
from sqlalchemy.orm import contains_eager, defer

from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertReach, AlertRow, AlertTarget
from controller.alerts.states import AlertState
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import TargetKind
from controller.database import insert_into
from controller.devices.models import Device
from controller.groups.models import GroupMember
from controller.link.models import RetainedDocument
from controller.monitoring.models import DeviceStateRow
from controller.planning.repository import PlanningRepository, chunks
from controller.repository import Repository
from protocol import topics
from protocol.messages import AlertKind, AlertPhase


def in_force(now: datetime) -> ColumnElement[bool]:
    """Of an alert: something of it belongs into the sets of its targets."""
    return or_(
        and_(AlertRow.state == AlertState.ACTIVE, AlertRow.expires_at > now),
        and_(AlertRow.state == AlertState.CANCELLED, AlertRow.all_clear_until > now),
    )


class AlertRepository(Repository[AlertRow]):
    """Alerts issued in the viewer's subtree, and those from above that reach it; newest first."""

    model = AlertRow
    order = (AlertRow.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[AlertRow]:
        """What the viewer's area issued, and what is heard there."""
        heard_here = exists().where(
            AlertReach.alert_id == AlertRow.id,
            AlertReach.device_id == Device.id,
            Device.area_code == Area.code,
            within(Area.path, viewer.scope),
        )
        issued_here = exists().where(Area.code == AlertRow.area_code, within(Area.path, viewer.scope))
        return select(AlertRow).where(or_(issued_here, heard_here))

    async def some(self, viewer: Viewer, ids: Collection[str]) -> Sequence[AlertRow]:
        """Those of `ids` that the viewer sees."""
        return await self.all(self.readable(viewer).where(AlertRow.id.in_(ids))) if ids else ()

    def tests(self, viewer: Viewer) -> Select[AlertRow]:
        """Tests that were released, heard or not."""
        return self.readable(viewer).where(AlertRow.kind == AlertKind.TEST, AlertRow.released_at.is_not(None))

    def heard(self, viewer: Viewer) -> Select[AlertRow]:
        """All but the tests that nobody hears."""
        return self.readable(viewer).where(AlertRow.volume.is_distinct_from(0))

    def own(self, viewer: Viewer) -> Select[AlertRow]:
        """What the viewer's subtree issued: that alone may be changed."""
        return select(AlertRow).join(Area, Area.code == AlertRow.area_code).where(within(Area.path, viewer.scope))

    async def is_own(self, viewer: Viewer, alert_id: str) -> bool:
        """Whether the viewer's subtree issued it."""
        return await self.session.scalar(self.own(viewer).where(AlertRow.id == alert_id)) is not None

    async def own_for_update(self, viewer: Viewer, alert_id: str) -> AlertRow | None:
        """Return an alert that this transaction alone changes now."""
        statement = self.own(viewer).where(AlertRow.id == alert_id).with_for_update(of=AlertRow)
        return await self.session.scalar(statement, execution_options={"populate_existing": True})

    async def active_for_update(self, viewer: Viewer, area: Area, now: datetime) -> Sequence[AlertRow]:
        """Return what is active of what an area and those below it issued. What somebody ends meanwhile is left out."""
        statement = self.own(viewer).where(
            AlertRow.state == AlertState.ACTIVE, AlertRow.expires_at > now, within(Area.path, area.path)
        )
        locked = statement.order_by(AlertRow.id).with_for_update(of=AlertRow)
        return (await self.session.scalars(locked, execution_options={"populate_existing": True})).all()

    async def activations(self, area: Area, kind: AlertKind, since: datetime) -> Sequence[datetime]:
        """Return when alerts of a kind that are heard were released in an area since a moment."""
        found = await self.session.scalars(
            select(AlertRow.released_at).where(
                AlertRow.area_code == area.code,
                AlertRow.kind == kind,
                AlertRow.volume.is_distinct_from(0),
                AlertRow.released_at >= since,
            )
        )
        return [at for at in found if at is not None]

    async def members(self, rows: Collection[AlertRow]) -> dict[str, list[str]]:
        """Return the speakers of each group that these alerts address."""
        groups = {target.key for row in rows for target in row.targets if target.kind is TargetKind.GROUP}
        found: dict[str, list[str]] = {}
        for chunk in chunks(sorted(groups)):
            statement = select(GroupMember.group_id, GroupMember.device_id).where(GroupMember.group_id.in_(chunk))
            for group_id, device_id in await self.session.execute(statement):
                found.setdefault(group_id, []).append(device_id)
        return found

    async def sent(self, rows: Collection[AlertRow]) -> dict[str, bool]:
        """Return of each alert whether the broker has what speakers must be told of it."""
        wire = {topics.alerts(target.name): row.id for row in rows for target in row.targets}
        waiting: set[str] = set()
        for chunk in chunks(wire):
            waiting.update(
                await self.session.scalars(
                    select(RetainedDocument.topic).where(
                        RetainedDocument.topic.in_(chunk), RetainedDocument.published_at.is_(None)
                    )
                )
            )
        unsent = {row.id for row in rows for target in row.targets if topics.alerts(target.name) in waiting}
        return {row.id: row.id not in unsent for row in rows}


@dataclass(frozen=True, slots=True)
class Stands:
    """How an alert stands on a speaker, as `AlertReach` keeps it."""

    revision: int
    phase: AlertPhase | None
    reason: str
    received_at: datetime | None
    first_sound_at: datetime | None
    finished_at: datetime | None


FAILED: Final = and_(AlertReach.phase == AlertPhase.FAILED, AlertReach.finished_at.is_(None))
"""It could not be heard to its end, not even once; it may have begun."""
UNHEARD: Final = or_(and_(AlertReach.first_sound_at.is_(None), AlertReach.finished_at.is_(None)), FAILED)
"""Whom somebody must call: it has not begun, or began and failed."""
SILENT_AT_A_TIME: Final = 500
"""Silences that one transaction makes incidents of: ten thousand in one would hold up those who speak."""
_EXPECTED: Final = ("alert_id", "device_id", "online", "revision", "reason")
_STANDS_NAMES: Final = tuple(each.name for each in fields(Stands))
_STANDS: Final = tuple(AlertReach.__table__.c[name] for name in _STANDS_NAMES)
_NOTE_REACH: Final = (
    update(AlertReach)
    .where(AlertReach.alert_id == bindparam("of_alert"), AlertReach.device_id == bindparam("of_device"))
    .values({column.name: bindparam(column.name) for column in _STANDS})
)


class AlertTraffic:
    """Alerts as sets and speakers' words touch them: nobody's view."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def in_force_for(self, targets: Collection[tuple[TargetKind, str]], now: datetime) -> Sequence[AlertRow]:
        """Return the alerts in force that address any of these."""
        found: dict[str, AlertRow] = {}
        for chunk in chunks(sorted(targets), 200):
            wanted = select(AlertTarget.alert_id).where(tuple_(AlertTarget.kind, AlertTarget.key).in_(chunk))
            rows = await self._session.scalars(select(AlertRow).where(in_force(now), AlertRow.id.in_(wanted)))
            found |= {row.id: row for row in rows}
        return sorted(found.values(), key=lambda row: row.id)

    async def saying(self, announcement_id: str) -> Sequence[AlertRow]:
        """Return the alerts in force, or nearly, whose words are this announcement."""
        return (
            await self._session.scalars(
                select(AlertRow).where(
                    or_(
                        and_(AlertRow.announcement_id == announcement_id, AlertRow.state == AlertState.ACTIVE),
                        and_(AlertRow.all_clear_id == announcement_id, AlertRow.state == AlertState.CANCELLED),
                    )
                )
            )
        ).all()

    async def over(self, now: datetime) -> Sequence[AlertRow]:
        """Return active alerts whose lifetime has ended."""
        return (
            await self._session.scalars(
                select(AlertRow).where(AlertRow.state == AlertState.ACTIVE, AlertRow.expires_at <= now)
            )
        ).all()

    async def standing_targets(self) -> Sequence[tuple[TargetKind, str]]:
        """Return the targets on whose topics a set of alerts stands."""
        found = await self._session.scalars(
            select(RetainedDocument.topic).where(RetainedDocument.topic.like("%/alerts"))
        )
        return [target for topic in found if (target := target_of(topic)) is not None]

    async def addressed(self, row: AlertRow) -> frozenset[str]:
        """Return the speakers that an alert addresses now."""
        return await self.speakers_of([(target.kind, target.key) for target in row.targets])

    async def speakers_of(self, targets: Collection[tuple[TargetKind, str]]) -> frozenset[str]:
        """Return the speakers that these targets make up now."""
        return frozenset(await self.registered(await self._reached(targets)))

    async def _reached(self, targets: Collection[tuple[TargetKind, str]]) -> frozenset[str]:
        keys = {kind: {key for each, key in targets if each is kind} for kind in TargetKind}
        return await PlanningRepository(self._session).reached(keys)

    async def uncounted(self) -> Sequence[AlertRow]:
        """Return released alerts of which it is not written down yet whom they must reach."""
        return (
            await self._session.scalars(
                select(AlertRow).where(AlertRow.released_at.is_not(None), AlertRow.counted_at.is_(None))
            )
        ).all()

    async def expect(self, row: AlertRow) -> None:
        """Note whom an alert must reach, and whose link is up at this moment, where it is not noted yet.

        The rows do not come through here: ten thousand would take the processor from the order on its way.
        """
        up = func.coalesce(DeviceStateRow.online, False)
        for chunk in chunks(sorted(await self._reached([(target.kind, target.key) for target in row.targets]))):
            expected = (
                select(literal(row.id), Device.id, up, literal(0), literal(""))
                .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
                .where(Device.id.in_(chunk), Device.retired_at.is_(None))
            )
            await self._session.execute(
                insert_into(self._session, AlertReach).from_select(_EXPECTED, expected).on_conflict_do_nothing()
            )

    async def counted(self, alert_id: str, now: datetime) -> None:
        """Note that it is written down whom an alert must reach; no edit, so its version stays."""
        await self._session.execute(
            update(AlertRow)
            .where(AlertRow.id == alert_id)
            .values(counted_at=now, version=AlertRow.version)
            .execution_options(synchronize_session=False)
        )

    async def add_reach(self, heard_of: Collection[tuple[str, str]]) -> None:
        """Add a row for each (alert, speaker) that has none: both sides may come first."""
        if heard_of:
            values = [dict(zip(_EXPECTED, (*each, False, 0, ""), strict=True)) for each in heard_of]
            connection = await self._session.connection()
            await connection.execute(insert_into(self._session, AlertReach).on_conflict_do_nothing(), values)

    async def reach_of(self, pairs: Collection[tuple[str, str]]) -> dict[tuple[str, str], Stands]:
        """Return how these alerts stand on these speakers, by (alert, speaker)."""
        found: dict[tuple[str, str], Stands] = {}
        alert_ids = {alert for alert, _ in pairs}
        for chunk in chunks(sorted({device for _, device in pairs})):
            rows = await self._session.execute(
                select(AlertReach.alert_id, AlertReach.device_id, *_STANDS).where(
                    AlertReach.alert_id.in_(alert_ids), AlertReach.device_id.in_(chunk)
                )
            )
            found |= {(alert, device): Stands(*values) for alert, device, *values in rows}
        return {pair: found[pair] for pair in pairs if pair in found}

    async def note_reach(self, news: Mapping[tuple[str, str], Stands]) -> None:
        """Write down how these alerts stand on these speakers now: in one go, as thousands say it at once."""
        if news:
            values = [
                {"of_alert": alert, "of_device": device} | {name: getattr(stands, name) for name in _STANDS_NAMES}
                for (alert, device), stands in news.items()
            ]
            connection = await self._session.connection()
            await connection.execute(_NOTE_REACH, values)

    async def known(self, alert_ids: Collection[str]) -> set[str]:
        """Return which of these alerts there are."""
        return set(await self._session.scalars(select(AlertRow.id).where(AlertRow.id.in_(sorted(alert_ids)))))

    async def registered(self, device_ids: Collection[str]) -> set[str]:
        """Return which of these speakers take part."""
        found: set[str] = set()
        for chunk in chunks(sorted(device_ids)):
            found.update(
                await self._session.scalars(select(Device.id).where(Device.id.in_(chunk), Device.retired_at.is_(None)))
            )
        return found

    async def audience(self, device_ids: Collection[str]) -> tuple[int, int]:
        """Return how many of these speakers are online, and in how many areas all of them are."""
        online, areas = 0, set[str]()
        for chunk in chunks(sorted(device_ids)):
            rows = await self._session.execute(
                select(Device.area_code, func.coalesce(DeviceStateRow.online, False))
                .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
                .where(Device.id.in_(chunk))
            )
            for area_code, up in rows:
                online += bool(up)
                areas.add(area_code)
        return online, len(areas)

    async def names(self, device_ids: Collection[str], limit: int) -> list[str]:
        """Return the names of the first of these speakers, by id."""
        found = await self._session.scalars(
            select(Device.name).where(Device.id.in_(sorted(device_ids)[:limit])).order_by(Device.id)
        )
        return list(found)

    async def released(self, after: datetime, until: datetime) -> Sequence[tuple[str, datetime, datetime | None]]:
        """Return what was released between two moments: which alert, when, and when it ended."""
        found = await self._session.execute(
            select(AlertRow.id, AlertRow.released_at, AlertRow.ended_at).where(
                AlertRow.released_at > after, AlertRow.released_at <= until
            )
        )
        return [(alert_id, at, ended_at) for alert_id, at, ended_at in found if at is not None]

    async def note_silent(self, alert_ids: Collection[str], now: datetime) -> Sequence[tuple[str, str]]:
        """Mark as incidents the speakers that were online and have not said that they have an alert; return some."""
        silent = select(AlertReach.alert_id, AlertReach.device_id).where(
            AlertReach.online,
            AlertReach.phase.is_(None),  # by the index: those that spoke, nearly all, are not read
            AlertReach.incident_at.is_(None),
            AlertReach.alert_id.in_(alert_ids),
        )
        some = silent.limit(SILENT_AT_A_TIME)
        found = [(alert_id, device_id) for alert_id, device_id in await self._session.execute(some)]
        for alert_id in {alert_id for alert_id, _ in found}:
            devices = [device_id for alert, device_id in found if alert == alert_id]
            await self._session.execute(
                update(AlertReach)
                .where(AlertReach.alert_id == alert_id, AlertReach.device_id.in_(devices))
                .values(incident_at=now)
                .execution_options(synchronize_session=False)
            )
        return found


@dataclass(frozen=True, slots=True)
class Tally:
    """What the speakers of one alert add up to."""

    targeted: int = 0
    received: int = 0
    finished: int = 0


class ReachRepository:
    """How far alerts have come, as a viewer may see it: on the speakers of the viewer's subtree."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def counts(self, viewer: Viewer, alert_id: str) -> Sequence[Mapping[str, Any]]:
        """Return a row for each area with what its own speakers add up to."""
        up = func.coalesce(DeviceStateRow.online, False)

        def total(condition: ColumnElement[bool]) -> ColumnElement[int]:
            return func.coalesce(func.sum(case((condition, 1), else_=0)), 0)

        silent = AlertReach.received_at.is_(None)
        statement = (
            select(
                Area.code.label("area_code"),
                Area.name.label("area_name"),
                func.count().label("targeted"),
                total(~silent).label("received"),
                total(AlertReach.phase == AlertPhase.SOUNDING).label("sounding"),
                total(AlertReach.finished_at.is_not(None)).label("finished"),
                total(FAILED).label("failed"),
                total(UNHEARD).label("unheard"),
                total(and_(silent, up)).label("waiting"),
                total(and_(silent, ~up)).label("unreachable"),
                total(and_(silent, AlertReach.incident_at.is_not(None))).label("incidents"),
            )
            .select_from(AlertReach)
            .join(Device, Device.id == AlertReach.device_id)
            .join(Area, Area.code == Device.area_code)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == AlertReach.device_id)
            .where(AlertReach.alert_id == alert_id, within(Area.path, viewer.scope))
            .group_by(Area.code, Area.name)
            .order_by(Area.name, Area.code)
        )
        return [dict(row) for row in (await self._session.execute(statement)).mappings()]

    async def totals(self, viewer: Viewer, alert_ids: Collection[str]) -> Mapping[str, Tally]:
        """Return what each alert's speakers add up to."""
        found: dict[str, Tally] = {}
        for chunk in chunks(sorted(alert_ids)):
            rows = await self._session.execute(
                select(
                    AlertReach.alert_id,
                    func.count(),
                    func.count(AlertReach.received_at),
                    func.count(AlertReach.finished_at),
                )
                .join(Device, Device.id == AlertReach.device_id)
                .join(Area, Area.code == Device.area_code)
                .where(AlertReach.alert_id.in_(chunk), within(Area.path, viewer.scope))
                .group_by(AlertReach.alert_id)
            )
            found |= {alert: Tally(*numbers) for alert, *numbers in rows}
        return found

    async def speakers(
        self, viewer: Viewer, alert_id: str, *, silent: bool, after: str, limit: int
    ) -> Sequence[tuple[AlertReach, Device, DeviceStateRow | None]]:
        """Return speakers by area and id, after one of them; `silent`: only those that are `UNHEARD`."""
        statement = (
            select(AlertReach, Device, DeviceStateRow)
            .join(Device, Device.id == AlertReach.device_id)
            .join(Area, Area.code == Device.area_code)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == AlertReach.device_id)
            .where(AlertReach.alert_id == alert_id, within(Area.path, viewer.scope), AlertReach.device_id > after)
            .order_by(AlertReach.device_id)
            .limit(limit)
            .options(contains_eager(Device.area), defer(DeviceStateRow.state, raiseload=True))
        )
        if silent:
            statement = statement.where(UNHEARD)
        return [(reach, device, state) for reach, device, state in await self._session.execute(statement)]

    async def standing(self, viewer: Viewer, alert_id: str) -> Sequence[Row[*tuple[Any, ...]]]:
        """Return a row for each speaker whose position is known, with as much as a map tells."""
        statement = (
            select(
                Device.id,
                Device.name,
                Area.name.label("place"),
                Device.lat,
                Device.lon,
                AlertReach.phase,
                AlertReach.received_at.is_not(None).label("received"),
                AlertReach.finished_at.is_not(None).label("finished"),
                func.coalesce(DeviceStateRow.online, False).label("online"),
            )
            .select_from(AlertReach)
            .join(Device, Device.id == AlertReach.device_id)
            .join(Area, Area.code == Device.area_code)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == AlertReach.device_id)
            .where(AlertReach.alert_id == alert_id, within(Area.path, viewer.scope))
            .where(Device.lat.is_not(None), Device.lon.is_not(None))
            .order_by(Device.id)
        )
        return (await self._session.execute(statement)).all()


def target_of(topic: str) -> tuple[TargetKind, str] | None:
    """Return whose alerts stand on a topic, or None where no alerts do."""
    for kind in TargetKind:
        prefix, _, suffix = topics.alerts(f"{kind}:\n").partition("\n")
        if topic.startswith(prefix) and topic.endswith(suffix):
            return kind, topic[len(prefix) : len(topic) - len(suffix)]
    return None

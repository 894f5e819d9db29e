"""All SQL about alerts."""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from datetime import datetime
from typing import Any, Final

from sqlalchemy import ColumnElement, Select, and_, bindparam, case, exists, func, or_, select, tuple_, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertReach, AlertRow, AlertTarget
from controller.alerts.states import AlertState
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import TargetKind
from controller.devices.models import Device
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

    async def activations(self, area: Area, since: datetime) -> Sequence[datetime]:
        """Return when actual alerts of an area were released since a moment."""
        found = await self.session.scalars(
            select(AlertRow.released_at).where(
                AlertRow.area_code == area.code, AlertRow.kind == AlertKind.ACTUAL, AlertRow.released_at >= since
            )
        )
        return [at for at in found if at is not None]

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


_STANDS: Final = tuple(AlertReach.__table__.c[each.name] for each in fields(Stands))
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
        keys = {kind: {target.key for target in row.targets if target.kind is kind} for kind in TargetKind}
        return frozenset(await self.registered(await PlanningRepository(self._session).reached(keys)))

    async def uncounted(self) -> Sequence[AlertRow]:
        """Return released alerts of which it is not written down yet whom they must reach."""
        return (
            await self._session.scalars(
                select(AlertRow).where(AlertRow.released_at.is_not(None), AlertRow.counted_at.is_(None))
            )
        ).all()

    async def expect(self, alert_id: str, device_ids: Collection[str]) -> None:
        """Note whom an alert must reach, and whose link is up at this moment."""
        for chunk in chunks(sorted(device_ids)):
            found = await self._session.execute(
                select(Device.id, func.coalesce(DeviceStateRow.online, False))
                .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
                .where(Device.id.in_(chunk))
            )
            await self.add_reach([(alert_id, device_id, bool(up)) for device_id, up in found.tuples()])

    async def counted(self, alert_id: str, now: datetime) -> None:
        """Note that it is written down whom an alert must reach; no edit, so its version stays."""
        await self._session.execute(
            update(AlertRow)
            .where(AlertRow.id == alert_id)
            .values(counted_at=now, version=AlertRow.version)
            .execution_options(synchronize_session=False)
        )

    async def add_reach(self, expected: Sequence[tuple[str, str, bool]]) -> None:
        """Add a row for each (alert, speaker, whether online) that has none: both sides may come first."""
        insert = sqlite.insert if self._session.get_bind().dialect.name == "sqlite" else postgresql.insert
        if expected:
            values = [
                {"alert_id": alert, "device_id": device, "online": up, "revision": 0, "reason": ""}
                for alert, device, up in expected
            ]
            connection = await self._session.connection()
            await connection.execute(insert(AlertReach).on_conflict_do_nothing(), values)

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
                {"of_alert": alert, "of_device": device, **asdict(stands)} for (alert, device), stands in news.items()
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

    async def note_silent(self, *, released_before: datetime, now: datetime) -> Sequence[tuple[str, str]]:
        """Mark as incidents the speakers that were online and have not said that they have the alert; return them."""
        silent = await self._session.execute(
            update(AlertReach)
            .where(
                AlertReach.online,
                AlertReach.received_at.is_(None),
                AlertReach.incident_at.is_(None),
                AlertReach.alert_id.in_(
                    select(AlertRow.id).where(
                        AlertRow.state == AlertState.ACTIVE, AlertRow.released_at <= released_before
                    )
                ),
            )
            .values(incident_at=now)
            .returning(AlertReach.alert_id, AlertReach.device_id)
            .execution_options(synchronize_session=False)
        )
        return sorted((alert_id, device_id) for alert_id, device_id in silent)


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
                total(AlertReach.phase == AlertPhase.FAILED).label("failed"),
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
        """Return speakers by area and id, after one of them; `silent`: only those that have not sounded it."""
        statement = (
            select(AlertReach, Device, DeviceStateRow)
            .join(Device, Device.id == AlertReach.device_id)
            .join(Area, Area.code == Device.area_code)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == AlertReach.device_id)
            .where(AlertReach.alert_id == alert_id, within(Area.path, viewer.scope), AlertReach.device_id > after)
            .order_by(AlertReach.device_id)
            .limit(limit)
        )
        if silent:
            statement = statement.where(AlertReach.first_sound_at.is_(None), AlertReach.finished_at.is_(None))
        return [(reach, device, state) for reach, device, state in await self._session.execute(statement)]


def target_of(topic: str) -> tuple[TargetKind, str] | None:
    """Return whose alerts stand on a topic, or None where no alerts do."""
    for kind in TargetKind:
        prefix, _, suffix = topics.alerts(f"{kind}:\n").partition("\n")
        if topic.startswith(prefix) and topic.endswith(suffix):
            return kind, topic[len(prefix) : len(topic) - len(suffix)]
    return None

"""Testing from end to end without a sound: each speaker fetches, verifies, decodes, plays at no volume, and reports."""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Final
from zoneinfo import ZoneInfo

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import SYSTEM, Viewer
from controller.alerts.dates import may_begin, next_due
from controller.alerts.keeping import desk_of
from controller.alerts.models import AlertRow, SilentTestRow
from controller.alerts.schemas import AlertIn
from controller.alerts.service import Alerts
from controller.areas.models import Area
from controller.areas.repository import AreaRepository
from controller.areas.tree import ancestors, within
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import TARGETS_MAX, Target
from controller.devices.models import Device, DeviceStatus
from controller.planning.repository import chunks
from controller.runtime import Runtime
from protocol.messages import AlertKind

COMMUNE_DEPTH: Final = 2
"""Communes are tested one by one; a speaker that hangs on a wider area is tested with those beside it."""
LASTS_S: Final = 6 * 3600
"""So long a speaker that is away, or busy with a broadcast, may take."""
SERVICE: Final = replace(SYSTEM, name="loa")


def whole(area: Area) -> list[Target]:
    """Return the target that is an area with all below it."""
    return [Target(kind=TargetKind.AREA, key=area.code)]


def silent_test(area_code: str, targets: Sequence[Target], day: datetime) -> AlertIn:
    """Return the wish for a test that an area issues. `day` is local time.

    Its words name the minute, so that each test is a sound that no speaker has yet.
    """
    return AlertIn(
        area_code=area_code,
        kind=AlertKind.TEST,
        silent=True,
        headline=f"Thử loa không tiếng {day:%d/%m/%Y}",
        text=f"Thử loa không tiếng, ngày {day.day} tháng {day.month} năm {day.year},"
        f" lúc {day.hour} giờ {day.minute} phút.",
        targets=list(targets),
        lifetime_s=LASTS_S,
    )


async def raise_test(
    alerts: Alerts, area_code: str, targets: Sequence[Target], now: datetime, zone: ZoneInfo
) -> AlertRow:
    """Test these now. Nobody's second word is needed: nothing is heard."""
    draft = await alerts.draft(silent_test(area_code, targets, now.astimezone(zone)), now)
    seen = await alerts.digests(draft)
    return await alerts.release(draft.id, seen=seen[draft.id], code="", now=now)


class Calendar:
    """Who is tested when, within one transaction."""

    def __init__(self, session: AsyncSession, zone: ZoneInfo) -> None:
        self._session = session
        self._zone = zone

    async def follow_rules(self, now: datetime) -> None:
        """Give each commune with speakers its next day, by the rule that holds there now."""
        areas = await self._tested()
        rules = await AreaRepository(self._session).silent_tests([area.path for area in areas])
        known = {row.area_code: row for row in await self._session.scalars(select(SilentTestRow))}
        for area in areas:
            row, every = known.get(area.code), rules[area.path]
            if row is None:
                row = SilentTestRow(area_code=area.code)
                self._session.add(row)
            elif row.every is every:
                continue
            row.every, row.due_at = every, next_due(area.code, every, now, self._zone)
        for gone in known.keys() - {area.code for area in areas}:
            await self._session.delete(known[gone])

    async def coming(self, viewer: Viewer) -> tuple[str, datetime] | None:
        """Return the next test in the viewer's subtree: of which area, and when."""
        statement = (
            select(Area.name, SilentTestRow.due_at)
            .join(Area, Area.code == SilentTestRow.area_code)
            .where(within(Area.path, viewer.scope), SilentTestRow.due_at.is_not(None))
            .order_by(SilentTestRow.due_at)
            .limit(1)
        )
        found = (await self._session.execute(statement)).first()
        return None if found is None or found[1] is None else (found[0], found[1])

    async def due(self, now: datetime) -> Sequence[str]:
        """Return the areas whose day has come, the one that waits longest first."""
        statement = select(SilentTestRow.area_code).where(SilentTestRow.due_at <= now).order_by(SilentTestRow.due_at)
        return (await self._session.scalars(statement)).all()

    async def take(self, area_code: str, now: datetime) -> Area | None:
        """Strike a day out and set the next; None where somebody else did. What is raised commits together with it."""
        row = await self._session.get(SilentTestRow, area_code, with_for_update=True)
        if row is None or row.due_at is None or row.due_at > now:
            return None
        row.due_at = next_due(area_code, row.every, now, self._zone)
        return await self._session.get(Area, area_code)

    async def targets_of(self, area: Area) -> Sequence[Sequence[Target]]:
        """Return whom the tests of an area address: a commune whole, of a wider area its own speakers alone."""
        if area.depth >= COMMUNE_DEPTH:
            return [whole(area)]
        own = select(Device.id).where(Device.area_code == area.code, Device.status == DeviceStatus.ACTIVE)
        named = [
            Target(kind=TargetKind.DEVICE, key=each) for each in await self._session.scalars(own.order_by(Device.id))
        ]
        return list(chunks(named, TARGETS_MAX))

    async def _tested(self) -> Sequence[Area]:
        """Return the communes that have speakers, and wider areas that have some of their own."""
        with_speakers = (
            select(Area.path)
            .join(Device, Device.area_code == Area.code)
            .where(Device.status == DeviceStatus.ACTIVE)
            .distinct()
        )
        paths = {ancestors(path)[: COMMUNE_DEPTH + 1][-1] for path in await self._session.scalars(with_speakers)}
        found: list[Area] = []
        for chunk in chunks(sorted(paths)):
            found += await self._session.scalars(select(Area).where(Area.path.in_(chunk)))
        return found


async def keep_testing(runtime: Runtime) -> None:
    """Test whose day has come. Each in a transaction of its own with its next day: a restart doubles and loses none."""
    now, zone = runtime.clock(), ZoneInfo(runtime.settings.zone)
    async with runtime.database.transaction() as session:
        await Calendar(session, zone).follow_rules(now)
    if not may_begin(now, zone):
        return
    async with runtime.database.reading() as session:
        due = await Calendar(session, zone).due(now)
    for area_code in due:
        async with runtime.database.transaction() as session:
            calendar = Calendar(session, zone)
            area = await calendar.take(area_code, now)
            desk = desk_of(runtime, session, SERVICE)
            for targets in await calendar.targets_of(area) if area is not None else ():
                await raise_test(desk, area_code, targets, now, zone)

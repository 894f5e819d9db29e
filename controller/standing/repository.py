"""All SQL about standing messages."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, func, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.standing import Hazard
from controller.announcements.models import Announcement, Status
from controller.areas.models import Area
from controller.areas.tree import ancestors, codes_of, within
from controller.devices.models import Device, DeviceStatus
from controller.monitoring.models import DeviceStateRow
from controller.planning.repository import PlanningRepository
from controller.standing.models import StandingMessage
from controller.standing.sets import kept

SPEAKERS_AT_ONCE: Final = 500


@dataclass(frozen=True, slots=True)
class Holding:
    """Which set of standing messages a speaker holds, beside the one that it should."""

    device: str
    name: str
    area_code: str
    area_name: str
    online: bool
    last_seen_at: datetime | None
    held: str
    wanted: str

    @property
    def current(self) -> bool:
        """Whether nothing of it would have to be fetched."""
        return self.held == self.wanted


class StandingRepository:
    """What areas word for themselves. It holds below them, so those above are read too."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def holding(self, path: str) -> Sequence[StandingMessage]:
        """Return what is worded at `path` and above it, the widest area's first."""
        return (
            await self._session.scalars(
                select(StandingMessage)
                .join(StandingMessage.area)
                .where(Area.path.in_(ancestors(path)))
                .order_by(Area.depth, StandingMessage.hazard)
            )
        ).all()

    async def own(self, area_code: str, hazard: Hazard) -> StandingMessage | None:
        """Return an area's own words for a hazard, which this transaction alone changes now."""
        return await self._session.scalar(
            select(StandingMessage)
            .where(StandingMessage.area_code == area_code, StandingMessage.hazard == hazard)
            .with_for_update(of=StandingMessage),
            execution_options={"populate_existing": True},
        )

    async def of_announcement(self, announcement_id: str) -> StandingMessage | None:
        """Return the message whose sound an announcement is."""
        return await self._session.scalar(
            select(StandingMessage).where(StandingMessage.announcement_id == announcement_id)
        )

    async def being_made(self, area_code: str) -> bool:
        """Whether some of an area's messages still wait for their sound."""
        waiting = select(StandingMessage.hazard).where(
            StandingMessage.area_code == area_code,
            StandingMessage.announcement_id == Announcement.id,
            Announcement.status == Status.PROCESSING,
        )
        return await self._session.scalar(waiting.limit(1)) is not None

    async def is_sound(self, sha256: str) -> bool:
        """Whether a clip is the sound of some area's standing message: what speakers keep."""
        sounding = exists().where(
            StandingMessage.announcement_id == Announcement.id, Announcement.clip_sha256 == sha256
        )
        return bool(await self._session.scalar(select(sounding)))

    async def holdings(
        self, viewer: Viewer, area: Area, *, old: bool = False, after: str = "", limit: int | None = None
    ) -> list[Holding]:
        """Return what the speakers of an area hold, by id; `old`: only those that do not hold what they should."""
        found: list[Holding] = []
        while some := await self._some(viewer, area, after):
            found += [each for each in some if not (old and each.current)]
            after = some[-1].device
            if limit is not None and len(found) >= limit:
                return found[:limit]
        return found

    async def _some(self, viewer: Viewer, area: Area, after: str) -> list[Holding]:
        statement = (
            select(
                Device.id,
                Device.name,
                Area.code,
                Area.name,
                Area.path,
                func.coalesce(DeviceStateRow.online, False),
                DeviceStateRow.seen_at,
                DeviceStateRow.state["standing"].as_string(),
            )
            .join(Area, Area.code == Device.area_code)
            .outerjoin(DeviceStateRow, DeviceStateRow.device_id == Device.id)
            .where(
                within(Area.path, viewer.scope),
                within(Area.path, area.path),
                Device.status == DeviceStatus.ACTIVE,
                Device.id > after,
            )
            .order_by(Device.id)
            .limit(SPEAKERS_AT_ONCE)
        )
        rows = (await self._session.execute(statement)).all()
        chains = {path: codes_of(path) for _, _, _, _, path, *_ in rows}
        worded = await PlanningRepository(self._session).worded({code for chain in chains.values() for code in chain})
        wanted = {path: kept(chain, worded).digest for path, chain in chains.items()}
        return [
            Holding(id_, name, code, area_name, bool(online), seen_at, held or "", wanted[path])
            for id_, name, code, area_name, path, online, seen_at, held in rows
        ]

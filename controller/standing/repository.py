"""All SQL about standing messages."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from sqlalchemy import exists, func, select, tuple_
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.standing import Hazard
from controller.announcements.models import Announcement, Status
from controller.areas.models import Area
from controller.areas.tree import ancestors, codes_of, within
from controller.devices.models import Device
from controller.monitoring.fleet import active
from controller.monitoring.models import DeviceStateRow
from controller.planning.repository import PlanningRepository
from controller.standing.models import StandingMessage
from controller.standing.sets import kept

_HELD: Final = func.coalesce(DeviceStateRow.state["standing"].as_string(), "")
_ONLINE: Final = func.coalesce(DeviceStateRow.online, False)
_SEEN: Final = DeviceStateRow.seen_at


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


@dataclass(frozen=True, slots=True)
class _Sets:
    counts: Sequence[tuple[str, str, int]]
    """By the path of an area and what is held there: how many speakers."""
    wanted: Mapping[str, str]
    """By the path: what should be held."""


class StandingRepository:
    """What areas word for themselves. It holds below them, so those above are read too."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def holding(self, path: str, *, anew: bool = False) -> Sequence[StandingMessage]:
        """Return what is worded at `path` and above it, the widest area's first. `anew`: whatever was read before."""
        return (
            await self._session.scalars(
                select(StandingMessage)
                .join(StandingMessage.area)
                .where(Area.path.in_(ancestors(path)))
                .order_by(Area.depth, StandingMessage.hazard),
                execution_options={"populate_existing": anew},
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
        self, viewer: Viewer, area: Area, *, old: bool = False, after: str = "", limit: int
    ) -> list[Holding]:
        """Return what the speakers of an area hold, by id; `old`: only those that do not hold what they should."""
        sets = await self._sets(viewer, area)
        each = active(viewer, Device.id, Device.name, Area.code, Area.name, Area.path, _ONLINE, _SEEN, _HELD)
        wanted = each.where(within(Area.path, area.path), Device.id > after).order_by(Device.id).limit(limit)
        if old:
            stale = [(path, held) for path, held, _ in sets.counts if held != sets.wanted[path]]
            wanted = wanted.where(tuple_(Area.path, _HELD).in_(stale))
        return [
            Holding(id_, name, code, area_name, bool(online), seen_at, held, sets.wanted[path])
            for id_, name, code, area_name, path, online, seen_at, held in await self._session.execute(wanted)
        ]

    async def tally(self, viewer: Viewer, area: Area) -> tuple[int, int]:
        """Return how many speakers an area has, and how many of them hold what they should."""
        sets = await self._sets(viewer, area)
        current = sum(count for path, held, count in sets.counts if held == sets.wanted[path])
        return sum(count for _, _, count in sets.counts), current

    async def _sets(self, viewer: Viewer, area: Area) -> _Sets:
        # Grouped by names: PostgreSQL takes the same words with other parameters for another expression.
        here = active(viewer, Area.path.label("path"), _HELD.label("held")).where(within(Area.path, area.path))
        each = here.subquery()
        counted = select(each.c.path, each.c.held, func.count()).group_by(each.c.path, each.c.held)
        counts = [(path, held, count) for path, held, count in await self._session.execute(counted)]
        chains = {path: codes_of(path) for path, _, _ in counts}
        worded = await PlanningRepository(self._session).worded({code for chain in chains.values() for code in chain})
        return _Sets(counts, {path: kept(chain, worded).digest for path, chain in chains.items()})

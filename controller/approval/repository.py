"""All SQL about approval."""

from collections.abc import Collection, Sequence

from sqlalchemy import Select, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.announcements.models import Announcement
from controller.approval.models import Approval, ApprovedVersion
from controller.approval.states import ApprovalState
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import Schedule
from controller.planning.repository import chunks
from controller.playlists.models import PlaylistItem
from controller.repository import Repository


class ApprovalRepository(Repository[Approval]):
    """Where the schedules issued in the viewer's subtree stand, newest first."""

    model = Approval
    order = (Approval.schedule_id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[Approval]:
        """Approvals of schedules in the viewer's subtree."""
        return (
            select(Approval)
            .join(Schedule, Schedule.id == Approval.schedule_id)
            .join(Area, Area.code == Schedule.area_code)
            .where(within(Area.path, viewer.scope))
        )

    def listed(self, viewer: Viewer, state: ApprovalState | None = None) -> Select[Approval]:
        """Those of schedules that were not put away."""
        statement = self.readable(viewer).where(Schedule.active)
        return statement if state is None else statement.where(Approval.state == state)


class LedgerRepository:
    """The same as keeping it up to date touches it: nobody's view."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def approvals(self, schedule_ids: Collection[str], *, lock: bool) -> dict[str, Approval]:
        """Return where these schedules stand. `lock`: until this transaction ends, nobody else changes that."""
        found: dict[str, Approval] = {}
        for chunk in chunks(sorted(schedule_ids)):
            statement = select(Approval).where(Approval.schedule_id.in_(chunk)).order_by(Approval.schedule_id)
            if lock:
                statement = statement.with_for_update()
            rows = await self._session.scalars(statement, execution_options={"populate_existing": True})
            found |= {row.schedule_id: row for row in rows}
        return found

    async def schedules(self, ids: Collection[str]) -> Sequence[Schedule]:
        """Return these schedules, as the database has them."""
        found: list[Schedule] = []
        for chunk in chunks(sorted(ids)):
            statement = select(Schedule).where(Schedule.id.in_(chunk))
            found += await self._session.scalars(statement, execution_options={"populate_existing": True})
        return found

    async def announcements(self, ids: Collection[str]) -> dict[str, Announcement]:
        """Return these announcements by id, as the database has them."""
        found: dict[str, Announcement] = {}
        for chunk in chunks(sorted(ids)):
            statement = select(Announcement).where(Announcement.id.in_(chunk))
            rows = await self._session.scalars(statement, execution_options={"populate_existing": True})
            found |= {row.id: row for row in rows}
        return found

    async def versions(self, ids: Collection[str]) -> dict[str, ApprovedVersion]:
        """Return these approved versions by id."""
        found: dict[str, ApprovedVersion] = {}
        for chunk in chunks(sorted(ids)):
            rows = await self._session.scalars(select(ApprovedVersion).where(ApprovedVersion.id.in_(chunk)))
            found |= {row.id: row for row in rows}
        return found

    async def airing(self, playlist_ids: Collection[str], announcement_ids: Collection[str]) -> set[str]:
        """Return the ids of the schedules whose playlist is one of these or holds any of these announcements."""
        found: set[str] = set()
        for chunk in chunks(sorted(playlist_ids)):
            found.update(await self._session.scalars(select(Schedule.id).where(Schedule.playlist_id.in_(chunk))))
        for chunk in chunks(sorted(announcement_ids)):
            held = select(PlaylistItem.playlist_id).where(
                or_(PlaylistItem.announcement_id.in_(chunk), PlaylistItem.bed_id.in_(chunk))
            )
            found.update(await self._session.scalars(select(Schedule.id).where(Schedule.playlist_id.in_(held))))
        return found

    async def adopted(self, limit: int) -> Sequence[str]:
        """Return schedules that a migration approved, without knowing what they say."""
        statement = select(Approval.schedule_id).where(Approval.digest == "").order_by(Approval.schedule_id)
        return (await self._session.scalars(statement.limit(limit))).all()

    def add(self, row: Approval | ApprovedVersion) -> None:
        """Add a row to the transaction."""
        self._session.add(row)

"""All SQL about announcements."""

from collections.abc import Collection, Sequence

from sqlalchemy import ColumnElement, Select, exists, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.announcements.models import Announcement, Status
from controller.areas.models import Area
from controller.areas.tree import within
from controller.repository import Repository
from controller.standing.models import StandingMessage


class AnnouncementRepository(Repository[Announcement]):
    """Announcements of the viewer's subtree, newest first."""

    model = Announcement
    order = (Announcement.id,)
    descending = True
    searched = (Announcement.title, Announcement.category, Announcement.source_name)

    def readable(self, viewer: Viewer) -> Select[Announcement]:
        """Announcements of areas in the viewer's subtree. A standing message is worded in its own place alone."""
        return select(Announcement).join(Announcement.area).where(within(Area.path, viewer.scope), ~_standing())

    def in_use(self, viewer: Viewer) -> Select[Announcement]:
        """Those not put away."""
        return self.readable(viewer).where(Announcement.retired_at.is_(None))

    def put_away(self, viewer: Viewer) -> Select[Announcement]:
        """Those on the shelf."""
        return self.readable(viewer).where(Announcement.retired_at.is_not(None))

    async def categories(self, viewer: Viewer) -> Sequence[str]:
        """What the viewer's announcements are sorted under, in order."""
        used = self.readable(viewer).with_only_columns(Announcement.category).where(Announcement.category != "")
        return sorted((await self.session.scalars(used.distinct())).all())

    async def some(self, viewer: Viewer, ids: Collection[str]) -> dict[str, Announcement]:
        """Those of `ids` that the viewer sees, by id."""
        found = await self.all(self.readable(viewer).where(Announcement.id.in_(ids)))
        return {row.id: row for row in found}


class RenderingQueue:
    """Announcements that wait for their sound: the worker's, nobody's view."""

    def __init__(self, session: AsyncSession) -> None:
        self._session = session

    async def waiting(self, busy: Collection[str], limit: int) -> Sequence[Announcement]:
        """Return those that nobody works on, the longest waiting first; last what is made beforehand."""
        return (
            await self._session.scalars(
                select(Announcement)
                .where(
                    Announcement.status == Status.PROCESSING,
                    Announcement.retired_at.is_(None),
                    Announcement.job.not_in(busy),
                )
                .order_by(_standing(), Announcement.updated_at, Announcement.id)
                .limit(limit)
            )
        ).all()

    async def of_job(self, announcement_id: str, job: str) -> Announcement | None:
        """Return the announcement if it still wants the sound of this job."""
        return await self._session.scalar(
            select(Announcement).where(Announcement.id == announcement_id, Announcement.job == job)
        )


def _standing() -> ColumnElement[bool]:
    """Whether an announcement is the sound of a standing message."""
    return exists().where(StandingMessage.announcement_id == Announcement.id)

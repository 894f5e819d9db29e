"""All SQL about announcements."""

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, and_, exists, or_, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertRow
from controller.alerts.states import AlertState
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
    searched = (
        Announcement.title,
        Announcement.category,
        Announcement.source_name,
        Announcement.text,
        Announcement.second_text,
    )

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

    async def hold(self, announcement_id: str) -> None:
        """Wait for whoever changes an announcement or lets an alert speak it; from here on nobody else does."""
        await self.session.execute(
            select(Announcement.id).where(Announcement.id == announcement_id).with_for_update(of=Announcement)
        )

    async def alerts(self, announcement_id: str, now: datetime) -> Sequence[AlertRow]:
        """The alerts that are not over and say it."""
        asked = select(AlertRow).where(
            or_(
                and_(
                    AlertRow.announcement_id == announcement_id,
                    or_(
                        AlertRow.state == AlertState.DRAFT,
                        and_(AlertRow.state == AlertState.ACTIVE, AlertRow.expires_at > now),
                    ),
                ),
                and_(
                    AlertRow.all_clear_id == announcement_id,
                    AlertRow.state == AlertState.CANCELLED,
                    AlertRow.all_clear_until > now,
                ),
            )
        )
        return (await self.session.scalars(asked.order_by(AlertRow.id.desc()))).all()

    async def spoken(self, announcement_id: str, now: datetime) -> bool:
        """Whether an alert that is not over says it, or it is the sound of a standing message."""
        standing = exists().where(StandingMessage.announcement_id == announcement_id)
        return bool(await self.alerts(announcement_id, now) or await self.session.scalar(select(standing)))


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
    """Whether an announcement is the sound of a standing message, or was it before the last edit."""
    return exists().where(Announcement.id.in_((StandingMessage.announcement_id, StandingMessage.earlier_id)))

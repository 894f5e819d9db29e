"""SQL of subscriptions."""

from collections.abc import Sequence

from sqlalchemy import Select, select

from controller.accounts.viewer import Viewer
from controller.approval.models import Approval, ApprovedVersion
from controller.areas.models import Area
from controller.areas.tree import within
from controller.broadcasts.models import CancelledOccurrence, Schedule
from controller.planning.repository import chunks
from controller.repository import Repository
from controller.subscriptions.models import Subscription


class SubscriptionRepository(Repository[Subscription]):
    """A person's own subscriptions."""

    model = Subscription
    order = (Subscription.id,)

    def readable(self, viewer: Viewer) -> Select[Subscription]:
        """The viewer's own subscriptions, nobody else's."""
        return select(Subscription).where(Subscription.user_id == viewer.user_id)

    async def by_secret(self, secret_hash: str) -> Subscription | None:
        """Return the subscription of this secret: asked before anybody is known."""
        return await self.session.scalar(select(Subscription).where(Subscription.secret_hash == secret_hash))

    async def airing(self, viewer: Viewer, path: str, limit: int) -> Sequence[ApprovedVersion]:
        """Return what airs of the schedules issued in an area and below it, as far as the viewer sees it."""
        statement = (
            select(ApprovedVersion)
            .join(Approval, Approval.airing_id == ApprovedVersion.id)
            .join(Schedule, Schedule.id == ApprovedVersion.schedule_id)
            .join(Area, Area.code == Schedule.area_code)
            .where(Schedule.active, within(Area.path, path), within(Area.path, viewer.scope))
            .order_by(ApprovedVersion.schedule_id.desc())
            .limit(limit)
        )
        return (await self.session.scalars(statement)).all()

    async def called_off(self, schedule_ids: Sequence[str]) -> Sequence[str]:
        """Return the ids of the occurrences of these schedules that somebody called off."""
        found: list[str] = []
        for chunk in chunks(sorted(schedule_ids)):
            statement = select(CancelledOccurrence.occurrence_id).where(CancelledOccurrence.schedule_id.in_(chunk))
            found += await self.session.scalars(statement)
        return found

"""What may happen to a subscription: made, read by whoever has its address, and ended."""

from collections.abc import Sequence
from datetime import UTC, datetime

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.secrets import new_token, token_hash
from controller.accounts.service import viewer_for
from controller.accounts.viewer import Viewer
from controller.approval.models import ApprovedVersion
from controller.areas.repository import AreaRepository
from controller.database import new_id
from controller.errors import Conflict, NotFound
from controller.planning import rows
from controller.subscriptions.ical import Entry, calendar
from controller.subscriptions.models import Subscription
from controller.subscriptions.repository import SubscriptionRepository
from controller.text import Text
from schedules.types import Priority

EACH_MAX = 20
"""So many addresses one person has at the most."""
SCHEDULES_MAX = 2000
"""Of more, the newest."""


class Subscriptions:
    """Subscriptions within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self.repository = SubscriptionRepository(session)
        self._areas = AreaRepository(session)
        self._session = session

    async def subscribe(self, viewer: Viewer, area_code: str, now: datetime) -> tuple[Subscription, str]:
        """Return a new subscription of an area that the viewer sees, and its secret, this once."""
        area = await self._areas.get(viewer, area_code)
        if len(await self.repository.all(self.repository.readable(viewer))) >= EACH_MAX:
            raise Conflict(
                Text(
                    "You have %(each_max)s calendar addresses already. End one that is not used any more.",
                    each_max=EACH_MAX,
                )
            )
        secret = new_token()
        row = Subscription(
            id=new_id(), secret_hash=token_hash(secret), user_id=viewer.user_id, area_code=area.code, created_at=now
        )
        self._session.add(row)
        await self._session.flush()
        return row, secret

    async def end(self, viewer: Viewer, subscription_id: str) -> None:
        """End one of the viewer's subscriptions: its address leads nowhere from now on."""
        await self._session.delete(await self.repository.get(viewer, subscription_id))
        await self._session.flush()

    async def read(self, secret: str, now: datetime, language: str) -> bytes:
        """Return the calendar behind a secret address.

        Raises `NotFound` where there is none, and where its owner may no longer sign in or see the area.
        """
        row = await self.repository.by_secret(token_hash(secret))
        if row is None or row.user.disabled:
            raise NotFound
        viewer = viewer_for(row.user)
        if not viewer.sees(row.area.path):
            raise NotFound
        versions = await self.repository.airing(viewer, row.area.path, SCHEDULES_MAX)
        called_off = await self.repository.called_off([each.schedule_id for each in versions])
        entries = [_entry(each, called_off) for each in versions if each.sound is not None]
        return calendar(f"Loa · {row.area.name}", entries, now, language)


def _entry(version: ApprovedVersion, called_off: Sequence[str]) -> Entry:
    mine = (each.removeprefix(f"{version.schedule_id}.") for each in called_off if each.startswith(version.schedule_id))
    return Entry(
        schedule_id=version.schedule_id,
        title=version.title,
        recurrence=rows.recurrence(version),
        duration_ms=version.sound.duration_ms or 0 if version.sound else 0,
        priority=Priority(version.priority),
        issuer=version.schedule.area.name,
        approved_at=version.approved_at,
        called_off=frozenset(datetime.strptime(each, "%Y%m%dT%H%M%SZ").replace(tzinfo=UTC) for each in mine),
    )

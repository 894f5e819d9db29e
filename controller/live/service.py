"""What may happen to live sessions."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.announcements.service import Announcements
from controller.areas.models import Area
from controller.areas.policy import ApprovalAsked
from controller.areas.repository import AreaRepository
from controller.areas.service import Areas
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import Target
from controller.broadcasts.targets import checked
from controller.database import after_commit, new_id
from controller.errors import Conflict, Forbidden
from controller.live.desk import LiveDesk
from controller.live.models import LiveSessionRow, LiveTarget
from controller.live.quiet import Reach
from controller.live.repository import ON_AIR_AS, LiveRepository
from controller.live.schemas import CHIME, ListenersOut, LiveSessionIn
from controller.live.states import LEAD, Ending
from controller.monitoring.hub import Hub, Topic
from controller.text import Text
from protocol.messages import LiveSession

log = structlog.get_logger(__name__)

CATEGORY = "Phát trực tiếp"
"""Of the announcements that live sessions leave behind: one of those that people see and choose from."""
UNSIGNED = "A" * 43
"""In place of the session's key until it has one."""


class QuietNow(Conflict):
    """Speakers would keep silent, whoever speaks."""

    code = "quiet_hours"
    title = Text("These are quiet hours: speakers carry no live speech. For an emergency use the emergency page.")


class SomeQuiet(Conflict):
    """Some of the speakers would keep silent, and nobody said that this is known."""

    code = "some_quiet_hours"
    title = Text("Some of the speakers are in quiet hours and will stay silent. Choose to speak to the others.")


class NeedsApproval(Forbidden):
    """Here somebody must agree to what is said, and nobody can beforehand."""

    code = "needs_approval"
    title = Text("What airs here needs approval: only who may approve may speak live.")


def occurrence_of(session_id: str) -> str:
    """Return what speakers call a session on air."""
    return f"{ON_AIR_AS}{session_id}"


class LiveSessions:
    """Live sessions within one transaction, as one viewer may have them."""

    def __init__(
        self,
        session: AsyncSession,
        viewer: Viewer,
        *,
        desk: LiveDesk,
        announcements: Announcements,
        hub: Hub,
        limit: timedelta,
    ) -> None:
        self.repository = LiveRepository(session)
        self._session = session
        self._viewer = viewer
        self._desk = desk
        self._announcements = announcements
        self._hub = hub
        self._limit = limit

    async def begin(self, wish: LiveSessionIn, now: datetime) -> LiveSessionRow:
        """Open a session: from the moment this commits, speakers are told and sound the chime."""
        area = await Areas(self._session, self._viewer).place(wish.area_code)
        await self._demand_allowed(area)
        targets = await self._awake(await checked(self._session, self._viewer, wish.targets, area), wish, now)
        starts_at = now + LEAD
        limit = timedelta(seconds=wish.limit_s) if wish.limit_s else self._limit
        row = LiveSessionRow(
            id=new_id(),
            area_code=area.code,
            area=area,
            title=wish.title,
            author=self._viewer.name,
            created_at=now,
            starts_at=starts_at,
            ends_at=starts_at + CHIME + limit,
            targets=[LiveTarget(kind=kind, key=key) for kind, key in targets],
        )
        said = word_of(row)
        names = [target.name for target in row.targets]
        speaking = self._desk.prepare(said, names, viewer=self._viewer, speak_at=starts_at + CHIME, sound=wish.sound)
        self.repository.add(row)
        await self._session.flush()
        after_commit(self._session, lambda: self._desk.begin(speaking))
        self._tell()
        return row

    async def reach(self, wishes: Sequence[Target], area_code: str, now: datetime) -> Reach:
        """Return who of these would be spoken to now, and who keeps quiet hours."""
        area = await Areas(self._session, self._viewer).place(area_code)
        return await self.repository.reach(await checked(self._session, self._viewer, wishes, area), now)

    async def close(self, row: LiveSessionRow, why: Ending, *, sha256: str | None, now: datetime) -> None:
        """Write down that a session is over, and file what was recorded."""
        row.ended_at, row.ending = now, why
        if sha256 is not None:
            filed = await self._announcements.upload(
                title=row.title,
                area_code=row.area_code,
                category=CATEGORY,
                source=sha256,
                source_name=f"{row.id}.opus",
                now=now,
            )
            row.announcement_id = filed.id
        await self._session.flush()
        self._tell()

    async def listeners(self, row: LiveSessionRow) -> ListenersOut:
        """Return who hears it now."""
        return ListenersOut.of(await self.repository.listeners(row, occurrence_of(row.id)))

    async def _demand_allowed(self, area: Area) -> None:
        asked = (await AreaRepository(self._session).approvals([area.path]))[area.path]
        if asked is not ApprovalAsked.NONE and not self._viewer.may(Permission.APPROVE):
            raise NeedsApproval

    async def _awake(
        self, targets: Sequence[tuple[TargetKind, str]], wish: LiveSessionIn, now: datetime
    ) -> Sequence[tuple[TargetKind, str]]:
        reach = await self.repository.reach(targets, now)
        if reach.quiet and (not reach.awake or (reach.speakers and not reach.reachable)):
            raise QuietNow
        if reach.quiet and not wish.without_quiet:
            raise SomeQuiet
        return reach.awake

    def _tell(self) -> None:
        after_commit(self._session, lambda: self._hub.publish(Topic.LIVE))


def word_of(row: LiveSessionRow, *, over: bool = False) -> LiveSession:
    """Return what speakers are told of a session, for the first of its targets and without its key."""
    return LiveSession(
        session=row.id,
        target=row.targets[0].name,
        title=row.title,
        issuer_depth=row.area.depth,
        starts_at=row.starts_at,
        ends_at=row.ends_at,
        frame_key=UNSIGNED,
        over=over,
    )

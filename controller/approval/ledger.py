"""Keeps where every schedule stands up to date with what it says, in the transaction that changes it."""

from collections.abc import AsyncIterator, Callable, Collection, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncSession

from controller.announcements.models import Announcement
from controller.approval.content import Content, content, digest, named, new_authors, settled
from controller.approval.models import Approval, ApprovedTarget, ApprovedVersion
from controller.approval.repository import LedgerRepository
from controller.approval.states import ApprovalState, Standing, changed
from controller.areas.policy import ApprovalAsked
from controller.areas.repository import AreaRepository
from controller.broadcasts.models import Airs, Schedule
from controller.database import actor_of, after_commit, new_id
from controller.events import AnnouncementEdited, Event, PlaylistChanged, PlaylistEdited, ScheduleChanged
from controller.monitoring.hub import Hub, Topic, hub_of
from controller.runtime import Runtime

_ADOPTED_AT_ONCE = 200
_AIRS = tuple(Airs.__annotations__)


@dataclass
class Case:
    """One schedule with all that its approval is about."""

    schedule: Schedule
    announcements: Sequence[Announcement]
    approval: Approval
    airing: ApprovedVersion | None
    said: Content
    digest: str
    asked: ApprovalAsked

    @property
    def standing(self) -> Standing:
        """Where it was last seen to stand."""
        row = self.approval
        return Standing(
            digest=row.digest,
            state=row.state,
            makers=frozenset(row.makers),
            airing=self.airing.digest if self.airing else None,
            approved_by=self.airing.approved_by if self.airing else "",
            rejected_by=row.rejected_by,
            reason=row.reason,
        )

    @property
    def settled(self) -> bool:
        """Whether it can be listened to just as it would air."""
        return settled(self.schedule, self.announcements)

    @property
    def authors(self) -> frozenset[str]:
        """The authors of what is new in it."""
        return new_authors(self.said, self.airing.content if self.airing else None)


class Ledger:
    """The approvals of one transaction."""

    def __init__(self, session: AsyncSession, hub: Hub) -> None:
        self._session = session
        self._hub = hub
        self._repository = LedgerRepository(session)

    async def cases(self, schedule_ids: Collection[str], now: datetime, *, lock: bool = True) -> dict[str, Case]:
        """Return these schedules with their approvals; one that is new begins as a draft of its author's."""
        await self._session.flush()
        approvals = await self._repository.approvals(schedule_ids, lock=lock)
        schedules = await self._repository.schedules(schedule_ids)
        asked = await AreaRepository(self._session).approvals({row.area.path for row in schedules})
        ids = {row.id: named(row.playlist) for row in schedules}
        announcements = await self._repository.announcements({id_ for some in ids.values() for id_ in some})
        versions = await self._repository.versions({row.airing_id for row in approvals.values() if row.airing_id})
        found: dict[str, Case] = {}
        for row in schedules:
            approval = approvals.get(row.id)
            if approval is None:
                approval = Approval(
                    schedule_id=row.id,
                    state=ApprovalState.DRAFT,
                    digest="",
                    makers=[row.author],
                    rejected_by="",
                    reason="",
                    changed_at=now,
                )
                self._repository.add(approval)
            held = [announcements[id_] for id_ in sorted(ids[row.id]) if id_ in announcements]
            said = content(row, announcements)
            found[row.id] = Case(
                schedule=row,
                announcements=held,
                approval=approval,
                airing=versions.get(approval.airing_id or ""),
                said=said,
                digest=digest(said),
                asked=asked[row.area.path],
            )
        return found

    async def states(self, schedules: Collection[Schedule]) -> dict[str, ApprovalState]:
        """Return where these schedules were last seen to stand."""
        seen = await self._repository.approvals([row.id for row in schedules], lock=False)
        return {row.id: seen[row.id].state if row.id in seen else ApprovalState.DRAFT for row in schedules}

    async def follow_edit(self, schedule_ids: Collection[str], now: datetime) -> dict[str, Case]:
        """Note what these schedules say by now, as whoever stands behind this transaction made it."""
        actor = actor_of(self._session)
        return await self.follow(schedule_ids, now, actor.name if actor.user_id else "")

    async def follow(self, schedule_ids: Collection[str], now: datetime, by: str = "") -> dict[str, Case]:
        """Note what these schedules say by now, as `by` made it ("": nobody in particular)."""
        cases = await self.cases(schedule_ids, now)
        for case in cases.values():
            maker = by or ("" if case.approval.digest else case.schedule.author)
            await self.write(case, changed(case.standing, case.digest, maker, case.asked), now)
        return cases

    async def write(self, case: Case, standing: Standing, now: datetime) -> None:
        """Write down where a schedule stands now; what is approved is frozen as it is at this moment."""
        row = case.approval
        if standing == case.standing:
            return
        if standing.airing is not None and (case.airing is None or case.airing.digest != standing.airing):
            case.airing = _frozen(case, standing.approved_by, now)
            self._repository.add(case.airing)
            await self._session.flush()
            row.airing_id = case.airing.id
        row.state, row.digest, row.makers = standing.state, standing.digest, sorted(standing.makers)
        row.rejected_by, row.reason, row.changed_at = standing.rejected_by, standing.reason, now
        await self._session.flush()
        after_commit(self._session, lambda: self._hub.publish(Topic.APPROVALS))


def _frozen(case: Case, by: str, now: datetime) -> ApprovedVersion:
    schedule = case.schedule
    return ApprovedVersion(
        id=new_id(),
        schedule=schedule,
        sound=schedule.playlist.sound,
        digest=case.digest,
        content=case.said,
        asked=case.asked,
        approved_by=by,
        approved_at=now,
        targets=[ApprovedTarget(kind=target.kind, key=target.key) for target in schedule.targets],
        **{name: getattr(schedule, name) for name in _AIRS},
    )


class Follower:
    """Sees the events of every transaction before its commit, and before the planner does."""

    def __init__(self, hub: Hub, now: Callable[[], datetime]) -> None:
        self._hub = hub
        self._now = now

    async def process(self, session: AsyncSession, events: Sequence[Event]) -> None:
        """Note what was edited under a schedule, however it came about."""
        schedules: set[str] = set()
        playlists: set[str] = set()
        announcements: set[str] = set()
        for event in events:
            match event:
                case ScheduleChanged(schedule_id):
                    schedules.add(schedule_id)
                case PlaylistChanged(playlist_id) | PlaylistEdited(playlist_id):
                    playlists.add(playlist_id)
                case AnnouncementEdited(announcement_id):
                    announcements.add(announcement_id)
                case _:
                    continue
        schedules |= await LedgerRepository(session).airing(playlists, announcements)
        if schedules:
            await Ledger(session, self._hub).follow_edit(schedules, self._now())


async def adopt(runtime: Runtime) -> None:
    """Read what the schedules say that were there before approval was: they count as approved just so."""
    hub, more = hub_of(runtime), True
    while more:
        async with runtime.database.transaction() as session:
            some = await LedgerRepository(session).adopted(_ADOPTED_AT_ONCE)
            more = bool(some)
            for case in (await Ledger(session, hub).cases(some, runtime.clock())).values():
                case.approval.digest = case.digest
                if case.airing is not None:
                    case.airing.digest, case.airing.content = case.digest, case.said


@asynccontextmanager
async def approving(runtime: Runtime) -> AsyncIterator[None]:
    """Let every change be followed by the question whether it was approved."""
    await adopt(runtime)
    follower = Follower(hub_of(runtime), runtime.clock)
    runtime.database.before_commit.append(follower.process)
    try:
        yield
    finally:
        runtime.database.before_commit.remove(follower.process)

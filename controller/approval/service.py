"""What may happen to a schedule on its way to the air."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.roles import Permission
from controller.accounts.viewer import Viewer
from controller.approval import states
from controller.approval.coming import next_start
from controller.approval.ledger import Case, Ledger
from controller.approval.models import Approval
from controller.approval.repository import ApprovalRepository
from controller.approval.states import ApprovalState
from controller.areas.policy import ApprovalAsked
from controller.broadcasts.repository import ScheduleRepository
from controller.errors import Conflict, NotFound
from controller.events import ScheduleChanged, record_event
from controller.monitoring.hub import Hub
from controller.planning import rows
from controller.text import Text

COUNTED_MAX = 100
"""More are waiting than anybody counts."""


class SoundNotSettled(Conflict):
    """What would be heard is not yet what is written."""

    code = "sound_not_settled"
    title = Text("The sound of the newest words is not made yet. Wait for it, listen, then go on.")


class TimePassed(Conflict):
    """All its airings have begun: nothing airs late."""

    code = "time_passed"
    title = Text("Its time has passed, and nothing airs late. Choose another time and submit it again.")


@dataclass(frozen=True, slots=True)
class Tally:
    """What concerns one viewer."""

    waiting: int
    returned: int


class Approvals:
    """Approvals within one transaction, as one viewer may give them."""

    def __init__(self, session: AsyncSession, viewer: Viewer, *, hub: Hub, freeze: timedelta) -> None:
        self.repository = ApprovalRepository(session)
        self._session = session
        self._viewer = viewer
        self._ledger = Ledger(session, hub)
        self._freeze = freeze

    async def case(self, schedule_id: str, now: datetime) -> Case:
        """Return a schedule as it stands, or raise `NotFound`."""
        await ScheduleRepository(self._session).get(self._viewer, schedule_id)
        return (await self._ledger.cases([schedule_id], now, lock=False))[schedule_id]

    async def some(self, found: list[Approval], now: datetime) -> list[Case]:
        """Return these as cases, in the same order."""
        ids = [row.schedule_id for row in found]
        cases = await self._ledger.cases(ids, now, lock=False)
        return [cases[id_] for id_ in ids]

    async def waiting(self, now: datetime) -> list[Case]:
        """Return what waits for this viewer's word, the soonest first."""
        if not self._viewer.may(Permission.APPROVE):
            return []
        statement = self.repository.listed(self._viewer, ApprovalState.SUBMITTED)
        found = await self.repository.all(statement.order_by(Approval.submitted_at).limit(COUNTED_MAX))
        cases = [case for case in await self.some(list(found), now) if self.may_decide(case)]
        return sorted(cases, key=lambda case: (self.next_at(case, now) or now, case.schedule.id))

    async def tally(self, now: datetime) -> Tally:
        """Return how much waits for this viewer's word, and how much of theirs was sent back."""
        statement = self.repository.listed(self._viewer, ApprovalState.REJECTED)
        returned = await self.repository.all(
            statement.where(Approval.submitted_by == self._viewer.name).limit(COUNTED_MAX)
        )
        return Tally(len(await self.waiting(now)), len(returned))

    def may_decide(self, case: Case) -> bool:
        """Whether this viewer's approval would count."""
        own = case.asked is ApprovalAsked.SECOND_PERSON and self._viewer.name in case.authors.union(
            case.approval.makers
        )
        return case.approval.state is ApprovalState.SUBMITTED and self._viewer.may(Permission.APPROVE) and not own

    def next_at(self, case: Case, now: datetime) -> datetime | None:
        """Return when the present version would first air if it were approved now."""
        return next_start(rows.recurrence(case.schedule), now + self._freeze)

    async def submit(self, schedule_id: str, seen: str | None, now: datetime) -> Case:
        """Ask for approval of what was seen (None: of whatever it is now)."""
        case = await self._open(schedule_id, now)
        standing = states.submitted(case.standing, case.digest if seen is None else seen, self._viewer.name, case.asked)
        if standing != case.standing:
            self._demand_airable(case, now)
            case.approval.submitted_by, case.approval.submitted_at = self._viewer.name, now
        return await self._write(case, standing, now)

    async def withdraw(self, schedule_id: str, now: datetime) -> Case:
        """Ask no more."""
        case = await self._open(schedule_id, now)
        return await self._write(case, states.withdrawn(case.standing), now)

    async def approve(self, schedule_id: str, seen: str, now: datetime) -> Case:
        """Let what was seen go on air, from its next airing on."""
        case = await self._open(schedule_id, now)
        standing = states.approved(case.standing, seen, self._viewer.name, case.asked, case.authors)
        if standing != case.standing:
            self._demand_airable(case, now)
        return await self._write(case, standing, now)

    async def reject(self, schedule_id: str, seen: str, reason: str, now: datetime) -> Case:
        """Say no, and why."""
        case = await self._open(schedule_id, now)
        return await self._write(case, states.rejected(case.standing, seen, self._viewer.name, reason), now)

    async def _open(self, schedule_id: str, now: datetime) -> Case:
        """Return a schedule as it stands, locked: an edit comes before this, or after."""
        schedule = await ScheduleRepository(self._session).get(self._viewer, schedule_id)
        if not schedule.active:
            raise NotFound
        return (await self._ledger.follow([schedule_id], now))[schedule_id]

    async def _write(self, case: Case, standing: states.Standing, now: datetime) -> Case:
        airing = case.airing
        await self._ledger.write(case, standing, now)
        if case.airing is not airing:
            record_event(self._session, ScheduleChanged(case.schedule.id))
        return case

    def _demand_airable(self, case: Case, now: datetime) -> None:
        if not case.settled:
            raise SoundNotSettled
        if self.next_at(case, now) is None:
            raise TimePassed

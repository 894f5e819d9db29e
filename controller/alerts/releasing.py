"""By whose word alerts are heard, and what a release would do."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.content import PART_TEXTS, changed_since
from controller.alerts.models import AlertRow
from controller.alerts.repository import AlertRepository
from controller.alerts.states import (
    ACTIVATIONS_WITHIN,
    AlertState,
    ChangedSinceSeen,
    Release,
    check_prolonging,
    check_release,
    code_needed,
)
from controller.areas.models import Area
from controller.areas.policy import ReleaseRule
from controller.areas.repository import AreaRepository
from controller.errors import ControllerError, Thing
from controller.text import Text
from protocol.messages import AlertKind
from schedules.types import Priority

MILDER: Final = {
    Priority.PRIORITY: Text(
        "This is a priority, not an emergency: it has no siren, waits for"
        " emergencies and for whoever speaks live, and keeps quiet hours."
    ),
    Priority.ROUTINE: Text(
        "This is routine, not an emergency: it has no siren, waits for all that is"
        " more urgent, and keeps quiet hours and the caps of the place."
    ),
}
"""What a release means of an alert that is no emergency."""


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an alert would reach at this moment."""

    speakers: int
    online: int
    areas: int


class Releasing:
    """Releases within one transaction, as one viewer may give them. A refusal names the alert, for its trail."""

    def __init__(self, session: AsyncSession, viewer: Viewer, confirm: Callable[[str], Any]) -> None:
        self._repository = AlertRepository(session)
        self._areas = AreaRepository(session)
        self._viewer = viewer
        self._confirm = confirm

    async def rule(self, area: Area) -> ReleaseRule:
        """Return how alerts of an area are released."""
        return (await self._areas.release_rules([area.path]))[area.path]

    async def asked(self, row: AlertRow) -> Release:
        """Return the release of an alert as its area's rule has it, whatever was released lately."""
        return self._release(row, await self.rule(row.area))

    async def check(self, row: AlertRow, seen: str, code: str, now: datetime) -> None:
        """Refuse to let go what was not `seen` so. A code is spent only where nothing else stands in the way."""
        with _refusal_told_of(row):
            await self._areas.hold(row.area_code)  # of two at once the second counts the first
            release = self._release(row, await self.rule(row.area), await self._activations(row, now))
            check_release(release, now)
            if changed := changed_since(seen, row, await self._repository.members([row])):
                raise ChangedSinceSeen([PART_TEXTS[part] for part in changed])
            await self._confirmed(release, code)

    async def check_alone(self, row: AlertRow, now: datetime) -> None:
        """Refuse what not even an author who needs nobody may let go: the rate of activations holds all the same."""
        check_release(self._release(row, None, await self._activations(row, now)), now)

    async def check_prolonging(self, row: AlertRow, code: str, *, longer: bool) -> None:
        """Refuse to let an alert live longer without another person; to end it sooner needs none."""
        release = await self.asked(row)
        with _refusal_told_of(row):
            if longer:
                check_prolonging(release, row.prolonged_by or row.released_by)
            await self._confirmed(release, code)

    async def _confirmed(self, release: Release, code: str) -> None:
        if code_needed(release):
            await self._confirm(code)

    async def _activations(self, row: AlertRow, now: datetime) -> tuple[datetime, ...]:
        return tuple(await self._repository.activations(row.area, row.kind, now - ACTIVATIONS_WITHIN))

    def _release(self, row: AlertRow, rule: ReleaseRule | None, activations: tuple[datetime, ...] = ()) -> Release:
        return Release(
            row.state,
            row.kind,
            row.author,
            self._viewer.name,
            rule,
            activations,
            bool(row.targets),
            row.expires_at if row.state is AlertState.DRAFT else None,
            heard=row.volume != 0,
        )


@contextmanager
def _refusal_told_of(row: AlertRow) -> Iterator[None]:
    """Have the trail of an alert tell what is refused of it."""
    try:
        yield
    except ControllerError as refusal:
        refusal.about = Thing("alert", row.id, row.headline, row.area.path)
        raise


def sentences(row: AlertRow, audience: Audience) -> tuple[Text, ...]:
    """Return in plain words what a release would do, the most important first."""
    areas = Text.count("%(n)s area", "%(n)s areas", audience.areas)
    whom = Text.count("%(n)s speaker in %(areas)s", "%(n)s speakers in %(areas)s", audience.speakers, areas=areas)
    deed = {
        AlertKind.ACTUAL: Text("Sound the alert “%(headline)s” on %(whom)s.", headline=row.headline, whom=whom),
        AlertKind.EXERCISE: Text("Sound an EXERCISE of “%(headline)s” on %(whom)s.", headline=row.headline, whom=whom),
        AlertKind.TEST: Text("TEST the speakers with “%(headline)s”: %(whom)s.", headline=row.headline, whom=whom),
    }[row.kind]
    offline, apart_s = audience.speakers - audience.online, row.stagger_ms // 1000
    said = [deed]
    if apart_s:
        said.append(Text("Neighbouring hamlets begin %(apart_s)s s after one another.", apart_s=apart_s))
    if row.volume:
        said.append(Text("It sounds at %(volume)s %%, within the ceiling of each place.", volume=row.volume))
    if offline:
        said.append(Text.count("%(n)s speaker is offline.", "%(n)s speakers are offline.", offline))
    if (milder := MILDER.get(Priority(row.priority))) is not None:
        said.append(milder)
    return tuple(said)

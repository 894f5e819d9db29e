"""The alert room as CAP uses it: a sender is somebody who writes alerts for its area, and may let some go alone."""

import asyncio
from collections.abc import Callable, Collection, Sequence
from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.viewer import Viewer
from controller.alerts.keeping import press_of
from controller.alerts.models import AlertRow
from controller.alerts.service import Alerts, Relayed
from controller.alerts.sets import Target, targets_of
from controller.alerts.standing import heard
from controller.alerts.states import AlertState
from controller.alerts.wording import CATEGORY
from controller.announcements.schemas import AnnouncementIn, Second
from controller.announcements.service import Announcements, Recording
from controller.announcements.workshop import workshop_of
from controller.broadcasts.models import TargetKind
from controller.cap.geometry import Targets
from controller.cap.judging import Intake, Wanted
from controller.cap.models import CapSender
from controller.cap.service import AlertRoom
from controller.cap.speech import Voice, primary
from controller.content.service import store_of
from controller.monitoring.hub import hub_of
from controller.runtime import Runtime
from schedules.types import AlertId

HEADLINE_MAX: Final = 200
SPOKEN: Final = frozenset({"vi", "en"})
"""Languages that this service reads by itself; a telling in another one is left to whoever reads the message."""


def room_of(runtime: Runtime) -> Callable[[AsyncSession], AlertRoom]:
    """Return what opens the alert room within a transaction."""
    return lambda session: SendersRoom(session, runtime)


def sender_viewer(sender: CapSender) -> Viewer:
    """Return a sender as one who writes alerts in its area. No user's name holds a space or a capital."""
    return Viewer(
        user_id=sender.id,
        name=f"CAP {sender.title}"[:64],
        scope=sender.area.path,
        area_code=sender.area_code,
        depth=sender.area.depth,
    )


class SendersRoom:
    """What messages ask, done with alerts."""

    def __init__(self, session: AsyncSession, runtime: Runtime) -> None:
        self._session = session
        self._runtime = runtime

    async def carry_out(self, intake: Intake, sender: CapSender, *, now: datetime) -> Sequence[AlertId]:
        """End, raise and say what the intake asks; see `AlertRoom`. Raises `TooManyAttempts`."""
        alerts = self._alerts(sender_viewer(sender))
        if not intake.raises:
            for alert in intake.ends:
                await alerts.end(alert, text=intake.says[0].text if intake.says else "", now=now)
            return ()
        followed = await self._followed(alerts, intake, sender, now)
        raised: list[AlertId] = []
        for wanted, replaces in zip(intake.raises, followed, strict=True):
            recording = await self._recording(wanted)
            row = await alerts.relay(_relayed(wanted, sender.area_code, replaces, recording), now)
            if not wanted.held:
                await alerts.release_alone(row, wanted.starts_at, now)
            raised.append(AlertId(row.id))
        return raised

    async def _followed(
        self, alerts: Alerts, intake: Intake, sender: CapSender, now: datetime
    ) -> list[frozenset[AlertId]]:
        """What each wanted alert takes the place of. A draft that is out of date is nobody's to release any more."""
        ended: dict[AlertId, frozenset[Target]] = {}
        for alert in intake.ends:
            row: AlertRow | None = await alerts.repository.own_for_update(sender_viewer(sender), alert)
            if row is not None and row.state is AlertState.DRAFT:
                await alerts.discard(alert, now)
            elif row is not None:
                ended[alert] = targets_of(row)
        return successors([_named(wanted.targets) for wanted in intake.raises], ended)

    async def _recording(self, wanted: Wanted) -> Recording | None:
        """The recording of what is said first: the one that came with the message, before one at an address."""
        if not wanted.voices or not _is_said(wanted.voices[0]):
            return None  # it is in another language than the words that stand in for it
        best = min(wanted.audio, key=lambda each: each.inline is None, default=None)
        if best is None or best.inline is None:
            return Recording(url=best.uri, sha1=best.sha1) if best else None
        stored = await asyncio.to_thread(store_of(self._runtime).put, best.inline)
        return Recording(sha256=stored.sha256)

    def _alerts(self, viewer: Viewer) -> Alerts:
        runtime = self._runtime
        hub = hub_of(runtime)
        return Alerts(
            self._session,
            viewer,
            press=press_of(runtime),
            announcements=Announcements(self._session, viewer, hub=hub, wake_workshop=workshop_of(runtime).wake),
            hub=hub,
            lead=timedelta(milliseconds=runtime.settings.alert_lead_ms),
            confirm=_nobody,
        )


def successors(
    raised: Sequence[frozenset[Target]], ended: dict[AlertId, frozenset[Target]]
) -> list[frozenset[AlertId]]:
    """Return of each that is raised what it takes the place of: what addresses the same people, else the first."""
    places: list[set[AlertId]] = [set() for _ in raised]
    for alert, targets in ended.items():
        same = [place for place, each in enumerate(raised) if each & targets]
        places[same[0] if same else 0].add(alert)
    return [frozenset(each) for each in places]


def _relayed(wanted: Wanted, area_code: str, replaces: Collection[AlertId], recording: Recording | None) -> Relayed:
    headline = " ".join(wanted.headline.split())[:HEADLINE_MAX] or "CAP"
    return Relayed(
        kind=wanted.kind,
        priority=wanted.priority,
        hazard=wanted.hazard,
        headline=headline,
        words=_words(wanted.voices, headline, area_code),
        recording=recording,
        targets=_named(wanted.targets),
        ends_at=wanted.expires_at,
        replaces=frozenset(replaces),
        heard=heard(wanted.danger),
    )


def _words(voices: Sequence[Voice], title: str, area_code: str) -> AnnouncementIn | None:
    """What is said, in at most two languages."""
    said = [voice for voice in voices if _is_said(voice)]
    if not said:
        return None
    first, others = said[0], [voice for voice in said if primary(voice.language) != primary(said[0].language)]
    second = Second(language=primary(others[0].language), text=others[0].text) if others else None
    return AnnouncementIn(
        title=title,
        area_code=area_code,
        text=first.text,
        language=primary(first.language),
        second=second,
        category=CATEGORY,
    )


def _is_said(voice: Voice) -> bool:
    return primary(voice.language) in SPOKEN and any(map(str.isalnum, voice.text))


def _named(targets: Targets) -> frozenset[Target]:
    areas = {(TargetKind.AREA, str(code)) for code in targets.areas}
    return frozenset(areas | {(TargetKind.DEVICE, str(device)) for device in targets.speakers})


async def _nobody(_code: str) -> None:
    """Refuse: a sender shows no codes."""
    raise PermissionError("a sender never releases by a code")

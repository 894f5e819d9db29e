"""What may happen to alerts."""

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from audio.signals import ABOUT, Signal, Use, length_ms
from controller.accounts.viewer import Viewer
from controller.alerts.content import changed_since, digest
from controller.alerts.models import AlertRow, AlertTarget
from controller.alerts.releasing import Audience, Releasing, sentences
from controller.alerts.repository import AlertRepository, AlertTraffic, ReachRepository
from controller.alerts.schemas import AddressIn, AlertEdit, AlertIn, AudienceOut
from controller.alerts.sets import AlertPress, Sets, targets_of
from controller.alerts.standing import PLAIN, Hazard, Heard
from controller.alerts.states import (
    ALL_CLEAR_LASTS,
    AlertState,
    NotActive,
    NotADraft,
    code_needed,
    two_needed,
)
from controller.alerts.wording import Wording
from controller.announcements.schemas import AnnouncementIn
from controller.announcements.service import Announcements, Recording
from controller.areas.models import Area
from controller.areas.policy import ReleaseRule
from controller.areas.repository import AreaRepository
from controller.areas.service import Areas
from controller.broadcasts.models import TargetKind
from controller.broadcasts.schemas import TARGETS_MAX
from controller.broadcasts.targets import checked
from controller.cap.atlas import atlas_below
from controller.cap.geometry import outline_of
from controller.database import after_commit, new_id
from controller.errors import Invalid, NotFound, PreconditionFailed
from controller.monitoring.hub import Hub, Topic
from controller.standing.words import Message
from controller.text import Text
from protocol.messages import AlertKind
from schedules.types import Priority

log = structlog.get_logger(__name__)

NAMES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Relayed:
    """What somebody else's warning comes to here. Nobody in `targets`: an officer chooses the areas."""

    kind: AlertKind
    headline: str
    words: AnnouncementIn | None
    recording: Recording | None
    """What says the words, where somebody has recorded them."""
    targets: frozenset[tuple[TargetKind, str]]
    ends_at: datetime
    replaces: frozenset[str] = frozenset()
    heard: Heard = PLAIN
    priority: Priority = Priority.EMERGENCY
    hazard: Hazard | None = None


class Alerts:
    """Alerts within one transaction, as one viewer may change them."""

    def __init__(
        self,
        session: AsyncSession,
        viewer: Viewer,
        *,
        press: AlertPress,
        announcements: Announcements,
        hub: Hub,
        lead: timedelta,
        confirm: Callable[[str], Any],
    ) -> None:
        self.repository = AlertRepository(session)
        self.reach = ReachRepository(session)
        self._session = session
        self._viewer = viewer
        self._press = press
        self._announcements = announcements
        self._hub = hub
        self._lead = lead
        self._wording = Wording(session, viewer, announcements)
        self._releasing = Releasing(session, viewer, confirm)

    async def draft(self, wish: AlertIn, now: datetime) -> AlertRow:
        """Write an alert down; its words are made meanwhile, so that a release need not wait for them."""
        area = await Areas(self._session, self._viewer).place(wish.area_code)
        for replaced in wish.replaces:
            await self._active(replaced, now)
        targets = await self._whom(wish, area)
        signal, signal_ms = _signal_of(wish.kind, wish.signal, wish.signal_s)
        repeat = wish.repeat or wish.repeats.plan()
        words = await self._wording.of_draft(wish, area, now)
        return await self._add(
            area,
            targets,
            now,
            kind=wish.kind,
            hazard=wish.hazard or await self._wording.hazard(wish, area),
            headline=wish.headline,
            signal=signal,
            signal_ms=signal_ms,
            announcement=words,
            volume=0 if wish.silent else wish.volume,
            stagger_ms=1000 * wish.stagger_s,
            repeat=repeat.model_dump(mode="json"),
            lifetime_s=wish.lifetime_s,
            replaces=wish.replaces,
            polygon=_drawn(wish),
        )

    async def relay(self, wish: Relayed, now: datetime) -> AlertRow:
        """Write down what somebody else warns of, as a draft. It may still want areas; it ends when they say."""
        area = await Areas(self._session, self._viewer).place(self._viewer.area_code)
        signal, signal_ms = _signal_of(wish.kind, wish.heard.signal, None, wish.priority)
        return await self._add(
            area,
            sorted(wish.targets),
            now,
            kind=wish.kind,
            priority=int(wish.priority),
            hazard=wish.hazard,
            headline=wish.headline,
            signal=signal,
            signal_ms=signal_ms,
            announcement=await self._announcements.type(wish.words, now, wish.recording) if wish.words else None,
            repeat=wish.heard.repeats.plan().model_dump(mode="json"),
            lifetime_s=max(1, round((wish.ends_at - now).total_seconds())),
            expires_at=wish.ends_at,
            replaces=sorted(wish.replaces),
            relayed=True,
        )

    async def address(self, alert_id: str, wish: AddressIn, now: datetime) -> AlertRow:
        """Choose whom a draft addresses. Who does so has written it: where two are needed, the other one releases."""
        row = await self._draft(alert_id)
        chosen = await self._whom(wish, row.area)
        if not row.relayed:
            row.author = self._viewer.name
        row.polygon = _drawn(wish)
        row.targets = [AlertTarget(kind=kind, key=key) for kind, key in chosen]
        await self._session.flush()
        log.info("alert.addressed", alert=row.id, targets=len(chosen), at=now.isoformat())
        self._tell()
        return row

    async def edit(self, alert_id: str, wish: AlertEdit, now: datetime) -> AlertRow:
        """Change what a draft says and how it is heard.

        Who does so has written it, even where it came from elsewhere: where two are needed, the other one releases.
        """
        row = await self._draft(alert_id)
        if wish.seen is not None and changed_since(wish.seen, row, await self.repository.members([row])):
            raise PreconditionFailed
        asked = wish.model_fields_set - {"seen"}
        signal, signal_ms = row.signal, row.signal_ms
        if asked & {"signal", "signal_s"}:
            named = wish.signal if "signal" in asked else Signal(row.signal) if row.signal else None
            signal, signal_ms = _signal_of(row.kind, named, wish.signal_s, Priority(row.priority))
        if "volume" in asked and row.volume == 0:
            raise Invalid.field("volume", Text("A silent test has no volume"))
        says_otherwise = asked & {"text", "second"} or wish.announcement_id is not None
        words = await self._wording.of_edit(row, wish, now) if says_otherwise else row.announcement
        if words is None and signal is None:
            raise Invalid.field("signal", Text("This alert has no sound at all"))
        row.author = self._viewer.name
        row.signal, row.signal_ms, row.announcement = signal, signal_ms, words
        row.headline = wish.headline or row.headline
        row.hazard = wish.hazard if "hazard" in asked else row.hazard
        row.volume = wish.volume if "volume" in asked else row.volume
        row.repeat = wish.repeats.plan().model_dump(mode="json") if wish.repeats else row.repeat
        row.lifetime_s = wish.lifetime_s or row.lifetime_s
        row.stagger_ms = row.stagger_ms if wish.stagger_s is None else 1000 * wish.stagger_s
        await self._session.flush()
        log.info("alert.edited", alert=row.id, changed=sorted(asked), at=now.isoformat())
        self._tell()
        return row

    async def discard(self, alert_id: str, now: datetime) -> AlertRow:
        """Throw a draft away."""
        row = await self._draft(alert_id)
        row.state, row.ended_by, row.ended_at = AlertState.DISCARDED, self._viewer.name, now
        self._tell()
        return row

    async def audience(self, row: AlertRow) -> Audience:
        """Return whom an alert would reach now."""
        return await self._audience(await self.addressed(row))

    async def addressed(self, row: AlertRow) -> frozenset[str]:
        """Return the speakers that an alert addresses now."""
        return await AlertTraffic(self._session).addressed(row)

    async def reached_by(self, wish: AddressIn, area_code: str) -> Audience:
        """Return whom a choice for an area would reach now, each speaker once. Refuses what a draft would refuse."""
        area = await Areas(self._session, self._viewer).place(area_code)
        chosen = await self._whom(wish, area)
        return await self._audience(await AlertTraffic(self._session).speakers_of(chosen))

    async def named(self, row: AlertRow) -> frozenset[tuple[TargetKind, str]]:
        """Return what of a draft's targets was chosen by name: all, but for what its drawing takes in now."""
        if row.polygon is None:
            return targets_of(row)
        return targets_of(row) - await self._inside(row.polygon, row.area)

    async def described(self, row: AlertRow) -> AudienceOut:
        """Return in plain sentences what a release would do, and what it asks for."""
        audience = await self.audience(row)
        release, said = await self._releasing.asked(row), sentences(row, audience)
        return AudienceOut(
            speakers=audience.speakers,
            online=audience.online,
            areas=audience.areas,
            names=await AlertTraffic(self._session).names(await self.addressed(row), NAMES_MAX),
            sentence_vi=" ".join(each.vi for each in said),
            sentence_en=" ".join(each.en for each in said),
            needs_code=code_needed(release),
            needs_second_person=two_needed(release),
        )

    async def rule(self, area: Area) -> ReleaseRule:
        """Return how alerts of an area are released."""
        return await self._releasing.rule(area)

    async def digests(self, *rows: AlertRow) -> dict[str, str]:
        """Return of each draft the name of what its release would let be heard, and where."""
        drafts = [row for row in rows if row.state is AlertState.DRAFT]
        members = await self.repository.members(drafts)
        return {row.id: digest(row, members) for row in drafts}

    async def release(self, alert_id: str, *, seen: str, code: str, now: datetime) -> AlertRow:
        """Let a draft go as it was `seen`: once this commits it is published, whatever happens to this process."""
        row = await self._own(alert_id)
        await self._releasing.check(row, seen, code, now)
        return await self._let_go(row, now + self._lead, now)

    async def release_alone(self, row: AlertRow, begins_at: datetime, now: datetime) -> AlertRow:
        """Let a draft go for its own author, who needs nobody: an administrator has agreed so with a sender of CAP.

        The rate of activations holds all the same. It sounds at `begins_at`, or at once where that is past.
        """
        await self._releasing.check_alone(row, now)
        return await self._let_go(row, max(begins_at, now + self._lead), now)

    async def prolong(self, alert_id: str, lifetime_s: int, code: str, now: datetime) -> AlertRow:
        """Let an active alert live until so many seconds from now. Who heard it does not hear it again for that.

        To live longer is a release anew; to end it sooner needs no second person.
        """
        row = await self._active(alert_id, now)
        expires_at = now + timedelta(seconds=lifetime_s)
        longer = row.expires_at is not None and expires_at > row.expires_at
        await self._releasing.check_prolonging(row, code, longer=longer)
        if longer:
            row.prolonged_by = self._viewer.name
        row.expires_at, row.revision = expires_at, row.revision + 1
        await self._say(targets_of(row), now)
        return row

    async def end(self, alert_id: str, *, text: str, now: datetime) -> None:
        """End an alert however it stands: called off where it sounds, thrown away where it waits."""
        row = await self._own(alert_id)
        if row.state is AlertState.DRAFT:
            await self.discard(alert_id, now)
        elif _in_force(row, now):
            await self.cancel(alert_id, all_clear=True, text=text, now=now)

    async def cancel(self, alert_id: str, *, all_clear: bool, text: str, now: datetime) -> AlertRow:
        """Call an active alert off, at once. That never needs a code: a false alarm must be easy to end."""
        row = await self._active(alert_id, now)
        row.state, row.ended_by, row.ended_at = AlertState.CANCELLED, self._viewer.name, now
        if all_clear and row.volume != 0:
            row.all_clear = await self._wording.of_end(row, text, now)
            row.all_clear_until, row.starts_at = now + ALL_CLEAR_LASTS, now + self._lead
            row.revision, row.sound_revision = row.revision + 1, row.sound_revision + 1
        await self._say(targets_of(row), now)
        log.info("alert.cancelled", alert=row.id, area=row.area_code, by=self._viewer.name)
        return row

    async def standing(self) -> tuple[Message, ...]:
        """Return what an alert of the viewer's own area may begin with."""
        own = await Areas(self._session, self._viewer).place(self._viewer.area_code)
        begun = await self._wording.standing(own)
        return tuple(each for each in begun if each.hazard is not Hazard.ALL_CLEAR)

    async def all_clear_text(self, row: AlertRow) -> str:
        """Return what is said where an alert is called off, unless somebody says it otherwise."""
        return await self._wording.all_clear(row)

    async def stop_all(self, area_code: str, now: datetime) -> Sequence[AlertRow]:
        """Call off every alert that this area, or one below it, issued. What came from above stays."""
        area = await AreaRepository(self._session).get(self._viewer, area_code)
        active = await self.repository.active_for_update(self._viewer, area, now)
        return [await self.cancel(row.id, all_clear=False, text="", now=now) for row in active]

    # --- pieces of these

    async def _own(self, alert_id: str) -> AlertRow:
        row = await self.repository.own_for_update(self._viewer, alert_id)
        if row is None:
            raise NotFound
        return row

    async def _add(
        self, area: Area, targets: Sequence[tuple[TargetKind, str]], now: datetime, **columns: object
    ) -> AlertRow:
        row = self.repository.add(
            AlertRow(
                id=new_id(),
                area_code=area.code,
                area=area,
                state=AlertState.DRAFT,
                revision=1,
                sound_revision=1,
                author=self._viewer.name,
                created_at=now,
                released_by="",
                prolonged_by="",
                ended_by="",
                targets=[AlertTarget(kind=kind, key=key) for kind, key in targets],
                **columns,
            )
        )
        await self._session.flush()
        self._tell()
        return row

    async def _let_go(self, row: AlertRow, starts_at: datetime, now: datetime) -> AlertRow:
        targets = targets_of(row)
        for replaced in [await self._own(each) for each in sorted(row.replaces)]:
            targets |= self._replace(replaced, now)
        expires_at = now + timedelta(seconds=row.lifetime_s)
        row.expires_at = min(expires_at, row.expires_at) if row.expires_at else expires_at
        row.state, row.released_by, row.released_at = AlertState.ACTIVE, self._viewer.name, now
        row.starts_at = starts_at
        after_commit(self._session, self._press.released)
        await self._say(targets, now)
        log.info("alert.released", alert=row.id, kind=str(row.kind), area=row.area_code, by=self._viewer.name)
        return row

    async def _draft(self, alert_id: str) -> AlertRow:
        row = await self._own(alert_id)
        if row.state is not AlertState.DRAFT:
            raise NotADraft
        return row

    async def _active(self, alert_id: str, now: datetime) -> AlertRow:
        row = await self._own(alert_id)
        if not _in_force(row, now):
            raise NotActive
        return row

    def _replace(self, row: AlertRow, now: datetime) -> frozenset[tuple[TargetKind, str]]:
        """End what a newer alert takes the place of, and return whom it addressed.

        It may be over by now. That it is over is not said any more: the newer one would be taken to be meant.
        """
        if _in_force(row, now):
            row.state, row.ended_by, row.ended_at = AlertState.REPLACED, self._viewer.name, now
        elif row.all_clear_until is not None:
            row.all_clear_until = min(row.all_clear_until, now)
        return targets_of(row)

    async def _audience(self, devices: frozenset[str]) -> Audience:
        online, areas = await AlertTraffic(self._session).audience(devices)
        return Audience(len(devices), online, areas)

    async def _whom(self, wish: AddressIn, area: Area) -> list[tuple[TargetKind, str]]:
        named = await checked(self._session, self._viewer, wish.targets, area)
        drawn = _drawn(wish)
        if drawn is None:
            return named
        found = await self._inside(drawn, area)
        if not found:
            raise Invalid.field("polygon", Text("No speaker of %(name)s stands in what was drawn", name=area.name))
        if len(found.union(named)) > TARGETS_MAX:
            raise Invalid.field(
                "polygon",
                Text(
                    "More than %(targets_max)s single speakers: draw around whole communes, or several smaller shapes",
                    targets_max=TARGETS_MAX,
                ),
            )
        return sorted(found.union(named))

    async def _inside(self, drawn: str, area: Area) -> frozenset[tuple[TargetKind, str]]:
        atlas = await atlas_below(self._session, area.path, drawn=True)
        found = await asyncio.to_thread(atlas.inside, outline_of(json.loads(drawn)))
        return frozenset(
            [(TargetKind.AREA, str(code)) for code in found.areas]
            + [(TargetKind.DEVICE, str(speaker)) for speaker in found.speakers]
        )

    async def _say(self, targets: frozenset[tuple[TargetKind, str]], now: datetime) -> None:
        await Sets(self._session, self._press).say(targets, now)
        self._tell()

    def _tell(self) -> None:
        after_commit(self._session, lambda: self._hub.publish(Topic.ALERTS))


def _drawn(wish: AddressIn) -> str | None:
    return wish.polygon.model_dump_json() if wish.polygon else None


def _in_force(row: AlertRow, now: datetime) -> bool:
    return row.state is AlertState.ACTIVE and row.expires_at is not None and row.expires_at > now


def _signal_of(
    kind: AlertKind, signal: Signal | None, attention_s: float | None, priority: Priority = Priority.EMERGENCY
) -> tuple[Signal | None, int]:
    """Return the signal and its length. A test and an exercise have their own; the real thing never has theirs.

    A siren is for emergencies alone.
    """
    if kind is AlertKind.EXERCISE:
        signal = Signal.EXERCISE
    elif kind is AlertKind.TEST:
        signal = Signal.TEST_RISING
    elif signal is not None and signal is not Signal.ATTENTION and ABOUT[signal].use is not Use.ALARM:
        raise Invalid.field("signal", Text("This signal is not one for alerts"))
    elif signal not in {None, Signal.ATTENTION} and priority is not Priority.EMERGENCY:
        raise Invalid.field("signal", Text("This is no emergency: it has no siren"))
    if signal is None:
        return None, 0
    if signal is Signal.ATTENTION and attention_s is not None:
        return signal, round(attention_s * 1000)
    return signal, length_ms(signal)

"""What may happen to alerts."""

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

import structlog
from sqlalchemy.ext.asyncio import AsyncSession

from audio.signals import ABOUT, EXERCISE_WORDS, Signal, Use, length_ms
from controller.accounts.viewer import Viewer
from controller.alerts.models import AlertRow, AlertTarget
from controller.alerts.repository import AlertRepository, AlertTraffic, ReachRepository
from controller.alerts.schemas import AddressIn, AlertIn, AudienceOut
from controller.alerts.sets import AlertPress, Sets, targets_of
from controller.alerts.standing import Hazard, Repeats
from controller.alerts.states import (
    ACTIVATIONS_WITHIN,
    ALL_CLEAR_LASTS,
    AlertState,
    NotActive,
    NotADraft,
    Release,
    check_release,
    code_needed,
)
from controller.announcements.models import Announcement, Kind
from controller.announcements.repository import AnnouncementRepository
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
from controller.errors import Invalid, NotFound
from controller.monitoring.hub import Hub, Topic
from controller.standing.repository import StandingRepository
from controller.standing.words import Message, blanks_in, in_force, named, sound_of
from protocol.messages import AlertKind

log = structlog.get_logger(__name__)

CATEGORY: Final = "alert"
"""Of the announcements that alerts say."""
NAMES_MAX: Final = 100


@dataclass(frozen=True, slots=True)
class Audience:
    """Whom an alert would reach at this moment."""

    speakers: int
    online: int
    areas: int


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
    repeats: Repeats = Repeats.ONCE


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
        self._confirm = confirm

    async def draft(self, wish: AlertIn, now: datetime) -> AlertRow:
        """Write an alert down; its words are made meanwhile, so that a release need not wait for them."""
        area = await Areas(self._session, self._viewer).place(wish.area_code)
        for replaced in wish.replaces:
            await self._active(replaced, now)
        targets = await self._whom(wish, area)
        signal, signal_ms = _signal_of(wish.kind, wish.signal, wish.signal_s)
        repeat = wish.repeat or wish.repeats.plan()
        words = await self._words(wish, area, now)
        return await self._add(
            area,
            targets,
            now,
            kind=wish.kind,
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
        signal, signal_ms = _signal_of(wish.kind, Signal.ATTENTION, None)
        return await self._add(
            area,
            sorted(wish.targets),
            now,
            kind=wish.kind,
            headline=wish.headline,
            signal=signal,
            signal_ms=signal_ms,
            announcement=await self._announcements.type(wish.words, now, wish.recording) if wish.words else None,
            repeat=wish.repeats.plan().model_dump(mode="json"),
            lifetime_s=max(1, round((wish.ends_at - now).total_seconds())),
            expires_at=wish.ends_at,
            replaces=sorted(wish.replaces),
            relayed=True,
        )

    async def address(self, alert_id: str, wish: AddressIn, now: datetime) -> AlertRow:
        """Choose whom a draft addresses. Who does so has written it: where two are needed, the other one releases."""
        row = await self._own(alert_id)
        self._check_draft(row)
        if not row.relayed:
            row.author = self._viewer.name
        chosen = await self._whom(wish, row.area)
        row.polygon = _drawn(wish)
        row.targets = [AlertTarget(kind=kind, key=key) for kind, key in chosen]
        await self._session.flush()
        log.info("alert.addressed", alert=row.id, targets=len(chosen), at=now.isoformat())
        self._tell()
        return row

    async def discard(self, alert_id: str, now: datetime) -> AlertRow:
        """Throw a draft away."""
        row = await self._own(alert_id)
        self._check_draft(row)
        row.state, row.ended_by, row.ended_at = AlertState.DISCARDED, self._viewer.name, now
        self._tell()
        return row

    async def audience(self, row: AlertRow) -> Audience:
        """Return whom an alert would reach now."""
        devices = await self._addressed(row)
        online, areas = await AlertTraffic(self._session).audience(devices)
        return Audience(len(devices), online, areas)

    async def described(self, row: AlertRow) -> AudienceOut:
        """Return the plain sentence of what a release would do, and what it asks for."""
        audience = await self.audience(row)
        rule = await self.rule(row.area)
        release = self._release(row, rule, ())
        what = {
            AlertKind.ACTUAL: ("Phát báo động", "Sound the alert"),
            AlertKind.EXERCISE: ("Phát DIỄN TẬP", "Sound an EXERCISE of"),
            AlertKind.TEST: ("THỬ loa với", "TEST the speakers with"),
        }[row.kind]
        offline = audience.speakers - audience.online
        away_vi = f"; {offline} cụm đang mất kết nối" if offline else ""
        away_en = f"; {offline} are offline" if offline else ""
        apart_s = row.stagger_ms // 1000
        turns_vi = f", các thôn kề nhau lần lượt cách {apart_s} giây" if apart_s else ""
        turns_en = f", neighbouring hamlets {apart_s} s after one another" if apart_s else ""
        return AudienceOut(
            speakers=audience.speakers,
            online=audience.online,
            areas=audience.areas,
            names=await AlertTraffic(self._session).names(await self._addressed(row), NAMES_MAX),
            sentence_vi=f"{what[0]} «{row.headline}» tới {audience.speakers} cụm loa"
            f" tại {audience.areas} địa bàn{turns_vi}{away_vi}.",
            sentence_en=f"{what[1]} “{row.headline}” on {audience.speakers} speakers"
            f" in {audience.areas} areas{turns_en}{away_en}.",
            needs_code=code_needed(release),
            needs_second_person=rule is ReleaseRule.SECOND_PERSON and row.kind is not AlertKind.TEST,
        )

    async def rule(self, area: Area) -> ReleaseRule:
        """Return how alerts of an area are released."""
        return (await AreaRepository(self._session).release_rules([area.path]))[area.path]

    async def release(self, alert_id: str, code: str, now: datetime) -> AlertRow:
        """Let a draft go: from the moment this commits it is published, whatever happens to this process."""
        row = await self._own(alert_id)
        activations = await self.repository.activations(row.area, now - ACTIVATIONS_WITHIN)
        release = self._release(row, await self.rule(row.area), tuple(activations))
        check_release(release, now)
        if code_needed(release):
            await self._confirm(code)
        return await self._let_go(row, now + self._lead, now)

    async def release_alone(self, row: AlertRow, begins_at: datetime, now: datetime) -> AlertRow:
        """Let a draft go for its own author, who needs nobody: an administrator has agreed so with a sender of CAP.

        The rate of activations holds all the same. It sounds at `begins_at`, or at once where that is past.
        """
        activations = await self.repository.activations(row.area, now - ACTIVATIONS_WITHIN)
        check_release(self._release(row, None, tuple(activations)), now)
        return await self._let_go(row, max(begins_at, now + self._lead), now)

    async def prolong(self, alert_id: str, lifetime_s: int, code: str, now: datetime) -> AlertRow:
        """Let an active alert live until so many seconds from now. Who heard it does not hear it again for that."""
        row = await self._active(alert_id, now)
        if code_needed(self._release(row, await self.rule(row.area), ())):
            await self._confirm(code)
        row.expires_at, row.revision = now + timedelta(seconds=lifetime_s), row.revision + 1
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
            words = text or await self.all_clear_text(row.area)
            if row.kind is AlertKind.EXERCISE:
                words = f"{EXERCISE_WORDS} {words}"
            row.all_clear = await self._typed(row.area, f"Báo yên: {row.headline}"[:200], words, now)
            row.all_clear_until, row.starts_at = now + ALL_CLEAR_LASTS, now + self._lead
            row.revision, row.sound_revision = row.revision + 1, row.sound_revision + 1
        await self._say(targets_of(row), now)
        log.info("alert.cancelled", alert=row.id, area=row.area_code, by=self._viewer.name)
        return row

    async def standing(self) -> tuple[Message, ...]:
        """Return what an alert of the viewer's own area may begin with."""
        own = await Areas(self._session, self._viewer).place(self._viewer.area_code)
        begun = in_force(await StandingRepository(self._session).holding(own.path), own.code)
        return tuple(each for each in begun if each.hazard is not Hazard.ALL_CLEAR)

    async def all_clear_text(self, area: Area) -> str:
        """Return what is said where an alert of an area is called off, unless somebody says it otherwise."""
        holding = await StandingRepository(self._session).holding(area.path)
        return named(in_force(holding, area.code), Hazard.ALL_CLEAR).text

    async def stop_all(self, area_code: str, now: datetime) -> Sequence[AlertRow]:
        """Call off every alert that this area, or one below it, issued. What came from above stays."""
        area = await AreaRepository(self._session).get(self._viewer, area_code)
        own = self.repository.own(self._viewer).where(
            AlertRow.state == AlertState.ACTIVE, AlertRow.expires_at > now, Area.path.startswith(area.path)
        )
        return [await self.cancel(row.id, all_clear=False, text="", now=now) for row in await self.repository.all(own)]

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
        for replaced in row.replaces:
            targets |= await self._replace(replaced, now)
        expires_at = now + timedelta(seconds=row.lifetime_s)
        row.expires_at = min(expires_at, row.expires_at) if row.expires_at else expires_at
        row.state, row.released_by, row.released_at = AlertState.ACTIVE, self._viewer.name, now
        row.starts_at = starts_at
        after_commit(self._session, self._press.released)
        await self._say(targets, now)
        log.info("alert.released", alert=row.id, kind=str(row.kind), area=row.area_code, by=self._viewer.name)
        return row

    @staticmethod
    def _check_draft(row: AlertRow) -> None:
        if row.state is not AlertState.DRAFT:
            raise NotADraft

    async def _active(self, alert_id: str, now: datetime) -> AlertRow:
        row = await self._own(alert_id)
        if not _in_force(row, now):
            raise NotActive
        return row

    async def _replace(self, alert_id: str, now: datetime) -> frozenset[tuple[TargetKind, str]]:
        """End what a newer alert takes the place of, and return whom it addressed. It may be over by now."""
        row = await self._own(alert_id)
        if _in_force(row, now):
            row.state, row.ended_by, row.ended_at = AlertState.REPLACED, self._viewer.name, now
        return targets_of(row)

    def _release(self, row: AlertRow, rule: ReleaseRule | None, activations: tuple[datetime, ...]) -> Release:
        ends_at = row.expires_at if row.state is AlertState.DRAFT else None
        return Release(
            row.state, row.kind, row.author, self._viewer.name, rule, activations, bool(row.targets), ends_at
        )

    async def _addressed(self, row: AlertRow) -> frozenset[str]:
        return await AlertTraffic(self._session).addressed(row)

    async def _whom(self, wish: AddressIn, area: Area) -> list[tuple[TargetKind, str]]:
        if wish.polygon is None:
            return await checked(self._session, self._viewer, wish.targets, area)
        atlas = await atlas_below(self._session, area.path, drawn=True)
        found = await asyncio.to_thread(atlas.inside, outline_of(wish.polygon.model_dump()))
        if not found:
            raise Invalid.field(
                "polygon",
                f"Trong vùng đã vẽ không có cụm loa nào của {area.name}",
                f"No speaker of {area.name} stands in what was drawn",
            )
        if len(found.areas) + len(found.speakers) > TARGETS_MAX:
            raise Invalid.field(
                "polygon",
                f"Vùng vẽ có hơn {TARGETS_MAX} cụm loa lẻ: hãy vẽ trọn các xã, hoặc chia thành nhiều vùng",
                f"More than {TARGETS_MAX} single speakers: draw around whole communes, or several smaller shapes",
            )
        return sorted(
            [(TargetKind.AREA, str(code)) for code in found.areas]
            + [(TargetKind.DEVICE, str(speaker)) for speaker in found.speakers]
        )

    async def _words(self, wish: AlertIn, area: Area, now: datetime) -> Announcement | None:
        if wish.announcement_id is not None:
            known = AnnouncementRepository(self._session)
            await known.hold(wish.announcement_id)  # an edit comes before this and is seen, or after and is refused
            words = await known.find(self._viewer, wish.announcement_id)
            if words is None or words.retired_at is not None:
                raise Invalid.field("announcement_id", "Không có bản tin này", "There is no such announcement")
            said = words.text.lstrip() if words.kind is Kind.TEXT else ""
            if wish.kind is AlertKind.EXERCISE and not said.casefold().startswith(EXERCISE_WORDS[:-1].casefold()):
                raise Invalid.field(
                    "announcement_id",
                    f"Diễn tập phải bắt đầu bằng «{EXERCISE_WORDS}». Hãy gõ chữ, hệ thống tự thêm câu này.",
                    f"An exercise must begin with “{EXERCISE_WORDS}”. Type it, and the words are added.",
                )
            return words
        text = wish.text
        if blanks := blanks_in(text):
            raise Invalid.field("text", f"Hãy điền vào chỗ trống «{blanks[0]}»", f"Fill in the blank “{blanks[0]}”")
        if wish.kind is AlertKind.EXERCISE and not text.casefold().startswith(EXERCISE_WORDS[:-1].casefold()):
            text = f"{EXERCISE_WORDS} {text}".strip()
        return await self._typed(area, wish.headline, text, now) if text else None

    async def _typed(self, area: Area, title: str, text: str, now: datetime) -> Announcement:
        """Return words with their sound: speakers have it already where it is that of a standing message."""
        made = sound_of(await StandingRepository(self._session).holding(area.path), text)
        if made is not None:
            return made
        wish = AnnouncementIn(title=title, area_code=area.code, text=text, category=CATEGORY)
        return await self._announcements.type(wish, now)

    async def _say(self, targets: frozenset[tuple[TargetKind, str]], now: datetime) -> None:
        await Sets(self._session, self._press).say(targets, now)
        self._tell()

    def _tell(self) -> None:
        after_commit(self._session, lambda: self._hub.publish(Topic.ALERTS))


def _drawn(wish: AddressIn) -> str | None:
    return wish.polygon.model_dump_json() if wish.polygon else None


def _in_force(row: AlertRow, now: datetime) -> bool:
    return row.state is AlertState.ACTIVE and row.expires_at is not None and row.expires_at > now


def _signal_of(kind: AlertKind, signal: Signal | None, attention_s: float | None) -> tuple[Signal | None, int]:
    """Return the signal and its length. A test and an exercise have their own; the real thing never has theirs."""
    if kind is AlertKind.EXERCISE:
        signal = Signal.EXERCISE
    elif kind is AlertKind.TEST:
        signal = Signal.TEST_RISING
    elif signal is not None and signal is not Signal.ATTENTION and ABOUT[signal].use is not Use.ALARM:
        raise Invalid.field("signal", "Tín hiệu này không dùng cho báo động", "This signal is not one for alerts")
    if signal is None:
        return None, 0
    if signal is Signal.ATTENTION and attention_s is not None:
        return signal, round(attention_s * 1000)
    return signal, length_ms(signal)

"""What the trail is kept of: one line a table. A new table of something that people decide gets its line here.

Not listed, and so not kept, is what follows by itself: plans, states, play records, outboxes, sound being made.
"""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from sqlalchemy import inspect
from sqlalchemy.orm import Session

from controller.accounts.models import AccountLink, ApiToken, Identity, SecondFactor, User
from controller.alerts.models import AlertRow, AlertTarget
from controller.announcements.models import Announcement
from controller.approval.models import Approval, ApprovedVersion
from controller.areas.models import Area
from controller.areas.tree import ROOT_PATH
from controller.broadcasts.models import CancelledOccurrence, Schedule, ScheduleTarget
from controller.cap.models import CapFeed, CapSender
from controller.commands.models import CommandRow
from controller.database import Base
from controller.devices.models import Device
from controller.enrolment.models import Application, Certificate, CodeRow
from controller.groups.models import Group, GroupMember
from controller.incidents.models import Incident
from controller.live.models import LiveSessionRow, LiveTarget
from controller.photos.models import DevicePhoto
from controller.playlists.models import Playlist, PlaylistItem
from controller.pronunciations.models import Pronunciation
from controller.signing.models import SigningKeyRow
from controller.standing.models import StandingMessage
from controller.subscriptions.models import Subscription

Place: TypeAlias = Callable[[Session, Any], str]
"""Finds the path of the area that a row lies in."""

_EVERYWHERE: Final = frozenset({"version", "created_at", "updated_at", "last_seen_at", "author"})
"""Told by the entry itself, or by nobody."""
_SECRET: Final = re.compile(r"hash|secret|password|private|totp|otp|pin|seed|recovery|csr|pem")
"""A field of such a name is never told, whatever its line says: to forget one here must not give it away."""


def in_its_area(session: Session, row: Any) -> str:
    """The area that the row names in `area_code`."""
    area = session.get(Area, row.area_code)
    return ROOT_PATH if area is None else area.path


def its_own(_session: Session, row: Any) -> str:
    """An area lies in itself."""
    path: str = row.path
    return path


def everywhere(_session: Session, _row: Any) -> str:
    """What belongs to the whole country."""
    return ROOT_PATH


def where(model: type[Base], by: str) -> Place:
    """The place of the row of another table that `by` points at."""

    def place(session: Session, row: Any) -> str:
        key = getattr(row, by)
        other = None if key is None else session.get(model, key)
        return ROOT_PATH if other is None else WHOLE[model].place(session, other)

    return place


@dataclass(frozen=True, slots=True)
class Whole:
    """A thing of its own: made, changed and removed, each told with what became different."""

    model: type[Base]
    kind: str
    label: str = "title"
    """The attribute that people know it by."""
    place: Place = in_its_area
    ignored: frozenset[str] = frozenset()
    """Columns that follow from others."""
    secret: frozenset[str] = frozenset()
    """Columns of which only the change is told: beside those whose `info` or name says so."""

    like: type[Base] | None = None
    """The thing whose key this row shares: it is told as a change of that."""
    decisions_only: bool = False
    """Strangers make it and age removes it: only what is decided about it is told, or they could fill the disk."""

    def tells(self, column: str) -> bool:
        """Whether a change of this column is told at all."""
        return column not in self.ignored | _EVERYWHERE

    def hides(self, column: str) -> bool:
        """Whether only the change is told, not the value."""
        marked = inspect(self.model).columns[column].info.get("secret", False)
        return marked or column in self.secret or _SECRET.search(column) is not None


@dataclass(frozen=True, slots=True)
class Part:
    """A row that belongs to a thing: told as a change of the thing's `field`, as what left and what joined."""

    model: type[Base]
    of: type[Base]
    by: str
    field: str


@dataclass(frozen=True, slots=True)
class Act:
    """A row that records that something was done to a thing: its making is an entry of the thing's own trail."""

    model: type[Base]
    of: type[Base]
    by: str
    action: str
    tells: tuple[str, ...] = ()


Spec: TypeAlias = Whole | Part | Act

SOUND_IN_THE_MAKING: Final = frozenset(
    {"status", "job", "error_code", "error_vi", "error_en", "clip_sha256", "duration_ms", "before", "after"}
)

AUDITED: Final[tuple[Spec, ...]] = (
    Whole(User, "user", label="name"),
    Whole(ApiToken, "token", label="name", place=where(User, "user_id")),
    Whole(
        SecondFactor, "second_factor", label="user_id", place=where(User, "user_id"), ignored=frozenset({"last_step"})
    ),
    Act(AccountLink, of=User, by="user_id", action="link_issued", tells=("expires_at",)),
    Act(Identity, of=User, by="user_id", action="identity_linked", tells=("issuer",)),
    Whole(Area, "area", label="name", place=its_own),
    Whole(Device, "device", label="name", ignored=frozenset({"registered_at", "retired_at"})),
    Act(CodeRow, of=Device, by="device_id", action="code_issued", tells=("expires_at",)),
    Whole(Application, "application", label="hostname", place=where(Device, "device_id"), decisions_only=True),
    Whole(Certificate, "certificate", label="fingerprint", place=where(Device, "device_id")),
    Act(CommandRow, of=Device, by="device_id", action="ordered", tells=("action",)),
    Whole(DevicePhoto, "photo", label="device_id", place=where(Device, "device_id")),
    Whole(
        Incident,
        "incident",
        label="device_id",
        place=where(Device, "device_id"),
        ignored=frozenset({"said", "began_at", "ended_at", "times"}),
        decisions_only=True,
    ),
    Whole(Group, "group", label="name"),
    Part(GroupMember, of=Group, by="group_id", field="members"),
    Whole(Announcement, "announcement", ignored=SOUND_IN_THE_MAKING),
    Whole(Playlist, "playlist", ignored=frozenset({"wanted_key", "sound_key"})),
    Part(PlaylistItem, of=Playlist, by="playlist_id", field="items"),
    Whole(Schedule, "schedule", ignored=frozenset({"over_at"})),
    Part(ScheduleTarget, of=Schedule, by="schedule_id", field="targets"),
    Act(CancelledOccurrence, of=Schedule, by="schedule_id", action="cancelled", tells=("occurrence_id",)),
    Whole(Approval, "schedule", like=Schedule, ignored=frozenset({"digest", "makers", "changed_at", "airing_id"})),
    Act(ApprovedVersion, of=Schedule, by="schedule_id", action="approved", tells=("asked", "approved_by", "digest")),
    Whole(
        AlertRow,
        "alert",
        label="headline",
        ignored=frozenset({"revision", "sound_revision", "signal_ms", "counted_at"}),
    ),
    Part(AlertTarget, of=AlertRow, by="alert_id", field="targets"),
    Whole(StandingMessage, "standing_message", label="headline", ignored=frozenset({"announcement_id", "earlier_id"})),
    Whole(LiveSessionRow, "live_session"),
    Part(LiveTarget, of=LiveSessionRow, by="live_session_id", field="targets"),
    Whole(Pronunciation, "pronunciation", label="written"),
    Whole(CapSender, "cap_sender"),
    Whole(CapFeed, "cap_feed", label="url", place=where(CapSender, "sender_id")),
    Whole(Subscription, "subscription", label="area_code"),
    Whole(SigningKeyRow, "signing_key", label="kid", place=everywhere, ignored=frozenset({"made_at", "changed_at"})),
)


WHOLE: Final = {spec.model: spec for spec in AUDITED if isinstance(spec, Whole)}
BY_MODEL: Final[dict[type[Any], Spec]] = {spec.model: spec for spec in AUDITED}
KINDS: Final = frozenset(spec.kind for spec in WHOLE.values())
SHARED_KINDS: Final = KINDS - {"user", "token", "subscription", "second_factor", "signing_key", "application"}
"""Whoever may see such a thing may see its trail; who signed in when, and the rest, is the auditors' alone."""

"""The tables of schedules, whom they address, and the occurrences that were called off."""

from datetime import datetime
from enum import StrEnum

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.areas.models import Area, Code
from controller.columns import stored_as_text
from controller.database import Base, Versioned, new_id
from controller.playlists.models import Playlist
from schedules.types import VIETNAM, Priority, Resume

OccurrenceKey = String(64)


class TargetKind(StrEnum):
    """What a schedule may address."""

    AREA = "area"
    GROUP = "group"
    DEVICE = "device"


class Airs:
    """What a schedule says of its airings. Local times are the wall clock of `zone`, as text."""

    title: Mapped[str] = mapped_column(String(300))
    first_local: Mapped[str] = mapped_column(String(32))
    zone: Mapped[str] = mapped_column(String(64), default=VIETNAM)
    rrule: Mapped[str | None] = mapped_column(Text)
    except_local: Mapped[list[str]] = mapped_column(JSON, default=list)
    extra_local: Mapped[list[str]] = mapped_column(JSON, default=list)
    lunar_days: Mapped[list[int]] = mapped_column(JSON, default=list)
    """Of the days of the rule, only these of the lunar month; empty: any."""
    skip_holidays: Mapped[bool] = mapped_column(default=False)

    over_at: Mapped[datetime | None] = mapped_column(index=True)
    """After its last airing began, where that is known: planning need not look at it any more."""

    priority: Mapped[int] = mapped_column(default=int(Priority.ROUTINE))
    resume: Mapped[Resume] = mapped_column(stored_as_text(Resume), default=Resume.REJOIN)
    volume: Mapped[int | None]
    late_join_s: Mapped[int | None]
    commune_rank: Mapped[int] = mapped_column(default=0)
    staggered: Mapped[bool] = mapped_column(default=True)


class Schedule(Airs, Versioned, Base):
    """A playlist aimed at some speakers, with its calendar. What of it airs is the version approved last."""

    __tablename__ = "schedules"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    """Who issues it: a wider area outranks a narrower one."""
    playlist_id: Mapped[str] = mapped_column(String(26), ForeignKey("playlists.id"), index=True)
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    active: Mapped[bool] = mapped_column(default=True, index=True)

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    playlist: Mapped[Playlist] = relationship(lazy="joined", innerjoin=True)
    targets: Mapped[list["ScheduleTarget"]] = relationship(
        lazy="selectin", order_by="ScheduleTarget.kind, ScheduleTarget.key", cascade="all, delete-orphan"
    )


class ScheduleTarget(Base):
    """One area, group or speaker that a schedule addresses."""

    __tablename__ = "schedule_targets"

    schedule_id: Mapped[str] = mapped_column(
        String(26), ForeignKey("schedules.id", ondelete="CASCADE"), primary_key=True
    )
    kind: Mapped[TargetKind] = mapped_column(stored_as_text(TargetKind), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True, index=True)
    """An area's code, a group's id or a device's id."""


class CancelledOccurrence(Base):
    """One airing that somebody called off."""

    __tablename__ = "cancelled_occurrences"

    occurrence_id: Mapped[str] = mapped_column(OccurrenceKey, primary_key=True)
    schedule_id: Mapped[str] = mapped_column(String(26), ForeignKey("schedules.id", ondelete="CASCADE"), index=True)
    cancelled_at: Mapped[datetime]
    author: Mapped[str] = mapped_column(String(64))

"""The tables of alerts: each alert, whom it addresses, and how far it has come on each speaker."""

from datetime import datetime
from typing import Any

from sqlalchemy import JSON, ForeignKey, Index, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.alerts.standing import Hazard
from controller.alerts.states import AlertState
from controller.announcements.models import Announcement
from controller.areas.models import Area, Code
from controller.areas.policy import SilentTest
from controller.broadcasts.models import TargetKind
from controller.columns import stored_as_text
from controller.database import Base, Versioned, new_id
from controller.devices.models import DeviceKey
from protocol.messages import AlertKind, AlertPhase
from schedules.types import Priority

AlertKey = String(26)


class AlertRow(Versioned, Base):
    """An emergency, an exercise or a test."""

    __tablename__ = "alerts"

    id: Mapped[str] = mapped_column(AlertKey, primary_key=True, default=new_id)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    """Who issues it: a wider area outranks a narrower one."""
    kind: Mapped[AlertKind] = mapped_column(stored_as_text(AlertKind))
    priority: Mapped[int] = mapped_column(default=int(Priority.EMERGENCY), server_default=str(int(Priority.EMERGENCY)))
    """`schedules.types.Priority`: less than an emergency is what somebody else's warning may be."""
    hazard: Mapped[Hazard | None] = mapped_column(stored_as_text(Hazard))
    """Of which danger it warns, where that is known."""
    state: Mapped[AlertState] = mapped_column(stored_as_text(AlertState), default=AlertState.DRAFT, index=True)
    revision: Mapped[int] = mapped_column(default=1)
    """Counts what speakers were told of it."""
    sound_revision: Mapped[int] = mapped_column(default=1)
    headline: Mapped[str] = mapped_column(String(300))
    signal: Mapped[str | None] = mapped_column(String(32))
    """By its name in `audio.signals`."""
    signal_ms: Mapped[int] = mapped_column(default=0)
    announcement_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("announcements.id"), index=True)
    """What is said."""
    all_clear_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("announcements.id"), index=True)
    """What is said when it is called off."""
    stagger_ms: Mapped[int] = mapped_column(default=0, server_default="0")
    """Between neighbouring hamlets; 0: all begin together."""
    volume: Mapped[int | None]
    """Instead of the speakers' own volume for emergencies; 0 is a test that nobody hears."""
    repeat: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """`protocol.messages.RepeatPlan`."""
    lifetime_s: Mapped[int]
    replaces: Mapped[list[str]] = mapped_column(JSON, default=list)
    """Ids of the alerts that end when this one is released."""
    relayed: Mapped[bool] = mapped_column(default=False)
    """Somebody else's warning, such as a sender's of CAP: they publish it themselves."""
    polygon: Mapped[str | None] = mapped_column(Text)
    """GeoJSON that was drawn to choose `targets`, or some of them; None: all were named."""
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    released_by: Mapped[str] = mapped_column(String(64), default="")
    released_at: Mapped[datetime | None] = mapped_column(index=True)
    prolonged_by: Mapped[str] = mapped_column(String(64), default="", server_default="")
    """Who let it live longer last."""
    counted_at: Mapped[datetime | None]
    """When it was written down whom it must reach: after the press, which waits for nothing."""
    starts_at: Mapped[datetime | None]
    """The instant at which all speakers begin."""
    expires_at: Mapped[datetime | None]
    """Of a draft: when what it warns of ends, by the word of who asked for it."""
    ended_by: Mapped[str] = mapped_column(String(64), default="")
    ended_at: Mapped[datetime | None]
    all_clear_until: Mapped[datetime | None]
    """Until then the all-clear waits for speakers that were away."""

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    announcement: Mapped[Announcement | None] = relationship(lazy="joined", foreign_keys=[announcement_id])
    all_clear: Mapped[Announcement | None] = relationship(lazy="joined", foreign_keys=[all_clear_id])
    targets: Mapped[list["AlertTarget"]] = relationship(
        lazy="selectin", order_by="AlertTarget.kind, AlertTarget.key", cascade="all, delete-orphan"
    )


class AlertTarget(Base):
    """One area, group or speaker that an alert addresses."""

    __tablename__ = "alert_targets"

    alert_id: Mapped[str] = mapped_column(AlertKey, ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    kind: Mapped[TargetKind] = mapped_column(stored_as_text(TargetKind), primary_key=True)
    key: Mapped[str] = mapped_column(String(128), primary_key=True, index=True)

    @property
    def name(self) -> str:
        """As `AlertSet.target` writes it."""
        return f"{self.kind}:{self.key}"


class AlertReach(Base):
    """How one alert stands on one speaker that it addresses."""

    __tablename__ = "alert_reach"
    __table_args__ = (Index("ix_alert_reach_alert_id_phase", "alert_id", "phase"),)

    alert_id: Mapped[str] = mapped_column(AlertKey, ForeignKey("alerts.id", ondelete="CASCADE"), primary_key=True)
    device_id: Mapped[str] = mapped_column(
        DeviceKey, ForeignKey("devices.id", ondelete="CASCADE"), primary_key=True, index=True
    )
    online: Mapped[bool]
    """Whether its link was up when the alert was released: then silence for 100 s is an incident (EN 54-21)."""
    phase: Mapped[AlertPhase | None] = mapped_column(stored_as_text(AlertPhase))
    """None: it has not said that it has the alert."""
    revision: Mapped[int] = mapped_column(default=0)
    received_at: Mapped[datetime | None]
    first_sound_at: Mapped[datetime | None]
    finished_at: Mapped[datetime | None]
    reason: Mapped[str] = mapped_column(String(200), default="")
    incident_at: Mapped[datetime | None]


class SilentTestRow(Base):
    """When a commune's speakers are next tested without a sound."""

    __tablename__ = "silent_tests"

    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code", ondelete="CASCADE"), primary_key=True)
    every: Mapped[SilentTest] = mapped_column(stored_as_text(SilentTest))
    """The rule that `due_at` follows."""
    due_at: Mapped[datetime | None] = mapped_column(index=True)
    """None: never."""

"""The tables of playlists, their items, and the sound they were assembled into."""

from datetime import datetime
from enum import StrEnum
from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.announcements.models import Status
from controller.areas.models import Area, Code
from controller.columns import stored_as_text
from controller.content.models import Sha256Key
from controller.database import Base, Versioned, new_id


class ItemKind(StrEnum):
    """What an item of a playlist is."""

    CHIME = "chime"
    ANNOUNCEMENT = "announcement"
    PAUSE = "pause"
    RELAY = "relay"


class Assembly(Base):
    """The sound of a list of items, known by the hash of what it was made from: nothing is assembled twice."""

    __tablename__ = "assemblies"

    key: Mapped[str] = mapped_column(Sha256Key, primary_key=True)
    recipe: Mapped[list[dict[str, Any]]] = mapped_column(JSON)
    status: Mapped[Status] = mapped_column(stored_as_text(Status), default=Status.PROCESSING, index=True)
    stretches: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """The `protocol.messages.Stretch` of each file."""
    relays: Mapped[list[dict[str, Any]]] = mapped_column(JSON, default=list)
    """The `protocol.messages.Relay` of each relayed station."""
    duration_ms: Mapped[int | None]
    error_code: Mapped[str | None] = mapped_column(String(64))
    error_vi: Mapped[str | None] = mapped_column(Text)
    error_en: Mapped[str | None] = mapped_column(Text)
    created_at: Mapped[datetime]


class Playlist(Versioned, Base):
    """An ordered list of things to be heard in one go."""

    __tablename__ = "playlists"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    title: Mapped[str] = mapped_column(String(300))
    author: Mapped[str] = mapped_column(String(64))
    created_at: Mapped[datetime]
    retired_at: Mapped[datetime | None]
    wanted_key: Mapped[str | None] = mapped_column(Sha256Key, ForeignKey("assemblies.key"), index=True)
    """The sound that its items ask for; None while an announcement has none yet."""
    sound_key: Mapped[str | None] = mapped_column(Sha256Key, ForeignKey("assemblies.key"), index=True)
    """The sound it has: the former one until the wanted one is ready."""

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)
    items: Mapped[list["PlaylistItem"]] = relationship(
        lazy="selectin", order_by="PlaylistItem.position", cascade="all, delete-orphan"
    )
    wanted: Mapped[Assembly | None] = relationship(lazy="joined", foreign_keys=[wanted_key])
    sound: Mapped[Assembly | None] = relationship(lazy="joined", foreign_keys=[sound_key])


class PlaylistItem(Base):
    """One item, in its place."""

    __tablename__ = "playlist_items"

    playlist_id: Mapped[str] = mapped_column(
        String(26), ForeignKey("playlists.id", ondelete="CASCADE"), primary_key=True
    )
    position: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    kind: Mapped[ItemKind] = mapped_column(stored_as_text(ItemKind))
    announcement_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("announcements.id"), index=True)
    chime: Mapped[str] = mapped_column(String(16), default="")
    repeat: Mapped[int] = mapped_column(default=1)
    pause_ms: Mapped[int] = mapped_column(default=0)
    """Of a pause; of a repeated announcement, the gap between two readings; of an attention call, its length or 0."""
    fade_in_ms: Mapped[int] = mapped_column(default=0)
    fade_out_ms: Mapped[int] = mapped_column(default=0)
    bed_id: Mapped[str | None] = mapped_column(String(26), ForeignKey("announcements.id"), index=True)
    """What sounds softly underneath."""
    bed_db: Mapped[float | None]
    relay_url: Mapped[str] = mapped_column(String(2000), default="")
    """The station to relay; `announcement_id` is then what sounds in its place when it is silent."""
    relay_title: Mapped[str] = mapped_column(String(300), default="")
    relay_ms: Mapped[int] = mapped_column(default=0)

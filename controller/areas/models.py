"""The table of areas."""

from typing import Any

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.database import Base, Versioned

Code = String(64)
Path = String(1200).with_variant(String(1200, collation="C"), "postgresql")
"""Compared byte by byte on every database, so that a subtree is a range."""

CONTACT_MAX = 200


class Area(Versioned, Base):
    """A node of the administrative tree. Its code is the official one where there is one."""

    __tablename__ = "areas"

    code: Mapped[str] = mapped_column(Code, primary_key=True)
    name: Mapped[str] = mapped_column(String(200))
    kind: Mapped[str] = mapped_column(String(64))
    """In words: "tỉnh", "xã", "thôn"."""
    parent_code: Mapped[str | None] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    path: Mapped[str] = mapped_column(Path, unique=True)
    depth: Mapped[int]
    polygon: Mapped[str | None] = mapped_column(Text)
    """GeoJSON geometry."""
    contact: Mapped[str] = mapped_column(String(CONTACT_MAX), default="", server_default="")
    """Who answers here, and by which telephone: called when its speakers do not."""
    policy: Mapped[dict[str, Any]] = mapped_column(JSON, default=dict)
    """What this area itself says (`areas.policy.AreaPolicy`); the chain above says the rest."""

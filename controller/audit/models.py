"""The tables of the trail. Triggers in the database refuse every change to what they hold."""

from sqlalchemy import BigInteger, Index, Integer, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.areas.models import Path
from controller.database import Base

Number = BigInteger().with_variant(Integer, "sqlite")
Digest = String(64)
Moment = String(27)


class AuditEntry(Base):
    """One `audit.chain.Entry`, column by column; `changes` as the canonical JSON that was hashed."""

    __tablename__ = "audit_entries"
    __table_args__ = (Index("ix_audit_entries_object", "kind", "key", "number"),)

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    at: Mapped[str] = mapped_column(Moment)
    actor_id: Mapped[str] = mapped_column(String(26))
    actor: Mapped[str] = mapped_column(String(64), index=True)
    address: Mapped[str] = mapped_column(String(64))
    kind: Mapped[str] = mapped_column(String(32))
    key: Mapped[str] = mapped_column(String(255))
    action: Mapped[str] = mapped_column(String(32))
    label: Mapped[str] = mapped_column(String(300))
    area: Mapped[str] = mapped_column(Path, index=True)
    changes: Mapped[str] = mapped_column(Text)
    previous: Mapped[str] = mapped_column(Digest)
    hash: Mapped[str] = mapped_column(Digest)


class AuditBase(Base):
    """Where the chain begins after its oldest entries were exported and removed; signed."""

    __tablename__ = "audit_bases"

    number: Mapped[int] = mapped_column(Number, primary_key=True, autoincrement=False)
    hash: Mapped[str] = mapped_column(Digest)
    token: Mapped[str] = mapped_column(Text)

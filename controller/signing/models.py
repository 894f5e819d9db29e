"""The tables of signing keys: public halves and where each is in its life. Private halves are never in a database."""

from datetime import datetime

from sqlalchemy import BigInteger, String, Text
from sqlalchemy.orm import Mapped, mapped_column

from controller.columns import stored_as_text
from controller.database import Base
from controller.signing.lifecycle import KeyState, Life
from protocol.messages import TrustedKey


class SigningKeyRow(Base):
    """A key that speakers were, are or will be told to trust."""

    __tablename__ = "signing_keys"

    kid: Mapped[str] = mapped_column(String(64), primary_key=True)
    x: Mapped[str] = mapped_column(String(64))
    state: Mapped[KeyState] = mapped_column(stored_as_text(KeyState))
    made_at: Mapped[datetime]
    signs_from: Mapped[datetime | None]
    trusted_until: Mapped[datetime | None]
    changed_at: Mapped[datetime]

    @property
    def life(self) -> Life:
        """What decisions are made from."""
        return Life(self.kid, self.state, self.signs_from, self.trusted_until)

    @property
    def public(self) -> TrustedKey:
        """As speakers are told."""
        return TrustedKey(kid=self.kid, x=self.x, role="recovery" if self.state is KeyState.RECOVERY else "orders")


class KeyNoticeRow(Base):
    """A signed `KeyNotice`; `serial` orders them."""

    __tablename__ = "key_notices"

    serial: Mapped[int] = mapped_column(BigInteger, primary_key=True, autoincrement=False)
    kid: Mapped[str] = mapped_column(String(64))
    """Whose notice it is."""
    token: Mapped[str] = mapped_column(Text)
    made_at: Mapped[datetime]

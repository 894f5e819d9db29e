"""The tables of users and of what they sign in with. Secrets are stored as hashes, or sealed."""

from datetime import datetime
from typing import Final

from sqlalchemy import JSON, ForeignKey, String, Text
from sqlalchemy.orm import Mapped, mapped_column, relationship

from controller.accounts.sign_ins import Means
from controller.areas.models import Area, Code
from controller.columns import stored_as_text
from controller.database import Base, Versioned, new_id

SECRET: Final = {"secret": True}
"""In the `info` of a column whose value belongs in no log, trail or export, though it is hashed or sealed."""
TokenHash = String(64)
UserId = String(26)


class User(Versioned, Base):
    """Somebody who may sign in, and the area whose subtree they see."""

    __tablename__ = "users"

    id: Mapped[str] = mapped_column(UserId, primary_key=True, default=new_id)
    name: Mapped[str] = mapped_column(String(64), unique=True)
    full_name: Mapped[str] = mapped_column(String(200), default="")
    email: Mapped[str] = mapped_column(String(254), default="")
    password_hash: Mapped[str | None] = mapped_column(String(255), info=SECRET)
    """None: invited, and not come yet; or comes through the identity provider only."""
    area_code: Mapped[str] = mapped_column(Code, ForeignKey("areas.code"), index=True)
    roles: Mapped[list[str]] = mapped_column(JSON, default=list)
    disabled: Mapped[bool] = mapped_column(default=False)
    created_at: Mapped[datetime]

    area: Mapped[Area] = relationship(lazy="joined", innerjoin=True)


class UserSession(Base):
    """A signed-in browser."""

    __tablename__ = "user_sessions"

    token_hash: Mapped[str] = mapped_column(TokenHash, primary_key=True, info=SECRET)
    id: Mapped[str] = mapped_column(String(26), unique=True, default=new_id)
    """By which its owner ends it; shows nothing of the secret."""
    user_id: Mapped[str] = mapped_column(UserId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    created_at: Mapped[datetime]
    seen_at: Mapped[datetime]
    expires_at: Mapped[datetime] = mapped_column(index=True)
    means: Mapped[Means] = mapped_column(stored_as_text(Means), default=Means.PASSWORD)
    second_factor: Mapped[bool] = mapped_column(default=False)
    """Whether a one-time code was shown: without, roles that need one do not count."""
    address: Mapped[str] = mapped_column(String(64), default="")
    browser: Mapped[str] = mapped_column(String(200), default="")
    """What it calls itself, so that its owner knows it again."""

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class ApiToken(Base):
    """A secret that a program signs in with."""

    __tablename__ = "api_tokens"

    id: Mapped[str] = mapped_column(String(26), primary_key=True, default=new_id)
    user_id: Mapped[str] = mapped_column(UserId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    name: Mapped[str] = mapped_column(String(100))
    token_hash: Mapped[str] = mapped_column(TokenHash, unique=True, info=SECRET)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime | None]
    scopes: Mapped[list[str] | None] = mapped_column(JSON(none_as_null=True))
    """What it may do at most; None: all that its owner may."""

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class AccountLink(Base):
    """A one-time link: whoever opens it chooses the user's password."""

    __tablename__ = "account_links"

    token_hash: Mapped[str] = mapped_column(TokenHash, primary_key=True, info=SECRET)
    user_id: Mapped[str] = mapped_column(UserId, ForeignKey("users.id", ondelete="CASCADE"), unique=True)
    """One at a time: a new link makes the one before worthless."""
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class SecondFactor(Base):
    """What makes a user's one-time codes (RFC 6238)."""

    __tablename__ = "second_factors"

    user_id: Mapped[str] = mapped_column(UserId, ForeignKey("users.id", ondelete="CASCADE"), primary_key=True)
    secret: Mapped[str] = mapped_column(Text, info=SECRET)
    """Sealed with the service's key."""
    confirmed: Mapped[bool] = mapped_column(default=False)
    """Whether a code was shown: until then nothing is asked."""
    last_step: Mapped[int] = mapped_column(default=0)
    """The time step of the newest code that was accepted; it and all before are worth nothing."""
    created_at: Mapped[datetime]


class RecoveryCode(Base):
    """Stands in once for a one-time code, when the telephone is lost."""

    __tablename__ = "recovery_codes"

    code_hash: Mapped[str] = mapped_column(TokenHash, primary_key=True, info=SECRET)
    user_id: Mapped[str] = mapped_column(UserId, ForeignKey("users.id", ondelete="CASCADE"), index=True)


class Identity(Base):
    """Whom the identity provider means by a subject."""

    __tablename__ = "identities"

    issuer: Mapped[str] = mapped_column(String(255), primary_key=True)
    subject: Mapped[str] = mapped_column(String(255), primary_key=True)
    user_id: Mapped[str] = mapped_column(UserId, ForeignKey("users.id", ondelete="CASCADE"), index=True)
    linked_at: Mapped[datetime]

    user: Mapped[User] = relationship(lazy="joined", innerjoin=True)


class Attempts(Base):
    """Failed attempts to sign in, kept over a restart. The key is a hash: names and addresses are nobody's business."""

    __tablename__ = "sign_in_attempts"

    key: Mapped[str] = mapped_column(TokenHash, primary_key=True, info=SECRET)
    failures: Mapped[int]
    last_at: Mapped[datetime] = mapped_column(index=True)

"""Who came in, who did not, and who is out again: the one place through which every attempt to sign in passes.

All are events of a transaction: processors (`Database.before_commit`) see them before it commits.
"""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy.ext.asyncio import AsyncSession

from controller.database import Actor, Database, set_actor
from controller.events import Event, record_event


class Means(StrEnum):
    """What somebody shows to be let in."""

    PASSWORD = "password"  # noqa: S105 the word, not a secret
    CODE = "code"
    """A one-time code, after the password or the identity provider."""
    OPENID = "openid"
    """The identity provider says who it is."""
    LINK = "link"
    """A one-time link: an invitation, or a new password."""


class Refusal(StrEnum):
    """Why somebody was not let in. For those who look after the service, never for who tries."""

    WRONG = "wrong"
    """The name, the password, the code or the link does not fit."""
    DISABLED = "disabled"
    THROTTLED = "throttled"
    UNLINKED = "unlinked"
    """The identity provider knows them, and we do not."""


@dataclass(frozen=True, slots=True)
class SignedIn(Event):
    """Somebody was let in."""

    user_id: str
    name: str
    address: str
    means: Means
    at: datetime


@dataclass(frozen=True, slots=True)
class SignInRefused(Event):
    """Somebody was not let in. `name` is what was typed, `user_id` empty where there is no such user."""

    user_id: str
    name: str
    address: str
    means: Means
    why: Refusal
    at: datetime


@dataclass(frozen=True, slots=True)
class SignedOut(Event):
    """Somebody ended sign-ins of a user: their own, or as administrator. What merely became too old is no deed."""

    user_id: str
    browsers: int


def note_signed_in(session: AsyncSession, signed_in: SignedIn) -> None:
    """Say in the transaction that lets a user in that it does; they stand behind it from here on."""
    set_actor(session, Actor(signed_in.user_id, signed_in.name, signed_in.address))
    record_event(session, signed_in)


async def note_refused(database: Database, refused: SignInRefused) -> None:
    """Say that somebody was not let in: in a transaction of its own, since theirs comes to nothing.

    Call it while no other transaction of the request has begun.
    """
    async with database.transaction() as session:
        set_actor(session, Actor(refused.user_id, refused.name, refused.address))
        record_event(session, refused)

"""What may happen to users and their sign-ins."""

import re
import unicodedata
from collections.abc import Collection
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import AccountLink, ApiToken, User, UserSession
from controller.accounts.repository import Credentials, TokenRepository
from controller.accounts.roles import Permission, Role, in_force
from controller.accounts.secrets import (
    PASSWORD_MAX,
    PASSWORD_MIN,
    hashed,
    new_token,
    password_matches,
    token_hash,
)
from controller.accounts.sign_ins import Means, SignedIn, note_signed_in
from controller.accounts.throttle import Throttle, keys_for
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.database import Database, after_commit
from controller.errors import Conflict, FieldError, Invalid, NotFound, Unauthenticated
from controller.text import Text

SLIDE_AFTER = timedelta(hours=1)
INVITATION_LASTS = timedelta(days=3)
RESET_LASTS = timedelta(hours=1)
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class WrongPassword(Unauthenticated):
    """The name or the password is wrong; which of them is nobody's business."""

    code = "wrong_password"
    title = Text("The name or the password is wrong. Enter them again, or press Forgotten password.")

    def __init__(self, user: User | None = None) -> None:
        super().__init__()
        self.user = user
        """Whose name was given: for the trail, not for who tries."""


class LinkOver(NotFound):
    """A one-time link that was used, is too old, was replaced, or never was: they look alike."""

    code = "link_over"
    title = Text("This link was used or is too old. Ask your administrator for a new one.")


@dataclass(frozen=True, slots=True)
class Arrival:
    """How a browser came to be signed in."""

    address: str
    browser: str
    means: Means
    shown_code: bool = False


def viewer_for(user: User) -> Viewer:
    """Return what a user may see."""
    return Viewer(
        user_id=user.id,
        name=user.name,
        scope=user.area.path,
        area_code=user.area_code,
        depth=user.area.depth,
        roles=frozenset(map(Role, user.roles)),
    )


def canonical_name(name: str) -> str:
    """Return the name as it is stored."""
    return unicodedata.normalize("NFKC", name).strip().lower()


class Accounts:
    """Users within one transaction."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session
        self.credentials = Credentials(session)

    async def add_user(
        self,
        name: str,
        area_code: str,
        now: datetime,
        *,
        password: str | None = None,
        roles: Collection[Role] = (),
        full_name: str = "",
        email: str = "",
    ) -> User:
        """Register a user for an area, to play these roles in it. Without a password they need a link to come in."""
        name = canonical_name(name)
        if not _NAME.fullmatch(name):
            raise Invalid.field("name", Text("Use a–z, 0–9, . _ @ - only"))
        if await self.credentials.user(name):
            raise Conflict(Text("There is a user %(name)s already", name=name))
        if (area := await self.session.get(Area, area_code)) is None:
            raise Invalid.field("area_code", Text("There is no area %(area_code)s", area_code=area_code))
        user = User(
            name=name,
            full_name=full_name,
            email=email,
            password_hash=None if password is None else await _hashed(password),
            area=area,
            area_code=area_code,
            created_at=now,
            roles=sorted(roles),
        )
        self.session.add(user)
        await self.session.flush()
        return user

    async def set_password(self, user: User, password: str, *, keep_token: str | None = None) -> None:
        """Change a password and end the user's other sign-ins; a link to choose one is worthless from then on."""
        user.password_hash = await _hashed(password)
        await self.credentials.forget_all(user.id, but=[token_hash(keep_token)] if keep_token else [])
        await self.credentials.forget_links(user.id)

    async def make_link(self, user: User, now: datetime) -> tuple[AccountLink, str]:
        """Make a one-time link by which a user chooses a password; its secret is returned this once.

        The link before it is worth nothing any more.
        """
        if user.disabled:
            raise Conflict(Text("This account is disabled"))
        await self.credentials.forget_links(user.id)
        secret = new_token()
        lasts = INVITATION_LASTS if user.password_hash is None else RESET_LASTS
        row = AccountLink(
            token_hash=token_hash(secret), user_id=user.id, user=user, created_at=now, expires_at=now + lasts
        )
        self.session.add(row)
        await self.session.flush()
        return row, secret

    async def user_of_link(self, secret: str, now: datetime) -> User:
        """Return whom a one-time link is for; it stays usable. Raises `LinkOver`."""
        link = await self.credentials.link(token_hash(secret), now)
        if link is None or link.user.disabled:
            raise LinkOver
        return link.user

    async def choose_password(self, secret: str, password: str, now: datetime) -> User:
        """Spend a one-time link: set the password, end all sign-ins and revoke all tokens of before."""
        user = await self.user_of_link(secret, now)
        new_hash = await _hashed(password)  # one that is too short leaves the link as it was
        if not await self.credentials.spend_link(token_hash(secret)):
            raise LinkOver
        user.password_hash = new_hash
        await self.shut_out(user)
        return user

    async def shut_out(self, user: User) -> None:
        """End all of a user's sign-ins, tokens and links."""
        await self.credentials.forget_all(user.id)
        await self.credentials.forget_tokens(user.id)
        await self.credentials.forget_links(user.id)

    async def open_session(self, user: User, now: datetime, lasts: timedelta, arrival: Arrival) -> str:
        """Sign a user in; return the secret for the cookie."""
        note_signed_in(self.session, SignedIn(user.id, user.name, arrival.address, arrival.means, now))
        await self.credentials.forget_expired(now)
        token = new_token()
        self.session.add(
            UserSession(
                token_hash=token_hash(token),
                user_id=user.id,
                created_at=now,
                seen_at=now,
                expires_at=now + lasts,
                means=arrival.means,
                second_factor=arrival.shown_code,
                address=arrival.address[:64],
                browser=arrival.browser[:200],
            )
        )
        await self.session.flush()
        return token

    async def add_token(
        self,
        viewer: Viewer,
        name: str,
        now: datetime,
        expires_at: datetime | None,
        scopes: Collection[Permission] | None = None,
    ) -> tuple[ApiToken, str]:
        """Make an API token for the viewer; its secret is returned this once.

        It may do `scopes`, or all that the viewer may at this moment; nothing that its owner may do only later.
        """
        if expires_at is not None and expires_at <= now:
            raise Invalid.field("expires_at", Text("Must be in the future"))
        wanted = viewer.permissions if scopes is None else frozenset(scopes)
        if beyond := wanted - viewer.permissions:
            words = ", ".join(sorted(beyond))
            raise Invalid.field("scopes", Text("You may not do this yourself: %(words)s", words=words))
        secret = new_token()
        row = ApiToken(
            user_id=viewer.user_id,
            name=name,
            token_hash=token_hash(secret),
            created_at=now,
            expires_at=expires_at,
            scopes=sorted(wanted),
        )
        TokenRepository(self.session).add(row)
        await self.session.flush()
        return row, secret


async def check_password(
    database: Database,
    throttle: Throttle,
    *,
    name: str,
    password: str,
    address: str,
    browser: str | None,
    now: datetime,
) -> User:
    """Return the user, or raise `WrongPassword` or `TooManyAttempts`.

    Reads in a transaction of its own: hashing is slow, and no lock may be held meanwhile.
    """
    name = canonical_name(name)
    keys = keys_for(name, address, browser)
    throttle.attempt(keys, now)
    async with database.reading() as session:
        user = await Credentials(session).user(name) if _NAME.fullmatch(name) else None
    known = user is not None and not user.disabled
    if not await password_matches(user.password_hash if user and known else None, password) or user is None:
        raise WrongPassword(user)
    throttle.succeeded(keys)
    return user


async def identify_browser(
    database: Database, session: AsyncSession, token: str, now: datetime, lasts: timedelta
) -> Viewer | None:
    """Return who a cookie's token belongs to. Its expiry slides, written apart from this transaction."""
    credentials = Credentials(session)
    found = await credentials.browser(token_hash(token), now)
    if found is None or found.user.disabled:
        return None
    if now - found.seen_at > SLIDE_AFTER:
        after_commit(session, partial(_slide, database, found.token_hash, now, lasts))
    viewer = replace(viewer_for(found.user), session_id=found.id)
    if found.second_factor or not viewer.roles:
        return viewer
    needing = await credentials.roles_needing_code(viewer.scope)
    return replace(viewer, roles=in_force(viewer.roles, needing, code_shown=False))


async def identify_program(session: AsyncSession, token: str, now: datetime) -> Viewer | None:
    """Return who an API token belongs to."""
    found = await Credentials(session).program(token_hash(token), now)
    if found is None or found.user.disabled:
        return None
    return replace(viewer_for(found.user), scopes=_scopes(found))


def _scopes(token: ApiToken) -> frozenset[Permission] | None:
    """What a token is limited to. A word that this version does not know allows nothing."""
    if token.scopes is None:
        return None
    return frozenset(permission for permission in Permission if permission in token.scopes)


async def _slide(database: Database, hashed: str, now: datetime, lasts: timedelta) -> None:
    async with database.transaction() as session:
        found = await Credentials(session).browser(hashed, now)
        if found is not None:
            found.seen_at, found.expires_at = now, now + lasts


async def _hashed(password: str) -> str:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        text = Text(
            "A password needs %(password_min)s to %(password_max)s characters",
            password_min=PASSWORD_MIN,
            password_max=PASSWORD_MAX,
        )
        raise Invalid(errors=(FieldError("password", text),))
    return await hashed(password)

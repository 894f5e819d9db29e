"""What may happen to users and their sign-ins."""

import re
import unicodedata
from collections.abc import Collection
from datetime import datetime, timedelta
from functools import partial

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import ApiToken, User, UserSession
from controller.accounts.repository import Credentials, TokenRepository
from controller.accounts.roles import Role
from controller.accounts.secrets import (
    PASSWORD_MAX,
    PASSWORD_MIN,
    hash_password,
    new_token,
    password_matches,
    token_hash,
)
from controller.accounts.sign_ins import Means, Refusal, SignInRefused, note_refused, note_signed_in
from controller.accounts.throttle import Throttle
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.database import Database, after_commit
from controller.errors import Conflict, FieldError, Invalid, Unauthenticated
from controller.text import Text

SLIDE_AFTER = timedelta(hours=1)
NAME_MAX = 64
_NAME = re.compile(r"[a-z0-9][a-z0-9._@-]{0,63}")


class WrongPassword(Unauthenticated):
    """The name or the password is wrong; which of them is nobody's business."""

    code = "wrong_password"
    title = Text("Tên đăng nhập hoặc mật khẩu không đúng", "The name or the password is wrong")

    def __init__(self, user: User | None = None) -> None:
        super().__init__()
        self.user = user
        """Whose name was given: for the trail, not for who tries."""


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
        self, name: str, password: str, area_code: str, now: datetime, *, roles: Collection[Role] = ()
    ) -> User:
        """Register a user for an area, to play these roles in it."""
        name = canonical_name(name)
        if not _NAME.fullmatch(name):
            raise Invalid.field("name", "Chỉ dùng a–z, 0–9, . _ @ -", "Use a–z, 0–9, . _ @ - only")
        if await self.credentials.user(name):
            raise Conflict(f"Đã có người dùng {name}", f"There is a user {name} already")
        if (area := await self.session.get(Area, area_code)) is None:
            raise Invalid.field("area_code", f"Không có địa bàn {area_code}", f"There is no area {area_code}")
        user = User(
            name=name,
            password_hash=_hashed(password),
            area=area,
            area_code=area_code,
            created_at=now,
            roles=sorted(roles),
        )
        self.session.add(user)
        await self.session.flush()
        return user

    async def set_password(self, user: User, password: str, *, keep_token: str | None = None) -> None:
        """Change a password and end the user's other sign-ins."""
        user.password_hash = _hashed(password)
        await self.credentials.forget_all(user.id, but=[token_hash(keep_token)] if keep_token else [])

    async def open_session(
        self, user: User, now: datetime, lasts: timedelta, *, address: str = "", means: Means = Means.PASSWORD
    ) -> str:
        """Sign a user in; return the secret for the cookie."""
        note_signed_in(self.session, user, address, means, now)
        await self.credentials.forget_expired(now)
        token = new_token()
        self.session.add(
            UserSession(
                token_hash=token_hash(token), user_id=user.id, created_at=now, seen_at=now, expires_at=now + lasts
            )
        )
        await self.session.flush()
        return token

    async def add_token(
        self, viewer: Viewer, name: str, now: datetime, expires_at: datetime | None
    ) -> tuple[ApiToken, str]:
        """Make an API token for the viewer; its secret is returned this once."""
        if expires_at is not None and expires_at <= now:
            raise Invalid.field("expires_at", "Phải ở tương lai", "Must be in the future")
        secret = new_token()
        row = ApiToken(
            user_id=viewer.user_id, name=name, token_hash=token_hash(secret), created_at=now, expires_at=expires_at
        )
        TokenRepository(self.session).add(row)
        await self.session.flush()
        return row, secret


async def check_password(
    database: Database, throttle: Throttle, *, name: str, password: str, address: str, now: datetime
) -> User:
    """Return the user, or raise `WrongPassword` or `TooManyAttempts`.

    Reads in a transaction of its own: hashing is slow, and no lock may be held meanwhile.
    """
    name = canonical_name(name)
    throttle.attempt(name, address, now)
    async with database.reading() as session:
        user = await Credentials(session).user(name) if _NAME.fullmatch(name) else None
    known = user is not None and not user.disabled
    if not await password_matches(user.password_hash if user and known else None, password) or user is None:
        raise WrongPassword(user)
    throttle.succeeded(name, address)
    return user


async def demand_sign_in(
    database: Database, throttle: Throttle, *, name: str, password: str, address: str, now: datetime
) -> User:
    """Return the user whose name and password these are; note whoever is refused. Call it before any other query."""
    try:
        return await check_password(database, throttle, name=name, password=password, address=address, now=now)
    except WrongPassword as refusal:
        user, why = refusal.user, Refusal.WRONG
        if user is not None and user.disabled:
            why = Refusal.DISABLED
        user_id = user.id if user else ""
        await note_refused(database, SignInRefused(user_id, name[:NAME_MAX], address, Means.PASSWORD, why, now))
        raise


async def identify_browser(
    database: Database, session: AsyncSession, token: str, now: datetime, lasts: timedelta
) -> Viewer | None:
    """Return who a cookie's token belongs to. Its expiry slides, written apart from this transaction."""
    found = await Credentials(session).browser(token_hash(token), now)
    if found is None or found.user.disabled:
        return None
    if now - found.seen_at > SLIDE_AFTER:
        after_commit(session, partial(_slide, database, found.token_hash, now, lasts))
    return viewer_for(found.user)


async def identify_program(session: AsyncSession, token: str, now: datetime) -> Viewer | None:
    """Return who an API token belongs to."""
    found = await Credentials(session).program(token_hash(token), now)
    return None if found is None or found.user.disabled else viewer_for(found.user)


async def _slide(database: Database, hashed: str, now: datetime, lasts: timedelta) -> None:
    async with database.transaction() as session:
        found = await Credentials(session).browser(hashed, now)
        if found is not None:
            found.seen_at, found.expires_at = now, now + lasts


def _hashed(password: str) -> str:
    if not PASSWORD_MIN <= len(password) <= PASSWORD_MAX:
        text = Text(
            f"Mật khẩu cần từ {PASSWORD_MIN} đến {PASSWORD_MAX} ký tự",
            f"A password needs {PASSWORD_MIN} to {PASSWORD_MAX} characters",
        )
        raise Invalid(errors=(FieldError("password", text),))
    return hash_password(password)

"""One-time links: how they look, as an address, as a picture, and in a letter."""

from datetime import datetime
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

import segno
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.mail import Letter, post_of
from controller.accounts.models import AccountLink, User
from controller.accounts.repository import Credentials
from controller.accounts.service import Accounts, canonical_name
from controller.accounts.throttle import Counted, Key
from controller.accounts.throttling import throttle_of
from controller.database import after_commit
from controller.errors import TooManyAttempts
from controller.runtime import Runtime
from controller.settings import Settings
from controller.text import Text

PATH = "/join"
ACCOUNT = "/account"


def address(settings: Settings, secret: str) -> str:
    """Return the link."""
    return f"{settings.base_url}{PATH}/{secret}"


def picture(text: str) -> str:
    """Return a text as a QR code: an SVG element without scripts and styles."""
    return segno.make(text, error="m").svg_inline(scale=4, border=2, dark="#000", light="#fff")


def letter(settings: Settings, link: AccountLink, secret: str) -> Letter:
    """Return the letter that brings a link."""
    until = link.expires_at.astimezone(ZoneInfo(settings.zone)).strftime("%H:%M %d/%m/%Y")
    where = address(settings, secret)
    subject = Text("choose your password")
    greeting = Text("Good day %(name)s,", name=link.user.full_name or link.user.name)
    opened = Text(
        "Open this link to choose your password for the loudspeaker system (user name: %(name)s).", name=link.user.name
    )
    once = Text("It works once, until %(until)s", until=until)
    unasked = Text("If you did not ask for it, ignore it and tell your administrator.")
    body = (
        f"{greeting.vi}\n\n{opened.vi}\n{once.vi}:\n\n{where}\n\n{unasked.vi}\n\n"
        f"--\n\n{opened.en}\n{once.en}. {unasked.en}\n"
    )
    return Letter(link.user.email, f"Loa: {subject.vi} / {subject.en}", body)


def confirmation(settings: Settings, user: User, email: str, note: str, expires_at: datetime) -> Letter:
    """Return the letter by whose link a user says that a new address is theirs."""
    until = expires_at.astimezone(ZoneInfo(settings.zone)).strftime("%H:%M %d/%m/%Y")
    where = f"{settings.base_url}{ACCOUNT}?{urlencode({'confirm': note})}"
    subject = Text("confirm your mail address")
    greeting = Text("Good day %(name)s,", name=user.full_name or user.name)
    opened = Text(
        "Open this link to use this address for the account %(name)s of the loudspeaker system.", name=user.name
    )
    valid = Text("It is valid until %(until)s", until=until)
    unasked = Text("If you did not ask for it, ignore it.")
    body = (
        f"{greeting.vi}\n\n{opened.vi}\n{valid.vi}:\n\n{where}\n\n{unasked.vi}\n\n"
        f"--\n\n{opened.en}\n{valid.en}. {unasked.en}\n"
    )
    return Letter(email, f"Loa: {subject.vi} / {subject.en}", body)


def farewell(settings: Settings, user: User, before: str, now: datetime) -> Letter:
    """Return the letter to the address that a user had before: whoever took it over must not do so unseen.

    It does not name the new one, which its reader may have no business to know.
    """
    at = now.astimezone(ZoneInfo(settings.zone)).strftime("%H:%M %d/%m/%Y")
    subject = Text("your mail address was changed")
    greeting = Text("Good day %(name)s,", name=user.full_name or user.name)
    changed = Text(
        "At %(at)s the account %(name)s of the loudspeaker system was given another mail address. Letters no longer"
        " come here.",
        at=at,
        name=user.name,
    )
    unasked = Text("If it was not you, tell your administrator at once.")
    body = f"{greeting.vi}\n\n{changed.vi}\n\n{unasked.vi}\n\n--\n\n{changed.en} {unasked.en}\n"
    return Letter(before, f"Loa: {subject.vi} / {subject.en}", body)


def mail(runtime: Runtime, session: AsyncSession, written: Letter) -> None:
    """Send a letter once what it tells of is committed."""

    async def write() -> Letter:
        return written

    after_commit(session, lambda: post_of(runtime).hand_in(write))


def mail_farewell(runtime: Runtime, session: AsyncSession, user: User, before: str, now: datetime) -> None:
    """Tell the address that a user had before, once the change is committed and where there is a way to."""
    if before and before != user.email and post_of(runtime).is_open:
        mail(runtime, session, farewell(runtime.settings, user, before, now))


def mail_link(runtime: Runtime, accounts: Accounts, link: AccountLink, secret: str) -> bool:
    """Send a link to its user once it is committed; False if there is no way to."""
    if not post_of(runtime).is_open or not link.user.email:
        return False
    mail(runtime, accounts.session, letter(runtime.settings, link, secret))
    return True


def send_forgotten(runtime: Runtime, name: str, now: datetime) -> None:
    """Send a user of this name a link, if there is one with a mail address. Whoever asks is told nothing."""
    post, name = post_of(runtime), canonical_name(name)

    async def write() -> Letter | None:
        async with runtime.database.transaction() as session:
            user = await Credentials(session).user(name)
            if user is None or user.disabled or not user.email:
                return None
            try:
                throttle_of(runtime).attempt([Key(Counted.LETTER, user.id)], now)
            except TooManyAttempts:
                return None
            link, secret = await Accounts(session).make_link(user, now)
            return letter(runtime.settings, link, secret)

    if post.is_open:
        post.hand_in(write)

"""One-time links: how they look, as an address, as a picture, and in a letter."""

from datetime import datetime
from zoneinfo import ZoneInfo

import segno

from controller.accounts.mail import Letter, post_of
from controller.accounts.models import AccountLink
from controller.accounts.repository import Credentials
from controller.accounts.service import Accounts, canonical_name
from controller.accounts.throttle import Counted, Key
from controller.accounts.throttling import throttle_of
from controller.database import after_commit
from controller.errors import TooManyAttempts
from controller.runtime import Runtime
from controller.settings import Settings

PATH = "/join"


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
    body = (
        f"Chào {link.user.full_name or link.user.name},\n\n"
        f"Hãy mở liên kết sau để đặt mật khẩu đăng nhập hệ thống loa truyền thanh (tên đăng nhập: {link.user.name}).\n"
        f"Liên kết chỉ dùng được một lần, đến {until}:\n\n{where}\n\n"
        "Nếu bạn không yêu cầu, hãy bỏ qua thư này và báo cho người quản trị.\n\n"
        "--\n\n"
        f"Open this link to choose your password for the loudspeaker system (user name: {link.user.name}).\n"
        f"It works once, until {until}. If you did not ask for it, ignore it and tell your administrator.\n"
    )
    return Letter(link.user.email, "Loa: đặt mật khẩu / choose your password", body)


def mail_link(runtime: Runtime, accounts: Accounts, link: AccountLink, secret: str) -> bool:
    """Send a link to its user once it is committed; False if there is no way to."""
    post = post_of(runtime)
    if not post.is_open or not link.user.email:
        return False
    written = letter(runtime.settings, link, secret)

    async def write() -> Letter:
        return written

    after_commit(accounts.session, lambda: post.hand_in(write))
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

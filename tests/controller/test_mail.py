"""Letters with one-time links, through a real mail server over TLS."""

import asyncio
import re
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from pathlib import Path
from typing import Any
from urllib.parse import unquote
from zoneinfo import ZoneInfo

import pytest
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session
from sqlalchemy import select

from controller.accounts.mail import Letter, Post, post_of, sending_letters
from controller.accounts.models import User
from controller.accounts.own import FRESH_FOR
from controller.accounts.profile import LASTS
from controller.accounts.roles import Role
from controller.accounts.throttle import FREE, Counted
from controller.settings import Settings
from schedules.types import VIETNAM
from tests.support.controller import PASSWORD, House, open_house
from tests.support.people import add_user
from tests.support.tls import certificate

NEW = "mật khẩu hoàn toàn mới"


class Letterbox:
    """What arrived."""

    def __init__(self) -> None:
        self.letters: list[EmailMessage] = []

    async def handle_DATA(self, _server: SMTP, session: Session, envelope: Envelope) -> str:  # noqa: N802 aiosmtpd's
        assert isinstance(envelope.content, bytes)
        assert session.ssl is not None, "never in the clear"
        self.letters.append(message_from_bytes(envelope.content, policy=default))
        return "250 OK"

    def authenticate(self, _server: Any, _session: Any, _envelope: Any, _how: str, shown: Any) -> AuthResult:
        assert isinstance(shown, LoginPassword)
        return AuthResult(success=shown.password == b"smtp secret")


@asynccontextmanager
async def mail_server(cert: Path, key: Path) -> AsyncIterator[tuple[int, Letterbox]]:
    """A mail server on loopback that takes letters only after STARTTLS and a password."""
    box, context = Letterbox(), ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(cert, key)

    def speak() -> SMTP:
        return SMTP(box, tls_context=context, require_starttls=True, authenticator=box.authenticate, auth_required=True)

    server = await asyncio.get_running_loop().create_server(speak, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1], box
    finally:
        server.close()
        await server.wait_closed()


@pytest.fixture
async def mail(tmp_path: Path) -> AsyncIterator[tuple[House, Letterbox]]:
    """A controller with a mail server beside it."""
    cert, key = certificate(tmp_path)
    async with mail_server(cert, key) as (port, box):
        settings = {
            "smtp_host": "localhost",
            "smtp_port": port,
            "smtp_user": "loa",
            "smtp_password": "smtp secret",
            "smtp_ca_file": cert,
            "smtp_from": "loa@example.vn",
        }
        async with open_house(tmp_path / "data", services=(sending_letters,), **settings) as house:
            yield house, box


def link_in(letter: EmailMessage) -> str:
    """The secret of the link in a letter."""
    return re.findall(r"/join/(\S+)", letter.get_content())[0]


def note_in(letter: EmailMessage) -> str:
    """What a letter to a new address brings along, as a browser reads it from the link."""
    return unquote(re.findall(r"/account\?confirm=(\S+)", letter.get_content())[0])


async def address_of(house: House) -> str:
    """To which letters to Lan go."""
    async with house.database.reading() as session:
        return (await session.scalars(select(User.email).where(User.name == "lan"))).one()


async def test_an_invitation_goes_by_mail_and_works(mail: tuple[House, Letterbox]):
    house, box = mail
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    lan = await add_user(top, "lan", "VN", email="lan@example.vn")
    made = await top.post(f"/api/v1/users/{lan}/links", json={"mail": True})
    assert made.json()["mailed"]
    await post_of(house.runtime).idle()
    (letter,) = box.letters
    assert letter["To"] == "lan@example.vn"
    assert link_in(letter) == made.json()["url"].rsplit("/", 1)[1]
    chosen = await house.browser().post("/api/v1/passwords", json={"link": link_in(letter), "password": NEW})
    assert chosen.json() == {"name": "lan"}


async def test_whoever_forgot_gets_a_letter_and_nobody_learns_who_exists(mail: tuple[House, Letterbox]):
    house, box = mail
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    await add_user(top, "lan", "VN", email="lan@example.vn")
    await add_user(top, "minh", "VN")
    browser = house.browser()
    answers = [
        await browser.post("/api/v1/password-requests", json={"name": name}) for name in ("Lan", "minh", "nobody")
    ]
    assert {(answer.status_code, answer.text) for answer in answers} == {(202, "null")}
    await post_of(house.runtime).idle()
    assert [letter["To"] for letter in box.letters] == ["lan@example.vn"]
    pages = [(await browser.post("/forgotten", data={"username": name})).text for name in ("lan", "nobody")]
    assert pages[0] == pages[1]


async def test_nobody_is_flooded_with_letters(mail: tuple[House, Letterbox]):
    house, box = mail
    top = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    await add_user(top, "lan", "VN", email="lan@example.vn")
    for _ in range(FREE[Counted.LETTER] + 3):
        await house.browser().post("/api/v1/password-requests", json={"name": "lan"})
    await post_of(house.runtime).idle()
    assert len(box.letters) == FREE[Counted.LETTER]


async def test_a_mail_server_that_nobody_vouches_for_gets_no_link(tmp_path: Path):
    cert, key = certificate(tmp_path)
    async with mail_server(cert, key) as (port, box):
        settings = Settings(data_dir=tmp_path, smtp_host="localhost", smtp_port=port, smtp_from="loa@example.vn")
        post = Post(settings, again_after_s=())
        post.hand_in(a_letter)
        sending = asyncio.create_task(post.run())
        await post.idle()
        sending.cancel()
        await asyncio.wait([sending])
        assert box.letters == []


async def a_letter() -> Letter:
    return Letter("lan@example.vn", "x", "x")


async def test_an_address_of_ones_own_holds_once_the_letter_to_it_was_followed(mail: tuple[House, Letterbox]):
    house, box = mail
    await house.commune("07339")
    lan = await house.in_person("07339", "lan")
    asked = await lan.post("/account", data={"do": "email", "email": "lan@xa.example.vn"})
    assert asked.status_code == 200, asked.text
    await post_of(house.runtime).idle()
    [letter] = box.letters
    assert letter["To"] == "lan@xa.example.vn"
    assert await address_of(house) == ""
    [link] = re.findall(r"/account\?confirm=\S+", letter.get_content())

    other = await house.in_person("07339", "binh")
    assert (await other.get(link)).status_code == 409
    page = await lan.get(link)
    assert "lan@xa.example.vn" in page.text
    assert await address_of(house) == "", "a look changes nothing"
    [note] = re.findall(r'name="note" value="([^"]+)"', page.text)
    assert (await other.post("/account", data={"do": "confirm-email", "note": note})).status_code == 422
    assert (await lan.post("/account", data={"do": "confirm-email", "note": note})).status_code == 200
    assert await address_of(house) == "lan@xa.example.vn"
    assert (await lan.post("/api/v1/me/email/confirmation", json={"note": note})).status_code == 409, "once"


async def test_the_address_before_learns_that_it_was_changed(mail: tuple[House, Letterbox]):
    house, box = mail
    await house.commune("07339")
    lan = await house.in_person("07339", "lan")

    async def takes(email: str) -> list[EmailMessage]:
        assert (await lan.post("/api/v1/me/email", json={"email": email})).status_code == 202
        await post_of(house.runtime).idle()
        wish = {"note": note_in(box.letters.pop())}
        assert (await lan.post("/api/v1/me/email/confirmation", json=wish)).status_code == 204
        await post_of(house.runtime).idle()
        told, box.letters = box.letters, []
        return told

    assert await takes("lan@xa.example.vn") == [], "there was none before"
    house.clock.advance(timedelta(minutes=1))
    [letter] = await takes("lan@tinh.example.vn")
    said = letter.get_content()
    assert letter["To"] == "lan@xa.example.vn"
    assert "lan@tinh.example.vn" not in said
    assert house.clock.now.astimezone(ZoneInfo(VIETNAM)).strftime("%H:%M %d/%m/%Y") in said
    assert "administrator" in said
    assert "quản trị" in said
    assert await takes("lan@tinh.example.vn") == [], "nothing has changed"


async def test_the_address_before_learns_what_an_administrator_wrote_down_instead(mail: tuple[House, Letterbox]):
    house, box = mail
    await house.commune("07339")
    administrator = await house.in_person("24", "chi")
    path = f"/api/v1/users/{await add_user(administrator, 'lan', '07339', email='lan@xa.example.vn')}"

    async def writes_down(**wish: str) -> list[str]:
        seen = (await administrator.get(path)).headers["ETag"]
        edited = await administrator.patch(path, json=wish, headers={"If-Match": seen})
        assert edited.status_code == 200, edited.text
        await post_of(house.runtime).idle()
        told, box.letters = [letter["To"] for letter in box.letters], []
        return told

    assert await writes_down(full_name="Nguyễn Thị Lan") == []
    assert await writes_down(email="lan@tinh.example.vn") == ["lan@xa.example.vn"]
    assert await writes_down(email="") == ["lan@tinh.example.vn"]
    assert await writes_down(email="lan@xa.example.vn") == [], "there was none before"


async def test_a_letter_that_confirms_an_address_grows_old(mail: tuple[House, Letterbox]):
    house, box = mail
    await house.commune("07339")
    lan = await house.in_person("07339", "lan")
    assert (await lan.post("/api/v1/me/email", json={"email": "lan@xa.example.vn"})).status_code == 202
    await post_of(house.runtime).idle()
    note = note_in(box.letters[0])
    house.clock.advance(LASTS + timedelta(minutes=1))
    again = await lan.post("/api/v1/session", json={"name": "lan", "password": PASSWORD})
    assert again.status_code == 200
    assert (await lan.post("/api/v1/me/email/confirmation", json={"note": note})).status_code == 409
    assert await address_of(house) == ""


async def test_a_browser_that_was_left_open_changes_no_address(mail: tuple[House, Letterbox]):
    house, box = mail
    await house.commune("07339")
    lan = await house.in_person("07339", "lan")
    house.clock.advance(FRESH_FOR + timedelta(minutes=1))
    answer = await lan.post("/api/v1/me/email", json={"email": "lan@xa.example.vn"})
    assert (answer.status_code, answer.json()["code"]) == (403, "sign_in_anew")
    await post_of(house.runtime).idle()
    assert box.letters == []

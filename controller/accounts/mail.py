"""Letters with one-time links, sent behind the requests: an answer never tells by its time whether one goes out."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email.message import EmailMessage
from email.utils import formatdate, make_msgid

import aiosmtplib
import structlog

from controller.background import kept_running
from controller.runtime import Runtime
from controller.settings import Settings

log = structlog.get_logger(__name__)

WAITING_MAX = 200
TRIED_AGAIN_AFTER_S: Sequence[float] = (5.0, 60.0)
TIMEOUT_S = 20.0


@dataclass(frozen=True, slots=True)
class Letter:
    """What is sent to one person."""

    to: str
    subject: str
    body: str


Writing = Callable[[], Awaitable[Letter | None]]
"""Writes a letter when its turn has come, or finds that there is none to send."""


@dataclass
class Post:
    """Sends letters one after the other. Those that wait when the service ends are lost: their readers ask again."""

    settings: Settings
    again_after_s: Sequence[float] = TRIED_AGAIN_AFTER_S
    _waiting: asyncio.Queue[Writing] = field(default_factory=lambda: asyncio.Queue(WAITING_MAX))

    @property
    def is_open(self) -> bool:
        """Whether there is a mail server to send through."""
        return bool(self.settings.smtp_host)

    def hand_in(self, writing: Writing) -> None:
        """Have a letter written and sent soon."""
        try:
            self._waiting.put_nowait(writing)
        except asyncio.QueueFull:
            log.warning("mail_dropped", waiting=WAITING_MAX)

    async def run(self) -> None:
        """Send what is handed in, until stopped."""
        while True:
            writing = await self._waiting.get()
            try:
                letter = await writing()
                if letter is not None:
                    await self._deliver(letter)
            finally:
                self._waiting.task_done()

    async def idle(self) -> None:
        """Wait until all that was handed in is dealt with."""
        await self._waiting.join()

    async def _deliver(self, letter: Letter) -> None:
        for wait_s in (*self.again_after_s, None):
            try:
                await self._send(letter)
            except (aiosmtplib.SMTPException, OSError, ValueError) as error:
                if wait_s is None or isinstance(error, aiosmtplib.SMTPRecipientsRefused | ValueError):
                    log.warning("mail_not_sent", reason=type(error).__name__)
                    return
                await asyncio.sleep(wait_s)
            else:
                return

    async def _send(self, letter: Letter) -> None:
        settings = self.settings
        message = EmailMessage()
        message["From"] = settings.smtp_from
        message["To"] = letter.to
        message["Subject"] = letter.subject
        message["Date"] = formatdate()
        message["Message-ID"] = make_msgid(domain=settings.smtp_from.rpartition("@")[2])
        message["Auto-Submitted"] = "auto-generated"
        message.set_content(letter.body)
        password = settings.smtp_password
        context = None
        if settings.smtp_tls != "none":
            context = ssl.create_default_context(cafile=str(settings.smtp_ca_file) if settings.smtp_ca_file else None)
        await aiosmtplib.send(
            message,
            hostname=settings.smtp_host,
            port=settings.smtp_port,
            username=settings.smtp_user,
            password=password.get_secret_value() if password else None,
            use_tls=settings.smtp_tls == "tls",
            start_tls=settings.smtp_tls == "starttls",
            tls_context=context,
            timeout=TIMEOUT_S,
        )


def post_of(runtime: Runtime) -> Post:
    """Return the service's one post."""
    post: Post = runtime.parts.setdefault(Post, Post(runtime.settings))
    return post


@asynccontextmanager
async def sending_letters(runtime: Runtime) -> AsyncIterator[None]:
    """Run the post."""
    async with kept_running(post_of(runtime).run, "post"):
        yield

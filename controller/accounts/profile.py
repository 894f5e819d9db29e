"""What people say of themselves: the name that others read, and the address to which their letters go."""

from datetime import datetime, timedelta
from typing import Final

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.links import confirmation, mail, mail_farewell
from controller.accounts.mail import post_of
from controller.accounts.models import User
from controller.accounts.own import signed_in_lately
from controller.accounts.throttle import Counted, Key
from controller.accounts.throttling import throttle_of
from controller.accounts.viewer import Viewer
from controller.errors import Conflict
from controller.runtime import Runtime
from controller.text import Text

LASTS: Final = timedelta(hours=24)
_PURPOSE: Final = "mail address"


class NoLetters(Conflict):
    """There is no mail server through which an address could be tried."""

    code = "no_mail_server"
    title = Text("This server sends no letters. Ask the administrator of your area to change your address.")


class NotConfirmed(Conflict):
    """The letter is too old, somebody else's, or of an address before the last one."""

    code = "address_not_confirmed"
    title = Text("This link is not valid any more. Type the new address again.")


class OwnProfile:
    """One's own name and mail address within one transaction."""

    def __init__(self, runtime: Runtime, session: AsyncSession, viewer: Viewer, now: datetime) -> None:
        self._runtime = runtime
        self._session = session
        self._viewer = viewer
        self._now = now

    @property
    def letters(self) -> bool:
        """Whether letters can be sent."""
        return post_of(self._runtime).is_open

    async def rename(self, full_name: str) -> None:
        """Change the name that others read."""
        user = await self._user()
        user.full_name = full_name
        await self._session.flush()

    async def ask(self, email: str) -> None:
        """Send a letter to a new address, which holds once its reader has confirmed it: passwords are reset through it.

        Raises `SignInAnew`, or `NoLetters`.
        """
        await signed_in_lately(self._session, self._viewer, self._now)
        if not self.letters:
            raise NoLetters
        user = await self._user()
        throttle_of(self._runtime).attempt([Key(Counted.LETTER, user.id)], self._now)
        said = {"user": user.id, "email": email, "before": user.email}
        note = self._runtime.sealer.note(_PURPOSE, said, self._now)
        letter = confirmation(self._runtime.settings, user, email, note, self._now + LASTS)
        mail(self._runtime, self._session, letter)

    async def asked(self, note: str) -> str:
        """Return the address that a letter asks to confirm. Raises `NotConfirmed`."""
        said = self._runtime.sealer.read(_PURPOSE, note, self._now, lasts=LASTS) or {}
        user = await self._user()
        if (said.get("user"), said.get("before")) != (user.id, user.email):
            raise NotConfirmed
        return str(said["email"])

    async def confirm(self, note: str) -> None:
        """Take the address of a letter that was read, and tell the one before. Raises `NotConfirmed`."""
        user = await self._user()
        before, user.email = user.email, await self.asked(note)
        await self._session.flush()
        mail_farewell(self._runtime, self._session, user, before, self._now)

    async def _user(self) -> User:
        return await self._session.get_one(User, self._viewer.user_id)

"""What people do with their own second factor: in person, and shortly after they signed in."""

from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import User, UserSession
from controller.accounts.repository import Credentials, SessionRepository
from controller.accounts.second_factor import Enrolment, SecondFactors, confirm_second_factor
from controller.accounts.throttle import keys_for_code
from controller.accounts.throttling import throttle_of
from controller.accounts.viewer import Viewer
from controller.errors import Conflict, Forbidden
from controller.runtime import Runtime
from controller.text import Text

FRESH_FOR = timedelta(minutes=15)


class SignInAnew(Forbidden):
    """Somebody would change what they sign in with, on a browser that was left open perhaps."""

    code = "sign_in_anew"
    title = Text("To be safe, sign out and in again before you change what you sign in with.")


async def signed_in_lately(session: AsyncSession, viewer: Viewer, now: datetime) -> UserSession:
    """Return the viewer's sign-in. Raises `SignInAnew` where it is not of just now."""
    current = await SessionRepository(session).get_by_id(viewer, viewer.session_id)
    if now - current.created_at > FRESH_FOR:
        raise SignInAnew
    return current


class OwnSecondFactor:
    """One's own second factor within one transaction."""

    def __init__(self, runtime: Runtime, session: AsyncSession, viewer: Viewer, now: datetime) -> None:
        self.runtime = runtime
        self.session = session
        self.viewer = viewer
        self.now = now
        self.factors = SecondFactors(session, runtime.sealer)
        self.credentials = Credentials(session)

    async def begin(self) -> Enrolment:
        """Make a secret for the telephone. Raises `SignInAnew`, or `Conflict` where there is one in use."""
        user = (await signed_in_lately(self.session, self.viewer, self.now)).user
        if await self.factors.asked_of(user.id):
            raise Conflict(Text("Two-step sign-in is on. Turn it off first."))
        return await self.factors.begin(user, self.now)

    async def under_way(self) -> Enrolment | None:
        """Return the secret that waits for its first code."""
        user = await self.session.get(User, self.viewer.user_id)
        return None if user is None else await self.factors.under_way(user)

    async def confirm(self, code: str) -> tuple[str, ...]:
        """Turn codes on with the first of them; return the recovery codes, this once. The other sign-ins end."""
        current = await signed_in_lately(self.session, self.viewer, self.now)
        throttle, keys = throttle_of(self.runtime), keys_for_code(self.viewer.user_id, self.viewer.session_id)
        throttle.attempt(keys, self.now)
        codes = await self.factors.confirm(self.viewer.user_id, code, self.now)
        throttle.succeeded(keys)
        await self.credentials.forget_all(self.viewer.user_id, but=[current.token_hash])
        current.second_factor = True
        return codes

    async def new_recovery_codes(self, code: str) -> tuple[str, ...]:
        """Replace the recovery codes; return them, this once."""
        await confirm_second_factor(self.runtime, self.session, self.viewer, code, self.now)
        return await self.factors.new_recovery_codes(self.viewer.user_id)

    async def remove(self, code: str) -> None:
        """Turn codes off with one last of them. Roles that need one count no more, on every browser."""
        await confirm_second_factor(self.runtime, self.session, self.viewer, code, self.now)
        await self.credentials.forget_factor(self.viewer.user_id)
        await self.credentials.unmark_sessions(self.viewer.user_id)

"""SQL of users and of what they sign in with."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, delete, select
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import ApiToken, User, UserSession
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import within
from controller.repository import Repository


class UserRepository(Repository[User]):
    """Users whose area lies in the viewer's."""

    model = User
    order = (User.name,)

    def readable(self, viewer: Viewer) -> Select[User]:
        """Users in the viewer's area subtree."""
        return select(User).join(User.area).where(within(Area.path, viewer.scope))


class TokenRepository(Repository[ApiToken]):
    """A user's own API tokens."""

    model = ApiToken
    order = (ApiToken.id,)

    def readable(self, viewer: Viewer) -> Select[ApiToken]:
        """The viewer's own tokens, nobody else's."""
        return select(ApiToken).where(ApiToken.user_id == viewer.user_id)


class Credentials:
    """Look-ups before anybody is known: the only queries without a viewer, each by a secret or a name."""

    def __init__(self, session: AsyncSession) -> None:
        self.session = session

    async def user(self, name: str) -> User | None:
        """Return the user of this name."""
        return await self.session.scalar(select(User).where(User.name == name))

    async def browser(self, token_hash: str, now: datetime) -> UserSession | None:
        """Return the unexpired sign-in of this token."""
        return await self.session.scalar(
            select(UserSession).where(UserSession.token_hash == token_hash, UserSession.expires_at > now)
        )

    async def program(self, token_hash: str, now: datetime) -> ApiToken | None:
        """Return the unexpired API token."""
        return await self.session.scalar(
            select(ApiToken).where(
                ApiToken.token_hash == token_hash, (ApiToken.expires_at.is_(None)) | (ApiToken.expires_at > now)
            )
        )

    async def forget(self, token_hash: str) -> None:
        """End one sign-in."""
        await self.session.execute(delete(UserSession).where(UserSession.token_hash == token_hash))

    async def forget_all(self, user_id: str, *, but: Sequence[str] = ()) -> None:
        """End all of a user's sign-ins except some."""
        statement = delete(UserSession).where(UserSession.user_id == user_id, UserSession.token_hash.not_in(but))
        await self.session.execute(statement)

    async def forget_expired(self, now: datetime) -> None:
        """End what is over."""
        await self.session.execute(delete(UserSession).where(UserSession.expires_at <= now))

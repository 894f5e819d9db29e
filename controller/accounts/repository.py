"""SQL of users and of what they sign in with."""

from collections import Counter
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import Any, cast

from sqlalchemy import CursorResult, Delete, Select, delete, func, or_, select, update
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import AccountLink, ApiToken, Identity, RecoveryCode, SecondFactor, User, UserSession
from controller.accounts.roles import Role
from controller.accounts.sign_ins import SignedOut
from controller.accounts.viewer import Viewer
from controller.areas.models import Area
from controller.areas.tree import ROOT_CODE, ROOT_PATH, ancestors, within
from controller.errors import NotFound
from controller.events import record_event
from controller.repository import Repository


class UserRepository(Repository[User]):
    """Users whose area lies in the viewer's."""

    model = User
    order = (User.name,)

    def readable(self, viewer: Viewer) -> Select[User]:
        """Users in the viewer's area subtree."""
        return select(User).join(User.area).where(within(Area.path, viewer.scope))

    def listed(self, viewer: Viewer, *, below: str | None = None, search: str = "") -> Select[User]:
        """Users by the path of an area, and by a part of a name."""
        statement = self.readable(viewer)
        if below is not None:
            statement = statement.where(within(Area.path, below))
        if search:
            either = User.name.icontains(search, autoescape=True), User.full_name.icontains(search, autoescape=True)
            statement = statement.where(or_(*either))
        return statement

    async def coded(self, ids: Collection[str]) -> frozenset[str]:
        """Which of these users are asked for one-time codes."""
        confirmed = select(SecondFactor.user_id).where(SecondFactor.user_id.in_(ids), SecondFactor.confirmed)
        return frozenset(await self.session.scalars(confirmed))

    async def linked(self, ids: Collection[str]) -> frozenset[str]:
        """Which of these users the identity provider knows."""
        return frozenset(await self.session.scalars(select(Identity.user_id).where(Identity.user_id.in_(ids))))

    async def seen(self, ids: Collection[str]) -> dict[str, datetime]:
        """When a signed-in browser of each of these users was last seen."""
        latest = select(UserSession.user_id, func.max(UserSession.seen_at)).where(UserSession.user_id.in_(ids))
        rows = await self.session.execute(latest.group_by(UserSession.user_id))
        return {row[0]: row[1] for row in rows}

    async def keepers(self) -> Sequence[User]:
        """Return who administers the whole country and can sign in; nobody becomes or ends to be one meanwhile."""
        await self.session.execute(select(Area.code).where(Area.path == ROOT_PATH).with_for_update())
        enabled = select(User).where(User.area_code == ROOT_CODE, User.disabled.is_(False))
        can_come = enabled.where(or_(User.password_hash.is_not(None), User.id.in_(select(Identity.user_id))))
        return [user for user in await self.all(can_come) if Role.ADMINISTRATOR in user.roles]


class SessionRepository(Repository[UserSession]):
    """A user's own sign-ins."""

    model = UserSession
    order = (UserSession.id,)
    descending = True

    def readable(self, viewer: Viewer) -> Select[UserSession]:
        """The viewer's own sign-ins, nobody else's."""
        return select(UserSession).where(UserSession.user_id == viewer.user_id)

    async def get_by_id(self, viewer: Viewer, session_id: str) -> UserSession:
        """Return the sign-in with this id, or raise `NotFound`."""
        found = await self.session.scalar(self.readable(viewer).where(UserSession.id == session_id))
        if found is None:
            raise NotFound
        return found


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

    async def link(self, token_hash: str, now: datetime) -> AccountLink | None:
        """Return the unexpired one-time link."""
        return await self.session.scalar(
            select(AccountLink).where(AccountLink.token_hash == token_hash, AccountLink.expires_at > now)
        )

    async def spend_link(self, token_hash: str) -> bool:
        """Use a one-time link up; False if somebody was quicker."""
        return await self._removed(delete(AccountLink).where(AccountLink.token_hash == token_hash))

    async def forget_links(self, user_id: str) -> None:
        """Make a user's link worthless."""
        await self.session.execute(delete(AccountLink).where(AccountLink.user_id == user_id))

    async def identity(self, issuer: str, subject: str) -> Identity | None:
        """Return whom an identity provider means."""
        return await self.session.get(Identity, (issuer, subject))

    async def factor(self, user_id: str) -> SecondFactor | None:
        """Return what makes a user's one-time codes, confirmed or not."""
        return await self.session.get(SecondFactor, user_id, populate_existing=True)

    async def has_recovery_code(self, code_hash: str) -> bool:
        """Whether this recovery code is unused."""
        return await self.session.get(RecoveryCode, code_hash) is not None

    async def spend_recovery_code(self, code_hash: str) -> bool:
        """Use a recovery code up; False if somebody was quicker."""
        return await self._removed(delete(RecoveryCode).where(RecoveryCode.code_hash == code_hash))

    async def spend_step(self, user_id: str, step: int) -> bool:
        """Use one-time codes up to this time step up; False if somebody was quicker."""
        newer = update(SecondFactor).where(SecondFactor.user_id == user_id, SecondFactor.last_step < step)
        result = await self.session.execute(newer.values(last_step=step))
        return cast("CursorResult[Any]", result).rowcount == 1

    async def forget_recovery_codes(self, user_id: str) -> None:
        """Make all of a user's recovery codes worthless."""
        await self.session.execute(delete(RecoveryCode).where(RecoveryCode.user_id == user_id))

    async def forget_factor(self, user_id: str) -> None:
        """Ask a user for no more one-time codes."""
        await self.forget_recovery_codes(user_id)
        await self.session.execute(delete(SecondFactor).where(SecondFactor.user_id == user_id))

    async def unmark_sessions(self, user_id: str) -> None:
        """Say of all of a user's sign-ins that no code was shown."""
        sessions = update(UserSession).where(UserSession.user_id == user_id)
        await self.session.execute(sessions.values(second_factor=False))

    async def forget_tokens(self, user_id: str) -> None:
        """Revoke all of a user's API tokens."""
        await self.session.execute(delete(ApiToken).where(ApiToken.user_id == user_id))

    async def invited(self, email: str) -> Sequence[User]:
        """Return who was invited with this mail address and has not come yet."""
        linked = select(Identity.user_id)
        statement = select(User).where(
            func.lower(User.email) == email.lower(),
            User.disabled.is_(False),
            User.password_hash.is_(None),
            User.id.not_in(linked),
        )
        return (await self.session.scalars(statement)).all()

    async def roles_needing_code(self, path: str) -> frozenset[Role]:
        """Return which roles, at this place, count only after a one-time code."""
        policies = await self.session.scalars(select(Area.policy).where(Area.path.in_(ancestors(path))))
        return frozenset(Role(role) for said in policies for role in said.get("second_factor_roles", ()))

    async def _removed(self, statement: Delete) -> bool:
        return cast("CursorResult[Any]", await self.session.execute(statement)).rowcount == 1

    async def forget(self, token_hash: str) -> None:
        """End one sign-in."""
        await self._end(delete(UserSession).where(UserSession.token_hash == token_hash))

    async def forget_all(self, user_id: str, *, but: Sequence[str] = ()) -> None:
        """End all of a user's sign-ins except some."""
        await self._end(delete(UserSession).where(UserSession.user_id == user_id, UserSession.token_hash.not_in(but)))

    async def forget_expired(self, now: datetime) -> None:
        """End what is over."""
        await self.session.execute(delete(UserSession).where(UserSession.expires_at <= now))

    async def _end(self, sign_ins: Delete) -> None:
        ended = Counter(await self.session.scalars(sign_ins.returning(UserSession.user_id)))
        for user_id, browsers in ended.items():
            record_event(self.session, SignedOut(user_id, browsers))

"""The way in: password, then a code where one is asked for, then a session. Each step notes whom it refuses.

The steps before the session read in transactions of their own: hashing is slow, and no lock may be held meanwhile. Call
them before any query in the request's own transaction.
"""

import hashlib
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import User
from controller.accounts.second_factor import CodeNeeded, CodeRefused, Proof, SecondFactors
from controller.accounts.secrets import hashed, is_outdated
from controller.accounts.service import Accounts, Arrival, WrongPassword, canonical_name, check_password
from controller.accounts.sign_ins import Means, Refusal, SignInRefused, note_refused
from controller.accounts.throttle import keys_for_code
from controller.accounts.throttling import throttle_of
from controller.database import Database
from controller.errors import TooManyAttempts
from controller.runtime import Runtime

TICKET_LASTS = timedelta(minutes=5)
_TICKET = "code"


@dataclass(frozen=True, slots=True)
class Caller:
    """Who stands at the door, as far as one can see."""

    address: str
    browser: str = ""
    """What it calls itself."""
    known_as: frozenset[str] = frozenset()
    """Names that have signed in on this browser before."""
    browser_id: str = ""

    def known(self, name: str) -> str | None:
        """This browser's own count for a name, if it has signed in here before."""
        return self.browser_id if name in self.known_as else None


@dataclass(frozen=True, slots=True)
class Admitted:
    """A user who may have a session once `proof` is spent."""

    user: User
    means: Means
    proof: Proof | None = None
    new_hash: str | None = None
    """The password hashed anew, where the parameters have changed since."""


class Door:
    """Lets people in."""

    def __init__(self, runtime: Runtime, caller: Caller, now: datetime) -> None:
        self.runtime = runtime
        self.caller = caller
        self.now = now

    @property
    def _database(self) -> Database:
        return self.runtime.database

    async def password(self, name: str, password: str) -> Admitted:
        """Return whose name and password these are, or raise `WrongPassword` or `TooManyAttempts`."""
        name = canonical_name(name)
        try:
            user = await check_password(
                self._database,
                throttle_of(self.runtime),
                name=name,
                password=password,
                address=self.caller.address,
                browser=self.caller.known(name),
                now=self.now,
            )
        except WrongPassword as refusal:
            disabled = refusal.user is not None and refusal.user.disabled
            await self.refuse(refusal.user, name, Means.PASSWORD, Refusal.DISABLED if disabled else Refusal.WRONG)
            raise
        outdated = user.password_hash is not None and is_outdated(user.password_hash)
        return Admitted(user, Means.PASSWORD, new_hash=await hashed(password) if outdated else None)

    async def code(self, admitted: Admitted, code: str | None) -> Admitted:
        """Ask for a code where the user has a second factor. Raises what says so, or `TooManyAttempts`."""
        user = admitted.user
        async with self._database.reading() as session:
            if not await SecondFactors(session, self.runtime.sealer).asked_of(user.id):
                return admitted
        if not code:
            raise CodeNeeded
        throttle, keys = throttle_of(self.runtime), keys_for_code(user.id, self.caller.known(user.name))
        try:
            throttle.attempt(keys, self.now)
        except TooManyAttempts:
            await self.refuse(user, user.name, Means.CODE, Refusal.THROTTLED)
            raise
        async with self._database.reading() as session:
            proof = await SecondFactors(session, self.runtime.sealer).examine(user.id, code, self.now)
        if proof is None:
            await self.refuse(user, user.name, Means.CODE, Refusal.WRONG)
            raise CodeRefused
        throttle.succeeded(keys)
        return Admitted(user, Means.CODE, proof, admitted.new_hash)

    async def enter(self, session: AsyncSession, admitted: Admitted) -> str:
        """Open a session in this transaction; return its secret."""
        user = await session.get(User, admitted.user.id)
        if user is None or user.disabled or _mark(user) != _mark(admitted.user):
            raise WrongPassword(user)  # changed since a moment ago
        if admitted.proof is not None:
            factors = SecondFactors(session, self.runtime.sealer)
            if not await factors.spend(user.id, admitted.proof):
                raise CodeRefused
        if admitted.new_hash is not None:
            user.password_hash = admitted.new_hash
        arrival = Arrival(self.caller.address, self.caller.browser, admitted.means, shown_code=bool(admitted.proof))
        lasts = timedelta(days=self.runtime.settings.session_days)
        return await Accounts(session).open_session(user, self.now, lasts, arrival)

    def ticket(self, admitted: Admitted) -> str:
        """Return a note for the browser that the first step is done: it comes back with the code."""
        said = {"user": admitted.user.id, "mark": _mark(admitted.user), "means": admitted.means.value}
        return self.runtime.sealer.note(_TICKET, said, self.now)

    async def redeem(self, ticket: str) -> Admitted | None:
        """Return whose first step is done; None if that was too long ago or holds no more."""
        said = self.runtime.sealer.read(_TICKET, ticket, self.now, lasts=TICKET_LASTS)
        if said is None:
            return None
        async with self._database.reading() as session:
            user = await session.get(User, said["user"])
        if user is None or user.disabled or _mark(user) != said["mark"]:
            return None
        return Admitted(user, Means(said["means"]))

    async def refuse(self, user: User | None, name: str, means: Means, why: Refusal) -> None:
        """Note that somebody was not let in."""
        user_id = user.id if user else ""
        await note_refused(self._database, SignInRefused(user_id, name[:64], self.caller.address, means, why, self.now))


def _mark(user: User) -> str:
    """Changes with the password."""
    return hashlib.sha256((user.password_hash or "").encode()).hexdigest()[:32]

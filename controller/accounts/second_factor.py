"""One-time codes (RFC 6238) from a telephone, and the recovery codes for when it is lost.

What a code is worth is decided by pure functions; what was spent is written with a condition, so that of two who show
the same code at once one is refused.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

import pyotp
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.models import RecoveryCode, SecondFactor, User
from controller.accounts.repository import Credentials
from controller.accounts.sealer import Sealer
from controller.accounts.secrets import new_password, token_hash
from controller.accounts.throttle import keys_for_code
from controller.accounts.throttling import throttle_of
from controller.accounts.viewer import Viewer
from controller.errors import Forbidden, Unauthenticated
from controller.runtime import Runtime
from controller.text import Text

STEP_S: Final = 30
DRIFT_STEPS: Final = 1
"""How far a telephone's clock may be off."""
RECOVERY_CODES: Final = 10
ISSUER: Final = "Loa"
_WRONG: Final = Text("The code is wrong or was used already")


class CodeNeeded(Unauthenticated):
    """The password is right; a one-time code is asked for beside it."""

    code = "second_factor_needed"
    title = Text("Enter the one-time code from your telephone")


class CodeRefused(Unauthenticated):
    """Signing in with a code that is worth nothing."""

    code = "wrong_code"
    title = _WRONG


class WrongCode(Forbidden):
    """Somebody who is signed in shows a code that is worth nothing."""

    code = "wrong_code"
    title = _WRONG


class NoSecondFactor(Forbidden):
    """This needs a one-time code, and the user has nothing that makes them."""

    code = "no_second_factor"
    title = Text("This needs a one-time code. Set up two-step sign-in on your account page.")


@dataclass(frozen=True, slots=True)
class Step:
    """A one-time code of this time step."""

    number: int


@dataclass(frozen=True, slots=True)
class Recovery:
    """A recovery code."""

    code_hash: str


Proof = Step | Recovery


@dataclass(frozen=True, slots=True)
class Enrolment:
    """What a telephone must be told, this once."""

    secret: str
    uri: str


def step_of(secret: str, code: str, now: datetime, last_step: int) -> int | None:
    """Return the time step that this code belongs to, if it is near enough and newer than what was accepted last."""
    current = int(now.timestamp()) // STEP_S
    maker = pyotp.TOTP(secret, interval=STEP_S)
    found = None
    for step in range(current - DRIFT_STEPS, current + DRIFT_STEPS + 1):
        same = pyotp.utils.strings_equal(code, maker.generate_otp(step))
        if same and step > last_step:
            found = step
    return found


def plain(code: str) -> str:
    """Return a code as people may type it: with spaces, in capitals."""
    return "".join(code.split()).lower()


class SecondFactors:
    """Second factors within one transaction."""

    def __init__(self, session: AsyncSession, sealer: Sealer) -> None:
        self.session = session
        self.sealer = sealer
        self.credentials = Credentials(session)

    async def asked_of(self, user_id: str) -> bool:
        """Whether this user is asked for codes."""
        factor = await self.credentials.factor(user_id)
        return factor is not None and factor.confirmed

    async def examine(self, user_id: str, code: str, now: datetime) -> Proof | None:
        """Return what a code is worth, and spend nothing."""
        factor = await self.credentials.factor(user_id)
        if factor is None or not factor.confirmed:
            return None
        return await self._worth(factor, plain(code), now)

    async def spend(self, user_id: str, proof: Proof) -> bool:
        """Use a code up; False if somebody was quicker."""
        if isinstance(proof, Step):
            return await self.credentials.spend_step(user_id, proof.number)
        return await self.credentials.spend_recovery_code(proof.code_hash)

    async def begin(self, user: User, now: datetime) -> Enrolment:
        """Make a new secret for a telephone. Nothing is asked until a code of it was shown."""
        await self.credentials.forget_factor(user.id)
        secret = pyotp.random_base32()
        self.session.add(
            SecondFactor(user_id=user.id, secret=self.sealer.seal(secret), confirmed=False, last_step=0, created_at=now)
        )
        await self.session.flush()
        return _enrolment(secret, user.name)

    async def under_way(self, user: User) -> Enrolment | None:
        """Return the secret that waits for its first code."""
        factor = await self.credentials.factor(user.id)
        return None if factor is None or factor.confirmed else _enrolment(self.sealer.open(factor.secret), user.name)

    async def confirm(self, user_id: str, code: str, now: datetime) -> tuple[str, ...]:
        """Ask for codes from now on, if this is one; return the recovery codes, this once."""
        factor = await self.credentials.factor(user_id)
        if factor is None or factor.confirmed:
            raise WrongCode
        step = step_of(self.sealer.open(factor.secret), plain(code), now, factor.last_step)
        if step is None:
            raise WrongCode
        factor.confirmed, factor.last_step = True, step
        return await self.new_recovery_codes(user_id)

    async def new_recovery_codes(self, user_id: str) -> tuple[str, ...]:
        """Replace the recovery codes; return them, this once."""
        await self.credentials.forget_recovery_codes(user_id)
        codes = tuple(new_password() for _ in range(RECOVERY_CODES))
        self.session.add_all(RecoveryCode(code_hash=_recovery_hash(user_id, code), user_id=user_id) for code in codes)
        await self.session.flush()
        return codes

    async def _worth(self, factor: SecondFactor, code: str, now: datetime) -> Proof | None:
        step = step_of(self.sealer.open(factor.secret), code, now, factor.last_step)
        if step is not None:
            return Step(step)
        hashed = _recovery_hash(factor.user_id, code)
        return Recovery(hashed) if await self.credentials.has_recovery_code(hashed) else None


async def confirm_second_factor(
    runtime: Runtime, session: AsyncSession, viewer: Viewer, code: str, now: datetime
) -> None:
    """Demand a one-time code for what is done in this transaction, such as releasing an alert.

    Raises `NoSecondFactor`, `WrongCode` or `TooManyAttempts`. The code is spent when the transaction commits.
    """
    factors = SecondFactors(session, runtime.sealer)
    if not viewer.session_id or not await factors.asked_of(viewer.user_id):
        raise NoSecondFactor
    throttle, keys = throttle_of(runtime), keys_for_code(viewer.user_id, viewer.session_id)
    throttle.attempt(keys, now)
    proof = await factors.examine(viewer.user_id, code, now)
    if proof is None or not await factors.spend(viewer.user_id, proof):
        raise WrongCode
    throttle.succeeded(keys)


def _enrolment(secret: str, name: str) -> Enrolment:
    return Enrolment(secret, pyotp.TOTP(secret, interval=STEP_S).provisioning_uri(name=name, issuer_name=ISSUER))


def _recovery_hash(user_id: str, code: str) -> str:
    return token_hash(f"{user_id}\n{code}")

"""Renewing the certificate while the agent runs: early, patiently, and also when it has expired meanwhile."""

import asyncio
import random
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime, timedelta
from typing import NoReturn, Protocol

import jwt
import structlog

from device_agent import reception
from device_agent.backoff import delay_s
from device_agent.errors import AgentError, IdentityRefused
from device_agent.identity import IdentityStore, Own, request_of
from protocol.enrolment import RENEW_PATH, RENEWAL_AUDIENCE, RenewalAnswer, RenewalRequest, fingerprint
from protocol.messages import Problem

log = structlog.get_logger(__name__)

LOOKS_EVERY_S = 60.0
FIRST_RETRY_S = 30.0
RETRY_MAX_S = 3600.0
SPREAD = timedelta(days=3)
"""Speakers that were enrolled on one day are not renewed in one minute."""
EXPIRING = timedelta(days=7)
FAILING_AFTER = 3
SHUT_OUT_AFTER_S = 120.0
"""Without a link for so long and without knowing the time, the certificate may have expired."""


class Clock(Protocol):
    """The agent's clock, as far as renewing needs it."""

    @property
    def trusted(self) -> bool:
        """Whether the time is known."""

    def best_guess(self) -> datetime:
        """UTC, known or not."""

    def mono(self) -> float:
        """Seconds that only grow."""


class Renewer:
    """Keeps one identity fresh. `renewed` is called when another certificate is to be shown."""

    def __init__(
        self,
        store: IdentityStore,
        own: Own,
        *,
        clock: Clock,
        link_up: Callable[[], bool],
        renewed: Callable[[], None],
        changed: Callable[[], None],
    ) -> None:
        self._store = store
        self._own = own
        self._clock = clock
        self._link_up = link_up
        self._renewed = renewed
        self._changed = changed
        self._wake = asyncio.Event()
        self._spread = SPREAD * random.random()  # noqa: S311 spreads load, protects nothing
        self._seen_up_s = clock.mono()
        self._tried_since_up = False
        self._failures = 0
        self._reason = ""

    async def run(self) -> NoReturn:
        """Look every minute whether it is time."""
        while True:
            self._wake.clear()
            if self._link_up():
                self._seen_up_s, self._tried_since_up = self._clock.mono(), False
            if self.is_time():
                await self._try()
                if self._failures:
                    draw = random.random()  # noqa: S311 jitter
                    await asyncio.sleep(delay_s(self._failures, base_s=FIRST_RETRY_S, cap_s=RETRY_MAX_S, draw=draw))
                    continue
            with suppress(TimeoutError):
                async with asyncio.timeout(LOOKS_EVERY_S):
                    await self._wake.wait()

    def poke(self) -> None:
        """Look now: the time may be known."""
        self._wake.set()

    def is_time(self) -> bool:
        """Whether to ask now: when it is due, when it is over, or when it may be over and nobody tells the time."""
        if self._clock.trusted:
            now = self._clock.best_guess()
            return now >= min(self._own.renewal_due + self._spread, self._own.certificate.not_valid_after_utc)
        away_s = self._clock.mono() - self._seen_up_s
        return away_s > SHUT_OUT_AFTER_S and not self._tried_since_up

    def problems(self) -> tuple[Problem, ...]:
        """What a technician should know."""
        found = []
        left = self._own.certificate.not_valid_after_utc - self._clock.best_guess()
        if self._clock.trusted and left < EXPIRING:
            text = f"the certificate holds until {self._own.certificate.not_valid_after_utc:%Y-%m-%d}"
            found.append(Problem(code="certificate_expiring", text=text))
        if self._failures >= FAILING_AFTER:
            found.append(Problem(code="renewal_failing", text=self._reason[:200]))
        return tuple(found)

    async def _try(self) -> None:
        try:
            self._own = await asyncio.to_thread(self._renew)
        except (AgentError, OSError) as error:
            self._failures += 1
            self._reason = f"{error.code}: {error}" if isinstance(error, AgentError) else str(error.strerror)
            if self._failures in {1, FAILING_AFTER}:
                log.warning("renewal_failed", reason=self._reason, failures=self._failures)
            self._changed()
            return
        self._failures, self._reason, self._tried_since_up = 0, "", True
        log.info("certificate_renewed", until=self._own.certificate.not_valid_after_utc.isoformat())
        self._changed()
        self._renewed()

    def _renew(self) -> Own:
        own, key = self._own, self._store.next_key()
        claims = {"sub": own.identity.device_id, "aud": RENEWAL_AUDIENCE, "request": request_of(key)}
        kid = fingerprint(own.private.public_key())
        token = jwt.encode(claims, own.private, algorithm="ES256", headers={"kid": kid})
        answer = reception.ask(own.identity.controller + RENEW_PATH, RenewalRequest(token=token), RenewalAnswer)
        following = own.identity.model_copy(update={"certificate": _own_certificate(own, answer.certificate)})
        return self._store.adopt(following, key, own.code_id)


def _own_certificate(own: Own, chain: str) -> str:
    """The first certificate of an answer, with the authority that is known here behind it, not the one that came."""
    end = "-----END CERTIFICATE-----\n"
    first, found, _ = chain.partition(end)
    if not found:
        raise IdentityRefused("no certificate came")
    _, _, known = own.identity.certificate.partition(end)
    return first + end + known

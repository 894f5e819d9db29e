"""Asking the controller for the time over the wire, as in NTP: four timestamps, a nonce, a signed answer."""

import asyncio
import secrets
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import NoReturn

from device_agent.clock import Exchange
from protocol.errors import Malformed
from protocol.messages import ClockReply, ClockRequest

QUICK = 8
QUICK_GAP_S = 0.25
SLOW_GAPS_S = (4.0, 8.0, 16.0, 32.0, 60.0)
EAGER_GAP_S = 5.0
"""At most this long between questions while the time is not known: the controller may be back at any moment."""
UNANSWERED_MAX = 8
ANSWER_MAX_S = 10.0
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def gap_s(asked: int, *, eager: bool = False) -> float:
    """Return the wait after question number `asked` (from 1) since the link came up: quick first, then rarer."""
    if asked < QUICK:
        return QUICK_GAP_S
    rare_s = SLOW_GAPS_S[min(asked - QUICK, len(SLOW_GAPS_S) - 1)]
    return min(rare_s, EAGER_GAP_S) if eager else rare_s


class ClockExchange:
    """Asks while the link is up, and judges what comes back."""

    def __init__(
        self,
        *,
        mono: Callable[[], float],
        send: Callable[[ClockRequest], Awaitable[bool]],
        eager: Callable[[], bool] = lambda: False,
    ) -> None:
        self._mono = mono
        self._eager = eager
        self._send = send
        self._asked: dict[str, int] = {}
        self._began_anew = asyncio.Event()

    def begin_anew(self) -> None:
        """The link is up: ask quickly."""
        self._asked.clear()
        self._began_anew.set()

    def judge(self, reply: ClockReply, back_mono_s: float) -> Exchange:
        """Return the exchange that a verified reply completes. Raises `Malformed` when nothing was asked like that."""
        sent_us = self._asked.pop(reply.nonce, None)
        if sent_us is None or sent_us != reply.sent_mono_us:
            raise Malformed("a reply to no question of this speaker")
        sent_s = sent_us / 1e6
        if not 0 <= back_mono_s - sent_s <= ANSWER_MAX_S or reply.replied_at_us < reply.received_at_us:
            raise Malformed("a reply that took too long or runs backwards")
        try:
            received_at, replied_at = (
                _EPOCH + timedelta(microseconds=at_us) for at_us in (reply.received_at_us, reply.replied_at_us)
            )
        except OverflowError as error:
            raise Malformed("a reply from a time beyond all calendars") from error
        return Exchange(sent_mono_s=sent_s, received_at=received_at, replied_at=replied_at, back_mono_s=back_mono_s)

    async def run(self) -> NoReturn:
        """Ask until cancelled."""
        asked = 0
        while True:
            asked += 1
            await self._ask()
            try:
                async with asyncio.timeout(gap_s(asked, eager=self._eager())):
                    await self._began_anew.wait()
            except TimeoutError:
                continue
            self._began_anew.clear()
            asked = 0

    async def _ask(self) -> None:
        while len(self._asked) >= UNANSWERED_MAX:
            del self._asked[next(iter(self._asked))]
        nonce, sent_us = secrets.token_hex(8), round(self._mono() * 1e6)
        self._asked[nonce] = sent_us
        if not await self._send(ClockRequest(nonce=nonce, sent_mono_us=sent_us)):
            del self._asked[nonce]

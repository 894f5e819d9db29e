"""The desk where every order is judged before anything follows from it.

What is refused changes nothing, is counted by its code, and is logged once per kind until something good arrives again.
"""

import hashlib
from collections.abc import Awaitable, Callable, Collection
from datetime import datetime, timedelta
from typing import TypeVar

import structlog

from device_agent.alerts.store import AlertStore, NotOurs, targets_of
from device_agent.documents import PLAN_MAX_BYTES, ConfigStore, PlanStore
from device_agent.errors import AgentError, HashMismatch
from device_agent.replay import Rejections, ReplayMemory
from protocol.errors import Malformed, ProtocolError
from protocol.messages import (
    AlertSet,
    ClockReply,
    Command,
    Config,
    Identifier,
    LiveSession,
    Order,
    Plan,
    PlanManifest,
    Pulse,
    RecordsAck,
)
from protocol.signing import KeyRing, Verified, order_type, verify
from protocol.topics import Channel

log = structlog.get_logger(__name__)

B = TypeVar("B", bound=Order)
Fetch = Callable[[PlanManifest], Awaitable[bytes]]
EVERYONE = "all"
COMMAND_LIVES_AT_MOST = timedelta(days=1)
"""Ours live for minutes. A flood of long-lived ones, by a stolen key, would fill the replay memory for as long."""


class AnyCommand(Order):
    """A command whose verb this agent may not know: it is answered all the same."""

    channel = Channel.COMMAND
    typ = Command.typ
    id: Identifier
    action: dict[str, object]


class OrderDesk:
    """Verifies orders and puts plans, configs and alerts in force."""

    def __init__(
        self,
        device_id: str,
        *,
        plans: PlanStore,
        configs: ConfigStore,
        alerts: AlertStore,
        replay: ReplayMemory,
        rejections: Rejections,
        now: Callable[[], datetime | None],
    ) -> None:
        self._device_id = device_id
        self._plans = plans
        self._configs = configs
        self._alerts = alerts
        self._replay = replay
        self._rejections = rejections
        self._now = now
        self._told: set[tuple[str, str]] = set()

    def refuse(self, kind: str, error: ProtocolError | AgentError) -> None:
        """Count a refusal, and tell of it at its edge."""
        total = self._rejections.count(error.code)
        if (kind, error.code) not in self._told:
            self._told.add((kind, error.code))
            log.warning("order_refused", kind=kind, code=error.code, reason=str(error)[:300], total=total)

    def plan(self, payload: bytes) -> bool | PlanManifest:
        """Judge what came on the plan's topic: True when a new plan is in force, or the manifest to follow."""
        if order_type(payload) == PlanManifest.typ:
            manifest = self._verify(payload, PlanManifest).body
            return manifest if self._plans.compare(manifest.version) > 0 else False
        return self._adopt(payload)

    def fetched_plan(self, manifest: PlanManifest, payload: bytes) -> bool:
        """Judge the plan that a manifest led to. True when it is in force now."""
        if hashlib.sha256(payload).hexdigest() != manifest.sha256:
            raise HashMismatch("the plan that was fetched is not the one announced")
        return self._adopt(payload)

    def heed(self, payload: bytes) -> bool:
        """Take in what recovery keys say in a config, before it is itself judged. True when the plan changed."""
        if not self._configs.heed(payload.decode(errors="replace")):
            return False
        log.warning("keys_revoked", kids=self._configs.trust.revoked)
        keys, now = self._configs.keys, self._now()
        return any([self._plans.judge_again(keys, now), self._alerts.judge_again(keys, now)])

    def config(self, payload: bytes) -> bool:
        """Judge a config. True when a new one is in force."""
        token = payload.decode(errors="replace")
        order = self._verify(payload, Config, keys=self._configs.keys_for(token))
        return self._accepted(Config.typ, new=self._configs.save(token, order, self._now()))

    def alerts(self, payload: bytes, target: str) -> bool:
        """Judge the set of alerts of a target, whatever topic it came on. True when another one is in force."""
        order = self._verify(payload, AlertSet, audiences={target})
        return self._accepted(AlertSet.typ, new=self._alerts.save(target, payload.decode(), order, self._now()))

    def live(self, payload: bytes, target: str) -> Verified[LiveSession]:
        """Judge the word of who speaks live to a target, whatever topic it came on."""
        order = self._verify(payload, LiveSession, audiences={target})
        if order.body.target != target:
            raise NotOurs(f"a live session for {order.body.target!r}")
        return order

    def follow(self) -> bool:
        """Heed the alerts of this speaker's areas and groups, as the config in force names them."""
        targets = targets_of(self._device_id, self._configs.current())
        return self._alerts.follow(targets, self._configs.keys, self._now())

    def command(self, payload: bytes) -> Verified[AnyCommand]:
        """Judge a command's signature, and its lifetime if the time is known. It is not claimed yet."""
        order = self._verify(payload, AnyCommand)
        if order.expires_at - order.issued_at > COMMAND_LIVES_AT_MOST:
            raise Malformed(f"a command that lives until {order.expires_at.isoformat()}")
        return order

    async def claim(self, order: Verified[AnyCommand]) -> None:
        """Remember a command before it is obeyed. Raises `ReplayedOrder` the second time."""
        await self._replay.claim(order.jti, order.expires_at)
        self._accepted(Command.typ, new=True)

    def acknowledgement(self, payload: bytes) -> RecordsAck:
        """Judge an acknowledgement of records."""
        return self._verify(payload, RecordsAck).body

    def clock_reply(self, payload: bytes) -> ClockReply:
        """Judge the controller's word on the time. Its lifetime is its nonce's: the caller knows what it asked."""
        return verify(payload, ClockReply, audiences={self._device_id}, keys=self._configs.keys, now=None).body

    def pulse(self, payload: bytes) -> Pulse:
        """Judge the controller's heartbeat."""
        return self._verify(payload, Pulse, audiences={EVERYONE}).body

    def review(self, now: datetime) -> bool:
        """Once the time is known: drop a plan that had expired before it came. True when the plan changed."""
        if not self._plans.expired(now):
            return False
        self._rejections.count("expired")
        log.warning("plan_expired")
        self._plans.load(self._configs.keys, now)
        return True

    def _adopt(self, payload: bytes) -> bool:
        order = self._verify(payload, Plan, max_bytes=PLAN_MAX_BYTES)
        return self._accepted(Plan.typ, new=self._plans.save(payload.decode(), order, self._now()))

    def _accepted(self, kind: str, *, new: bool) -> bool:
        if new:
            self._told = {(told, code) for told, code in self._told if told != kind}
        return new

    def _verify(
        self,
        payload: bytes,
        model: type[B],
        *,
        audiences: Collection[str] = (),
        keys: KeyRing | None = None,
        max_bytes: int | None = None,
    ) -> Verified[B]:
        return verify(
            payload,
            model,
            audiences=audiences or {self._device_id},
            keys=keys or self._configs.keys,
            now=self._now(),
            max_bytes=max_bytes,
        )

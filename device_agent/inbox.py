"""What arrives on each topic, and where it goes."""

import hashlib
from collections.abc import Awaitable, Callable, Iterable
from functools import partial

from device_agent.clock import TrustedClock
from device_agent.clock_exchange import ClockExchange
from device_agent.commands import Commands
from device_agent.errors import AgentError
from device_agent.link import Handler
from device_agent.live.watch import LiveWatch
from device_agent.manifest import ManifestFollower
from device_agent.orders import OrderDesk
from device_agent.pulse import PulseWatch
from device_agent.records import RecordSender
from protocol import topics
from protocol.errors import ProtocolError, UnknownKey
from protocol.live import SealedFrame
from protocol.messages import PlanManifest
from protocol.topics import Channel
from schedules.types import DeviceId


class Inbox:
    """Hands each order to its room; what is refused ends here, counted."""

    def __init__(
        self,
        device_id: str,
        *,
        desk: OrderDesk,
        manifests: ManifestFollower,
        commands: Commands,
        records: RecordSender,
        clock: TrustedClock,
        exchange: ClockExchange,
        pulse: PulseWatch,
        live: LiveWatch,
        plan_changed: Callable[[], None],
        config_changed: Callable[[], None],
        alerts_changed: Callable[[], None],
        alert_sound: Callable[[str, bytes], Awaitable[None]],
        refused: Callable[[], None],
    ) -> None:
        self._device_id = DeviceId(device_id)
        self._desk = desk
        self._manifests = manifests
        self._commands = commands
        self._records = records
        self._clock = clock
        self._exchange = exchange
        self._pulse = pulse
        self._speaking = live
        self._plan_changed = plan_changed
        self._config_changed = config_changed
        self._alerts_changed = alerts_changed
        self._alert_sound = alert_sound
        self._refused = refused
        self._early_plan: bytes | None = None
        """A retained plan that came before the config which introduces its key: it will not come again by itself."""

    def handlers(self, targets: Iterable[str] = ()) -> dict[str, Handler]:
        """A handler for each topic that this speaker listens to, those of its alert targets among them."""
        own = {
            Channel.CONFIG: self._config,
            Channel.PLAN: self._plan,
            Channel.COMMAND: self._commands.receive,
            Channel.RECORDS_ACK: self._acknowledgement,
            Channel.CLOCK_REPLY: self._clock_reply,
        }
        handlers = {topics.device(self._device_id, channel): self._guarded(channel, own[channel]) for channel in own}
        for target in targets:
            alerts = self._guarded(Channel.ALERTS, partial(self._alerts, target))
            live = self._guarded(Channel.LIVE, partial(self._live, target))
            handlers |= {
                topics.alerts(target): alerts,
                topics.alert_audio(target): self._audio,
                topics.live(target): live,
            }
        return {**handlers, topics.PULSE: self._guarded(Channel.PULSE, self._heartbeat)}

    def _guarded(self, channel: Channel, handler: Handler) -> Handler:
        async def guarded(payload: bytes) -> None:
            if not payload:
                return  # the empty message that clears a retained one
            try:
                await handler(payload)
            except (ProtocolError, AgentError) as error:
                self._desk.refuse(channel.value, error)
                self._refused()

        return guarded

    async def _plan(self, payload: bytes) -> None:
        self._early_plan = None
        try:
            outcome = self._desk.plan(payload)
        except UnknownKey:
            self._early_plan = payload
            raise
        if isinstance(outcome, PlanManifest):
            self._manifests.follow(outcome)
        elif outcome:
            self._manifests.forget()
            self._plan_changed()

    async def _config(self, payload: bytes) -> None:
        if self._desk.heed(payload):
            self._plan_changed()
        if self._desk.config(payload):
            self._config_changed()
            if self._early_plan is not None:
                await self._plan(self._early_plan)

    async def _alerts(self, target: str, payload: bytes) -> None:
        if self._desk.alerts(payload, target):
            self._alerts_changed()

    async def _live(self, target: str, payload: bytes) -> None:
        if (sealed := SealedFrame.parse(payload)) is not None:
            self._speaking.hear(sealed)
        else:
            await self._speaking.say(self._desk.live(payload, target))

    async def _audio(self, payload: bytes) -> None:
        """A sound needs no signature of its own: the signed alert names its hash."""
        await self._alert_sound(hashlib.sha256(payload).hexdigest(), payload)

    async def _acknowledgement(self, payload: bytes) -> None:
        await self._records.acknowledged(self._desk.acknowledgement(payload))

    async def _clock_reply(self, payload: bytes) -> None:
        back_s = self._clock.mono()
        self._clock.observe(self._exchange.judge(self._desk.clock_reply(payload), back_s))

    async def _heartbeat(self, payload: bytes) -> None:
        self._desk.pulse(payload)
        self._pulse.beat()

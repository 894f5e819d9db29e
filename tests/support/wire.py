"""Speaking on the wire directly: to say what no controller would say, and to read what a speaker answers."""

import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from queue import Queue

import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from loa.brokers import Broker
from protocol.messages import DeviceState
from protocol.topics import Channel, device
from schedules.types import DeviceId


def hang_up(client: mqtt.Client) -> None:
    """Disconnect, and wait for the client's network thread."""
    client.disconnect()
    with suppress(AttributeError):  # paho trips over a thread that ends by itself between its look and its wait
        client.loop_stop()


class Wire:
    """A client of the broker that believes everything."""

    def __init__(self, broker: Broker) -> None:
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
        self._broker = broker
        self._latest: dict[str, bytes] = {}
        self._lock = threading.Lock()
        self.heard: Queue[tuple[str, bytes]] = Queue()

    @contextmanager
    def connected(self) -> Iterator["Wire"]:
        self._client.on_message = self._keep
        self._client.on_connect = lambda client, *_: client.subscribe("loa/1/#", qos=1)
        self._client.connect("127.0.0.1", self._broker.port)
        self._client.loop_start()
        try:
            yield self
        finally:
            hang_up(self._client)

    def say(self, topic: str, payload: bytes | str, *, retain: bool = False) -> None:
        """Publish and wait until the broker has it."""
        self._client.publish(topic, payload, qos=1, retain=retain).wait_for_publish(10)

    def say_all(self, topic: str, payloads: Iterable[bytes | str]) -> None:
        """Publish these one right after the other, and wait until the broker has them all."""
        for said in [self._client.publish(topic, payload, qos=1) for payload in payloads]:
            said.wait_for_publish(10)

    def latest(self, device_id: str, channel: Channel) -> bytes | None:
        """The last message of a speaker's channel."""
        with self._lock:
            return self._latest.get(device(DeviceId(device_id), channel))

    def state(self, device_id: str) -> DeviceState | None:
        """The speaker's last report."""
        payload = self.latest(device_id, Channel.STATE)
        return DeviceState.decode(payload) if payload else None

    def _keep(self, _client: mqtt.Client, _data: object, message: mqtt.MQTTMessage) -> None:
        with self._lock:
            self._latest[message.topic] = bytes(message.payload)
        self.heard.put((message.topic, bytes(message.payload)))

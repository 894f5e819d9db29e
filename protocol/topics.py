"""The topic tree under `loa/1`: who speaks where, how reliably, and how much.

A topic says where a message belongs, never whether to believe it: that is the signature's business.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, Self

from schedules.types import AreaCode, DeviceId

ROOT = "loa/1"
INLINE_PLAN_MAX_BYTES = 64 * 1024
"""A signed plan above this travels as a manifest and is fetched from the content server."""


class Channel(StrEnum):
    """The kinds of topic, named by their last words."""

    PLAN = "plan"
    CONFIG = "config"
    COMMAND = "command"
    REPLY = "reply"
    STATUS = "status"
    STATE = "state"
    RECORDS = "records"
    RECORDS_ACK = "records/ack"
    CLOCK = "clock"
    CLOCK_REPLY = "clock/reply"
    ALERTS = "alerts"
    ALERT_REPORT = "alerts/report"
    LIVE = "live"
    AUDIO = "audio"
    PULSE = "pulse"


@dataclass(frozen=True, slots=True)
class Delivery:
    """How a channel's messages travel."""

    qos: Literal[0, 1]
    retained: bool
    max_bytes: int
    to_device: bool


KIB = 1024
DELIVERY: dict[Channel, Delivery] = {
    Channel.PLAN: Delivery(1, True, 96 * KIB, True),
    Channel.CONFIG: Delivery(1, True, 32 * KIB, True),
    Channel.COMMAND: Delivery(1, False, 8 * KIB, True),
    Channel.REPLY: Delivery(1, False, 64 * KIB, False),
    Channel.STATUS: Delivery(1, True, 2 * KIB, False),
    Channel.STATE: Delivery(1, True, 32 * KIB, False),
    Channel.RECORDS: Delivery(1, False, 64 * KIB, False),
    Channel.RECORDS_ACK: Delivery(1, False, 8 * KIB, True),
    Channel.CLOCK: Delivery(0, False, 1 * KIB, False),
    Channel.CLOCK_REPLY: Delivery(0, False, 2 * KIB, True),
    Channel.ALERTS: Delivery(1, True, 256 * KIB, True),
    Channel.ALERT_REPORT: Delivery(1, False, 64 * KIB, False),
    Channel.LIVE: Delivery(0, False, 4 * KIB, True),
    Channel.AUDIO: Delivery(1, False, 768 * KIB, True),
    Channel.PULSE: Delivery(0, False, 16 * KIB, True),
}


def device(device_id: DeviceId, channel: Channel) -> str:
    """The topic of one speaker's channel, such as `loa/1/devices/tan-yen-1/plan`."""
    return f"{ROOT}/devices/{device_id}/{channel}"


def client_id(device_id: DeviceId) -> str:
    """How a speaker's agent is called among a broker's clients; not every broker takes a dot there."""
    return f"loa-{device_id.replace('.', '~')}"


def all_devices(channel: Channel) -> str:
    """The filter that the controller subscribes to for a channel of every speaker."""
    return f"{ROOT}/devices/+/{channel}"


def of_device(device_id: DeviceId) -> str:
    """The filter of everything that is said to or by one speaker."""
    return f"{ROOT}/devices/{device_id}/#"


def of_area(code: AreaCode) -> str:
    """The filter of everything that is said to an area: its alerts, and who speaks live there."""
    return f"{ROOT}/areas/{code}/#"


def of_group(group_id: str) -> str:
    """As `of_area`, for a group of speakers."""
    return f"{ROOT}/groups/{group_id}/#"


def alerts(target: str) -> str:
    """The topic of a target's set of active alerts; the target as `AlertSet` writes it, such as `area:07339`."""
    return f"{_place(target)}/{Channel.ALERTS}"


def alert_audio(target: str) -> str:
    """Where small alert sounds for a target travel inline: whoever is not meant pays for none of their bytes."""
    return f"{_place(target)}/{Channel.AUDIO}"


def live(target: str) -> str:
    """Where a target is told who speaks live to it, and where the frames of that flow."""
    return f"{_place(target)}/{Channel.LIVE}"


def _place(target: str) -> str:
    kind, _, name = target.partition(":")
    return f"{ROOT}/{_PLACES[kind]}/{name}"


_PLACES = {"area": "areas", "group": "groups", "device": "devices"}


PULSE = f"{ROOT}/{Channel.PULSE}"
EVERY_AREA = f"{ROOT}/areas/#"
EVERY_GROUP = f"{ROOT}/groups/#"
ACCESS = f"{ROOT}/access"
"""Below it the controller speaks to itself alone, to learn which version of its access rules the broker has."""
ANY_ACCESS = f"{ACCESS}/+"


@dataclass(frozen=True, slots=True)
class DeviceTopic:
    """A speaker's topic, taken apart."""

    device_id: DeviceId
    channel: Channel

    @classmethod
    def parse(cls, topic: str) -> Self | None:
        """Return the parts of `loa/1/devices/{id}/{channel}`, or None for any other topic."""
        prefix = f"{ROOT}/devices/"
        if not topic.startswith(prefix):
            return None
        device_id, _, rest = topic[len(prefix) :].partition("/")
        try:
            return cls(DeviceId(device_id), Channel(rest)) if device_id else None
        except ValueError:
            return None

"""Who may say what where. Pure: speakers with their areas and groups in, topics out."""

import hashlib
import re
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from typing import Final

from controller.authority.authority import CONTROLLER_NAME
from protocol import topics
from protocol.topics import DELIVERY, Channel
from schedules.types import AreaCode, DeviceId

_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
"""Nothing that a topic or the syntax of any broker's file could take for more than a name."""
_OF_DEVICES: Final = tuple(channel for channel in Channel if channel is not Channel.PULSE)
SAYS: Final = tuple(channel for channel in _OF_DEVICES if not DELIVERY[channel].to_device)
"""What a speaker says."""
IS_TOLD: Final = tuple(channel for channel in _OF_DEVICES if DELIVERY[channel].to_device)
"""What is said to a speaker."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A speaker that takes part."""

    device_id: str
    areas: tuple[str, ...]
    """The chain of codes from the country to the speaker's own area."""
    groups: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Rights:
    """What one name may do: topic filters of MQTT."""

    name: str
    reads: tuple[str, ...]
    writes: tuple[str, ...]


def speakers_rights(admitted: Admitted, *, muted: bool = False) -> Rights:
    """Return what a speaker may do. One that is muted is still told everything: emergencies, too."""
    device = DeviceId(admitted.device_id)
    return Rights(
        name=admitted.device_id,
        reads=(
            topics.of_device(device),
            *(topics.of_area(AreaCode(code)) for code in admitted.areas),
            *(topics.of_group(group) for group in admitted.groups),
            topics.PULSE,
        ),
        writes=() if muted else tuple(topics.device(device, channel) for channel in SAYS),
    )


def controllers_rights() -> Rights:
    """Return what the controller may do. It also clears what a retired speaker has left on its retained topics."""
    cleared = [channel for channel in SAYS if DELIVERY[channel].retained]
    return Rights(
        name=CONTROLLER_NAME,
        reads=(*(topics.all_devices(channel) for channel in SAYS), topics.ANY_ACCESS),
        writes=(
            *(topics.all_devices(channel) for channel in (*IS_TOLD, *cleared)),
            topics.EVERY_AREA,
            topics.EVERY_GROUP,
            topics.PULSE,
        ),
    )


@dataclass(frozen=True, slots=True)
class Access:
    """Everybody's rights, and the topic by which the controller learns that the broker goes by them."""

    rights: tuple[Rights, ...]
    mark: str
    """A topic that the controller may write with these rules only: what it says there comes back, or not."""


def access(admitted: Iterable[Admitted], muted: Collection[str] = ()) -> Access:
    """Return everybody's rights, the same for the same speakers in any order. A name that is none gets no rights."""
    speakers = {each.device_id: each for each in admitted if _is_plain(each)}
    controller = controllers_rights()
    rights = [speakers_rights(speakers[name], muted=name in muted) for name in sorted(speakers)]
    mark = f"{topics.ACCESS}/{hashlib.sha256(repr([controller, *rights]).encode()).hexdigest()[:16]}"
    marked = Rights(CONTROLLER_NAME, controller.reads, (*controller.writes, mark))
    return Access((marked, *rights), mark)


def _is_plain(admitted: Admitted) -> bool:
    if admitted.device_id.startswith(CONTROLLER_NAME):
        return False
    return all(_NAME.fullmatch(name) for name in (admitted.device_id, *admitted.areas, *admitted.groups))

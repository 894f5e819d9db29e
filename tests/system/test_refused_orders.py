"""Whatever reaches a speaker's topics, only what its controller signed for it, newer than it has, changes anything."""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from controller.keys import Keys
from protocol.messages import Alert, AlertKind, AlertSet, Command, DeviceState, Plan, SetVolume
from protocol.signing import SigningKey, sign
from protocol.topics import DELIVERY, Channel, alerts, device
from schedules.types import DeviceId
from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker
from tests.support.wire import Wire


@dataclass
class Forger:
    """Somebody with access to the broker, and for some tricks even to the controller's key."""

    wire: Wire
    speaker: Speaker
    key: SigningKey

    def plan(self, **changes: object) -> Plan:
        """An empty plan, newer than any: in force, it would silence the speaker."""
        now = datetime.now(UTC)
        fields = {
            "device": self.speaker.id,
            "version": self.state().plan_version + 1_000_000,
            "window_start": now,
            "window_end": now + timedelta(days=8),
        }
        return Plan.model_validate(fields | changes)

    def sign(
        self, plan: Plan, *, key: SigningKey | None = None, audience: str = "", age: timedelta = timedelta()
    ) -> str:
        return sign(
            plan,
            audience=audience or self.speaker.id,
            key=key or self.key,
            now=datetime.now(UTC) - age,
            lifetime=timedelta(days=1),
        )

    def say(self, channel: Channel, token: str | bytes) -> None:
        self.wire.say(device(DeviceId(self.speaker.id), channel), token)

    def state(self) -> DeviceState:
        return eventually(lambda: self.wire.state(self.speaker.id), within_s=20, what="a report")


@pytest.fixture(scope="module")
def forger(fleet: Fleet) -> Iterator[Forger]:
    speaker = fleet.speaker("wary")
    with Wire(fleet.broker).connected() as wire:
        forger = Forger(wire, speaker, Keys.load(fleet.controller.data_dir).signing)
        eventually(lambda: (forger.state().plan_version or 0) > 0, within_s=20, what="a first plan")
        yield forger
    speaker.agent.stop()


def unsigned(forger: Forger) -> bytes:
    return forger.plan().encode()


def tampered(forger: Forger) -> str:
    head, body, signature = forger.sign(forger.plan()).split(".")
    return f"{head}.{body[:-2]}{'A' if body[-2] != 'A' else 'B'}{body[-1]}.{signature}"


def signed_by_a_stranger(forger: Forger) -> str:
    return forger.sign(forger.plan(), key=SigningKey.generate())


def expired(forger: Forger) -> str:
    return forger.sign(forger.plan(), age=timedelta(days=2))


def for_another_speaker(forger: Forger) -> str:
    return forger.sign(forger.plan(device="elsewhere"), audience="elsewhere")


def older(forger: Forger) -> str:
    return forger.sign(forger.plan(version=1))


@pytest.mark.parametrize(
    ("forge", "code"),
    [
        (unsigned, "malformed"),
        (tampered, "bad_signature"),
        (signed_by_a_stranger, "unknown_key"),
        (expired, "expired"),
        (for_another_speaker, "wrong_audience"),
        (older, "older"),
    ],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_a_plan_that_must_not_be_believed_changes_nothing_and_is_counted(forger: Forger, forge, code: str):
    before = forger.state()
    forger.say(Channel.PLAN, forge(forger))
    after = eventually(
        lambda: (state := forger.state()).rejected.get(code, 0) > before.rejected.get(code, 0) and state,
        within_s=10,
        what=f"{code} is counted; so far {forger.state().rejected}",
    )
    assert after.plan_version == before.plan_version
    assert after.planned == before.planned


def test_a_command_is_obeyed_once(forger: Forger):
    now = datetime.now(UTC)
    command = Command(id="turn-down", action=SetVolume(volume=33, until=now + timedelta(hours=1)))
    token = sign(command, audience=forger.speaker.id, key=forger.key, now=now, lifetime=timedelta(minutes=5))
    before = forger.state().rejected.get("replayed", 0)
    forger.say(Channel.COMMAND, token)
    eventually(lambda: forger.wire.latest(forger.speaker.id, Channel.REPLY), within_s=10, what="a reply")
    forger.say(Channel.COMMAND, token)
    eventually(lambda: forger.state().rejected.get("replayed", 0) > before, within_s=10, what="the replay is counted")


FORGED = 1000
"""Of each kind that is cheap to send."""
AT_ONCE = 250
"""Not more than a speaker lets wait."""
OVERSIZED = 100
"""Each is a quarter of a megabyte, which the broker takes and hands on to the test's own wire and to the speaker: a
thousand would move three quarters of a gigabyte, for a refusal that looks at nothing but the length."""
OVERSIZED_AT_ONCE = 25


def alarm(forger: Forger, number: int = 0, *, version: int = 10, at: datetime | None = None, **more: Any) -> str:
    """A set with one alert that would sound at once, signed by the controller's own key unless told otherwise."""
    now, target = datetime.now(UTC), f"device:{forger.speaker.id}"
    alert = Alert(
        id=f"forged-{number}",
        revision=1,
        sound_revision=1,
        kind=AlertKind.ACTUAL,
        issuer="07",
        issuer_depth=1,
        raised_at=now,
        starts_at=now,
        expires_at=now + timedelta(hours=1),
        headline="Sơ tán ngay",
        signal="attention",
        signal_ms=4000,
    )
    facts = {"audience": target, "key": forger.key, "now": at or now, "lifetime": timedelta(days=1)} | more
    return sign(AlertSet(target=target, version=version, alerts=(alert,)), **facts)


def test_forged_alerts_by_the_thousand_are_never_heard_and_each_is_counted(forger: Forger) -> None:
    long_ago, stranger = datetime.now(UTC) - timedelta(days=3), SigningKey.generate()
    kinds: dict[str, Callable[[int], str | bytes]] = {
        "malformed": lambda number: f"báo động {number}".encode(),
        "bad_signature": lambda number: spoilt(alarm(forger, number)),
        "unknown_key": lambda number: alarm(forger, number, key=stranger),
        "expired": lambda number: alarm(forger, number, at=long_ago),
        "wrong_audience": lambda number: alarm(forger, number, audience="area:99999"),
    }
    topic = alerts(f"device:{forger.speaker.id}")
    for code, forge in kinds.items():
        pour(forger, topic, code, [forge(number) for number in range(FORGED)])
    huge = alarm(forger).ljust(DELIVERY[Channel.ALERTS].max_bytes + 1, "=")
    pour(forger, topic, "too_large", [huge] * OVERSIZED, at_once=OVERSIZED_AT_ONCE)
    heard = [each.occurrence for each in forger.speaker.recordings if "forged" in each.occurrence]
    assert heard == []

    true = alarm(forger, 4711)
    forger.wire.say(topic, true)
    sounded = eventually(
        lambda: [each for each in forger.speaker.recordings if each.occurrence.startswith("forged-4711.")],
        within_s=20,
        what="the one that the controller signed is heard",
    )
    empty = AlertSet(target=f"device:{forger.speaker.id}", version=11)
    now = datetime.now(UTC)
    forger.wire.say(topic, sign(empty, audience=empty.target, key=forger.key, now=now, lifetime=timedelta(days=1)))
    pour(forger, topic, "older", [true] * FORGED)
    eventually(lambda: forger.state().player.state == "silent", within_s=20, what="silence")
    again = [each for each in forger.speaker.recordings if each.occurrence.startswith("forged-")]
    assert [each.path for each in again] == [each.path for each in sounded]


def spoilt(token: str) -> str:
    """The same with another signature, by one character."""
    head, body, signature = token.split(".")
    return f"{head}.{body}.{'A' if signature[0] != 'A' else 'B'}{signature[1:]}"


def pour(forger: Forger, topic: str, code: str, forged: Sequence[str | bytes], *, at_once: int = AT_ONCE) -> None:
    """Send these, and see the speaker report that it refused every one of them, for this reason and no other."""
    before = Counter(forger.state().rejected)
    for number in range(0, len(forged), at_once):
        some = forged[number : number + at_once]
        forger.wire.say_all(topic, some)
        count = before[code] + number + len(some)
        eventually(
            lambda count=count: forger.state().rejected.get(code, 0) >= count,
            within_s=60,
            what=f"{count} are counted as {code}; so far {forger.state().rejected}",
        )
    assert Counter(forger.state().rejected) - before == {code: len(forged)}

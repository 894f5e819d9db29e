"""Whatever reaches a speaker's topics, only what its controller signed for it, newer than it has, changes anything."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from controller.keys import Keys
from protocol.messages import Command, DeviceState, Plan, SetVolume
from protocol.signing import SigningKey, sign
from protocol.topics import Channel, device
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

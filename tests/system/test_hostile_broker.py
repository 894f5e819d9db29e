"""A real agent at a broker that drops, doubles, reorders, replays and invents: nothing wrong is heard."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from controller.keys import Keys
from protocol import topics
from protocol.messages import Command, Config, Plan, Window
from protocol.messages import TestTone as Tone
from protocol.signing import SigningKey, sign
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.eventually import eventually
from tests.support.fleet import Fleet
from tests.support.hostile_broker import HostileBroker

pytestmark = pytest.mark.parametrize("fleet", ["mosquitto"], indirect=True)

NAME = "tin-ai"
WITHDRAWN = "Bản tin này đã bị hủy, không ai được nghe thấy nữa."
WANTED = "Ủy ban nhân dân xã thông báo lịch tiêm phòng cho trẻ em."


def inventions(signed_by: SigningKey, stranger: SigningKey) -> list[tuple[str, bytes]]:
    """What somebody invents who has the broker, and who once had an order for somebody else in hand."""
    now = datetime.now(UTC)
    silent = Plan(device=NAME, version=10**15, window_start=now, window_end=now + timedelta(days=8))
    hush = Config(device=NAME, version=10**15, quiet_hours=(Window(start="00:00", end="00:00"),), max_volume=1)
    tone = Command(id="tone", action=Tone(seconds=3))

    def token(body: Plan | Config | Command, key: SigningKey, audience: str = NAME, age_h: int = 0) -> bytes:
        at = now - timedelta(hours=age_h)
        return sign(body, audience=audience, key=key, now=at, lifetime=timedelta(hours=1)).encode()

    def on(channel: Channel, payload: bytes) -> tuple[str, bytes]:
        return topics.device(DeviceId(NAME), channel), payload

    return [
        *(on(Channel.PLAN, made) for made in (b"", b"{}", token(silent, stranger), token(silent, signed_by, "x"))),
        on(Channel.PLAN, token(silent, signed_by, age_h=200)),
        on(Channel.PLAN, token(tone, signed_by)),
        *(on(Channel.CONFIG, made) for made in (b"", b"\xff", token(hush, stranger), token(hush, signed_by, "x"))),
        *(on(Channel.COMMAND, made) for made in (token(tone, stranger), token(tone, signed_by, age_h=9))),
        on(Channel.RECORDS_ACK, token(tone, stranger)),
        on(Channel.CLOCK_REPLY, token(tone, stranger)),
        (topics.PULSE, token(tone, stranger)),
    ]


@pytest.fixture
def broker(fleet: Fleet) -> Iterator[HostileBroker]:
    with HostileBroker(behind=fleet.broker.port).running() as broker:
        yield broker


def test_nothing_wrong_is_heard(fleet: Fleet, broker: HostileBroker, figure):
    through = {"LOA_AGENT_BROKER__PORT": str(broker.port), "LOA_AGENT_BROKER__PROTOCOL": "3.1.1"}
    speaker = fleet.speaker(NAME, env=through)
    withdrawn = fleet.air(fleet.sound(WITHDRAWN), speaker, in_s=30)
    eventually(lambda: speaker.is_ready_for(withdrawn), within_s=20, what="the first plan is there")
    tone = fleet.officer.create(f"/devices/{NAME}/commands", {"action": {"verb": "test_tone", "seconds": 1}})
    eventually(
        lambda: fleet.officer.get(f"/devices/{NAME}/commands/{tone['id']}")["outcome"] == "done",
        within_s=15,
        what="the tone was sounded",
    )
    schedule = f"/schedules/{withdrawn.schedule}"
    version = fleet.officer._http.get(schedule).headers["ETag"]
    fleet.officer._ask("DELETE", schedule, headers={"If-Match": version})
    wanted = fleet.air(fleet.sound(WANTED), speaker, in_s=22)
    eventually(lambda: speaker.is_ready_for(wanted), within_s=15, what="the second plan is there")

    broker.inventions = inventions(Keys.load(fleet.controller.data_dir).signing, SigningKey.generate())
    broker.hostile = True
    broker.hang_up()
    eventually(lambda: len(speaker.recordings) and speaker.heard(wanted), within_s=45, what="the second sounds")
    broker.hang_up()
    eventually(lambda: datetime.now(UTC) > max(wanted.ends_at, withdrawn.ends_at), within_s=45)
    rejected = speaker.state["rejected"]
    broker.hostile = False
    broker.hang_up()

    eventually(lambda: speaker.outcomes(wanted) == ["completed"], within_s=30, what="once, and whole, says its record")
    assert speaker.heard(withdrawn) == []
    assert abs((speaker.find(wanted).at - wanted.starts_at).total_seconds()) < 0.1
    assert len([each for each in speaker.recordings if each.occurrence != wanted.occurrence]) <= 1, "one test tone"
    figure(f"{broker.harm}; rejected {rejected}")
    assert {"dropped", "doubled", "replayed", "invented"} <= set(broker.harm)
    assert {"unknown_key", "malformed", "older"} <= set(rejected)
    speaker.agent.stop()

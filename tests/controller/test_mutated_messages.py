"""A hundred thousand messages that no speaker would send: refused by name or understood, and never as another's."""

import resource
from collections import Counter
from datetime import UTC, datetime

import pytest

from controller.link import clock
from controller.link.inbox import DatabaseInbox, understood
from controller.link.ports import Incoming
from controller.link.refusals import Refusals
from controller.monitoring.hub import hub_of
from protocol.errors import ProtocolError
from protocol.messages import ClockRequest, Outcome, PlayRecord, Records, Reply, Status
from protocol.signing import SigningKey
from protocol.topics import Channel, DeviceTopic
from schedules.types import DeviceId
from tests.support.controller import House
from tests.support.mutations import mutations
from tests.support.speaker import state_of

DEVICE = DeviceId("07339-1")
AT = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
ALL = 100_000
SAID = {
    Channel.STATUS: Status(device=DEVICE, session="s", online=True, at=AT).encode(),
    Channel.STATE: state_of(DEVICE, "s", at=AT, plan_version=7, rejected={"older": 1}).encode(),
    Channel.REPLY: Reply(device=DEVICE, command_id="c", outcome="done", detail="xong", at=AT).encode(),
    Channel.RECORDS: Records(
        device=DEVICE,
        boot="b",
        boot_order=1,
        records=(PlayRecord(seq=1, outcome=Outcome.COMPLETED, title="Bản tin", started_at=AT, ended_at=AT),),
    ).encode(),
    Channel.CLOCK: ClockRequest(nonce="n", sent_mono_us=1).encode(),
}


def megabytes() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


@pytest.mark.parametrize("channel", list(SAID))
def test_they_are_refused_by_name_or_understood_as_their_own(channel: Channel):
    topic, key, before = DeviceTopic(DEVICE, channel), SigningKey.generate(), megabytes()
    refused: Counter[str] = Counter()
    for payload in mutations(list(SAID.values()), ALL // len(SAID), seed=len(channel.value)):
        try:
            if channel is Channel.CLOCK:
                clock.answer(payload, device_id=DEVICE, received_at_us=1, key=key)
                continue
            said = understood(topic, payload)
            assert said is not None
            assert said.device == DEVICE
        except ProtocolError as error:
            refused[error.code] += 1
    assert set(refused) <= {"malformed", "unsupported_version", "too_large", "wrong_audience"}
    assert refused["malformed"] > 1_000
    assert megabytes() - before < 100


async def test_what_is_left_of_them_breaks_no_transaction(quiet_house: House):
    await quiet_house.commune("07339", speakers=2)
    refusals = Refusals()
    inbox = DatabaseInbox(
        quiet_house.database,
        key=SigningKey.generate(),
        hub=hub_of(quiet_house.runtime),
        wake_link=lambda: None,
        now=quiet_house.clock,
        refusals=refusals,
    )
    spoilt = mutations(list(SAID.values()), 1_500, seed=11)
    channels = [channel for channel in SAID if channel is not Channel.CLOCK]
    for number, payload in enumerate(spoilt):
        await inbox.receive(Incoming(DeviceTopic(DEVICE, channels[number % len(channels)]), payload, retained=False))
    technician = await quiet_house.signed_in("07339")
    assert (await technician.get("/api/v1/devices/07339-1/state")).status_code == 200
    for record in (await technician.get("/api/v1/records")).json()["items"]:
        assert record["device"] == DEVICE
    assert (await technician.get("/api/v1/devices/07339-2/state")).json()["online"] is False

from pathlib import Path

import aiomqtt
import psutil
import pytest
from aiomqtt import ProtocolVersion

from loa.brokers import MAX_PAYLOAD_BYTES, Broker, BrokerUnavailable, EmbeddedBroker, make_broker


def client(broker: Broker, version: ProtocolVersion = ProtocolVersion.V5) -> aiomqtt.Client:
    port = broker.port if version is ProtocolVersion.V5 else broker.port_v311
    return aiomqtt.Client("127.0.0.1", port, protocol=version)


@pytest.mark.parametrize("version", [ProtocolVersion.V311, ProtocolVersion.V5])
async def test_it_carries_large_retained_messages_in_both_versions(broker: Broker, version: ProtocolVersion):
    payload = b"x" * (MAX_PAYLOAD_BYTES - 4096)
    async with client(broker, version) as speaker:
        await speaker.publish("loa/plan", payload, qos=1, retain=True)
    async with client(broker, version) as late:
        await late.subscribe("loa/plan", qos=1)
        message = await anext(aiter(late.messages))
        assert message.payload == payload


async def test_after_losing_its_data_it_remembers_nothing(broker: Broker):
    async with client(broker) as speaker:
        await speaker.publish("loa/plan", b"old", qos=1, retain=True)
    broker.kill()
    broker.forget()
    broker.start()
    async with client(broker) as late:
        await late.subscribe("loa/plan", qos=1)
        await late.publish("loa/plan", b"fresh", qos=1)
        message = await anext(aiter(late.messages))
        assert message.payload == b"fresh"


def test_it_listens_on_the_loopback_interface_only(broker: Broker):
    process = psutil.Process(broker._child.pid)
    family = [process, *process.children(recursive=True)]
    listening = [line for each in family for line in each.net_connections("inet") if line.status == psutil.CONN_LISTEN]
    assert {line.laddr.port for line in listening} == {broker.port, broker.port_v311}
    assert {line.laddr.ip for line in listening} == {"127.0.0.1"}


def test_a_port_in_use_is_said_plainly(tmp_path: Path):
    with EmbeddedBroker(tmp_path / "one") as first, pytest.raises(BrokerUnavailable, match=str(first.port)):
        make_broker("embedded", tmp_path / "two", port=first.port).start()

"""The way out for what fetches a station: counted, at its budget over, and closed where it leads inside."""

import threading
from pathlib import Path

import httpx
import pytest

from device_agent.relay.gate import Gate
from device_agent.relay.source import RelaySource
from tests.support.children import running
from tests.support.eventually import eventually
from tests.support.stations import icecast, web_server

PUBLIC = "http://203.0.114.1/live.mp3"
BURST_BYTES = 1_000_000
BLOCK_BYTES = 16_384


async def fetched(gate: Gate, url: str) -> tuple[int, int]:
    """The status of an answer through the gate, and how many bytes of it came."""
    received = 0
    async with httpx.AsyncClient(proxy=gate.address, trust_env=False) as client, client.stream("GET", url) as answer:
        try:
            async for block in answer.aiter_raw():
                received += len(block)
        except httpx.RemoteProtocolError:
            pass  # it was cut off
        return answer.status_code, received


async def test_what_a_station_may_cost_is_bounded_however_much_it_sends(tmp_path: Path) -> None:
    (tmp_path / "rich.mp3").write_bytes(bytes(5 * BURST_BYTES))
    with web_server(tmp_path) as server:
        async with Gate(f"{server}/rich.mp3", window_s=0) as gate:
            status, received = await fetched(gate, f"{server}/rich.mp3")
            assert (status, gate.spent) == (200, True)
            assert BURST_BYTES - BLOCK_BYTES < received <= gate.received_bytes < BURST_BYTES + BLOCK_BYTES


@pytest.mark.parametrize("inside", [True, False])
async def test_only_a_station_of_the_local_network_leads_into_it(tmp_path: Path, *, inside: bool) -> None:
    with web_server(tmp_path) as server:
        async with Gate(server if inside else PUBLIC, window_s=10) as gate:
            status, _ = await fetched(gate, f"{server}/here.html")
            assert status == (200 if inside else 502)
            assert bool(gate.received_bytes) is inside


def test_nothing_is_fetched_once_its_window_is_over(tmp_path: Path) -> None:
    with icecast(tmp_path) as station:
        station.send()
        before = len(running("ffmpeg"))
        source = RelaySource(station.url, window_s=5)
        source.start()
        eventually(lambda: source.flowing, within_s=5)
        eventually(lambda: "relay" not in {each.name for each in threading.enumerate()}, within_s=20)
        assert not source.flowing
        assert source.received_bytes
        assert len(running("ffmpeg")) == before

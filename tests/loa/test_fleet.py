"""Simulated speakers on a real broker: they believe what an agent believes, say what it says, and fail to order."""

import asyncio
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import paho.mqtt.client as mqtt
import psutil
import pytest
from paho.mqtt.enums import CallbackAPIVersion

from loa.brokers import Broker, Mosquitto
from loa.demo.house import DemoError
from loa.fleet.crowd import Crowd, Faults
from loa.fleet.marks import KINDS, Marks
from loa.fleet.speaker import Ledger
from loa.fleet.stage import OFFICERS, Stage, allow_files
from loa.officer import Officer, Refused
from loa.process import Child
from protocol import topics
from protocol.messages import Alert, AlertKind, AlertPhase, AlertReport, AlertSet, Config, Message, Status
from protocol.signing import SigningKey, sign
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.eventually import becomes, eventually
from tests.support.wire import hang_up

AREA = "area:07339"
SPEAKERS = 12
WITHIN_S = 20.0


class Post:
    """Who gives the orders, and hears what the speakers say."""

    def __init__(self, broker: Broker) -> None:
        self.key = SigningKey.generate()
        self.reports: dict[str, AlertReport] = {}
        self.births: list[str] = []
        self._broker = broker
        self._client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
        self._client.on_connect = lambda client, *_: client.subscribe(
            [(topics.all_devices(channel), 1) for channel in (Channel.ALERT_REPORT, Channel.STATUS)]
        )
        self._client.on_message = self._heard
        self._client.reconnect_delay_set(0.1, 0.2)

    def open(self) -> None:
        self._client.connect("127.0.0.1", self._broker.port_v311)
        self._client.loop_start()
        eventually(self._client.is_connected, within_s=5)

    def close(self) -> None:
        hang_up(self._client)

    def configure(self, device: str) -> None:
        body = Config(device=device, version=1, areas=("24", "07339"), keys=(self.key.public,))
        self._say(topics.device(DeviceId(device), Channel.CONFIG), body, device)

    def alert(self, *alerts: Alert, version: int = 1, audience: str = AREA, **more: Any) -> None:
        self._say(topics.alerts(AREA), AlertSet(target=audience, version=version, alerts=alerts), audience, **more)

    def phases(self) -> set[AlertPhase]:
        return {standing.phase for report in self.reports.values() for standing in report.standings}

    def _say(self, topic: str, body: Message, audience: str, **more: Any) -> None:
        facts = {"key": self.key, "now": datetime.now(UTC), "lifetime": timedelta(days=1)} | more
        self._client.publish(topic, sign(body, audience=audience, **facts), qos=1, retain=True)

    def _heard(self, _client: object, _userdata: object, message: mqtt.MQTTMessage) -> None:
        topic = topics.DeviceTopic.parse(message.topic)
        assert topic is not None
        if topic.channel is Channel.ALERT_REPORT:
            self.reports[topic.device_id] = AlertReport.decode(message.payload)
        elif Status.decode(message.payload).online:
            self.births.append(topic.device_id)


def flood(name: str = "lu", *, in_s: float = 0.0) -> Alert:
    now = datetime.now(UTC)
    return Alert(
        id=name,
        revision=1,
        sound_revision=1,
        kind=AlertKind.ACTUAL,
        issuer="07",
        issuer_depth=1,
        raised_at=now,
        starts_at=now + timedelta(seconds=in_s),
        expires_at=now + timedelta(hours=1),
        headline=name,
        signal="attention",
        signal_ms=500,
    )


@asynccontextmanager
async def crowd_of(
    broker: Broker, folder: Path, faults: Faults | None = None
) -> AsyncIterator[tuple[Post, Crowd, Ledger, Marks]]:
    """Twelve speakers with their configuration, as far as they come at all."""
    post, ids = Post(broker), [f"sim-{number}" for number in range(SPEAKERS)]
    post.open()
    for device in ids:
        post.configure(device)
    ledger, marks = Ledger.trusting(post.key.public), Marks(folder / "marks", SPEAKERS)
    ledger.heard = marks.mark
    crowd = Crowd(ids, host="127.0.0.1", port=broker.port_v311, ledger=ledger, faults=faults)
    running = asyncio.create_task(crowd.run())
    try:
        async with asyncio.timeout(WITHIN_S):
            await crowd.connect()
        yield post, crowd, ledger, marks
    finally:
        running.cancel()
        await asyncio.gather(running, return_exceptions=True)
        await crowd.close()
        post.close()


async def until(holds: Callable[[], object]) -> None:
    async def look() -> object:
        return holds()

    await becomes(look, within_s=WITHIN_S)


async def test_all_verify_an_alert_acknowledge_it_and_sound_it_to_the_end(broker: Broker, tmp_path: Path) -> None:
    async with crowd_of(broker, tmp_path) as (post, _crowd, ledger, marks):
        post.alert(flood())
        await until(lambda: len(post.reports) == SPEAKERS and post.phases() == {AlertPhase.FINISHED})
        assert not any(marks.missing(kind) for kind in ("configured", "verified", "acknowledged"))
        assert all(report.standings[0].first_sound_at is not None for report in post.reports.values())
        assert ledger.verifications == 1
        post.alert(version=2)
        await until(lambda: not any(report.standings for report in post.reports.values()))


async def test_sets_that_no_agent_would_believe_are_refused_and_counted(broker: Broker, tmp_path: Path) -> None:
    async with crowd_of(broker, tmp_path) as (post, _crowd, ledger, marks):
        day = timedelta(days=1)
        post.alert(flood("forged"), key=SigningKey.generate())
        await until(lambda: ledger.refused == SPEAKERS)
        post.alert(flood("elsewhere"), audience="area:99999")
        await until(lambda: ledger.refused == 2 * SPEAKERS)
        post.alert(flood("old"), now=datetime.now(UTC) - 3 * day, lifetime=day)
        await until(lambda: ledger.refused == 3 * SPEAKERS)
        assert marks.missing("verified") == SPEAKERS
        post.alert(flood("true"), version=5)
        await until(lambda: len(post.reports) == SPEAKERS)
        post.alert(flood("again"), version=4)
        post.alert(flood("true"), flood("new"), version=6)
        await until(lambda: all(len(report.standings) == 2 for report in post.reports.values()))
        assert {each.alert for report in post.reports.values() for each in report.standings} == {"true", "new"}


async def test_after_a_storm_all_are_back_and_say_again_how_the_alert_stands(broker: Broker, tmp_path: Path) -> None:
    async with crowd_of(broker, tmp_path) as (post, crowd, _ledger, _marks):
        post.alert(flood())
        await until(lambda: len(post.reports) == SPEAKERS and post.phases() == {AlertPhase.FINISHED})
        post.reports.clear()
        post.births.clear()
        crowd.storm()
        await until(lambda: len(set(post.births)) == SPEAKERS)
        await until(lambda: len(post.reports) == SPEAKERS and post.phases() == {AlertPhase.FINISHED})


async def test_they_come_back_by_themselves_when_the_broker_does(tmp_path: Path) -> None:
    with Mosquitto(tmp_path / "broker") as broker:
        async with crowd_of(broker, tmp_path) as (post, crowd, _ledger, marks):
            post.alert(flood())
            await until(lambda: len(post.reports) == SPEAKERS and post.phases() == {AlertPhase.FINISHED})
            broker.kill()
            await until(lambda: not any(speaker.connected for speaker in crowd.speakers))
            marks.forget(*KINDS)
            await asyncio.to_thread(broker.start)
            await until(lambda: not any(marks.missing(kind) for kind in ("configured", "verified", "acknowledged")))


async def test_who_is_offline_never_comes(broker: Broker, tmp_path: Path) -> None:
    async with crowd_of(broker, tmp_path, Faults(offline_share=0.5)) as (post, crowd, _ledger, marks):
        there = {speaker.device_id for speaker in crowd.speakers}
        assert 0 < len(there) < SPEAKERS
        post.alert(flood())
        await until(lambda: set(post.reports) == there and post.phases() == {AlertPhase.FINISHED})
        assert set(post.births) == there
        assert marks.missing("verified") == SPEAKERS - len(there)


async def test_a_slow_line_has_everything_later_than_a_good_one(broker: Broker, tmp_path: Path) -> None:
    async with crowd_of(broker, tmp_path, Faults(slow_share=0.5, slow_s=1.0)) as (post, crowd, _ledger, marks):
        slow = {speaker.number for speaker in crowd.speakers if speaker.slow}
        assert 0 < len(slow) < SPEAKERS
        post.alert(flood())
        await until(lambda: not marks.missing("verified"))
        order = sorted(range(SPEAKERS), key=marks.times("verified").__getitem__)
        assert set(order[-len(slow) :]) == slow


def test_more_speakers_than_this_machine_may_open_files_for_are_refused_in_a_sentence(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("loa.fleet.stage.resource.getrlimit", lambda _what: (1024, 4096))
    with pytest.raises(DemoError, match="4096 are allowed"):
        allow_files(10_000)


@pytest.mark.timeout(180)
def test_a_rehearsal_tells_who_came_has_one_release_what_the_other_wrote_and_leaves_nothing_behind(
    tmp_path: Path,
) -> None:
    command = [
        sys.executable, "-m", "loa", "fleet", "run", "--agents", "6", "--processes", "1",
        "--data-dir", str(tmp_path / "fleet"),
    ]  # fmt: skip
    child = Child("fleet", command, log=tmp_path / "log")
    try:
        eventually(lambda: "6 of 6 speakers are there" in child.last_words(20), within_s=120, what="all came")
        family = psutil.Process(child.pid).children(recursive=True)
        url = child.last_words(20).partition("/emergency")[0].split()[-1]
        command_line = Stage(tmp_path / "fleet", 6).controller.command
        writer, releaser = (Officer(url, command_line("user", "token", name)) for name in OFFICERS)
        with writer, releaser:
            draft = {"area_code": "24", "headline": "Lũ", "signal": "flood-3", "lifetime_s": 600}
            alert = writer.create("/alerts", draft | {"targets": [{"kind": "area", "key": "24"}]})
            with pytest.raises(Refused, match="own_draft"):
                writer.release(writer.get(f"/alerts/{alert['id']}"))
            assert releaser.release(releaser.get(f"/alerts/{alert['id']}"))["state"] == "active"
        child.terminate()
        eventually(lambda: child.returncode is not None, within_s=30, what="it ends")
        assert child.returncode == 130, child.last_words(20)
        assert not any(each.is_running() and each.status() != psutil.STATUS_ZOMBIE for each in family)
    finally:
        child.stop()

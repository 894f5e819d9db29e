"""How long an edit takes to reach a speaker: from the API's request until the speaker has verified and stored the plan.

The speaker's word is not taken for it: its plan's file on the disk is watched. Beside it, as a limit: a bare MQTT round
trip through the same broker in the same run.
"""

import json
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from threading import Event

import numpy as np
import paho.mqtt.client as mqtt
from paho.mqtt.enums import CallbackAPIVersion

from loa.brokers import Broker
from tests.support.eventually import eventually
from tests.support.fleet import Fleet, Speaker
from tests.support.wire import hang_up

EDITS = 60
ROUND_TRIPS = 200


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, Fleet("embedded", Path(name)).running() as fleet:
        speaker = fleet.speaker("bench")
        airing = fleet.air(fleet.sound("Một hai ba."), speaker, in_s=timedelta(hours=3) / timedelta(seconds=1))
        eventually(lambda: speaker.is_ready_for(airing), within_s=20)
        sys.stderr.write(f"{EDITS} edits\n")
        edits = [edit_s(fleet, speaker, airing.schedule, number) for number in range(EDITS)]
        trips = round_trips_s(fleet.broker)
    result = {
        "bench": "edit_to_device",
        "edits": EDITS,
        "p50_s": percentile(edits, 50),
        "p99_s": percentile(edits, 99),
        "max_s": percentile(edits, 100),
        "peer_mqtt_round_trip_p50_s": percentile(trips, 50),
        "peer_mqtt_round_trip_p99_s": percentile(trips, 99),
    }
    print(json.dumps(result))


def percentile(values: list[float], percent: float) -> float:
    return round(float(np.percentile(values, percent)), 5)


def edit_s(fleet: Fleet, speaker: Speaker, schedule: str, number: int) -> float:
    """Change the volume of a schedule; wait for the plan on the speaker's disk to change."""
    before = stored_plan(speaker)
    began = time.perf_counter()
    fleet.officer.change(f"/schedules/{schedule}", {"volume": 40 + number % 2})
    eventually(lambda: stored_plan(speaker) != before, within_s=20, every_s=0.0005, what="the plan is stored")
    return time.perf_counter() - began


def stored_plan(speaker: Speaker) -> tuple[int, int]:
    """What tells one stored plan from the next without reading it: files are replaced whole."""
    try:
        status = (speaker.agent.state_dir / "plan.json").stat()
    except FileNotFoundError:  # between putting the former one aside and the new one in place
        return 0, 0
    return status.st_ino, status.st_mtime_ns


def round_trips_s(broker: Broker) -> list[float]:
    """A message to oneself, each after the one before came back."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv5)
    back, ready = Event(), Event()
    client.on_message = lambda *_: back.set()
    client.on_subscribe = lambda *_: ready.set()
    client.connect("127.0.0.1", broker.port)
    client.loop_start()
    client.subscribe("bench/echo", qos=1)
    assert ready.wait(5)
    trips = []
    for _ in range(ROUND_TRIPS):
        back.clear()
        began = time.perf_counter()
        client.publish("bench/echo", b"x" * 2000, qos=1)
        assert back.wait(5)
        trips.append(time.perf_counter() - began)
    hang_up(client)
    return trips


if __name__ == "__main__":
    main()

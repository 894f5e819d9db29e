"""One press to ten thousand speakers: real broker, real controller, simulated agents that verify and acknowledge.

`raw_s` is the peer: a message as long as the alert's set, by the same broker to as many bare subscribers, on the same
connections, in the same run; the median of a few. `verified_s` is from the press to the last agent that has verified
the set; what the controller itself needs before it publishes is in it. `delivery_s` is from the first agent to the
last, and `ratio` compares it with the bare message. `all_acked_s` is from the press until the API shows every
acknowledgement, and `cpu_s` what the processors spent until then. Equal bytes are verified once in each simulating
process: `verification_us` is what one costs, `verifications` how often it was done.
"""

import json
import os
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from loa.fleet.stage import Stage
from loa.officer import Officer
from protocol.messages import AlertSet
from protocol.signing import KeyRing, SigningKey, sign, verify

AGENTS = int(os.environ.get("FANOUT_AGENTS", "10000"))
RAW_ROUNDS = 5
RAW_TOPIC = "bench/raw"
WITHIN_S = 600.0
RATIO_TARGET, ACKED_TARGET_S = 1.5, 5.0
WORDS = "Mực nước đã vượt báo động III. Bà con vùng trũng thấp di chuyển lên nơi cao ngay."


def until(look: Callable[[], bool], within_s: float, what: str, *, every_s: float = 0.02) -> None:
    end = time.monotonic() + within_s
    while not look():
        if time.monotonic() > end:
            raise TimeoutError(what)
        time.sleep(every_s)


def shown(officer: Officer, alert: str) -> int:
    """How many acknowledgements the API shows. Counting them costs the controller, so nobody asks without a pause."""
    count: int = officer.get(f"/alerts/{alert}/reach")["total"]["received"]
    return count


def raw_s(stage: Stage, length: int) -> float:
    """From a publication to the last bare subscriber."""
    stage.marks.forget("raw")
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.connect("127.0.0.1", stage.broker.port_v311)
    client.loop_start()
    began = time.monotonic()
    client.publish(RAW_TOPIC, b"x" * length, qos=1)
    until(lambda: not stage.marks.missing("raw"), 60, "every bare subscriber has it")
    took = max(stage.marks.times("raw")) - began
    client.disconnect()
    client.loop_stop()
    return took


def cpu_s(stage: Stage, controller: psutil.Process) -> dict[str, float]:
    """Processor time so far of controller, broker and simulated speakers: they share this machine."""
    crowds = {crowd.pid for crowd in stage.crowds}
    spent = {"broker": 0.0, "controller": 0.0, "speakers": 0.0}
    for child in psutil.Process().children():
        who = "speakers" if child.pid in crowds else "broker"
        times = child.cpu_times()
        spent["controller" if child == controller else who] += times.user + times.system
    return spent


def verification_us() -> float:
    """What one verification costs here."""
    key, now = SigningKey.generate(), datetime.now(UTC)
    token = sign(AlertSet(target="area:24", version=1), audience="area:24", key=key, now=now, lifetime=timedelta(1))
    ring, began = KeyRing([key.public]), time.perf_counter()
    for _ in range(500):
        verify(token, AlertSet, audiences={"area:24"}, keys=ring, now=now)
    return (time.perf_counter() - began) / 500 * 1e6


def draft(officer: Officer) -> str:
    """Write an alert for all speakers, and wait for its words."""
    officer.change("/areas/24", {"policy": {"release": "second_person"}})
    wish = {
        "area_code": "24", "headline": "Báo động lũ cấp III", "text": WORDS, "signal": "flood-3",
        "targets": [{"kind": "area", "key": "24"}], "lifetime_s": 600,
    }  # fmt: skip
    alert: str = officer.create("/alerts", wish)["id"]
    until(lambda: officer.get(f"/alerts/{alert}")["words_ready"], 120, "the words are made")
    return alert


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        stage = Stage(Path(name), AGENTS)
        with stage.running(raw_topic=RAW_TOPIC):
            until(lambda: not stage.coming(), WITHIN_S, "all agents are there")
            controller = psutil.Process(stage.controller.child.pid)
            first, second = stage.officers
            alert = draft(first)
            time.sleep(20)
            raws = [raw_s(stage, 1200) for _ in range(RAW_ROUNDS)]
            stage.marks.forget("verified", "acknowledged")
            before = cpu_s(stage, controller)
            pressed = time.monotonic()
            second.create(f"/alerts/{alert}/release", {})
            answered_s = time.monotonic() - pressed
            until(lambda: not stage.marks.missing("verified"), 60, "every agent has verified it")
            until(lambda: shown(first, alert) >= AGENTS, 60, "all are shown", every_s=0.5)
            all_acked_s = time.monotonic() - pressed
            after = cpu_s(stage, controller)
            verified = stage.marks.times("verified")
            memory_mb = controller.memory_info().rss / 1e6
    raw, delivery_s = statistics.median(raws), max(verified) - min(verified)
    ratio = delivery_s / raw
    result = {
        "bench": "fanout",
        "agents": AGENTS,
        "ratio": round(ratio, 2),
        "raw_s": round(raw, 3),
        "delivery_s": round(delivery_s, 3),
        "press_to_first_s": round(min(verified) - pressed, 3),
        "verified_s": round(max(verified) - pressed, 3),
        "all_acked_s": round(all_acked_s, 2),
        "answered_s": round(answered_s, 3),
        "controller_mb": round(memory_mb),
        "cpu_s": {who: round(after[who] - before[who], 2) for who in after},
        "verification_us": round(verification_us()),
        "verifications": stage.processes,
        "target_ratio": RATIO_TARGET,
        "target_all_acked_s": ACKED_TARGET_S,
    }
    print(json.dumps(result))
    sys.exit(ratio > RATIO_TARGET or all_acked_s > ACKED_TARGET_S)


if __name__ == "__main__":
    main()

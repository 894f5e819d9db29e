"""One press to ten thousand speakers: real broker, real controller, simulated agents that verify and acknowledge.

`raw_s` is the peer: a message as long as the alert's set, by the same broker to as many bare subscribers, on the same
connections, in the same run, after each press; from its publication to the last of them. `verified_s` is from the
press to the last agent that has verified the set, and `ratio` compares the two: what the controller needs before it
publishes counts, too. `delivery_s` is from the first agent to the last. `all_acked_s` is from the press until the API
shows every acknowledgement, and `cpu_s` what the processors spent until then. One moment of a shared machine says
little: there are a few presses, each figure is their median, and `worst` has the slowest. Equal bytes are verified
once in each simulating process: `verification_us` is what one costs, `verifications` how often it was done in all.
"""

import json
import os
import re
import statistics
import sys
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import paho.mqtt.client as mqtt
import psutil
from paho.mqtt.enums import CallbackAPIVersion

from loa.fleet.stage import Stage
from loa.officer import Officer
from protocol import topics
from protocol.messages import AlertSet
from protocol.signing import KeyRing, SigningKey, sign, verify
from tests.support.wire import hang_up

AGENTS = int(os.environ.get("FANOUT_AGENTS", "10000"))
PRESSES = 5
RAW_ROUNDS = 3
QUIET_S = 20.0
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


@contextmanager
def connected(stage: Stage) -> Iterator[mqtt.Client]:
    """A client of the broker."""
    client = mqtt.Client(CallbackAPIVersion.VERSION2, protocol=mqtt.MQTTv311)
    client.connect("127.0.0.1", stage.broker.port_v311)
    client.loop_start()
    try:
        yield client
    finally:
        hang_up(client)


def set_bytes(stage: Stage) -> int:
    """How long the set is that stands on the broker for the province."""
    found: list[int] = []
    with connected(stage) as client:
        client.on_message = lambda _client, _userdata, message: found.append(len(message.payload))
        client.subscribe(topics.alerts("area:24"), qos=1)
        until(lambda: bool(found), 10, "the set comes")
    return found[0]


def raw_s(stage: Stage, length: int) -> float:
    """From a publication to the last bare subscriber."""
    stage.marks.forget("raw")
    with connected(stage) as client:
        began = time.monotonic()
        client.publish(RAW_TOPIC, b"x" * length, qos=1)
        until(lambda: not stage.marks.missing("raw"), 60, "every bare subscriber has it")
        return max(stage.marks.times("raw")) - began


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
    wish = {
        "area_code": "24", "headline": "Báo động lũ cấp III", "text": WORDS, "signal": "flood-3",
        "targets": [{"kind": "area", "key": "24"}], "lifetime_s": 600,
    }  # fmt: skip
    alert: str = officer.create("/alerts", wish)["id"]
    until(lambda: officer.get(f"/alerts/{alert}")["words_ready"], 120, "the words are made")
    return alert


@dataclass(frozen=True, slots=True)
class Pressed:
    """What came of one press."""

    set_bytes: int
    raw_s: float
    delivery_s: float
    press_to_first_s: float
    verified_s: float
    all_acked_s: float
    answered_s: float
    cpu_s: Mapping[str, float]


def press(stage: Stage, controller: psutil.Process) -> Pressed:
    """Raise an alert, follow it to the last speaker, call it off, and see what a bare message takes."""
    first, second = stage.officers
    alert = draft(first)
    time.sleep(QUIET_S)
    stage.marks.forget("verified", "acknowledged")
    seen = second.get(f"/alerts/{alert}")
    before = cpu_s(stage, controller)
    pressed = time.monotonic()
    second.release(seen)
    answered_s = time.monotonic() - pressed
    until(lambda: not stage.marks.missing("verified"), 60, "every agent has verified it")
    until(lambda: shown(first, alert) >= AGENTS, 60, "all are shown", every_s=0.5)
    all_acked_s = time.monotonic() - pressed
    after = cpu_s(stage, controller)
    verified = stage.marks.times("verified")
    length = set_bytes(stage)
    first.create(f"/alerts/{alert}/cancel", {"all_clear": False})
    time.sleep(QUIET_S)
    return Pressed(
        set_bytes=length,
        raw_s=statistics.median(raw_s(stage, length) for _ in range(RAW_ROUNDS)),
        delivery_s=max(verified) - min(verified),
        press_to_first_s=min(verified) - pressed,
        verified_s=max(verified) - pressed,
        all_acked_s=all_acked_s,
        answered_s=answered_s,
        cpu_s={who: after[who] - before[who] for who in after},
    )


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        stage = Stage(Path(name), AGENTS)
        with stage.running(raw_topic=RAW_TOPIC):
            until(lambda: not stage.coming(), WITHIN_S, "all agents are there")
            controller = psutil.Process(stage.controller.child.pid)
            presses = [press(stage, controller) for _ in range(PRESSES)]
            memory_mb = controller.memory_info().rss / 1e6
        told = "".join(crowd.log.read_text() for crowd in stage.crowds)
        verifications = sum(map(int, re.findall(r"verifications: (\d+)", told)))

    def median(figure: Callable[[Pressed], float], digits: int = 3) -> float:
        return round(statistics.median(map(figure, presses)), digits)

    def ratio(each: Pressed) -> float:
        return each.verified_s / each.raw_s

    result = {
        "bench": "fanout",
        "agents": AGENTS,
        "presses": PRESSES,
        "set_bytes": presses[-1].set_bytes,
        "ratio": median(ratio, 2),
        "raw_s": median(lambda each: each.raw_s),
        "delivery_s": median(lambda each: each.delivery_s),
        "press_to_first_s": median(lambda each: each.press_to_first_s),
        "verified_s": median(lambda each: each.verified_s),
        "all_acked_s": median(lambda each: each.all_acked_s, 2),
        "answered_s": median(lambda each: each.answered_s),
        "worst": {
            "ratio": round(max(map(ratio, presses)), 2),
            "all_acked_s": round(max(each.all_acked_s for each in presses), 2),
        },
        "controller_mb": round(memory_mb),
        "cpu_s": {who: round(statistics.median(each.cpu_s[who] for each in presses), 2) for who in presses[0].cpu_s},
        "verification_us": round(verification_us()),
        "verifications": verifications,
        "verifying_processes": stage.processes,
        "target_ratio": RATIO_TARGET,
        "target_all_acked_s": ACKED_TARGET_S,
    }
    print(json.dumps(result))
    sys.exit(result["ratio"] > RATIO_TARGET or result["all_acked_s"] > ACKED_TARGET_S)


if __name__ == "__main__":
    main()

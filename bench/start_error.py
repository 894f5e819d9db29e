"""How far from its instant a broadcast starts: real controller, broker and agents, PulseAudio as the way of the sound.

`p99_ms` is what the agents report from their sinks. `heard_*` is independent of them: the clip is found by
cross-correlation in what the sinks' monitors recorded; its constant part is the recording's own latency, so its spread
between speakers counts. Beside it a peer, a player program started at the instant, and a physical limit: sound itself
needs 2.9 ms for a metre, and the ear hears two sounds as one below 10–30 ms. `not_heard` counts starts that a
recording has not whole.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.support.eventually import eventually
from tests.support.fleet import Airing, Fleet, Speaker
from tests.support.pulse import MARGIN, Ear, ears, null_sinks
from tests.support.sound import RATE_HZ, Samples, find

SPEAKERS = 4
ROUNDS = 10
PEER_ROUNDS = 10
EVERY_S = 4.0
WORDS = "Một hai ba."
HEARD = 0.4


def percentile(values: list[float], percent: float) -> float:
    return round(float(np.percentile([abs(value) for value in values], percent)), 3)


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder = Path(name)
        with (
            null_sinks(folder / "pulse", SPEAKERS) as (server, sinks),
            ears(server, sinks) as listeners,
            Fleet("embedded", folder).running() as fleet,
        ):
            sound = fleet.sound(WORDS)
            speakers = [
                fleet.speaker(f"bench-{sink}", sink="pulse", sink_device=sink, env={"PULSE_SERVER": server})
                for sink in sinks
            ]
            sys.stderr.write(f"{SPEAKERS} speakers, {ROUNDS} broadcasts\n")
            airings = [fleet.air(sound, *speakers, in_s=10 + EVERY_S * number) for number in range(ROUNDS)]
            reported = [start_error_ms(speaker, airing) for airing in airings for speaker in speakers]
            found = [[heard_error_ms(ear, airing) for ear in listeners] for airing in airings]
            peer = peer_errors_ms(server, sinks[0], listeners[0], sound.samples, folder)
    heard = [[error for error in errors if error is not None] for errors in found]
    middle = statistics.median(error for errors in heard for error in errors)
    result = {
        "bench": "start_error",
        "sink": "pulse",
        "starts": len(reported),
        "p50_ms": percentile(reported, 50),
        "p99_ms": percentile(reported, 99),
        "max_ms": percentile(reported, 100),
        "not_heard": sum(errors.count(None) for errors in found),
        "heard_latency_ms": round(middle, 3),
        "heard_p99_ms": percentile([error - middle for errors in heard for error in errors], 99),
        "heard_apart_max_ms": round(max(max(errors) - min(errors) for errors in heard if errors), 3),
        "peer_started_cold_p50_ms": percentile([error - middle for error in peer], 50),
        "peer_started_cold_max_ms": percentile([error - middle for error in peer], 100),
        "target_p99_ms": 2,
        "limit_sound_per_metre_ms": 2.9,
    }
    print(json.dumps(result))


def start_error_ms(speaker: Speaker, airing: Airing) -> float:
    [record] = eventually(lambda: speaker.records(airing), within_s=EVERY_S * ROUNDS + 60, what="a play record")
    error_ms: float = record["start_error_ms"]
    return error_ms


def heard_error_ms(ear: Ear, airing: Airing) -> float | None:
    found = find(airing.sound.samples, ear.between(airing.starts_at - MARGIN, airing.ends_at + MARGIN))
    if found.likeness < HEARD:
        sys.stderr.write(f"{airing.starts_at:%H:%M:%S} not heard: {found}\n")
        return None
    return (found.at - airing.starts_at) / timedelta(milliseconds=1)


def peer_errors_ms(server: str, sink: str, ear: Ear, samples: Samples, folder: Path) -> list[float]:
    """The usual way: start a player when the time has come."""
    file = folder / "clip.wav"
    with wave.open(str(file), "wb") as wav:
        wav.setnchannels(1)
        wav.setsampwidth(2)
        wav.setframerate(RATE_HZ)
        wav.writeframes((samples * 32767).astype("<i2").tobytes())
    errors = []
    for _ in range(PEER_ROUNDS):
        at = datetime.now(UTC)
        subprocess.run(["paplay", f"--server={server}", f"--device={sink}", str(file)], check=True)
        end = datetime.now(UTC) + MARGIN
        eventually(lambda end=end: datetime.now(UTC) > end, within_s=5)
        errors.append((find(samples, ear.between(at - MARGIN / 2, end)).at - at) / timedelta(milliseconds=1))
    return errors


if __name__ == "__main__":
    main()

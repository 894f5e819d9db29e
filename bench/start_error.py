"""How far from its instant a broadcast starts: real controller, broker and agents; a line for PulseAudio, one for ALSA.

`p99_ms` is heard: the clip's first 0.3 s are found by cross-correlation in what the sinks' monitors recorded. Not the
whole clip: where a speaker comes into step while it sounds, only pieces are alike. A monitor of a null sink leads by a
constant 10 ms, one period of its server, which is taken off; what is constant beyond that is `constant_ms` and counts.
`reported_*` is what the agents say of themselves, `latency_ms` what their sinks have in hand. Beside it a peer, a
player program started at the instant, and a physical limit: sound itself needs 2.9 ms for a metre, and the ear hears
two sounds as one below 10–30 ms. `not_heard` counts starts that a recording has not; of these, and of what is 5 ms
off, standard error says where each piece sounded and what the agent's record holds. `machine_percent` is what all
programs took of the machine meanwhile. The ALSA line goes through libasound and its plugin into the same server, for
want of a card. Ends with 1 on a missed target.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import wave
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any, Literal

import numpy as np
import psutil

from tests.support.alsa import alsa_settings
from tests.support.eventually import eventually
from tests.support.fleet import Airing, Fleet, Speaker
from tests.support.pulse import MARGIN, Ear, PulseServer, ears
from tests.support.sound import RATE_HZ, Samples, find, torn

SPEAKERS = 4
ROUNDS = 25
MONITOR_LEADS_MS = 10.0
TARGET_P99_MS = 2.0
PEER_ROUNDS = 10
EVERY_S = 3.0
WORDS = "Một hai ba."
HEAD = round(0.3 * RATE_HZ)
HEARD = 0.6
ODD_MS = 5.0


def percentile(values: list[float], percent: float) -> float:
    return round(float(np.percentile([abs(value) for value in values], percent)), 3)


def main() -> None:
    results = [measured("pulse", peer=True), measured("alsa", peer=False)]
    for result in results:
        print(json.dumps(result))
    sys.exit(any(result["p99_ms"] > TARGET_P99_MS or result["not_heard"] for result in results))


def measured(kind: Literal["pulse", "alsa"], *, peer: bool) -> dict[str, Any]:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder = Path(name)
        with (
            PulseServer(folder / "pulse", SPEAKERS) as server,
            ears(server.address, server.sinks) as listeners,
            Fleet("embedded", folder).running() as fleet,
        ):
            sound = fleet.sound(WORDS)
            env = {"PULSE_SERVER": server.address, "ALSA_CONFIG_PATH": str(alsa_settings(server))}
            speakers = [fleet.speaker(f"bench-{sink}", sink=kind, sink_device=sink, env=env) for sink in server.sinks]
            sys.stderr.write(f"{kind}: {SPEAKERS} speakers, {ROUNDS} broadcasts\n")
            airings = [fleet.air(sound, *speakers, in_s=10 + EVERY_S * number) for number in range(ROUNDS)]
            psutil.cpu_percent()
            latencies = [latency_ms(speaker) for speaker in speakers]
            reported = [start_error_ms(speaker, airing) for airing in airings for speaker in speakers]
            machine_percent = psutil.cpu_percent()
            found = [
                [heard_error_ms(*pair, airing) for pair in zip(listeners, speakers, strict=True)] for airing in airings
            ]
            cold = peer_errors_ms(server.address, server.sinks[0], listeners[0], sound.samples, folder) if peer else []
    heard = [[error for error in errors if error is not None] for errors in found]
    errors = [error for each in heard for error in each]
    result = {
        "bench": "start_error",
        "sink": kind,
        "starts": len(reported),
        "p50_ms": percentile(errors, 50),
        "p99_ms": percentile(errors, 99),
        "max_ms": percentile(errors, 100),
        "constant_ms": round(statistics.median(errors), 3),
        "apart_max_ms": round(max(max(each) - min(each) for each in heard if each), 3),
        "not_heard": sum(each.count(None) for each in found),
        "reported_p99_ms": percentile(reported, 99),
        "machine_percent": round(machine_percent),
        "latency_ms": round(statistics.median(latencies), 1),
        "target_p99_ms": TARGET_P99_MS,
        "limit_sound_per_metre_ms": 2.9,
    }
    if cold:
        result |= {"peer_started_cold_p50_ms": percentile(cold, 50), "peer_started_cold_max_ms": percentile(cold, 100)}
    return result


def latency_ms(speaker: Speaker) -> float:
    """What its sink has in hand while something sounds."""

    def told() -> float:
        player = speaker.state["player"]
        return float(player["latency_ms"] or 0) if player["state"] == "playing" else 0.0

    return eventually(told, within_s=40, what="a sink tells its latency")


def start_error_ms(speaker: Speaker, airing: Airing) -> float:
    [record] = eventually(lambda: speaker.records(airing), within_s=EVERY_S * ROUNDS + 60, what="a play record")
    error_ms: float = record["start_error_ms"]
    return error_ms


def heard_error_ms(ear: Ear, speaker: Speaker, airing: Airing) -> float | None:
    heard = ear.between(airing.starts_at - MARGIN, airing.ends_at + MARGIN)
    found = find(airing.sound.samples[:HEAD], heard)
    error_ms = (found.at - airing.starts_at) / timedelta(milliseconds=1) + MONITOR_LEADS_MS
    if found.likeness >= HEARD and abs(error_ms) < ODD_MS:
        return error_ms
    [record] = speaker.records(airing)
    kept = {name: record[name] for name in ("outcome", "reason", "start_error_ms", "played_ms")}
    pieces = torn(airing.sound.samples, heard, airing.starts_at - timedelta(milliseconds=MONITOR_LEADS_MS))
    seen = f"{error_ms:.1f} ms, likeness {found.likeness:.2f}, {pieces}"
    sys.stderr.write(f"{airing.starts_at:%H:%M:%S} {speaker.id}: {seen}, {kept}\n")
    return error_ms if found.likeness >= HEARD else None


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
        found = find(samples[:HEAD], ear.between(at - MARGIN / 2, end))
        errors.append((found.at - at) / timedelta(milliseconds=1) + MONITOR_LEADS_MS)
    return errors


if __name__ == "__main__":
    main()

"""How far apart two speakers sound one broadcast: real controller, broker and agents, two null sinks of one PulseAudio.

The first 0.3 s of each start are found by cross-correlation in what both monitors recorded; the monitors share one
server, so what they have in common cancels out. First with the machine to themselves, then with every core kept busy by
a program of nice 0 in a session of its own. The plan is stored before, the controller has no part in it. A start that
one of the recordings has not is `not_heard`, and standard error says what the agents' records say of it. `constant_ms`
is what is the same in all starts; `clocks_apart_ms` how far apart the two agents believed the time to be when they last
reported, after the quiet starts: each learns it by itself. `machine_percent` is what all programs took of the machine
in the quiet part.

Beside it Snapcast, which needs its server while it plays: two clients on two more sinks, the same measurement, the same
load. Where `snapserver` and `snapclient` are not installed, the figure it is documented with. Debian has them: `apt
install --no-install-recommends snapserver snapclient`, then `systemctl disable --now snapserver snapclient`.
"""

import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import psutil
from scipy.signal import chirp

from tests.support.eventually import eventually
from tests.support.fleet import Airing, Fleet, Speaker
from tests.support.pulse import Ear, ears, null_sinks
from tests.support.snapcast import Snapcast
from tests.support.sound import RATE_HZ, Samples, find

STARTS = 30
BUSY_STARTS = 15
EVERY_S = 2.0
FIRST_S = 15.0
TURN_S = 6.0
"""Between the quiet and the busy starts."""
PEER_STARTS = 12
PEER_SETTLES_S = 8.0
WORDS = "Một hai ba."
HEAD = round(0.3 * RATE_HZ)
"""More is alike only where nobody comes into step while it sounds."""
HEARD = 0.6
AROUND = timedelta(seconds=0.4)


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="loa-bench-") as name,
        null_sinks(Path(name) / "pulse", 4) as (server, sinks),
    ):
        quiet, busy, clocks, machine_percent = speakers_apart_ms(Path(name), server, sinks[:2])
        peer = peer_figures(Path(name) / "snapcast", server, sinks[2:])
    result = {
        "bench": "skew",
        **summary("", quiet),
        **summary("busy_", busy),
        "clocks_apart_ms": round(clocks, 3),
        "machine_percent": round(machine_percent),
        **peer,
        "target_p99_ms": 1,
        "target_busy_p99_ms": 3,
    }
    print(json.dumps(result))


def summary(which: str, apart_ms: list[float | None]) -> dict[str, float | None]:
    signed = np.array([each for each in apart_ms if each is not None])
    heard = np.abs(signed)
    figures = {"p50_ms": 50, "p99_ms": 99, "max_ms": 100}
    return {
        f"{which}starts": len(apart_ms),
        f"{which}not_heard": len(apart_ms) - len(heard),
        **{
            f"{which}{figure}": round(float(np.percentile(heard, percent)), 3) if len(heard) else None
            for figure, percent in figures.items()
        },
        f"{which}constant_ms": round(float(np.median(signed)), 3) if len(heard) else None,
    }


def speakers_apart_ms(
    folder: Path, server: str, sinks: list[str]
) -> tuple[list[float | None], list[float | None], float, float]:
    """By how much the second speaker was later, for each quiet and each busy start; what of it their clocks say; and
    how busy the machine was in the quiet part."""
    with ears(server, sinks) as listeners, Fleet("embedded", folder).running() as fleet:
        sound = fleet.sound(WORDS)
        speakers = [
            fleet.speaker(f"bench-{sink}", sink="pulse", sink_device=sink, env={"PULSE_SERVER": server})
            for sink in sinks
        ]
        first = datetime.now(UTC) + timedelta(seconds=FIRST_S)

        def air(at_s: float) -> Airing:
            at = first + timedelta(seconds=at_s)
            return fleet.air(sound, *speakers, in_s=(at - datetime.now(UTC)).total_seconds())

        quiet = [air(EVERY_S * number) for number in range(STARTS)]
        busy = [air(EVERY_S * (STARTS + number) + TURN_S) for number in range(BUSY_STARTS)]
        sys.stderr.write(f"{STARTS} quiet and {BUSY_STARTS} busy starts until {busy[-1].ends_at:%H:%M:%S} UTC\n")
        psutil.cpu_percent()
        wait_until(quiet[-1].ends_at + AROUND)
        machine_percent = psutil.cpu_percent()
        one, other = (speaker.state["clock"]["wall_offset_ms"] for speaker in speakers)
        with busy_cores():
            wait_until(busy[-1].ends_at + 2 * AROUND)
        apart = [[apart_ms(listeners, speakers, airing) for airing in airings] for airings in (quiet, busy)]
        return apart[0], apart[1], abs(one - other), machine_percent


def apart_ms(listeners: list[Ear], speakers: list[Speaker], airing: Airing) -> float | None:
    begin, end = airing.starts_at - AROUND, airing.ends_at + AROUND
    found = [find(airing.sound.samples[:HEAD], ear.between(begin, end)) for ear in listeners]
    if min(each.likeness for each in found) > HEARD:
        return (found[1].at - found[0].at) / timedelta(milliseconds=1)
    for speaker, each in zip(speakers, found, strict=True):
        [record] = eventually(lambda speaker=speaker: speaker.records(airing), within_s=60, what="a play record")
        kept = {name: record.get(name) for name in ("outcome", "reason", "start_error_ms", "played_ms")}
        sys.stderr.write(f"{airing.starts_at:%H:%M:%S} {speaker.id}: likeness {each.likeness:.2f}, {kept}\n")
    return None


def peer_figures(folder: Path, server: str, sinks: list[str]) -> dict[str, float | None]:
    """What Snapcast does here, or what it is documented to do."""
    if not (shutil.which("snapserver") and shutil.which("snapclient")):
        sys.stderr.write("Snapcast is not installed: apt install --no-install-recommends snapserver snapclient\n")
        return {"peer_snapcast_documented_ms": 0.2}
    quiet, busy = snapcast_apart_ms(folder, server, sinks)
    return {**summary("peer_snapcast_", quiet), **summary("peer_snapcast_busy_", busy)}


def snapcast_apart_ms(folder: Path, server: str, sinks: list[str]) -> tuple[list[float | None], list[float | None]]:
    """The same for Snapcast's clients: a chirp each second, quiet and busy."""
    at_s = np.arange(RATE_HZ // 2) / RATE_HZ
    sweep = (chirp(at_s, 300, 0.5, 6000) * 12_000).astype("<i2")
    samples = sweep[:HEAD].astype(np.float32) / 32768
    with (
        ears(server, sinks) as listeners,
        Snapcast(folder, server, sinks).running() as peer,
        peer.playing(sweep.tobytes() + bytes(RATE_HZ)),
    ):
        wait_until(datetime.now(UTC) + timedelta(seconds=PEER_SETTLES_S))
        quiet = [peer_apart_ms(listeners, samples) for _ in range(PEER_STARTS)]
        with busy_cores():
            busy = [peer_apart_ms(listeners, samples) for _ in range(PEER_STARTS)]
    return quiet, busy


def peer_apart_ms(listeners: list[Ear], samples: Samples) -> float | None:
    begin = datetime.now(UTC)
    wait_until(begin + timedelta(seconds=2))
    one = find(samples, listeners[0].between(begin, begin + timedelta(seconds=1.5)))
    other = find(samples, listeners[1].between(one.at - AROUND / 2, one.at + timedelta(seconds=0.5) + AROUND / 2))
    heard = min(one.likeness, other.likeness) > HEARD
    return (other.at - one.at) / timedelta(milliseconds=1) if heard else None


def wait_until(at: datetime) -> None:
    time.sleep(max(0.0, (at - datetime.now(UTC)).total_seconds()))


@contextmanager
def busy_cores() -> Iterator[None]:
    """Keep every core busy with another program, at nice 0."""
    burners = [multiprocessing.Process(target=_burn, daemon=True) for _ in range(os.cpu_count() or 1)]
    for burner in burners:
        burner.start()
    try:
        yield
    finally:
        for burner in burners:
            burner.kill()
            burner.join()


def _burn() -> None:
    os.setsid()
    while True:
        pass


if __name__ == "__main__":
    main()

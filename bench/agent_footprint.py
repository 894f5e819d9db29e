"""What one agent takes of a small board: memory while it waits and while it plays, processor time, time to be ready.

`alone` is what counts on a pole, where no other Python runs: everything resident is charged to the agent and its
children (RSS; what two of them share counts twice, never less than the truth); `own` is the part of it that lies in no
file. The rest are pages of programs and libraries, which the kernel can drop and read again. Without `alone` it is the
proportional set size, which falls with the number of other Pythons that happen to run here. `parts` says what each
room brings at its import, alone. The sound goes to PulseAudio, as on a pole. Idle is an agent that has fetched a clip.
Beside it what a Python that only sleeps takes, and the bounds that a small board sets. Ready is a started agent when
its sink plays and its first report has come in.
"""

import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

import psutil

from loa.cli import FOR_A_TERMINAL
from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, Fleet, Sound, Speaker
from tests.support.pulse import null_sinks
from tests.support.stations import icecast

WORDS = "Bản tin nông nghiệp. " * 40
"""About a minute: the decoder, which works ten seconds ahead, is at work for most of it."""
STARTS = 3
RELAY_S = 40
RELAY_IN_S = 15
ROOMS = (
    "asyncio",
    "structlog",
    "typer",
    "protocol.messages",
    "protocol.signing",
    "aiomqtt",
    "sqlite3",
    "httpx",
    "device_agent.cli",
)
"""In the order in which they are weighed: what two of them need is the first one's."""
WEIGH = """
import importlib, json, pathlib, resource, sys
def rss_mb():
    return int(pathlib.Path("/proc/self/statm").read_text().split()[1]) * resource.getpagesize() / 1e6
for module in sys.argv[1].split():
    sys.modules[module] = None
last = rss_mb()
parts = {"python": round(last, 1)}
for room in sys.argv[2:]:
    importlib.import_module(room)
    now = rss_mb()
    parts[room], last = round(now - last, 1), now
print(json.dumps(parts))
"""


def main() -> None:
    with (
        tempfile.TemporaryDirectory(prefix="loa-bench-") as name,
        null_sinks(Path(name) / "pulse", 1) as (server, [sink]),
        Fleet("embedded", Path(name)).running() as fleet,
    ):
        # As on a speaker, where its code was compiled when it was installed: compiling leaves 5 MB behind.
        compiled = {"PYTHONDONTWRITEBYTECODE": "", "PYTHONPYCACHEPREFIX": str(Path(name) / "compiled")}
        speaker = fleet.speaker("bench", sink="pulse", sink_device=sink, env={"PULSE_SERVER": server, **compiled})
        ready_s = max(seconds_to_ready(speaker) for _ in range(STARTS))
        sound = fleet.sound(WORDS)
        child = speaker.agent.child
        assert child is not None
        agent = psutil.Process(child.pid)
        airing = fleet.air(sound, speaker, in_s=10)
        eventually(lambda: speaker.is_ready_for(airing), within_s=15)
        idle_mb = memory_mb(agent)
        alone, alone_playing = alone_mb(agent), alone_mb(agent)
        playing: list[dict[str, float]] = []

        def sounds() -> bool:
            playing.append(parts_mb(agent))
            return bool(speaker.state["player"]["state"] == "playing")

        eventually(sounds, within_s=30, every_s=0.2)
        before, began = cpu_s(agent), time.monotonic()

        def over() -> bool:
            nonlocal alone_playing
            playing.append(parts_mb(agent))
            alone_playing = max(alone_playing, alone_mb(agent))
            return bool(speaker.records(airing))

        eventually(over, within_s=sound.seconds + 20, every_s=0.3)
        cpu_pct = (cpu_s(agent) - before) / (time.monotonic() - began) * 100
        relaying, alone_relaying = while_relaying(fleet, sound, speaker, agent, Path(name))
    most = max(playing, key=lambda parts: sum(parts.values()))
    result = {
        "bench": "agent_footprint",
        "idle_mb": round(idle_mb, 1),
        "idle_alone_mb": round(alone[0], 1),
        "idle_alone_own_mb": round(alone[1], 1),
        "playing_mb": round(sum(most.values()), 1),
        "playing_alone_mb": round(alone_playing[0], 1),
        "playing_alone_own_mb": round(alone_playing[1], 1),
        "relaying_mb": round(most_mb(relaying), 1),
        "relaying_alone_mb": round(alone_relaying, 1),
        "playing_cpu_pct": round(cpu_pct, 1),
        "limit_playing_cpu_pct": 5,
        "ready_s": round(ready_s, 2),
        "processes_mb": {name: round(mb, 1) for name, mb in most.items()},
        "parts_mb": weighed(),
        "peer_bare_python_mb": round(bare_python_mb(), 1),
        "limit_idle_mb": 60,
        "limit_playing_mb": 90,
        "limit_ready_s": 3,
    }
    print(json.dumps(result))


def while_relaying(
    fleet: Fleet, sound: Sound, speaker: Speaker, agent: psutil.Process, folder: Path
) -> tuple[list[dict[str, float]], float]:
    """Each process's memory from connecting to a station until its stand-in sounds, and the most of it all alone."""
    taken: list[dict[str, float]] = []
    alone = 0.0
    with icecast(folder) as station:
        station.send()
        programme = relayed(fleet, sound, station.url)
        airing = fleet.air(programme, speaker, in_s=RELAY_IN_S)

        def weigh_alone() -> None:
            nonlocal alone
            alone = max(alone, alone_mb(agent)[0])

        def sounding() -> bool:
            taken.append(parts_mb(agent))
            weigh_alone()
            return bool(speaker.state["player"]["state"] == "playing" and len(agent.children()) > 0)

        eventually(lambda: speaker.is_ready_for(airing), within_s=RELAY_IN_S)
        eventually(sounding, within_s=RELAY_IN_S + 20, every_s=0.2)
        station.fall_silent()

        def over() -> bool:
            taken.append(parts_mb(agent))
            weigh_alone()
            return bool(speaker.records(airing))

        eventually(over, within_s=RELAY_S + 40, every_s=0.2)
    return taken, alone


def relayed(fleet: Fleet, sound: Sound, url: str) -> Sound:
    """A programme that is a station's, with a clip to stand in."""
    announcement = fleet.officer.announce("Chờ sóng", WORDS, area=COMMUNE)
    relay = {"kind": "relay", "url": url, "title": "Đài huyện", "duration_ms": RELAY_S * 1000}
    body = {
        "title": "Tiếp âm",
        "area_code": COMMUNE,
        "items": [{"kind": "chime"}, {**relay, "announcement_id": announcement["id"]}],
    }
    made = fleet.officer.create("/playlists", body)
    eventually(lambda: fleet.officer.get(f"/playlists/{made['id']}")["status"] == "ready", within_s=60)
    return replace(sound, playlist=made["id"], title="Tiếp âm", seconds=RELAY_S)


def most_mb(taken: list[dict[str, float]]) -> float:
    """The highest sum."""
    return max(sum(parts.values()) for parts in taken)


def seconds_to_ready(speaker: Speaker) -> float:
    session = speaker.state["session"]
    speaker.agent.stop()
    began = time.monotonic()
    speaker.agent.start()

    def ready() -> bool:
        state = speaker.state
        return state["session"] != session and state["player"]["state"] == "silent"

    eventually(ready, within_s=20, every_s=0.05)
    return time.monotonic() - began


def weighed() -> dict[str, float]:
    """What importing each room adds, one after another, without what an agent does without."""
    command = [sys.executable, "-c", WEIGH, " ".join(FOR_A_TERMINAL), *ROOMS]
    said = subprocess.run(command, capture_output=True, check=True, text=True).stdout
    parts: dict[str, float] = json.loads(said)
    return parts


def family(agent: psutil.Process) -> list[psutil.Process]:
    return [agent, *agent.children(recursive=True)]


def memory_mb(agent: psutil.Process) -> float:
    """The sum over the agent and its children."""
    return sum(parts_mb(agent).values())


def parts_mb(agent: psutil.Process) -> dict[str, float]:
    """What each process takes; one that just ended counts nothing."""
    parts: dict[str, float] = {}
    for process in family(agent):
        try:
            name, mb = process.name(), process.memory_full_info().pss / 1e6
        except psutil.NoSuchProcess:
            continue
        parts[name] = parts.get(name, 0.0) + mb
    return parts


def alone_mb(agent: psutil.Process) -> tuple[float, float]:
    """What is resident of the agent and its children with nobody to share it, and what of that is no file's."""
    whole = own = 0.0
    for process in family(agent):
        try:
            info = process.memory_info()
        except psutil.NoSuchProcess:
            continue
        whole, own = whole + info.rss / 1e6, own + (info.rss - info.shared) / 1e6
    return whole, own


def cpu_s(agent: psutil.Process) -> float:
    times = agent.cpu_times()
    return times.user + times.system + times.children_user + times.children_system


def bare_python_mb() -> float:
    command = [sys.executable, "-c", "print('up', flush=True); input()"]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        process.stdout.readline()
        size_mb = memory_mb(psutil.Process(process.pid))
        process.communicate("\n")
    return size_mb


if __name__ == "__main__":
    main()

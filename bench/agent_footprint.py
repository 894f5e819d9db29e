"""What one agent takes of a small board: memory while it waits and while it plays, processor time while it plays.

Memory is the proportional set size of the agent and its decoder. Beside it what a Python that only sleeps takes.
"""

import json
import subprocess
import sys
import tempfile
from pathlib import Path

import psutil

from tests.support.eventually import eventually
from tests.support.fleet import Fleet

WORDS = "Bản tin nông nghiệp. " * 8


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, Fleet("embedded", Path(name)).running() as fleet:
        speaker = fleet.speaker("bench")
        sound = fleet.sound(WORDS)
        child = speaker.agent.child
        assert child is not None
        agent = psutil.Process(child.pid)
        airing = fleet.air(sound, speaker, in_s=10)
        eventually(lambda: speaker.is_ready_for(airing), within_s=15)
        idle_mb = memory_mb(agent)
        eventually(lambda: bool(speaker.heard(airing)), within_s=30)
        before = cpu_s(agent)
        playing_mb: list[float] = []

        def over() -> bool:
            playing_mb.append(memory_mb(agent))
            return bool(speaker.records(airing))

        eventually(over, within_s=sound.seconds + 20, every_s=0.3)
        cpu_percent = (cpu_s(agent) - before) / sound.seconds * 100
    result = {
        "bench": "agent_footprint",
        "idle_mb": round(idle_mb, 1),
        "playing_mb": round(max(playing_mb), 1),
        "playing_cpu_percent_of_a_core": round(cpu_percent, 1),
        "peer_bare_python_mb": round(bare_python_mb(), 1),
    }
    print(json.dumps(result))


def family(agent: psutil.Process) -> list[psutil.Process]:
    return [agent, *agent.children(recursive=True)]


def memory_mb(agent: psutil.Process) -> float:
    """The sum over the agent and its children; one that just ended counts nothing."""
    total = 0
    for process in family(agent):
        try:
            total += process.memory_full_info().pss
        except psutil.NoSuchProcess:
            continue
    return total / 1e6


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

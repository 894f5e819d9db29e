import os
import signal
import subprocess
import sys
from pathlib import Path

import psutil

from loa.process import Child
from tests.support.eventually import eventually

HANGS = "import signal, time; signal.signal(signal.SIGTERM, signal.SIG_IGN); print('up'); time.sleep(60)"


def test_a_child_that_ignores_the_polite_word_is_ended_all_the_same(tmp_path: Path):
    child = Child("stubborn", [sys.executable, "-c", HANGS], log=tmp_path / "log")
    eventually(lambda: "up" in child.last_words(), within_s=5)
    child.stop(grace_s=0.2)
    assert child.returncode == -signal.SIGKILL


def test_a_grandchild_ends_with_the_child(tmp_path: Path):
    nested = f"import subprocess, sys; p = subprocess.Popen([sys.executable, '-c', {HANGS!r}]); print(p.pid); p.wait()"
    child = Child("parent", [sys.executable, "-c", nested], log=tmp_path / "log")
    eventually(lambda: "up" in child.last_words(), within_s=5)
    grandchild = next(int(word) for word in child.last_words().split() if word.isdigit())
    child.stop(grace_s=0.2)
    eventually(lambda: not _alive(grandchild), within_s=5)


def test_a_child_does_not_outlive_a_parent_that_is_killed(tmp_path: Path):
    log = tmp_path / "log"
    program = (
        "from pathlib import Path; from loa.process import Child; import sys, time; "
        f"print(Child('c', [sys.executable, '-c', {HANGS!r}], log=Path({str(log)!r})).pid, flush=True); time.sleep(60)"
    )
    parent = subprocess.Popen([sys.executable, "-c", program], stdout=subprocess.PIPE, text=True)
    assert parent.stdout is not None
    child = int(parent.stdout.readline())
    eventually(lambda: log.exists() and "up" in log.read_text(), within_s=5)
    os.kill(parent.pid, signal.SIGKILL)
    parent.wait()
    parent.stdout.close()
    eventually(lambda: not _alive(child), within_s=5)


def _alive(pid: int) -> bool:
    try:
        return psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return False

import sys
import threading
import time
from pathlib import Path

import pytest

from audio.child import ChildLimits, run

LIMITS = ChildLimits(wall_s=20, cpu_s=10, memory_mb=512)


def python(code: str) -> list[str]:
    return [sys.executable, "-I", "-c", code]


def test_what_a_child_writes_comes_as_it_is_written():
    heard = bytearray()
    report = run(python("print('xin chao')"), on_output=heard.extend, limits=LIMITS)

    assert (report.status, bytes(heard)) == (0, b"xin chao\n")


def test_a_child_reads_what_it_is_given_however_long():
    heard = bytearray()
    code = "import sys; sys.stdout.write(str(len(sys.stdin.read())))"
    run(python(code), on_output=heard.extend, given=b"a" * 1_000_000, limits=LIMITS)

    assert bytes(heard) == b"1000000"


def test_a_child_that_hangs_is_stopped():
    began = time.monotonic()
    report = run(python("import time; time.sleep(60)"), on_output=len, limits=ChildLimits(wall_s=0.2))

    assert report.timed_out
    assert time.monotonic() - began < 10


def test_a_child_that_neither_writes_nor_speaks_is_stopped():
    report = run(python("import time; time.sleep(60)"), on_output=len, limits=ChildLimits(wall_s=50, quiet_s=0.2))

    assert report.timed_out


def test_a_child_that_writes_without_end_is_stopped_all_the_same():
    report = run(python("while True: print('a')"), on_output=len, limits=ChildLimits(wall_s=0.3))

    assert report.timed_out


def test_a_child_fills_no_disk(tmp_path: Path):
    code = f"import sys; sys.stdin.read(); open({str(tmp_path / 'big')!r}, 'wb', 0).write(b'a')"
    report = run(python(code), on_output=len, given=b"go", limits=LIMITS)

    assert report.status != 0
    assert not (tmp_path / "big").read_bytes()


def test_a_child_that_wants_too_much_memory_fails_alone():
    report = run(python("bytearray(1 << 30)"), on_output=len, limits=LIMITS)

    assert report.status != 0
    assert "MemoryError" in report.last_line


def test_a_child_that_computes_for_ever_is_stopped():
    report = run(python("while True: pass"), on_output=len, limits=ChildLimits(wall_s=20, cpu_s=1))

    assert report.exhausted
    assert not report.timed_out


def test_a_listener_who_gives_up_stops_the_child():
    class EnoughError(Exception):
        pass

    def enough(_data: bytes) -> None:
        raise EnoughError

    with pytest.raises(EnoughError):
        run(python("while True: print('a')"), on_output=enough, limits=LIMITS)


def test_a_child_that_complains_without_end_fills_no_memory():
    report = run(
        python("import sys\nfor n in range(100_000): sys.stderr.write(f'complaint {n}\\n')"),
        on_output=len,
        limits=LIMITS,
    )

    assert len(report.log) <= 300_000
    assert report.log.startswith("complaint 0\n")
    assert report.last_line == "complaint 99999"


def test_a_child_learns_nothing_of_our_environment(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("LOA_SECRET", "hush")
    heard = bytearray()
    run(python("import os; print('LOA_SECRET' in os.environ)"), on_output=heard.extend, limits=LIMITS)

    assert bytes(heard) == b"False\n"


def test_children_of_several_threads_do_not_disturb_each_other():
    heard: dict[int, bytes] = {}

    def one(number: int) -> None:
        said = bytearray()
        run(python(f"print({number})"), on_output=said.extend, limits=LIMITS)
        heard[number] = bytes(said)

    threads = [threading.Thread(target=one, args=(number,)) for number in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert heard == {number: f"{number}\n".encode() for number in range(4)}


def test_who_gives_up_waiting_stops_a_child_that_says_nothing():
    class Enough(Exception):
        pass

    def give_up() -> None:
        raise Enough

    with pytest.raises(Enough):
        run(["sleep", "60"], on_output=bytes, on_wait=give_up)

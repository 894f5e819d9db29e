"""What the kernel forbids a child. A kernel that cannot is one of the cases: the child then does what it was told."""

import socket
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from audio.child import ChildLimits, ChildReport, run
from audio.sandbox import powers

LIMITS = ChildLimits(wall_s=20, cpu_s=10, memory_mb=512)


@pytest.fixture
def allowed(tmp_path: Path) -> Path:
    path = tmp_path / "allowed"
    path.write_text("bản ghi")
    return path


@pytest.fixture
def canary(tmp_path: Path) -> Path:
    path = tmp_path / "canary"
    path.write_text("chirp")
    return path


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.create_server(("127.0.0.1", 0)) as listening:
        listening.setblocking(False)
        yield listening


def shut_in(*command: str, readable: Path) -> tuple[ChildReport, bytes]:
    heard = bytearray()
    report = run(command, on_output=heard.extend, limits=LIMITS, readable=[readable])
    return report, bytes(heard)


def called(server: socket.socket) -> bool:
    try:
        server.accept()[0].close()
    except BlockingIOError:
        return False
    return True


def test_a_child_reads_the_file_it_is_given(allowed: Path):
    report, heard = shut_in("cat", str(allowed), readable=allowed)

    assert (report.status, heard.decode()) == (0, "bản ghi")


def test_a_child_reads_no_other_file(allowed: Path, canary: Path):
    report, heard = shut_in("cat", str(canary), readable=allowed)

    assert (heard == b"") == powers().files
    assert (report.status != 0) == powers().files


def test_a_link_does_not_lead_out(allowed: Path, canary: Path, tmp_path: Path):
    link = tmp_path / "link"
    link.symlink_to(canary)
    _, heard = shut_in("cat", str(link), readable=allowed)

    assert (heard == b"") == powers().files


def test_a_child_writes_nothing(allowed: Path, tmp_path: Path):
    made = tmp_path / "made"
    shut_in("sh", "-c", f"echo a >{made}; echo a >>{allowed}", readable=allowed)

    assert made.exists() is not powers().files
    assert (allowed.read_text() == "bản ghi") or not powers().files


def test_a_child_reaches_no_network(allowed: Path, server: socket.socket):
    port = server.getsockname()[1]
    report, _ = shut_in("bash", "-c", f"exec 3<>/dev/tcp/127.0.0.1/{port}", readable=allowed)

    assert called(server) is not powers().network
    assert (report.status != 0) == powers().network


def test_we_who_start_the_child_stay_free(allowed: Path, canary: Path, server: socket.socket, tmp_path: Path):
    shut_in("cat", str(allowed), readable=allowed)
    seen: list[str] = []

    def as_before() -> None:
        seen.append(canary.read_text())
        (tmp_path / "made").write_text("a")
        socket.create_connection(server.getsockname()).close()

    as_before()
    other = threading.Thread(target=as_before)
    other.start()
    other.join()
    assert seen == ["chirp", "chirp"]


def test_a_program_that_is_not_there_is_said_as_without_walls(allowed: Path):
    with pytest.raises(FileNotFoundError):
        shut_in("/nowhere/program", readable=allowed)

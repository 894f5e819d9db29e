"""What holds for every test: it leaves nothing running behind."""

import asyncio
import asyncio.runners
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

import psutil
import pytest
import structlog
from argon2 import PasswordHasher
from structlog.dev import ConsoleRenderer, plain_traceback
from structlog.processors import add_log_level

from controller.accounts import secrets
from loa.brokers import Broker, BrokerKind, BrokerUnavailable, make_broker
from tests.support.children import SITE, running
from tests.support.eventually import eventually

# Helpers of libraries that live as long as the process and are shared by all tests.
LIBRARY_THREADS = ("AnyIO worker thread", "asyncio_", "ThreadPoolExecutor", "tmp_path")
CONNECTION = "(_connection_worker_thread)"
"""How aiosqlite calls the thread of a connection."""
LIBRARY_PROCESSES = ("resource_tracker", "forkserver")


@pytest.fixture(scope="session", autouse=True)
def quick_hashes() -> None:
    """Hashing is slow on purpose; its cost is not what tests are about. Of two costs, signing in would hash anew."""
    secrets._hasher = PasswordHasher(time_cost=1, memory_cost=64, parallelism=1)


@pytest.fixture(scope="session", autouse=True)
def short_tracebacks() -> None:
    """Left to itself structlog shows every variable of every frame: ten seconds for one error, and megabytes."""
    structlog.configure(processors=[add_log_level, ConsoleRenderer(exception_formatter=plain_traceback)])


class PendingTasks:
    """Remembers the tasks that an event loop had to cancel because the test did not wait for them."""

    def __init__(self) -> None:
        self.names: list[str] = []
        self._cancel_all = asyncio.runners._cancel_all_tasks

    def __call__(self, loop: asyncio.AbstractEventLoop) -> None:
        self.names += [task.get_name() for task in asyncio.all_tasks(loop) if not task.done()]
        self._cancel_all(loop)


def _threads() -> set[threading.Thread]:
    return {thread for thread in threading.enumerate() if not thread.name.startswith(LIBRARY_THREADS)}


def _is_pooled(thread: threading.Thread, before: set[threading.Thread]) -> bool:
    """Whether this is a connection of a site that serves several tests: its pool replaces those that were cut."""
    return thread.name.endswith(CONNECTION) and any(each.name == SITE for each in before)


def _children() -> set[psutil.Process]:
    return running().difference(*map(running, LIBRARY_PROCESSES))


@pytest.fixture(autouse=True)
def leaves_nothing_running(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """Fail a test that leaves a thread, a child process or a task behind."""
    threads, children, tasks = _threads(), _children(), PendingTasks()
    monkeypatch.setattr(asyncio.runners, "_cancel_all_tasks", tasks)
    yield
    left: list[str] = []

    def all_gone() -> bool:
        left[:] = [f"thread {each.name}" for each in _threads() - threads if not _is_pooled(each, threads)]
        left.extend(f"process {child.pid}" for child in _children() - children)
        return not left

    try:
        eventually(all_gone, within_s=3)
    except AssertionError:
        pytest.fail(f"left running: {', '.join(left)}")
    if tasks.names:
        pytest.fail(f"left pending: {', '.join(tasks.names)}")


@pytest.fixture(params=get_args(BrokerKind))
def broker(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Broker]:
    """A real broker of each kind, running."""
    broker = make_broker(request.param, tmp_path / "broker")
    try:
        broker.start()
    except BrokerUnavailable as error:
        pytest.fail(str(error))
    yield broker
    broker.stop()

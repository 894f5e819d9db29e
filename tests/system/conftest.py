"""One fleet a broker for all system tests of a worker: starting it takes longer than most scenarios."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import get_args

import pytest

from loa.brokers import BrokerKind
from tests.support.children import running
from tests.support.fleet import Fleet

PATIENCE_S = 300
"""A test here waits for air times; a hanging one must not hold the run for ever."""


@pytest.hookimpl(tryfirst=True)  # before xdist reads the marks
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Keep the tests of one broker on one worker, so that its fleet is started once."""
    for item in items:
        if not item.path.is_relative_to(Path(__file__).parent):
            continue
        item.add_marker(pytest.mark.timeout(PATIENCE_S))
        callspec = getattr(item, "callspec", None)
        kind = callspec.params.get("fleet") if callspec else None
        if kind is not None:
            item.add_marker(pytest.mark.xdist_group(kind))


@pytest.fixture(autouse=True)
def leaves_nothing_running() -> None:
    """Here processes belong to the fleet and are started anew by the tests; the fleet answers for them at its end."""


@pytest.fixture(scope="session", params=get_args(BrokerKind))
def fleet(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    """Broker, controller and content server of one kind."""
    with Fleet(request.param, tmp_path_factory.mktemp(f"fleet-{request.param}")).running() as fleet:
        yield fleet
    left = running()
    assert not left, f"left running: {left}"


@pytest.fixture
def figure(request: pytest.FixtureRequest) -> Callable[[str], None]:
    """Something measured on the way, shown at the end of the run."""
    return lambda text: request.node.user_properties.append(("figure", text))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """Show the figures of the tests that passed."""
    for report in terminalreporter.getreports("passed"):
        if report.when == "call":
            for name, text in report.user_properties:
                if name == "figure":
                    terminalreporter.write_line(f"{report.head_line}: {text}")

"""Whatever is sent to the API, as whichever role: documented answers only, and not a word of the neighbour's."""

from collections import Counter
from collections.abc import Iterator

import pytest

from tests.support.api_fuzz import ASKERS, NEIGHBOUR, Neighbourhood, operations, tried
from tests.support.site import running_site

CASES = 3
pytestmark = pytest.mark.filterwarnings("ignore:Do not use the `random` module")
"""The site's own thread may draw a number while Hypothesis watches for that."""


@pytest.fixture(autouse=True)
def leaves_nothing_running() -> None:
    """The site outlives each test; its end is waited for when the module ends."""


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Neighbourhood]:
    with running_site(tmp_path_factory.mktemp("fuzzed")) as site:
        yield Neighbourhood(site).build()


@pytest.mark.parametrize("asker", ASKERS)
def test_every_answer_is_a_documented_one_and_tells_nothing_of_the_neighbour(where: Neighbourhood, asker: str) -> None:
    faults: list[str] = []
    statuses: Counter[int] = Counter()
    names = set()
    for operation in operations(where.site):
        outcome = tried(where, operation, asker, cases=CASES, number=1)
        faults += outcome.faults
        statuses += outcome.statuses
        names.add(operation.label)
    assert not faults, "\n".join(faults)
    assert len(names) > 80
    expected = {401} if asker == "nobody" else {200, 403, 404, 422}
    assert expected <= statuses.keys(), statuses


def test_who_may_see_the_neighbour_is_told_of_it(where: Neighbourhood) -> None:
    """Otherwise the mark would prove nothing."""
    seen = {
        operation.label
        for operation in operations(where.site)
        for fault in tried(where, operation, f"maker-{NEIGHBOUR}", cases=CASES, number=1).faults
        if "tells of the neighbour" in fault
    }
    assert {"GET /api/v1/devices", "GET /api/v1/announcements", "GET /api/v1/schedules"} <= seen

"""Many generated requests to every operation of the API, as each role: failures by kind must be none.

`faults` are server errors, answers that the OpenAPI document does not have, and words of a neighbouring commune's;
each is told on standard error. The limit beside the count is the number of operations times roles that were tried.
"""

import json
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

import structlog

from tests.support.api_fuzz import ASKERS, Neighbourhood, operations, tried
from tests.support.site import running_site

CASES = 100
NUMBER = 20_261_126


def main() -> None:
    structlog.configure(processors=[_nothing])
    began, cases, cells = time.monotonic(), 0, 0
    statuses: Counter[int] = Counter()
    faults: Counter[str] = Counter()
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, running_site(Path(name)) as site:
        where = Neighbourhood(site).build()
        for operation in operations(site):
            for asker in ASKERS:
                outcome = tried(where, operation, asker, cases=CASES, number=NUMBER)
                cases, cells, statuses = cases + outcome.cases, cells + 1, statuses + outcome.statuses
                for fault in outcome.faults:
                    faults[operation.label] += 1
                    sys.stderr.write(fault + "\n")
    result = {
        "bench": "api_fuzz",
        "operations_times_askers": cells,
        "cases": cases,
        "faults": faults.total(),
        "faulty_operations": sorted(faults),
        "statuses": {str(status): count for status, count in sorted(statuses.items())},
        "took_s": round(time.monotonic() - began),
    }
    print(json.dumps(result))
    sys.exit(bool(faults))


def _nothing(*_: object) -> str:
    raise structlog.DropEvent


if __name__ == "__main__":
    main()

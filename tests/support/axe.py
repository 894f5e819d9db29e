"""What axe-core finds wrong with a page for people who see, hear or move differently."""

from functools import cache
from pathlib import Path
from typing import Any

from playwright.sync_api import Page

AXE = Path(__file__).parents[2] / "controller/web/frontend/node_modules/axe-core/axe.min.js"
RUN = """() => axe.run().then(({ violations }) => violations.flatMap(({ id, nodes }) =>
    nodes.map(({ html, failureSummary }) => `${id}: ${html.slice(0, 200)} ${failureSummary}`)))"""


@cache
def _script() -> str:
    return AXE.read_text()


def violations(page: Page) -> list[str]:
    """Return what is wrong with the page as it stands, one line each; empty: nothing."""
    page.evaluate(_script())
    found: Any = page.evaluate(RUN)
    return list(found)

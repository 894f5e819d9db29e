"""What pages fetch by themselves is measured like they are."""

import re

import pytest

from controller.web.templating import TEMPLATES
from tests.support.pages import PARTS, WHOLE_PAGES

FETCHED = sorted(
    {
        found[1]
        for template in TEMPLATES.rglob("*.html")
        for found in re.finditer(r'hx-get="([^"]+)"[^>]*hx-trigger="', template.read_text(encoding="utf-8"))
    }
)
"""Addresses as the templates write them; `{{ here }}` and `{{ more }}` are those of whole pages."""


def pattern(path: str) -> str:
    return re.sub(r"\\{[^}]*\\}", "[^/]+", re.escape(path))


def test_there_is_something_to_look_at():
    assert "/parts/needs" in FETCHED


@pytest.mark.parametrize("address", [each for each in FETCHED if each not in {"{{ here }}", "{{ more }}"}])
def test_whatever_a_page_fetches_by_itself_is_measured(address: str):
    path = re.sub(r"{{.*?}}", "x", address).split("?")[0]
    assert any(re.fullmatch(pattern(known), path) for known in (*PARTS, *WHOLE_PAGES)), address

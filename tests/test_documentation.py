"""What the documentation points at is there: a page that names a test promises that it is run."""

import re
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
PAGES = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").glob("*.md"), ROOT / "deploy" / "README.md"])
TESTS = sorted((ROOT / "tests").rglob("*.py"))


def name_of(page: Path) -> str:
    return page.relative_to(ROOT).as_posix()


@pytest.fixture(scope="module")
def known() -> set[str]:
    functions = {name for path in TESTS for name in re.findall(r"def (test_\w+)", path.read_text())}
    return functions | {path.stem for path in TESTS}


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_test_that_is_named_exists(page: Path, known: set[str]):
    assert set(re.findall(r"\btest_\w+", page.read_text())) <= known


@pytest.mark.parametrize("page", PAGES, ids=name_of)
def test_every_link_to_a_file_leads_somewhere(page: Path):
    links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", page.read_text())
    lost = [link for link in links if "://" not in link and not (page.parent / link).exists()]
    assert lost == []


def test_the_threat_model_names_a_test_for_whatever_it_says_is_stopped():
    blocks = (ROOT / "docs" / "security.md").read_text().split("\n\n")
    tables = [block.splitlines() for block in blocks if "| proved by |" in block]
    assert len(tables) > 4
    assert [row for _head, _line, *rows in tables for row in rows if "`test_" not in row] == []

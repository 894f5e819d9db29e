import sys

import pytest

from loa import cli
from loa.cli import MOUNTS, Mount


def test_help_lists_every_room_and_imports_none(capsys: pytest.CaptureFixture[str]):
    loaded = set(sys.modules)
    with pytest.raises(SystemExit):
        cli.build(["--help"])(["--help"])
    shown = capsys.readouterr().out
    assert [name for name in MOUNTS if name not in shown] == []
    assert not {mount.module for mount in MOUNTS.values()} & (set(sys.modules) - loaded)


def test_a_room_that_is_not_installed_says_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setitem(MOUNTS, "controller", Mount("no_such_web_framework", "controller", ""))
    with pytest.raises(SystemExit) as ended:
        cli.build(["controller", "run"])
    assert ended.value.code == 1
    assert "pip install 'loa[controller]'" in capsys.readouterr().err

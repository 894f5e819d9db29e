import subprocess
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


def test_a_speaker_loads_nothing_that_only_a_terminal_needs():
    look = """import sys; from loa import cli
cli.build(["agent"])
print(*{name.split(".")[0] for name, module in sys.modules.items() if module})"""
    loaded = subprocess.run([sys.executable, "-c", look], capture_output=True, check=True, text=True).stdout.split()

    assert "device_agent" in loaded
    assert not {"rich", "pygments", "click", "fastapi", "sqlalchemy", "numpy", "pydub"} & set(loaded)


def test_a_speaker_s_mistyped_option_is_told_plainly():
    loa = [sys.executable, "-m", "loa", "agent", "run", "--nope"]
    said = subprocess.run(loa, capture_output=True, text=True, check=False)

    assert (said.returncode, "No such option: --nope" in said.stderr) == (2, True)

import json
from pathlib import Path

import pytest

from device_agent.modem import Modem, ask, signal_percent


def answer(value: object) -> bytes:
    return json.dumps({"modem": {"generic": {"signal-quality": {"recent": "yes", "value": value}}}}).encode()


def test_the_signal_is_read_from_what_modemmanager_says() -> None:
    assert signal_percent(answer("62")) == 62


@pytest.mark.parametrize("said", [b"", b"[]", b"error: no modem", answer(""), answer("140"), answer(None)])
def test_anything_else_is_no_signal(said: bytes) -> None:
    assert signal_percent(said) is None


def mmcli(folder: Path, script: str) -> Path:
    program = folder / "mmcli"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return program


async def test_the_modem_is_asked_through_its_own_program(tmp_path: Path) -> None:
    assert await ask(mmcli(tmp_path, f"printf '%s' '{answer('81').decode()}'")) == 81


@pytest.mark.parametrize("script", ["exit 1", f"printf '%s' '{answer('81').decode()}'; exit 1", "echo nothing"])
async def test_a_modem_that_is_not_there_has_no_signal(tmp_path: Path, script: str) -> None:
    assert await ask(mmcli(tmp_path, script)) is None


async def test_without_modemmanager_nothing_is_asked() -> None:
    modem = Modem(lambda _: None)
    await modem.run()
    assert modem.signal_percent is None

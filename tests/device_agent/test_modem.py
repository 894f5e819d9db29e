import asyncio
import json
from pathlib import Path

import pytest

from device_agent.modem import Modem, signal_percent


def answer(value: object) -> bytes:
    return json.dumps({"modem": {"generic": {"signal-quality": {"recent": "yes", "value": value}}}}).encode()


def test_the_signal_is_read_from_what_modemmanager_says() -> None:
    assert signal_percent(answer("62")) == 62


@pytest.mark.parametrize("said", [b"", b"[]", b"error: no modem", answer(""), answer("140"), answer(None)])
def test_anything_else_is_no_signal(said: bytes) -> None:
    assert signal_percent(said) is None


def mmcli(folder: Path, script: str) -> str:
    program = folder / "mmcli"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    return str(program)


async def asked(modem: Modem) -> None:
    """Let it ask once."""
    modem.signal_percent = -1
    running = asyncio.create_task(modem.run())
    async with asyncio.timeout(30):
        while modem.signal_percent == -1:  # noqa: ASYNC110 the modem announces nothing
            await asyncio.sleep(0.01)
    running.cancel()
    await asyncio.wait([running])


async def test_the_modem_is_asked_through_its_own_program(tmp_path: Path) -> None:
    modem = Modem(lambda _: mmcli(tmp_path, f"printf '%s' '{answer('81').decode()}'"))
    await asked(modem)
    assert modem.signal_percent == 81


@pytest.mark.parametrize("script", ["exit 1", f"printf '%s' '{answer('81').decode()}'; exit 1", "echo nothing"])
async def test_a_modem_that_is_not_there_has_no_signal(tmp_path: Path, script: str) -> None:
    modem = Modem(lambda _: mmcli(tmp_path, script))
    await asked(modem)
    assert modem.signal_percent is None


async def test_without_modemmanager_nothing_is_asked() -> None:
    modem = Modem(lambda _: None)
    await modem.run()
    assert modem.signal_percent is None

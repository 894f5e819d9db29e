"""PCMs of ALSA that lead to a private PulseAudio, so that what leaves through libasound can be heard without a card."""

from pathlib import Path

import pytest

from tests.support.pulse import PulseServer


def alsa_settings(server: PulseServer) -> Path:
    """Write a file for `ALSA_CONFIG_PATH` where each sink of the server is a PCM by its name, the first the default."""
    file = server.folder / "asound.conf"
    names = {name: name for name in server.sinks} | {"!default": server.sinks[0]}
    pcms = [
        f'pcm.{pcm} {{ type pulse server "{server.address}" device "{sink}" hint.description "A null sink" }}\n'
        for pcm, sink in names.items()
    ]
    file.write_text("".join([*pcms, "pcm.null { type null }\n"]))
    return file


def alsa_leads_to(server: PulseServer, monkeypatch: pytest.MonkeyPatch) -> None:
    """From now on this process opens such PCMs; libasound reads its settings again when their path has changed."""
    monkeypatch.setenv("ALSA_CONFIG_PATH", str(alsa_settings(server)))

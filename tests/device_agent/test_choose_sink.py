"""Which way out `auto` finds, and that it does not quietly change its mind."""

from pathlib import Path

import pytest

from device_agent.sinks import SinkUnavailable, choose
from device_agent.sinks.choose import has_sound, open_sink, sink_opener


@pytest.fixture
def no_sound(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A machine without a sound server or a card."""
    monkeypatch.setenv("PULSE_SERVER", f"unix:{tmp_path}/nobody")
    monkeypatch.setattr(choose, "_CARDS", tmp_path / "no-cards")


@pytest.mark.usefixtures("no_sound")
def test_a_card_that_comes_late_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Card:
        def __init__(self, device: str) -> None:
            """Plugged in."""

    monkeypatch.setattr(choose, "AlsaSink", Card)
    opener = sink_opener("auto", state_dir=tmp_path)
    with pytest.raises(SinkUnavailable, match="check the plug"):
        opener()
    (tmp_path / "no-cards").write_text(" 0 [Device ]: USB-Audio - USB Audio Device\n")
    assert isinstance(opener(), Card)


@pytest.mark.usefixtures("no_sound")
def test_files_are_kept_where_they_are_asked_for_by_name(tmp_path: Path) -> None:
    assert not has_sound()
    sink = open_sink("wav", state_dir=tmp_path)
    assert sink.name == "wav"
    sink.close()


@pytest.mark.usefixtures("no_sound")
def test_what_was_found_first_is_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Card:
        def __init__(self, device: str) -> None:
            if not (tmp_path / "plugged").exists():
                raise SinkUnavailable(f"no {device}")

    cards = tmp_path / "no-cards"
    cards.write_text(" 0 [Device ]: USB-Audio - USB Audio Device\n")
    monkeypatch.setattr(choose, "AlsaSink", Card)
    (tmp_path / "plugged").touch()
    opener = sink_opener("auto", state_dir=tmp_path)
    assert isinstance(opener(), Card)
    (tmp_path / "plugged").unlink()
    with pytest.raises(SinkUnavailable):
        opener()


@pytest.mark.parametrize("wanted", ["speaker", "", "wav:x", "auto:x"])
def test_an_unknown_sink_is_refused_at_once(tmp_path: Path, wanted: str) -> None:
    with pytest.raises(ValueError, match="unknown sink"):
        sink_opener(wanted, state_dir=tmp_path)

"""The doctor finds what a technician would, on a real sound server and on broken ones."""

import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog
from typer.testing import CliRunner

from audio import opusfile
from audio.signals import tone
from device_agent.cli import app
from device_agent.doctor.devices import SoundDevice, pulse_sinks
from device_agent.doctor.examination import examine
from device_agent.doctor.findings import Finding, Level, finding
from device_agent.doctor.judgement import on_devices, on_reading
from device_agent.doctor.listening import Reading, pulse_monitor, rate_error_ppm, try_out
from device_agent.settings import AgentSettings, AmplifierSettings, load_settings, write_settings
from device_agent.sinks import RATE_HZ, Position
from device_agent.sinks.errors import SinkBusy, SinkForbidden, SinkMissing, SinkUnavailable, SinkUnsuited
from device_agent.sinks.fake import FakeSink
from device_agent.sinks.pulse import PulseSink
from tests.support.alsa import alsa_leads_to
from tests.support.amplifier import FakeLine
from tests.support.pulse import PulseServer, null_sinks

GOOD = Reading("pulse", 0.2, latency_ms=80, heard=True, heard_late_ms=-9.0)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    with null_sinks(tmp_path_factory.mktemp("pulse"), 2) as (server, _):
        yield server


@pytest.fixture(autouse=True)
def logs_as_before() -> Iterator[None]:
    """The command sets up the log of its process, which here is the tests'."""
    handlers = logging.root.handlers[:]
    yield
    structlog.reset_defaults()
    logging.root.handlers[:] = handlers


def codes(findings: Iterator[Finding]) -> list[str]:
    return [found.code for found in findings]


def settings_file(folder: Path, **changes: object) -> Path:
    file = folder / "agent.toml"
    settings = AgentSettings(
        device_id="pole-1",
        state_dir=folder / "state",
        broker={"host": "127.0.0.1"},
        trusted_keys=({"kid": "k", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"},),
        **changes,
    )
    write_settings(settings, file)
    return file


def round_of(*arguments: str) -> tuple[int, dict[str, dict[str, str]]]:
    result = CliRunner().invoke(app, ["doctor", *arguments, "--json"])
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return result.exit_code, {each["code"]: each for each in found}


def test_a_working_speaker_is_heard_and_told_so(server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", server)
    status, found = round_of("--config", str(settings_file(tmp_path, sink="pulse", sink_device="loa1")))
    assert {"opusfile", "ffmpeg", "device", "sink", "played", "amplifier_none", "disk"} <= set(found)
    assert {"heard", "late"} & set(found)
    assert status == any(each["level"] == "bad" for each in found.values())
    assert found["sink"]["en"] == "Sound goes out through: pulse:loa1"


@pytest.mark.parametrize("there", [True, False])
def test_how_clips_are_decoded_is_told(*, there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(opusfile, "library", lambda: object() if there else None)
    _, found = round_of("--config", str(settings_file(tmp_path, sink="wav")), "--no-sound")
    assert ("opusfile" in found) == there
    assert ("apt install libopusfile0" in found.get("opusfile_missing", {}).get("vi", "")) != there


def test_a_card_of_alsa_is_tried_and_left_to_the_ear(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PulseServer(tmp_path / "alsa") as server:
        alsa_leads_to(server, monkeypatch)
        _, found = round_of("--config", str(settings_file(tmp_path, sink="alsa")))
    assert found["device_default"]["en"] == "Device: alsa:default (A null sink), default"
    assert found["sink"]["en"] == "Sound goes out through: alsa:default"
    assert found["played"]["level"] == "good"
    assert "alsamixer" in found["not_heard_back_alsa"]["vi"]


def test_a_card_of_alsa_that_is_not_there_is_told_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with PulseServer(tmp_path / "alsa") as server:
        alsa_leads_to(server, monkeypatch)
        _, found = round_of("--config", str(settings_file(tmp_path, sink="alsa", sink_device="plughw:7")))
    assert "There is no alsa:plughw:7" in found["sink_missing"]["en"]
    assert "device_unknown" not in found


@pytest.mark.parametrize("error", [SinkBusy, SinkForbidden, SinkMissing, SinkUnsuited, SinkUnavailable])
def test_each_reason_why_a_sink_cannot_be_opened_has_its_advice(error: type[SinkUnavailable]) -> None:
    found = finding(error.code, device="alsa:hw:1", error="why")
    assert found.level is Level.BAD
    assert "alsa:hw:1" in found.vi
    assert "alsa:hw:1" in found.en


def test_what_does_not_exist_is_named_beside_what_does(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PULSE_SERVER", server)
    amplifier = {"chip": "/dev/null", "line": "GPIO17"}
    file = settings_file(tmp_path, sink="pulse", sink_device="pole", amplifier=amplifier)
    status, found = round_of("--config", str(file))
    assert status == 1
    assert "pulse:pole" in found["device_unknown"]["vi"]
    assert found["sink_unavailable"]["level"] == "bad"
    assert "GPIO17" in found["amplifier_fault"]["en"]


def test_the_amplifier_has_power_while_the_signal_sounds_and_none_afterwards(
    server: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = FakeLine()
    power: set[bool] = set()

    class Overheard(PulseSink):
        def write(self, frames: bytes, of: str | None = None) -> None:
            if any(frames):
                power.add(line.levels[-1])
            super().write(frames, of)

    monkeypatch.setattr(AmplifierSettings, "line_of", lambda _: line)
    monkeypatch.setattr("device_agent.doctor.examination.open_sink", lambda *_, **__: Overheard(server=server))
    amplifier = {"line": "GPIO17", "lead_ms": 1, "hold_ms": 1}
    settings = load_settings(settings_file(tmp_path, sink="pulse", amplifier=amplifier))
    assert {"played", "amplifier"} <= set(codes(examine(settings, at_night=True)))
    assert power == {True}
    assert (line.levels, line.closed) == ([True, False], True)


def test_nothing_sounds_unless_asked(tmp_path: Path) -> None:
    status, found = round_of("--config", str(settings_file(tmp_path, sink="wav")), "--no-sound")
    assert status == 1, "this machine has no sound device of its own"
    assert "played" not in found
    assert not list((tmp_path / "state").glob("sounded/*.wav"))


def test_vietnamese_is_spoken_first(tmp_path: Path) -> None:
    result = CliRunner().invoke(app, ["doctor", "--config", str(settings_file(tmp_path, sink="wav")), "--no-sound"])
    assert "✓ Âm thanh đi ra: wav" in result.stdout


def test_the_sinks_of_a_sound_server_are_listed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", server)
    assert [(sink.name, sink.muted, sink.volume_percent) for sink in pulse_sinks()] == [
        ("loa0", False, 100),
        ("loa1", False, 100),
    ]


def test_what_leaves_the_sink_comes_back_through_its_monitor(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", server)
    sink = PulseSink(device="loa0")
    with pulse_monitor("loa0.monitor") as monitor:
        reading = try_out(sink, tone(1.0), monitor)
    sink.close()
    assert reading.heard
    assert 0 < reading.latency_ms < 300


def test_silence_through_the_monitor_is_noticed(server: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PULSE_SERVER", server)
    sink = PulseSink(device="loa0")
    with pulse_monitor("loa1.monitor") as monitor:
        reading = try_out(sink, tone(1.0), monitor)
    sink.close()
    assert reading.heard is False
    assert "silent" in codes(on_reading(reading))


def test_a_device_that_never_plays_is_called_hanging() -> None:
    ticks = iter(range(10_000))
    sink = FakeSink(mono=lambda: 0.0)
    reading = try_out(sink, tone(1.0), mono=lambda: next(ticks) / 100)
    assert codes(on_reading(reading)) == ["never_played"]


@pytest.mark.parametrize("ppm", [-300, 0, 100])
def test_the_devices_own_clock_is_measured(ppm: int) -> None:
    rate = RATE_HZ * (1 + ppm / 1e6)
    positions = [Position(round(step / 50 * rate), step / 50) for step in range(200)]
    assert rate_error_ppm(positions) == pytest.approx(ppm, abs=5)


@pytest.mark.parametrize(
    ("reading", "code"),
    [
        (Reading("alsa", 0.1, latency_ms=900), "slow"),
        (Reading("alsa", 0.1, latency_ms=90, stalls=3), "unsteady"),
        (Reading("alsa", 0.1, latency_ms=90, latency_spread_ms=80), "unsteady"),
        (Reading("alsa", 0.1, rate_error_ppm=-4000), "rate_off"),
        (Reading("pulse", 0.1, heard=True, heard_late_ms=250), "late"),
        (Reading("wav", 0.1), "not_heard_back"),
        (GOOD, "heard"),
    ],
)
def test_every_measurement_has_its_word(reading: Reading, code: str) -> None:
    assert code in codes(on_reading(reading))


def test_a_good_speaker_has_nothing_bad() -> None:
    assert all(found.level is not Level.BAD for found in on_reading(GOOD))


def test_a_muted_or_faint_device_is_told_with_what_to_type() -> None:
    muted = SoundDevice("pulse", "horn", "USB", default=True, muted=True, volume_percent=20)
    found = {each.code: each for each in on_devices([muted], "auto", None)}
    assert found["muted"].vi.endswith("pactl set-sink-mute horn 0")
    assert "20 %" in found["faint"].en


def test_a_machine_without_sound_says_what_to_check() -> None:
    assert codes(on_devices([], "alsa", None)) == ["no_device"]

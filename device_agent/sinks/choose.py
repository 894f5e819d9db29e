"""Which way sound leaves this machine."""

import os
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Final

import structlog

from device_agent.sinks import Sink, SinkUnavailable
from device_agent.sinks.alsa import AlsaSink
from device_agent.sinks.pulse import PulseSink
from device_agent.sinks.sounded import SoundedFiles
from device_agent.sinks.wav import WavSink

log = structlog.get_logger(__name__)

KINDS: Final = ("auto", "pulse", "alsa", "wav")
_CARDS: Final = Path("/proc/asound/cards")


def sink_opener(wanted: str, *, state_dir: Path) -> Callable[[], Sink]:
    """Return what opens the wanted sink, again after each loss.

    `wanted` is `pulse`, `pulse:SINK`, `alsa`, `alsa:DEVICE`, `wav`, or `auto`: a sound server, else a sound card, else
    WAV files under `state_dir/sounded`. What `auto` found first it keeps: a card that was pulled out is waited for,
    never quietly replaced by files that nobody hears.
    """
    kind, _, device = wanted.partition(":")
    if kind not in KINDS or (device and kind in {"auto", "wav"}):
        raise ValueError(f"unknown sink {wanted!r}: choose one of {', '.join(KINDS)}")
    found: list[str] = [] if kind == "auto" else [kind]

    def open_kind(this: str) -> Sink:
        match this:
            case "pulse":
                return PulseSink(device=device or None)
            case "alsa":
                return AlsaSink(device or "default")
            case _:
                return WavSink(SoundedFiles(state_dir / "sounded"))

    def open_sink() -> Sink:
        if found:
            return open_kind(found[0])
        for candidate in _candidates():
            try:
                sink = open_kind(candidate)
            except SinkUnavailable as error:
                log.info("sink.unusable", kind=candidate, error=str(error))
                continue
            found.append(candidate)
            return sink
        raise SinkUnavailable("no way out for sound")

    return open_sink


def open_sink(wanted: str, *, state_dir: Path) -> Sink:
    """Open the wanted sink once; see `sink_opener`."""
    return sink_opener(wanted, state_dir=state_dir)()


def _candidates() -> list[str]:
    return [*(["pulse"] if _pulse_answers() else []), *(["alsa"] if _card_present() else []), "wav"]


def _pulse_answers() -> bool:
    """Whether a sound server listens: asked of its socket, because the library would wait and start one."""
    server = os.environ.get("PULSE_SERVER")
    if server and not server.startswith(("unix:", "/")):
        return True
    runtime = os.environ.get("XDG_RUNTIME_DIR", f"/run/user/{os.getuid()}")
    folder = os.environ.get("PULSE_RUNTIME_PATH", f"{runtime}/pulse")
    paths = [server.removeprefix("unix:")] if server else [f"{folder}/native", "/run/pulse/native"]
    return any(_listens(path) for path in paths)


def _listens(path: str) -> bool:
    with socket.socket(socket.AF_UNIX) as probe:
        try:
            probe.connect(path)
        except OSError:
            return False
    return True


def _card_present() -> bool:
    try:
        return _CARDS.read_text().strip() not in {"", "--- no soundcards ---"}
    except OSError:
        return False

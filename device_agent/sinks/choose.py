"""Which way sound leaves this machine."""

import os
import socket
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Final

from device_agent.sinks import Sink, SinkUnavailable
from device_agent.sinks.alsa import AlsaSink
from device_agent.sinks.pulse import PulseSink
from device_agent.sinks.sounded import SoundedFiles
from device_agent.sinks.wav import WavSink

KINDS: Final = ("auto", "pulse", "alsa", "wav")
_CARDS: Final = Path("/proc/asound/cards")


def sink_opener(wanted: str, *, state_dir: Path) -> Callable[[], Sink]:
    """Return what opens the wanted sink, again after each loss.

    `wanted` is `pulse`, `pulse:SINK`, `alsa`, `alsa:DEVICE`, `wav` (files under `state_dir/sounded`), or `auto`: a
    sound server, else a sound card. Where neither is there yet, `auto` waits for one: it never settles on files that
    nobody hears. What was found first is kept, the server's sink too: a card that was pulled out is waited for.
    """
    kind, _, device = wanted.partition(":")
    if kind not in KINDS or (device and kind in {"auto", "wav"}):
        raise ValueError(f"unknown sink {wanted!r}: choose one of {', '.join(KINDS)}")
    found: list[str] = [] if kind == "auto" else [kind]
    open_pulse = _pulse_opener(device)

    def open_kind(this: str) -> Sink:
        match this:
            case "pulse":
                return open_pulse()
            case "alsa":
                return AlsaSink(device or "default")
            case _:
                return WavSink(SoundedFiles(state_dir / "sounded"))

    def open_sink() -> Sink:
        if found:
            return open_kind(found[0])
        why: list[str] = []
        for candidate in _candidates():
            try:
                sink = open_kind(candidate)
            except SinkUnavailable as error:
                why.append(str(error))
                continue
            found.append(candidate)
            return sink
        raise SinkUnavailable("; ".join(why) or "no sound server and no sound card: check the plug, and aplay -L")

    return open_sink


def _pulse_opener(device: str) -> Callable[[], Sink]:
    """Return what opens the server's sink `device`, or its default one and from then on that same one."""
    taken = [device] if device else []

    def open_pulse() -> Sink:
        sink = PulseSink(device=taken[0] if taken else None)
        if not taken and sink.device is not None:
            taken.append(sink.device)
        return sink

    return open_pulse


def open_sink(wanted: str, *, state_dir: Path) -> Sink:
    """Open the wanted sink once; see `sink_opener`."""
    return sink_opener(wanted, state_dir=state_dir)()


def has_sound(programs: int = 1) -> bool:
    """Say whether `auto` finds a way out on this machine now, for so many programs at once."""
    with ExitStack() as opened:
        try:
            for _ in range(programs):
                opened.callback(open_sink("auto", state_dir=Path()).close)
        except SinkUnavailable:
            return False
    return True


def _candidates() -> list[str]:
    return [*(["pulse"] if _pulse_answers() else []), *(["alsa"] if _card_present() else [])]


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

"""Plays a test signal into a sink and takes the sink's own readings; where there is a monitor, listens to it, too."""

import array
import shutil
import statistics
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import IO, Final

from device_agent.sinks import FRAME_BYTES, RATE_HZ, Position, Sink, SinkLost
from device_agent.timeline import Timeline

_CHUNK_FRAMES: Final = RATE_HZ // 50
_QUIET_S: Final = 0.5
"""Silence before the signal: time for the device to get going."""
_FIRST_LIMIT_S: Final = 3.0
_HUNG_S: Final = 5.0
"""So much longer than the signal no working device takes."""
_HEARD: Final = 300
"""Of 32,767: louder than the noise of an open input, far softer than the signal."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What one trial of a sink came to."""

    sink: str
    first_s: float | None
    """From the first sample given to the first one played; None when the device never played any."""
    latency_ms: float = 0.0
    latency_spread_ms: float = 0.0
    rate_error_ppm: float = 0.0
    """By how much the device's own clock is faster than the machine's."""
    stalls: int = 0
    heard: bool | None = None
    """Whether the signal came back through the monitor; None where there is none to listen to."""
    heard_late_ms: float | None = None
    """When its first sample came back, after the instant that the sink promised."""


@dataclass
class Monitor:
    """Listens to what a sink plays."""

    chunks: list[tuple[float, bytes]] = field(default_factory=list)

    def first_heard_mono_s(self) -> float | None:
        """When the first loud sample was there, as nearly as arrival times tell."""
        if not self.chunks:
            return None
        read = 0
        began_s = float("inf")
        for at_s, chunk in self.chunks:
            read += len(chunk) // FRAME_BYTES
            began_s = min(began_s, at_s - read / RATE_HZ)
        samples = array.array("h", b"".join(chunk for _, chunk in self.chunks))
        loud = next((at for at, value in enumerate(samples) if abs(value) > _HEARD), None)
        return None if loud is None else began_s + loud / RATE_HZ


@contextmanager
def pulse_monitor(source: str = "@DEFAULT_MONITOR@") -> Iterator[Monitor | None]:
    """Record a sink's monitor through `parec`, if it is installed."""
    program = shutil.which("parec")
    if program is None:
        yield None
        return
    command = [program, f"--device={source}", "--raw", "--format=s16le", f"--rate={RATE_HZ}", "--channels=1"]
    monitor = Monitor()
    with subprocess.Popen(
        [*command, "--latency-msec=10"], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as recorder:
        thread = threading.Thread(target=_record, args=(recorder.stdout, monitor), daemon=True)
        thread.start()
        try:
            yield monitor
        finally:
            recorder.terminate()
            thread.join()


def _record(stdout: IO[bytes] | None, monitor: Monitor) -> None:
    held = b""
    while stdout is not None and (chunk := stdout.read(960)):
        held += chunk
        whole = len(held) // FRAME_BYTES * FRAME_BYTES
        monitor.chunks.append((time.monotonic(), held[:whole]))
        held = held[whole:]


def try_out(
    sink: Sink, signal: bytes, monitor: Monitor | None = None, *, mono: Callable[[], float] = time.monotonic
) -> Reading:
    """Play silence, then `signal`, to its end; returns what the sink said meanwhile. Raises `SinkError`."""
    timeline = Timeline()
    latencies: list[float] = []
    positions: list[Position] = []
    stalls = written = 0
    began_s = mono()
    first_s: float | None = None
    lead_frames = round(_QUIET_S * RATE_HZ)
    whole = bytes(lead_frames * FRAME_BYTES) + signal
    signal_frame: int | None = None
    silence = bytes(_CHUNK_FRAMES * FRAME_BYTES)
    end_frame: int | None = None
    while end_frame is None or positions[-1].frames < end_frame:
        if first_s is None:
            chunk = silence
        else:
            signal_frame = written + lead_frames if signal_frame is None else signal_frame
            chunk, whole = whole[: len(silence)], whole[len(silence) :]
            if not chunk:
                end_frame = end_frame or written
                chunk = silence
        sink.write(chunk)
        written += len(chunk) // FRAME_BYTES
        position = sink.consumed()
        positions.append(position)
        stalls += timeline.observe(position) > 0
        if position.frames:
            first_s = first_s if first_s is not None else position.mono_s - position.frames / RATE_HZ - began_s
            latencies.append(sink.latency_ms)
        elif mono() - began_s > _FIRST_LIMIT_S:
            return Reading(sink.name, None)
        if mono() - began_s > len(signal) / FRAME_BYTES / RATE_HZ + _FIRST_LIMIT_S + _HUNG_S:
            raise SinkLost("the device stopped playing midway")
    heard_s = monitor.first_heard_mono_s() if monitor is not None else None
    late_ms = None
    if heard_s is not None and signal_frame is not None:
        late_ms = (heard_s - timeline.instant(signal_frame)) * 1000
    return Reading(
        sink.name,
        first_s,
        statistics.median(latencies),
        max(latencies) - min(latencies),
        rate_error_ppm([each for each in positions if each.frames]),
        stalls,
        None if monitor is None else heard_s is not None,
        late_ms,
    )


def rate_error_ppm(positions: list[Position]) -> float:
    """The slope of the device's frames over the machine's time, against 48 kHz, by least squares."""
    settled = positions[len(positions) // 5 :]
    if len(settled) < 2:  # noqa: PLR2004 - a line needs two points
        return 0.0
    slope, _ = statistics.linear_regression(
        [each.mono_s - settled[0].mono_s for each in settled], [each.frames - settled[0].frames for each in settled]
    )
    return (slope / RATE_HZ - 1) * 1e6

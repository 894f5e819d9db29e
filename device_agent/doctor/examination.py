"""The doctor's round: decoders, devices, the sink and its sound, the amplifier, the clock, the disk."""

import audioop
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from typing import Final

from audio import opusfile
from audio.errors import FfmpegMissing
from audio.ffmpeg import executable
from audio.signals import tone
from device_agent.amplifier import AmplifierFault
from device_agent.doctor.devices import SoundDevice, sound_devices
from device_agent.doctor.findings import Finding, finding
from device_agent.doctor.judgement import on_devices, on_reading
from device_agent.doctor.listening import pulse_monitor, try_out
from device_agent.documents import ConfigStore
from device_agent.errors import AlreadyRunning, ConfigError
from device_agent.lock import only_instance
from device_agent.programme import policy_of
from device_agent.settings import AgentSettings
from device_agent.sinks import FRAME_BYTES, Sink, SinkError, SinkUnavailable
from device_agent.sinks.choose import open_sink
from device_agent.system_clock import SystemClock
from device_agent.volume import gain
from schedules.day import quiet
from schedules.types import Percent, SpeakerPolicy

_SIGNAL_S: Final = 3.0
_DISK_LOW_MB: Final = 200


def examine(
    settings: AgentSettings,
    *,
    sound: bool = True,
    at_night: bool = False,
    devices: Callable[[], list[SoundDevice]] = sound_devices,
) -> Iterator[Finding]:
    """Look at everything, one finding after another.

    A test signal sounds only if `sound` is asked for, and in quiet hours only `at_night`.
    """
    yield finding("opusfile" if opusfile.library() is not None else "opusfile_missing")
    yield _ffmpeg()
    yield from on_devices(devices(), settings.sink, settings.sink_device)
    try:
        with only_instance(settings.state_dir):
            policy = _policy(settings)
            hushed = sound and not at_night and quiet(policy, datetime.now(UTC))
            with _powered(settings, waits=sound and not hushed) as amplifier:
                yield from _sound(settings, sound=sound and not hushed, loudest=policy.max_volume)
            if hushed:
                yield finding("quiet_hours")
            yield amplifier[-1]
    except AlreadyRunning:
        yield finding("agent_running")
    except ConfigError as error:
        yield finding("state_dir", error=str(error))
        return
    yield finding("clock" if SystemClock().synchronised() else "clock_unsynchronised")
    free_mb = shutil.disk_usage(settings.state_dir).free / 1e6
    yield finding("disk" if free_mb > _DISK_LOW_MB else "disk_full", free_mb=free_mb)


def _ffmpeg() -> Finding:
    try:
        return finding("ffmpeg", path=str(executable()))
    except FfmpegMissing:
        return finding("ffmpeg_missing")


def _sound(settings: AgentSettings, *, sound: bool, loudest: Percent) -> Iterator[Finding]:
    wanted = f"{settings.sink}:{settings.sink_device}" if settings.sink_device else settings.sink
    try:
        sink = open_sink(wanted, state_dir=settings.state_dir)
    except (SinkError, ValueError) as error:
        code = error.code if isinstance(error, SinkError) else SinkUnavailable.code
        yield finding(code, device="alsa:default" if wanted == "alsa" else wanted, error=str(error))
        return
    yield finding("sink", device=sink.name)
    try:
        if sound:
            yield from _heard(sink, settings.sink_device, loudest)
    except SinkError as error:
        yield finding("sink_lost", error=str(error))
    finally:
        sink.close()


def _heard(sink: Sink, device: str | None, loudest: Percent) -> Iterator[Finding]:
    signal = audioop.mul(tone(_SIGNAL_S), FRAME_BYTES, gain(loudest))
    with ExitStack() as stack:
        monitor = None
        if sink.name.startswith("pulse"):
            monitor = stack.enter_context(pulse_monitor(f"{device}.monitor" if device else "@DEFAULT_MONITOR@"))
        yield from on_reading(try_out(sink, signal, monitor))


@contextmanager
def _powered(settings: AgentSettings, *, waits: bool) -> Iterator[list[Finding]]:
    """Power the amplifier, off again in any case; the last of the findings says whether it can be switched.

    `waits` gives it the time that it needs before a sound, and lets that ring out.
    """
    if settings.amplifier is None:
        yield [finding("amplifier_none")]
        return
    line, margins = settings.amplifier.line_of(), settings.amplifier.margins
    found = [finding("amplifier")]
    try:
        with _faults_told(found):
            line.set(on=True)
        time.sleep(margins.lead_s if waits else 0)
        yield found
        time.sleep(margins.hold_s if waits else 0)
    finally:
        with _faults_told(found):
            line.set(on=False)
        line.close()


@contextmanager
def _faults_told(found: list[Finding]) -> Iterator[None]:
    try:
        yield
    except AmplifierFault as error:
        found.append(finding("amplifier_fault", error=str(error)))


def _policy(settings: AgentSettings) -> SpeakerPolicy:
    """What the config says that the agent keeps; a wrong system clock makes quiet hours only more or less careful."""
    store = ConfigStore(settings.state_dir, settings.device_id, settings.trusted_keys, lambda _: None)
    store.load()
    return policy_of(store.current())

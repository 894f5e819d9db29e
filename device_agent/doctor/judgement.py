"""From what was found and measured to what a technician is told. Pure."""

from collections.abc import Iterator, Sequence
from typing import Final

from device_agent.doctor.devices import SoundDevice
from device_agent.doctor.findings import Finding, finding
from device_agent.doctor.listening import Reading

_SLOW_MS: Final = 500.0
"""A device that holds so much makes Stop and emergencies late."""
_UNSTEADY_MS: Final = 60.0
_RATE_PPM: Final = 1000.0
"""About what the player's soft correction can follow."""
_FAINT_PERCENT: Final = 40
_HEARD_LATE_MS: Final = 60.0


def on_devices(devices: Sequence[SoundDevice], kind: str, device: str | None) -> Iterator[Finding]:
    """What there is, and whether what the settings name is among it and can be heard."""
    if not devices:
        yield finding("no_device")
    for each in devices:
        code = "device_default" if each.default else "device"
        yield finding(code, device=f"{each.kind}:{each.name}", about=each.description)
    of_kind = [each for each in devices if kind in {each.kind, "auto"}]
    used = next((each for each in of_kind if (each.name == device if device else each.default)), None)
    if used is None and device and of_kind and kind != "alsa":
        # A card of ALSA has more names than are listed, such as plughw:1: whether it is there, opening it tells.
        yield finding("device_unknown", device=f"{kind}:{device}")
    if used is not None and used.muted:
        yield finding("muted", device=used.name)
    if used is not None and used.volume_percent is not None and used.volume_percent < _FAINT_PERCENT:
        yield finding("faint", device=used.name, percent=used.volume_percent)


def on_reading(reading: Reading) -> Iterator[Finding]:
    """What the test signal told."""
    if reading.first_s is None:
        yield finding("never_played", device=reading.sink)
        return
    yield finding(
        "played",
        device=reading.sink,
        latency_ms=reading.latency_ms,
        spread_ms=reading.latency_spread_ms,
        first_ms=reading.first_s * 1000,
        ppm=reading.rate_error_ppm,
    )
    if reading.latency_ms > _SLOW_MS:
        yield finding("slow")
    if reading.latency_spread_ms > _UNSTEADY_MS or reading.stalls:
        yield finding("unsteady", stalls=reading.stalls)
    if abs(reading.rate_error_ppm) > _RATE_PPM:
        yield finding("rate_off")
    if reading.heard is None:
        yield finding("not_heard_back_alsa" if reading.sink.startswith("alsa") else "not_heard_back")
    elif not reading.heard or reading.heard_late_ms is None:
        yield finding("silent")
    else:
        late = abs(reading.heard_late_ms) > _HEARD_LATE_MS
        yield finding("late" if late else "heard", late_ms=reading.heard_late_ms)

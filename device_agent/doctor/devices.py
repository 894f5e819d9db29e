"""Which ways out for sound this machine has: sinks of its sound server, PCMs of ALSA."""

import ctypes
import json
import shutil
import subprocess
from ctypes import POINTER, byref, c_char_p, c_int, c_void_p
from dataclasses import dataclass
from typing import Any, Final, Literal

_ASK_LIMIT_S: Final = 5.0
_NOT_CARDS: Final = frozenset({
    "null", "pulse", "pipewire", "jack", "oss", "speex", "speexrate", "samplerate", "lavrate", "upmix", "vdownmix",
    "usbstream",
})  # fmt: skip
"""ALSA plugins that every machine lists."""


@dataclass(frozen=True, slots=True)
class SoundDevice:
    """One way out."""

    kind: Literal["pulse", "alsa"]
    name: str
    """As `sink_device` in the settings names it."""
    description: str
    default: bool = False
    muted: bool = False
    volume_percent: int | None = None


def sound_devices() -> list[SoundDevice]:
    """List everything that can be found."""
    return [*pulse_sinks(), *alsa_pcms()]


def pulse_sinks() -> list[SoundDevice]:
    """The sinks of PulseAudio or PipeWire, as `pactl` tells them; none where there is no server or no `pactl`."""
    listed = _pactl("list", "sinks")
    about = _pactl("info")
    default = about.get("default_sink_name") if isinstance(about, dict) else None
    sinks = listed if isinstance(listed, list) else []
    return [
        SoundDevice(
            "pulse",
            str(sink["name"]),
            str(sink.get("description", "")),
            default=sink["name"] == default,
            muted=bool(sink.get("mute", False)),
            volume_percent=_loudest(sink.get("volume")),
        )
        for sink in sinks
    ]


def _loudest(volume: Any) -> int | None:
    channels = volume.values() if isinstance(volume, dict) else ()
    told = [
        channel["value_percent"] for channel in channels if isinstance(channel, dict) and "value_percent" in channel
    ]
    return max((int(str(percent).strip().rstrip("%")) for percent in told), default=None)


def _pactl(*question: str) -> Any:
    program = shutil.which("pactl")
    if program is None:
        return None
    try:
        answer = subprocess.run(
            [program, "--format=json", *question], capture_output=True, timeout=_ASK_LIMIT_S, check=True
        )
        return json.loads(answer.stdout)
    except (OSError, subprocess.SubprocessError, ValueError):
        return None


def alsa_pcms() -> list[SoundDevice]:
    """What libasound would open for playing, without its plugins that lead to no card."""
    try:
        lib = ctypes.CDLL("libasound.so.2")
    except OSError:
        return []
    lib.snd_device_name_hint.argtypes = [c_int, c_char_p, POINTER(POINTER(c_void_p))]
    lib.snd_device_name_get_hint.argtypes = [c_void_p, c_char_p]
    lib.snd_device_name_get_hint.restype = c_void_p
    lib.snd_device_name_free_hint.argtypes = [POINTER(c_void_p)]
    libc = ctypes.CDLL(None)
    libc.free.argtypes = [c_void_p]

    def told(hint: int, what: bytes) -> str:
        text = lib.snd_device_name_get_hint(hint, what)
        if not text:
            return ""
        try:
            return ctypes.string_at(text).decode(errors="replace")
        finally:
            libc.free(text)

    hints = POINTER(c_void_p)()
    if lib.snd_device_name_hint(-1, b"pcm", byref(hints)) < 0:
        return []
    found: list[SoundDevice] = []
    at = 0
    while hint := hints[at]:
        name = told(hint, b"NAME")
        if told(hint, b"IOID") != "Input" and name.partition(":")[0] not in _NOT_CARDS:
            found.append(SoundDevice("alsa", name, " ".join(told(hint, b"DESC").split()), default=name == "default"))
        at += 1
    lib.snd_device_name_free_hint(hints)
    return found

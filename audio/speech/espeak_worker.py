"""The child that speaks: lines `pause_ms<TAB>text` on stdin, samples on stdout (22,050 Hz, mono, signed 16-bit).

Run as a program, never imported: libespeak-ng is GPL-3 and lives in this process alone.
Usage: python -I espeak_worker.py VOICE WORDS_PER_MINUTE
"""

import ctypes
import os
import sys
from pathlib import Path

import espeakng_loader  # type: ignore[import-untyped]

_SYNCHRONOUS = 2
_DONT_EXIT = 0x8000
_BUFFER_MS = 200
_RATE_HZ = 22_050
_RATE, _VOLUME = 1, 2
_VOLUME_WITHOUT_CLIPPING = 60
_BY_CHARACTER = 1
_UTF8 = 1
_CONTINUE = 0
_LISTENER = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)


def main(voice: str, speed_wpm: int) -> int:
    """Speak all of stdin."""
    library = ctypes.CDLL(espeakng_loader.get_library_path())
    # The library keeps its data path in a short buffer: go there instead of naming it.
    os.chdir(Path(espeakng_loader.get_data_path()).parent)
    rate_hz = library.espeak_Initialize(_SYNCHRONOUS, _BUFFER_MS, b".", _DONT_EXIT)
    if rate_hz != _RATE_HZ:
        return _fail(f"initialise: {rate_hz}")
    if library.espeak_SetVoiceByName(voice.encode()) != 0:
        return _fail(f"no voice {voice}")
    library.espeak_SetParameter(_RATE, speed_wpm, 0)
    library.espeak_SetParameter(_VOLUME, _VOLUME_WITHOUT_CLIPPING, 0)
    output = sys.stdout.buffer

    def heard(samples: int | None, count: int, _events: int | None) -> int:
        if samples and count > 0:
            try:
                output.write(ctypes.string_at(samples, 2 * count))
            except OSError:
                os._exit(1)  # the reader is gone; an exception could not leave this callback
        return _CONTINUE

    listener = _LISTENER(heard)
    library.espeak_SetSynthCallback(listener)
    for line in sys.stdin.buffer:
        pause_ms, _, text = line.rstrip(b"\n").partition(b"\t")
        text = text.replace(b"\0", b" ")
        status = library.espeak_Synth(text, len(text) + 1, 0, _BY_CHARACTER, 0, _UTF8, None, None)
        if status != 0:
            return _fail(f"synthesis: {status}")
        output.write(bytes(2 * (_RATE_HZ * int(pause_ms) // 1000)))
        output.flush()
    return 0


def _fail(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))

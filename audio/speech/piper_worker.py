"""The child that reads with a Piper voice: lines `pause_ms<TAB>text` on stdin, samples on stdout.

Run as a program, never imported: piper is GPL-3 and lives in this process alone.
Usage: python -I piper_worker.py VOICE.onnx WORDS_PER_MINUTE
"""

import sys

import numpy as np
import onnxruntime  # type: ignore[import-untyped]  # it has no stubs
from piper import PiperVoice, SynthesisConfig

_VOICES_SPEAK_AT_WPM = 150
_LOUDEST = 0.9


def main(model: str, speed_wpm: int) -> int:
    """Speak all of stdin."""
    onnxruntime.set_seed(1)  # the same text gives the same bytes
    voice = PiperVoice.load(model)
    pace = voice.config.length_scale * _VOICES_SPEAK_AT_WPM / speed_wpm
    wish = SynthesisConfig(length_scale=pace, volume=_LOUDEST)
    output = sys.stdout.buffer
    for line in sys.stdin.buffer:
        pause_ms, _, text = line.decode().rstrip("\n").partition("\t")
        # Double brackets would be taken for phonemes.
        for chunk in voice.synthesize(text.replace("[[", "[").replace("]]", "]"), wish):
            if chunk.sample_channels != 1 or not np.isfinite(chunk.audio_float_array).all():
                return _fail("the voice made no sound that can be heard")
            output.write(chunk.audio_int16_bytes)
        output.write(bytes(2 * (voice.config.sample_rate * int(pause_ms) // 1000)))
        output.flush()
    return 0


def _fail(reason: str) -> int:
    sys.stderr.write(f"{reason}\n")
    return 1


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1], int(sys.argv[2])))

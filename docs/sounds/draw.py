"""Draw a spectrogram of every signal and of every voice of espeak-ng: `python docs/sounds/draw.py`.

Time runs to the right, pitch upwards to 6.5 kHz (a horn carries 300 Hz to 6 kHz), brightness is level over 70 dB.
"""

import re
import subprocess
import sys
from pathlib import Path

from audio import signals
from audio.ffmpeg import RATE_HZ, executable
from audio.signals import Signal
from audio.speech import Studio
from audio.speech.espeak import EspeakEngine

HERE = Path(__file__).parent
SENTENCES = {
    "vi": "Mời bà con thôn Đông sáng mai đến nhà văn hóa.",
    "en": "Please come to the hall tomorrow morning.",
    "zh": "请大家明天早上到文化馆开会。",
}
_NOT_IN_NAMES = re.compile(r"[^\w-]")
_PICTURE = (
    "showspectrumpic=s=512x256:scale=log:drange=70:stop=6500:color=viridis:win_func=hann,"
    "split[a][b];[a]palettegen=max_colors=20[p];[b][p]paletteuse=dither=none"
)


def draw(samples: bytes, rate_hz: int, path: Path) -> None:
    """Write the picture of a sound."""
    source = ("-f", "s16le", "-ar", str(rate_hz), "-ac", "1", "-i", "pipe:0")
    command = [executable(), "-v", "error", "-y", *source, "-lavfi", _PICTURE, "-frames:v", "1", path]
    subprocess.run(command, input=samples, check=True)


def main() -> None:
    """Draw them all."""
    for signal in Signal:
        draw(signals.whole(signal), RATE_HZ, HERE / f"{signal}.png")
    studio = Studio()
    for voice in EspeakEngine().voices():
        spoken, rates = bytearray(), set[int]()

        def hear(samples: bytes, rate_hz: int, spoken: bytearray = spoken, rates: set[int] = rates) -> None:
            spoken.extend(samples)
            rates.add(rate_hz)

        studio.speak(SENTENCES.get(voice.language[:2], SENTENCES["zh"]), voice, hear)
        draw(bytes(spoken), rates.pop(), HERE / f"{_NOT_IN_NAMES.sub('-', voice.id)}.png")
    sys.stdout.write(f"{len(list(HERE.glob('*.png')))} pictures in {HERE}\n")


if __name__ == "__main__":
    main()

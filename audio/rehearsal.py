"""What compressor and limiter will do to a sound, worked out from its envelope: the gain is right before encoding.

Trying it for real costs a pass over hours of sound each time.
"""

import math
from array import array
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

from audio.envelope import FULL_SCALE, HOP_MS, Envelope
from audio.profiles import Compression

NOMINAL_LUFS = -20.0
"""What a sound is brought to before it is compressed, so that a whisper is compressed like a shout."""
_ATTACK_MS = 5
_RELEASE_MS = 60
_BLOCK_HOPS = 400 // HOP_MS
_GATE_LU = 10.0
_SEARCH_DB = 24.0
_CLOSE_DB = 0.05
_SILENCE = 1e-7  # −70 dB
_TINY = 1e-12

Hop = tuple[float, float]
"""Peak and mean square, full scale being 1."""


@dataclass(frozen=True, slots=True)
class _Hops:
    """A sound as a limiter sees it."""

    peaks: Sequence[float]
    powers: Sequence[float]

    def __iter__(self) -> Iterator[Hop]:
        return zip(self.peaks, self.powers, strict=True)


def limiter(ceiling_db: float) -> str:
    """The one that is rehearsed, for ffmpeg."""
    limit = 10 ** (ceiling_db / 20)
    return f"alimiter=limit={limit:.5f}:attack={_ATTACK_MS}:release={_RELEASE_MS}:level=false:latency=true"


def makeup_db(
    envelope: Envelope, nominal_db: float, compression: Compression | None, louder_lu: float, ceiling_db: float
) -> float:
    """The gain between compressor and limiter after which the sound is louder by `louder_lu` than at its nominal level.

    What never gets there, because a limiter can only hold knocks down, gets the most that is searched.
    """
    sound = _hops(envelope, nominal_db, None)
    wanted_db = _gated_db(sound.powers) + louder_lu
    if compression:
        sound = _hops(envelope, nominal_db, compression)
    low_db = wanted_db - _gated_db(sound.powers)
    high_db = low_db + _SEARCH_DB
    if _gated_db(_limited(sound, low_db, ceiling_db)) >= wanted_db - _CLOSE_DB:
        return low_db
    while high_db - low_db > _CLOSE_DB:
        middle_db = (low_db + high_db) / 2
        if _gated_db(_limited(sound, middle_db, ceiling_db)) < wanted_db:
            low_db = middle_db
        else:
            high_db = middle_db
    return high_db


def _hops(envelope: Envelope, gain_db: float, compression: Compression | None) -> _Hops:
    gain = 10 ** (gain_db / 20) / FULL_SCALE
    raised = ((peak * gain, (rms * gain) ** 2) for peak, rms in zip(envelope.peaks, envelope.rms, strict=True))
    peaks, powers = array("f"), array("f")
    for peak, power in _compressed(raised, compression) if compression else raised:
        peaks.append(peak)
        powers.append(power)
    return _Hops(peaks, powers)


def _compressed(sound: Iterable[Hop], by: Compression) -> Iterator[Hop]:
    """As ffmpeg's acompressor: the level follows the power, in a quarter of the time that is named."""
    threshold = 10 ** (by.threshold_db / 10)
    exponent = 1 / by.ratio - 1
    rising, falling = (1 - math.exp(-4 * HOP_MS / time_ms) for time_ms in (by.attack_ms, by.release_ms))
    level = 0.0
    for peak, power in sound:
        level += (power - level) * (rising if power > level else falling)
        cut = (level / threshold) ** exponent if level > threshold else 1.0
        yield peak * math.sqrt(cut), power * cut


def _limited(sound: Iterable[Hop], gain_db: float, ceiling_db: float) -> Iterator[float]:
    """The power of each hop after ffmpeg's alimiter: down at once, up again in a straight line."""
    gain = 10 ** (gain_db / 20)
    ceiling = 10 ** (ceiling_db / 20) / gain
    held = 1.0
    step = 0.0
    for peak, power in sound:
        held = min(1.0, held + step)
        if peak * held > ceiling:
            held = ceiling / peak
            step = (1 - held) * HOP_MS / _RELEASE_MS
        yield power * (gain * min(1.0, held + step / 4)) ** 2


def _gated_db(powers: Iterable[float]) -> float:
    """Integrated loudness as EBU R128 gates it, without its weighting of frequencies: for comparing only."""
    rest = iter(powers)
    blocks = [sum(block) / _BLOCK_HOPS for block in iter(lambda: list(islice(rest, _BLOCK_HOPS)), [])]
    gate = _mean([block for block in blocks if block > _SILENCE]) * 10 ** (-_GATE_LU / 10)
    return 10 * math.log10(_mean([block for block in blocks if block > gate]) + _TINY)


def _mean(blocks: Sequence[float]) -> float:
    return sum(blocks) / len(blocks) if blocks else 0.0

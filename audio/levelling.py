"""Which gain and which ceiling bring a sound to the loudness we air, and the filters that do it."""

from dataclasses import dataclass, replace

from audio.ffmpeg import RATE_HZ
from audio.listen import Listened
from audio.loudness import CEILING_DBTP, METERS_DIFFER_DB, TARGET_LUFS, Loudness
from audio.profiles import Shape
from audio.rehearsal import NOMINAL_LUFS, limiter, makeup_db

_HEADROOM_DB = 4.0
"""Opus overshoots what the limiter leaves: by 3 dB in long speech, most of it noise of the codec."""
_MAX_GAIN_DB = 50.0
"""What is louder than silence needs no more; knocks in silence would only bring up hiss."""
_STEP_DOWN, _STEP_UP = 1.3, 0.7
"""Opus wins back a part of every lower ceiling, and may overshoot a higher one further."""
_SILENCE_LU, _SILENCE_DBFS = -35.0, -65.0
"""Silence at the ends: so much softer than the whole, or absolutely."""
_LEFT_MS = 150
_LOWEST_CEILING_DB = -14.0
"""Below it the limiter could not leave enough of anything to reach the target."""


@dataclass(frozen=True, slots=True)
class Treatment:
    """Everything that is done to a sound, once it was listened to, before it is encoded.

    `aim_lufs` is what the rehearsal shall come to; it differs from the target by what the rehearsal got wrong.
    """

    heard: Listened
    shape: Shape
    aim_lufs: float = TARGET_LUFS
    ceiling_db: float = CEILING_DBTP - _HEADROOM_DB

    def filters(self) -> str:
        """For ffmpeg, on 48 kHz mono. Nothing is moved in time but by what is cut off."""
        compression = self.shape.compression
        nominal_db = NOMINAL_LUFS - self.heard.band_lufs
        louder_lu = self.aim_lufs - NOMINAL_LUFS
        makeup = makeup_db(self.heard.band, nominal_db, compression, louder_lu, self.ceiling_db)
        chain = [
            self.shape.band,
            self._cut(),
            f"volume={nominal_db:.2f}dB",
            compression.filter() if compression else "",
            f"volume={min(makeup, _MAX_GAIN_DB - nominal_db):.2f}dB",
            limiter(self.ceiling_db),
        ]
        return ",".join(filter(None, chain))

    def corrected(self, came_out: Loudness) -> "Treatment":
        """The next try, from how this one came out."""
        missing_lu = TARGET_LUFS - came_out.integrated_lufs
        over_db = came_out.true_peak_dbtp - CEILING_DBTP + METERS_DIFFER_DB
        if over_db > 0:
            lower_db = _STEP_DOWN * over_db + METERS_DIFFER_DB
        else:  # a little of the room that is left, where that is what the loudness lacks
            lower_db = _STEP_UP * over_db if missing_lu > 0 else 0.0
        ceiling_db = min(CEILING_DBTP, max(_LOWEST_CEILING_DB, self.ceiling_db - lower_db))
        return replace(self, aim_lufs=self.aim_lufs + missing_lu, ceiling_db=ceiling_db)

    def _cut(self) -> str:
        kept_ms = self.kept_ms()
        if kept_ms is None:
            return ""
        begin, end = (ms * RATE_HZ // 1000 for ms in kept_ms)
        return f"atrim=start_sample={begin}:end_sample={end},asetpts=N/SR/TB"

    def kept_ms(self) -> tuple[int, int] | None:
        """From a little before the first sound to a little after the last; None for all of it."""
        threshold_db = max(self.heard.band_lufs + _SILENCE_LU, _SILENCE_DBFS)
        sounding = self.heard.band.sounding_ms(threshold_db) if self.shape.trims_silence else None
        if sounding is None:
            return None
        begin, end = sounding
        return max(0, begin - _LEFT_MS), end + _LEFT_MS

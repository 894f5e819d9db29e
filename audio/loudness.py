"""How loud a sound is, and the filters that bring it to what we air (EBU R128)."""

from dataclasses import dataclass

TARGET_LUFS = -16.0
TOLERANCE_LU = 1.0
CEILING_DBTP = -2.0
SILENT_BELOW_LUFS = -50.0
FLOOR_LUFS = -70.0


@dataclass(frozen=True, slots=True)
class Loudness:
    """Integrated loudness and true peak."""

    integrated_lufs: float
    true_peak_dbtp: float

    @property
    def fit_for_air(self) -> bool:
        """Within what we promise: −16 LUFS ±1, at most −2 dBTP."""
        return abs(self.integrated_lufs - TARGET_LUFS) <= TOLERANCE_LU and self.true_peak_dbtp <= CEILING_DBTP


def adjust(gain_db: float, ceiling_db: float) -> str:
    """The filters that raise by a gain and hold the peaks under a ceiling, without moving anything in time."""
    limit = min(1.0, max(0.0625, 10 ** (ceiling_db / 20)))
    return f"volume={gain_db:.2f}dB,alimiter=limit={limit:.5f}:level=false:attack=3:release=60:latency=true"

"""How loud a sound is (EBU R128), and how loud everything is that we air."""

from dataclasses import dataclass

TARGET_LUFS = -16.0
TOLERANCE_LU = 1.0
CEILING_DBTP = -2.0
SILENT_BELOW_LUFS = -50.0
BAND_SILENT_BELOW_LUFS = -60.0
"""Of what a profile lets through: a hum below the range of a horn is no message."""
FLOOR_LUFS = -70.0
METERS_DIFFER_DB = 0.1
"""How far two good meters disagree."""


@dataclass(frozen=True, slots=True)
class Loudness:
    """Integrated loudness and true peak."""

    integrated_lufs: float
    true_peak_dbtp: float

    @property
    def fit_for_air(self) -> bool:
        """Within what we promise: −16 LUFS ±1, at most −2 dBTP."""
        return self._within(0.0)

    @property
    def surely_fit(self) -> bool:
        """Fit for air by another meter, too."""
        return self._within(METERS_DIFFER_DB)

    @property
    def distance(self) -> tuple[float, float]:
        """How far from the promise, for choosing the better of two: the peak comes first."""
        too_high_db = max(0.0, self.true_peak_dbtp - CEILING_DBTP)
        return too_high_db, abs(self.integrated_lufs - TARGET_LUFS)

    def _within(self, margin_db: float) -> bool:
        off_lu = abs(self.integrated_lufs - TARGET_LUFS)
        return off_lu <= TOLERANCE_LU - margin_db and self.true_peak_dbtp <= CEILING_DBTP - margin_db

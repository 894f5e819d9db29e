"""Named sets of speakers across areas."""

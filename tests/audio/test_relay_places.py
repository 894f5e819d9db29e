"""Where relays lie among the files of a playlist: on the very millisecond where the sound before them ends."""

import random
from collections.abc import Sequence
from itertools import accumulate, pairwise
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from audio.loudness import Loudness
from audio.mixing import Sound
from audio.playlist import ChimeItem, ClipItem, Item, PauseItem, RelayAt, RelayItem, StretchFile, _stretches, relays
from audio.signals import Signal

LENGTHS_MS = {Path("news"): 61_234, Path("song"): 777, Signal.OPENING: 2500}


class Bench:
    """Sounds of known length."""

    def sound(self, of: Path | tuple[Signal, float | None]) -> Sound:
        return Sound(Path("pcm"), LENGTHS_MS[of[0] if isinstance(of, tuple) else of])


def length_ms(item: Item) -> int:
    match item:
        case PauseItem(ms) | RelayItem(ms):
            return ms
        case ChimeItem():
            return LENGTHS_MS[item.kind]
        case ClipItem():
            return LENGTHS_MS[item.path] * item.repeat + item.gap_ms * (item.repeat - 1)


def files(items: Sequence[Item]) -> list[StretchFile]:
    """The stretches of a playlist, as they are assembled, without their sound."""
    return [
        StretchFile(Path("x"), "", 1, sum(piece.part.duration_ms for piece in pieces), (), at_ms, Loudness(-16, -3))
        for at_ms, pieces in _stretches(items, Bench())
        if any(piece.audible for piece in pieces)
    ]


lengths = st.integers(1, 7_200_000)
items = st.lists(
    st.one_of(
        st.builds(lambda ms: RelayItem(ms, "r", "VOV"), lengths),
        st.builds(lambda ms: PauseItem(ms, "p"), lengths),
        st.just(ChimeItem("c")),
        st.builds(
            lambda path, repeat, gap_ms: ClipItem(path, "t", "a", repeat, gap_ms),
            st.sampled_from([Path("news"), Path("song")]),
            st.integers(1, 3),
            st.integers(0, 5000),
        ),
    ),
    max_size=12,
)


@given(items, st.randoms(use_true_random=False))
def test_a_relay_begins_where_all_before_it_ends(chosen: list[Item], shuffle: random.Random) -> None:
    shuffle.shuffle(chosen)
    begins = list(accumulate(map(length_ms, chosen), initial=0))

    found, whole_ms = relays(chosen, files(chosen))

    assert list(found) == [
        RelayAt("r", "VOV", at_ms, item.ms)
        for item, at_ms in zip(chosen, begins, strict=False)
        if isinstance(item, RelayItem)
    ]
    assert whole_ms == begins[-1]


@given(items, st.randoms(use_true_random=False))
def test_relays_and_files_never_overlap(chosen: list[Item], shuffle: random.Random) -> None:
    shuffle.shuffle(chosen)
    stretches = files(chosen)
    found, whole_ms = relays(chosen, stretches)

    spans = sorted((each.at_ms, each.at_ms + each.duration_ms) for each in [*found, *stretches])
    assert all(before[1] <= after[0] for before, after in pairwise(spans))
    assert all(end <= whole_ms for _, end in spans)

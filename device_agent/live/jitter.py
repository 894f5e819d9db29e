"""Frames in order and at an even pace, though the network brings them as it likes. Pure.

It holds a few frames back, more after each time it ran dry and fewer when it never comes near; what speaks live must
be heard soon, so a backlog is thrown away, not played.
"""

from collections import deque
from typing import Final

LEAST_FRAMES: Final = 3
"""60 ms are held back at first …"""
MOST_FRAMES: Final = 10
"""… and 200 ms on the worst of networks."""
CONCEALED_FRAMES: Final = 3
"""Opus invents up to so many frames; after that the ear notices, and silence is more honest."""
BACKLOG_FRAMES: Final = 8
"""So much more than is to be held back is a backlog: it is dropped at once."""
CALM_FRAMES: Final = 150
"""Three seconds in which something was always left over: so much may be held back less."""


class Jitter:
    """Numbered frames of one connection to who speaks; `take` one every 20 ms."""

    def __init__(self) -> None:
        self.wanted = LEAST_FRAMES
        """How many frames are held back."""
        self._frames: dict[int, bytes] = {}
        self._next: int | None = None
        self._filled = False
        self._concealed = 0
        self._left_over: deque[int] = deque(maxlen=CALM_FRAMES)

    @property
    def filled(self) -> bool:
        """Whether enough is here to begin."""
        return self._filled

    def __len__(self) -> int:
        """How many frames are here."""
        return len(self._frames)

    def catch_up(self) -> None:
        """Drop what waited while nobody took anything: whoever begins to listen hears what is said now."""
        self._drop_to(self.wanted)

    def put(self, number: int, opus: bytes) -> bool:
        """Take a frame, once. False: its time has passed, or it is here already."""
        if number in self._frames or (self._next is not None and number < self._next):
            return False
        self._frames[number] = opus
        if len(self._frames) > self.wanted + BACKLOG_FRAMES:
            self._drop_to(self.wanted)
        if not self._filled and len(self._frames) >= self.wanted:
            self._filled, self._concealed = True, 0
            self._next = min(self._frames)
            self._left_over.clear()
        return True

    def take(self) -> bytes | None:
        """Return the next frame; empty for one to be invented; None for silence, until enough is here again."""
        if not self._filled or self._next is None:
            return None
        if not self._frames:
            return self._concealed_or_dry()
        self._slim_down()
        opus = self._frames.pop(self._next, b"")
        self._next += 1
        self._concealed = self._concealed + 1 if not opus else 0
        if self._concealed > CONCEALED_FRAMES:  # a hole in the midst: what is here goes on behind it
            self._next, self._concealed = min(self._frames), 0
        return opus

    def _concealed_or_dry(self) -> bytes | None:
        """Nothing is here: invent a little, in the hope that the rest is only late; its place is kept."""
        self._concealed += 1
        if self._concealed <= CONCEALED_FRAMES:
            return b""
        self._filled = False
        self.wanted = min(self.wanted + 1, MOST_FRAMES)
        return None

    def _slim_down(self) -> None:
        """Leave out one frame where for a while more was always left over than is wanted."""
        self._left_over.append(len(self._frames))
        if len(self._left_over) < CALM_FRAMES:
            return
        least = min(self._left_over)
        if least > self.wanted:
            self._drop_to(len(self._frames) - 1)
        elif least == self.wanted > LEAST_FRAMES:
            self.wanted -= 1
        else:
            return
        self._left_over.clear()

    def _drop_to(self, count: int) -> None:
        for number in sorted(self._frames)[: max(0, len(self._frames) - count)]:
            del self._frames[number]
            if self._next is not None:
                self._next = number + 1

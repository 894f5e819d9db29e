"""The same words, spoilt: flipped, cut, doubled, spliced, with what parsers stumble over put in. The seed decides."""

import random
from collections.abc import Iterator, Sequence

STUMBLING_BLOCKS = (
    *(
        b"\x00",
        b"\xff\xfe",
        b"\\u0000",
        b"\\ud800",
        b"1e999",
        b"-0",
        b"NaN",
        b"Infinity",
        b"null",
        b"true",
        b"{}",
        b"[]",
    ),
    *(b"[" * 300, b'{"a":' * 100, b"9" * 400, b"x" * 5_000, b'"', b"\\", b",", b"..", b"=", b"\xe2\x80\xae"),
    *(b"2099-01-01T00:00:00Z", b"0001-01-01T00:00:00Z", b'"v":2,', b'"v":-1,', b'"device":"another",'),
)


def mutations(originals: Sequence[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Return so many of them, each unlike all originals."""
    chance, known = random.Random(seed), set(originals)
    while count:
        said = bytearray(chance.choice(originals))
        for _ in range(chance.choice((1, 1, 1, 2, 5))):
            _spoil(said, originals, chance)
        if bytes(said) not in known:
            count -= 1
            yield bytes(said)


def _spoil(said: bytearray, originals: Sequence[bytes], chance: random.Random) -> None:
    at = chance.randrange(len(said) + 1)
    until = min(len(said), at + chance.choice((1, 2, 8, 64)))
    match chance.randrange(7):
        case 0 if at < len(said):
            said[at] ^= 1 << chance.randrange(8)
        case 1:
            del said[at:until]
        case 2:
            said[at:at] = said[at:until]
        case 3:
            said[at:until] = chance.choice(STUMBLING_BLOCKS)
        case 4:
            other = chance.choice(originals)
            said[at:] = other[chance.randrange(len(other)) :]
        case 5:
            del said[at:]
        case _ if at < len(said):
            said[at] = chance.randrange(256)

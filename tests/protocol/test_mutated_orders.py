"""A hundred thousand orders that the controller never signed: each is refused by name."""

import base64
import random
import resource
from collections import Counter
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta

import pytest

from protocol.errors import ProtocolError
from protocol.messages import Command, Config, Order, Plan, Pulse, RecordsAck, SetVolume
from protocol.signing import KeyRing, SigningKey, sign, verify
from tests.support.mutations import mutations

NOW = datetime(2026, 11, 20, 5, 0, tzinfo=UTC)
DEVICE = "07339-1"
ALL = 100_000
ORDERS: list[Order] = [
    Plan(device=DEVICE, version=3, window_start=NOW, window_end=NOW + timedelta(days=8)),
    Config(device=DEVICE, version=2, areas=("VN", "24", "07339")),
    Command(id="c1", action=SetVolume(volume=30, until=NOW)),
    RecordsAck(device=DEVICE, stored={"b": 7}),
    Pulse(at=NOW),
]


def spoilt(token: bytes, others: list[bytes], count: int, seed: int) -> Iterator[bytes]:
    """Half of them as bytes, half with their parts decoded, spoilt, and encoded again as they should be."""
    yield from mutations([token, *others], count // 2, seed)
    chance = random.Random(seed)
    parts = token.split(b".")
    plain = [base64.urlsafe_b64decode(part + b"=" * (-len(part) % 4)) for part in parts]
    for number, part in enumerate(mutations(plain, count - count // 2, seed)):
        made = list(parts)
        made[number % 3 if chance.random() < 0.9 else 0] = base64.urlsafe_b64encode(part).rstrip(b"=")
        if made != parts:
            yield b".".join(made)


@pytest.mark.parametrize("order", ORDERS, ids=lambda order: order.channel.value)
def test_none_is_believed(order: Order):
    key, stranger = SigningKey.generate(), SigningKey.generate()
    keys, before = KeyRing([key.public]), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    hour = timedelta(hours=1)
    token = sign(order, audience=DEVICE, key=key, now=NOW, lifetime=hour).encode()
    assert verify(token, type(order), audiences=[DEVICE], keys=keys, now=NOW)
    others = [
        sign(order, audience=DEVICE, key=stranger, now=NOW, lifetime=hour).encode(),
        sign(order, audience=DEVICE, key=key, now=NOW - 2 * hour, lifetime=hour).encode(),
        sign(order, audience="elsewhere", key=key, now=NOW, lifetime=hour).encode(),
    ]
    refused: Counter[str] = Counter()
    for number, made in enumerate(spoilt(token, others, ALL // len(ORDERS), seed=len(token))):
        try:
            verify(made, type(order), audiences=[DEVICE], keys=keys, now=NOW if number % 2 else None)
        except ProtocolError as refusal:
            refused[refusal.code] += 1
        else:
            pytest.fail(f"believed: {made!r}")
    assert refused["bad_signature"] > 1_000
    assert refused["malformed"] > 1_000
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 100 * 1024


def test_a_signature_is_written_in_one_way_only():
    """Base64 has others, of the same bytes; nobody may make a second token of one that was signed."""
    key = SigningKey.generate()
    token = sign(ORDERS[2], audience=DEVICE, key=key, now=NOW, lifetime=timedelta(hours=1))
    last = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_".index(token[-1])
    next_letter = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_"[last ^ 1]
    for made in (token[:-1] + next_letter, token + "=", token + "==", token[:-9] + "\n" + token[-9:], token + "!"):
        with pytest.raises(ProtocolError):
            verify(made, Command, audiences=[DEVICE], keys=KeyRing([key.public]), now=NOW)

"""The life of a signing key, as decisions. Pure.

announced → signing → retired → gone; revoked from anywhere. Exactly one key signs at any moment.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum


class KeyState(StrEnum):
    """Where a key is in its life."""

    ANNOUNCED = "announced"
    """Every speaker's config names it; it signs nothing yet."""
    SIGNING = "signing"
    RETIRED = "retired"
    """Signs nothing any more, and is trusted until the last order that it signed has expired."""
    GONE = "gone"
    REVOKED = "revoked"
    """Stolen, or believed to be."""
    RECOVERY = "recovery"
    """Lies in a safe and signs notices about other keys only."""


TRUSTED = frozenset({KeyState.ANNOUNCED, KeyState.SIGNING, KeyState.RETIRED})


@dataclass(frozen=True, slots=True)
class Life:
    """A key that signs orders, and where it is in its life."""

    kid: str
    state: KeyState
    signs_from: datetime | None = None
    trusted_until: datetime | None = None


class NoSuccessor(Exception):
    """The key that signs cannot go before there is another one."""


def due(keys: Sequence[Life], now: datetime, orders_live: timedelta) -> tuple[Life, ...]:
    """Return the keys as they are now that time has passed: announced ones take over, retired ones go."""
    found = tuple(
        replace(key, state=KeyState.GONE)
        if key.state is KeyState.RETIRED and key.trusted_until is not None and key.trusted_until <= now
        else key
        for key in keys
    )
    ripe = [
        key for key in found if key.state is KeyState.ANNOUNCED and key.signs_from is not None and key.signs_from <= now
    ]
    if not ripe:
        return found
    return take_over(found, max(ripe, key=_age).kid, now, orders_live)


def take_over(keys: Sequence[Life], kid: str, now: datetime, orders_live: timedelta) -> tuple[Life, ...]:
    """Return the keys once `kid` signs: the one before it, and announced ones that it outran, retire."""

    def then(key: Life) -> Life:
        if key.kid == kid:
            return replace(key, state=KeyState.SIGNING, trusted_until=None)
        outrun = key.state is KeyState.ANNOUNCED and key.signs_from is not None and key.signs_from <= now
        if key.state is KeyState.SIGNING or outrun:
            return replace(key, state=KeyState.RETIRED, trusted_until=now + orders_live)
        return key

    return tuple(map(then, keys))


def retire(keys: Sequence[Life], kid: str, now: datetime, orders_live: timedelta) -> tuple[Life, ...]:
    """Return the keys once `kid` signs no more. Raises `NoSuccessor`."""
    key = _named(keys, kid)
    if key.state is KeyState.SIGNING:
        return take_over(keys, _successor(keys).kid, now, orders_live)
    if key.state is KeyState.ANNOUNCED:  # it never signed anything
        return _with(keys, replace(key, state=KeyState.GONE))
    return tuple(keys)


def revoke(keys: Sequence[Life], kid: str, now: datetime, orders_live: timedelta) -> tuple[Life, ...]:
    """Return the keys once `kid` must not be believed any more. Raises `NoSuccessor`."""
    key = _named(keys, kid)
    if key.state is KeyState.SIGNING:
        keys = take_over(keys, _successor(keys).kid, now, orders_live)
    return _with(keys, replace(key, state=KeyState.REVOKED, trusted_until=None))


def _successor(keys: Sequence[Life]) -> Life:
    announced = [key for key in keys if key.state is KeyState.ANNOUNCED]
    if not announced:
        raise NoSuccessor
    return min(announced, key=_age)


def _age(key: Life) -> tuple[float, str]:
    return (key.signs_from.timestamp() if key.signs_from else 0.0, key.kid)


def _named(keys: Sequence[Life], kid: str) -> Life:
    return next(key for key in keys if key.kid == kid)


def _with(keys: Sequence[Life], changed: Life) -> tuple[Life, ...]:
    return tuple(changed if key.kid == changed.kid else key for key in keys)

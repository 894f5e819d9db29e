"""Whose orders a speaker believes, as keys come and go, are stolen, and are revoked. Pure.

A speaker is born with pinned keys: those that sign orders, and the recovery key, whose private half lies in a safe.
What it learns afterwards is a `Trust`. Two rules make it safe whoever holds which key:

- Only a recovery key revokes, and nothing takes it away: a thief with the key that signs orders can neither make a
  speaker forget the recovery key nor turn it against the honest keys.
- Revocations only ever grow, and a notice that would leave no key for orders is not heeded.
"""

from collections.abc import Iterable, Sequence
from typing import Annotated

import jwt
from pydantic import Field, ValidationError

from protocol.errors import ProtocolError
from protocol.messages import KeyNotice, TrustedKey
from protocol.messages._base import Part
from protocol.messages.configs import KEYS_MAX, NOTICE_MAX_BYTES, NOTICES_MAX, REVOKED_MAX
from protocol.signing import KeyRing, signer_of, thumbprint, verify

EVERYBODY = "all"


class Trust(Part):
    """What a speaker has learnt about keys since it was made. It must outlive every restart."""

    recovery: Annotated[tuple[TrustedKey, ...], Field(max_length=KEYS_MAX)] = ()
    """Only where none was pinned."""
    introduced: Annotated[tuple[TrustedKey, ...], Field(max_length=KEYS_MAX)] = ()
    """By the newest notice of a recovery key."""
    revoked: Annotated[tuple[str, ...], Field(max_length=REVOKED_MAX)] = ()
    serial: int = 0


def order_keys(trust: Trust, *keys: Iterable[TrustedKey]) -> tuple[TrustedKey, ...]:
    """Return those of some keys, and of those introduced, that may sign orders."""
    found: dict[str, TrustedKey] = {}
    for key in (*trust.introduced, *(key for some in keys for key in some)):
        if key.role == "orders" and not _is_revoked(trust, key):
            found.setdefault(key.kid, key)
    return tuple(found.values())


def recovery_keys(trust: Trust, pinned: Iterable[TrustedKey]) -> tuple[TrustedKey, ...]:
    """Return the keys that may revoke: the pinned ones, or where none was pinned the one learnt first."""
    return tuple(key for key in pinned if key.role == "recovery") or trust.recovery


def with_recovery(trust: Trust, pinned: Sequence[TrustedKey], named: Iterable[TrustedKey]) -> Trust:
    """Take up the recovery keys that a config in force names, where there is none yet; never in the place of one."""
    if recovery_keys(trust, pinned):
        return trust
    found = tuple(key for key in named if key.role == "recovery" and _is_genuine(key))
    return trust.model_copy(update={"recovery": found[:KEYS_MAX]}) if found else trust


def heed(trust: Trust, pinned: Sequence[TrustedKey], notices: Iterable[str]) -> Trust:
    """Return what is known after the notices of recovery keys; those of others are passed over, and so is nonsense."""
    for token in notices:
        notice = _read(token, recovery_keys(trust, pinned))
        if notice is not None:
            trust = _heeded(trust, pinned, notice)
    return trust


def follow(trust: Trust, keys: Sequence[TrustedKey], notices: Iterable[str]) -> tuple[TrustedKey, ...]:
    """Return the keys for orders, and those that they introduce, one by the other. Remembered by nobody."""
    found = order_keys(trust, keys)
    for token in notices:
        notice = _read(token, found)
        if notice is not None:
            found = order_keys(trust, found, filter(_is_genuine, notice.keys))
    return found


def notices_in(token: bytes | str) -> tuple[str, ...]:
    """Return the notices that a config carries, before it is known whether to believe the config: each is signed."""
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (jwt.InvalidTokenError, ValueError, RecursionError):
        return ()
    body = claims.get("body")
    found = body.get("notices") if isinstance(body, dict) else None
    if not isinstance(found, list):
        return ()
    return tuple(each for each in found[:NOTICES_MAX] if isinstance(each, str) and len(each) <= NOTICE_MAX_BYTES)


def _heeded(trust: Trust, pinned: Sequence[TrustedKey], notice: KeyNotice) -> Trust:
    revoked = tuple(sorted({*trust.revoked, *notice.revoked}))
    newer = notice.serial > trust.serial
    introduced = tuple(filter(_is_genuine, notice.keys)) if newer else trust.introduced
    if len(revoked) > REVOKED_MAX:
        return trust
    try:
        then = Trust(
            recovery=trust.recovery,
            introduced=introduced,
            revoked=revoked,
            serial=max(notice.serial, trust.serial),
        )
    except ValidationError:
        return trust
    # Those that are pinned or introduced outlive any config: one of them must be left.
    return then if order_keys(then, pinned) else trust


def _read(token: str, keys: Sequence[TrustedKey]) -> KeyNotice | None:
    """Return a notice by one of these keys. Its lifetime is not judged: a revocation holds for ever."""
    try:
        signer = signer_of(token)
        by = [key for key in keys if key.kid == signer]
        return verify(token, KeyNotice, audiences={EVERYBODY}, keys=KeyRing(by), now=None).body if by else None
    except (ProtocolError, ValueError):
        return None


def _is_revoked(trust: Trust, key: TrustedKey) -> bool:
    """Whatever a key is called: the same key by another name is the same key."""
    if not trust.revoked:
        return False
    try:
        return key.kid in trust.revoked or thumbprint(key) in trust.revoked
    except ValueError:
        return True


def _is_genuine(key: TrustedKey) -> bool:
    try:
        return thumbprint(key) == key.kid
    except ValueError:
        return False

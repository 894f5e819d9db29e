"""Passwords and tokens: how they are made, and what is stored of them."""

import asyncio
import hashlib
import secrets
from concurrent.futures import ThreadPoolExecutor
from functools import cache

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

PASSWORD_MIN = 10
PASSWORD_MAX = 200
SESSION_COOKIE = "loa_session"
TOKEN_PREFIX = "loa_"  # noqa: S105 a mark by which leaked tokens are found, not a secret

_hasher = PasswordHasher()
_workers = ThreadPoolExecutor(2)
"""Each hash takes 64 MiB and a core: more at a time would let strangers exhaust the machine."""


def new_password() -> str:
    """Return a random password that can be typed (80 bits)."""
    letters = "abcdefghjkmnpqrstuvwxyz23456789"
    return "-".join("".join(secrets.choice(letters) for _ in range(4)) for _ in range(4))


def hash_password(password: str) -> str:
    """Return the argon2id hash to store."""
    return _hasher.hash(password)


@cache
def _hash_of_nobody() -> str:
    return hash_password(secrets.token_hex())


async def hashed(password: str) -> str:
    """Return the argon2id hash to store, made beside everything else: it is slow."""
    return await asyncio.get_running_loop().run_in_executor(_workers, hash_password, password)


def is_outdated(stored: str) -> bool:
    """Whether a hash was made with other parameters than those of today."""
    try:
        return _hasher.check_needs_rehash(stored)
    except InvalidHashError:
        return False


def _matches(stored: str | None, password: str) -> bool:
    try:
        return _hasher.verify(stored or _hash_of_nobody(), password) and stored is not None
    except (VerificationError, InvalidHashError):
        return False


async def password_matches(stored: str | None, password: str) -> bool:
    """Whether the password is right. Takes as long for a user that does not exist (`stored` is None)."""
    return await asyncio.get_running_loop().run_in_executor(_workers, _matches, stored, password)


def new_token() -> str:
    """Return a random token (256 bits)."""
    return TOKEN_PREFIX + secrets.token_urlsafe(32)


def token_hash(token: str) -> str:
    """What is stored of a token. It is random enough that a plain hash is safe."""
    return hashlib.sha256(token.encode()).hexdigest()

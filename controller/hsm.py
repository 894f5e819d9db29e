"""Signing keys in a PKCS#11 token (a hardware module, or SoftHSM2): they are made there and never leave it."""

import threading
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pkcs11
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from pkcs11 import Attribute, KeyType, Mechanism, ObjectClass

from controller.errors import Unavailable
from controller.text import Text
from protocol.messages import TrustedKey
from protocol.signing import Signer, public_jwk

_EDWARDS25519 = b"\x13\x0cedwards25519"
"""The curve as PKCS#11 3.0 names it in CKA_EC_PARAMS: a PrintableString."""
_RAW_BYTES = 32


class TokenUnreachable(Unavailable):
    """The token is not attached, is locked, or refuses."""

    code = "token_unreachable"
    title = Text("The token that holds the signing key cannot be used. Tell the server's operator.")


@dataclass(frozen=True, slots=True)
class TokenKey:
    """A key that signs inside the token."""

    public: TrustedKey
    _token: "Token" = field(repr=False)

    @property
    def kid(self) -> str:
        """The thumbprint of the public half."""
        return self.public.kid

    def itself(self) -> "TokenKey":
        """Return this key."""
        return self

    def sign(self, data: bytes) -> bytes:
        """Have the token sign."""
        return self._token.sign(self.kid, data)


class Token:
    """A vault behind PKCS#11. One session, used by one thread at a time; opened anew when it was lost.

    One token a process: finding one again that was unplugged ends every session of the library.
    """

    def __init__(self, module: Path, label: str, pin: str) -> None:
        self._module = str(module)
        self._label = label
        self._pin = pin
        self._lock = threading.RLock()
        self._session: Any = None
        self._lost_sight = False
        """The token was away: the library is to look anew which there are."""

    def make(self) -> Signer:
        """Make a key that cannot be taken out."""
        with self._lock:
            session = self._opened()
            try:
                curve = session.create_domain_parameters(
                    KeyType.EC_EDWARDS, {Attribute.EC_PARAMS: _EDWARDS25519}, local=True
                )
                public, private = curve.generate_keypair(
                    mechanism=Mechanism.EC_EDWARDS_KEY_PAIR_GEN,
                    store=True,
                    private_template={Attribute.SENSITIVE: True, Attribute.EXTRACTABLE: False},
                )
                named = _jwk(public)
                for half in (public, private):
                    half[Attribute.ID] = named.kid.encode()
                    half[Attribute.LABEL] = f"loa {named.kid}"
            except pkcs11.PKCS11Error as error:
                raise self._lost(error) from error
            return TokenKey(named, self)

    def find(self, kid: str) -> Signer | None:
        """Return a key that lies in the token."""
        with self._lock:
            session = self._opened()
            try:
                query = {Attribute.CLASS: ObjectClass.PUBLIC_KEY, Attribute.ID: kid.encode()}
                found = [_jwk(public) for public in session.get_objects(query)]
            except pkcs11.PKCS11Error as error:
                raise self._lost(error) from error
        return next((TokenKey(key, self) for key in found if key.kid == kid), None)

    def destroy(self, kid: str) -> None:
        """Remove both halves of a key."""
        with self._lock:
            session = self._opened()
            try:
                for half in list(session.get_objects({Attribute.ID: kid.encode()})):
                    half.destroy()
            except pkcs11.PKCS11Error as error:
                raise self._lost(error) from error

    def sign(self, kid: str, data: bytes) -> bytes:
        """Sign with a key; once more with a new session where the old one was lost, or the token was away."""
        with self._lock:
            try:
                return self._signed(kid, data)
            except (pkcs11.PKCS11Error, TokenUnreachable):
                self._lost_sight = True
                self._forget()
            try:
                return self._signed(kid, data)
            except pkcs11.PKCS11Error as error:
                raise self._lost(error) from error

    def close(self) -> None:
        """Give the session back."""
        with self._lock:
            self._forget()

    def _signed(self, kid: str, data: bytes) -> bytes:
        query = {Attribute.CLASS: ObjectClass.PRIVATE_KEY, Attribute.ID: kid.encode()}
        private = next(iter(list(self._opened().get_objects(query))), None)
        if private is None:
            raise TokenUnreachable(Text("The token does not hold the key %(kid)s", kid=kid))
        signature: bytes = private.sign(data, mechanism=Mechanism.EDDSA)
        return signature

    def _opened(self) -> Any:
        if self._session is None:
            try:
                library = pkcs11.lib(self._module)
                if self._lost_sight:
                    library.reinitialize()
                    self._lost_sight = False
                token = library.get_token(token_label=self._label)
                try:
                    self._session = token.open(user_pin=self._pin, rw=True)
                except pkcs11.UserAlreadyLoggedIn:  # by another session of this process: the token counts them together
                    self._session = token.open(rw=True)
            except (pkcs11.PKCS11Error, RuntimeError) as error:
                raise self._lost(error) from error
        return self._session

    def _forget(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            try:
                session.close()
            except pkcs11.PKCS11Error:
                return  # it was lost already

    def _lost(self, error: Exception) -> TokenUnreachable:
        self._forget()
        why = str(error) or type(error).__name__
        return TokenUnreachable(Text("The token cannot be used: %(why)s", why=why))


def _jwk(public: Any) -> TrustedKey:
    """The point is a DER octet string of the raw key, or, with some tokens, the raw key itself."""
    return public_jwk(Ed25519PublicKey.from_public_bytes(bytes(public[Attribute.EC_POINT])[-_RAW_BYTES:]))

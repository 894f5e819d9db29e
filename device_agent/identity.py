"""Who this speaker is: its key, its certificate, and what it learnt when it was enrolled.

One file holds what belongs together, so that key and certificate change in one step. What TLS wants as files of its own
is written from it.
"""

import contextlib
import os
from datetime import datetime
from pathlib import Path
from typing import Any, Final

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from device_agent.documents import learnt
from device_agent.errors import ConfigError, IdentityRefused
from device_agent.files import sync_folder, write_durably
from protocol.enrolment import Identity, renewal_due
from protocol.signing import KeyRing

IDENTITY_FILE: Final = "identity.json"
PEM_FILE: Final = "identity.pem"
AUTHORITY_FILE: Final = "authority.pem"
NEXT_KEY_FILE: Final = "next-key.pem"


class Own(BaseModel):
    """What lies in the file."""

    model_config = ConfigDict(frozen=True)

    identity: Identity
    key: str = Field(repr=False)
    """Private, as PEM."""
    code_id: str | None = None
    """Which one-time code it came by."""

    @property
    def certificate(self) -> x509.Certificate:
        """Its own certificate."""
        return x509.load_pem_x509_certificates(self.identity.certificate.encode())[0]

    @property
    def renewal_due(self) -> datetime:
        """From when on it is to be renewed."""
        return renewal_due(self.certificate.not_valid_before_utc, self.certificate.not_valid_after_utc)

    @property
    def private(self) -> ec.EllipticCurvePrivateKey:
        """Its own key."""
        return _private(self.key.encode())


class IdentityStore:
    """The identity in a state directory."""

    def __init__(self, state_dir: Path) -> None:
        self._folder = state_dir
        self._path = state_dir / IDENTITY_FILE
        self._next_key = state_dir / NEXT_KEY_FILE
        self.pem = state_dir / PEM_FILE
        self.authority = state_dir / AUTHORITY_FILE

    def load(self) -> Own | None:
        """Read it; None where this speaker was never enrolled. Raises `ConfigError` for one that cannot be read."""
        try:
            own = Own.model_validate_json(self._path.read_bytes())
            check(own.identity, own.private.public_key())
        except FileNotFoundError:
            return None
        except OSError as error:
            raise ConfigError((f"{self._path}: {error.strerror}",)) from error
        except (ValidationError, ValueError, IdentityRefused) as error:
            raise ConfigError((f"{self._path} is damaged: enrol this speaker again",)) from error
        self._write_files(own)
        if self._next_key.exists() and self._next_key.read_text() == own.key:
            self._next_key.unlink()  # a cut came just before
        return own

    def next_key(self) -> ec.EllipticCurvePrivateKey:
        """Return the key of the identity to come; made once, and kept until there is an answer."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        with contextlib.suppress(FileNotFoundError, ValueError):
            return _private(self._next_key.read_bytes())
        key = ec.generate_private_key(ec.SECP256R1())
        self._write(self._next_key, _pem(key).encode())
        return key

    def enrol(self, identity: Identity, key: ec.EllipticCurvePrivateKey, code_id: str | None = None) -> Own:
        """Be this from now on, as a technician has vouched for it; raises as `adopt` does.

        What was learnt about keys before is forgotten first: it may have been a thief, with the recovery key of then,
        who taught it. Killed in between, it is as before until it is enrolled again.
        """
        check(identity, key.public_key())
        for path in learnt(self._folder):
            path.unlink(missing_ok=True)
        sync_folder(self._folder)
        return self.adopt(identity, key, code_id)

    def adopt(self, identity: Identity, key: ec.EllipticCurvePrivateKey, code_id: str | None = None) -> Own:
        """Be this from now on. Raises `IdentityRefused` for what does not fit, OSError when it cannot be kept."""
        check(identity, key.public_key())
        own = Own(identity=identity, key=_pem(key), code_id=code_id)
        self._write(self._path, own.model_dump_json().encode())
        self._write_files(own)
        self._next_key.unlink(missing_ok=True)
        sync_folder(self._folder)
        return own

    def _write_files(self, own: Own) -> None:
        for path, text in ((self.pem, own.identity.certificate + own.key), (self.authority, _authority(own.identity))):
            if not path.exists() or path.read_text() != text:
                self._write(path, text.encode())

    def _write(self, path: Path, content: bytes) -> None:
        write_durably(path, content)
        owner = self._folder.stat()
        if os.geteuid() == 0 and owner.st_uid != 0:
            os.chown(path, owner.st_uid, owner.st_gid)  # enrolled by an administrator, run by its own user

    def settings(self, own: Own) -> dict[str, Any]:
        """Return what the configuration need not say."""
        broker: dict[str, Any] = {"host": own.identity.broker.host, "port": own.identity.broker.port}
        if own.identity.broker.authority is not None:
            broker["tls"] = {"ca": str(self.authority), "cert": str(self.pem), "key": str(self.pem)}
        return {
            "device_id": own.identity.device_id,
            "broker": broker,
            "trusted_keys": [key.model_dump() for key in own.identity.trusted_keys],
            "content_hosts": list(own.identity.content_hosts),
        }


def check(identity: Identity, public: ec.EllipticCurvePublicKey) -> None:
    """Raise `IdentityRefused` unless the certificate is for this key and name, and by the authority that is named."""
    try:
        own = x509.load_pem_x509_certificates(identity.certificate.encode())[0]
        authority = x509.load_pem_x509_certificate(_authority(identity).encode())
        own.verify_directly_issued_by(authority)
        KeyRing(identity.trusted_keys)
    except (ValueError, TypeError, InvalidSignature) as error:
        raise IdentityRefused("its certificate or its keys are no such") from error
    names = [str(each.value) for each in own.subject.get_attributes_for_oid(x509.NameOID.COMMON_NAME)]
    if own.public_key() != public or names != [identity.device_id]:
        raise IdentityRefused("its certificate is for another speaker")
    if not any(key.role == "orders" for key in identity.trusted_keys):
        raise IdentityRefused("it names no key that signs orders")


def request_of(key: ec.EllipticCurvePrivateKey) -> str:
    """Return the certificate request for a key. It names nobody: that is the controller's part."""
    made = x509.CertificateSigningRequestBuilder().subject_name(x509.Name([])).sign(key, hashes.SHA256())
    return made.public_bytes(Encoding.PEM).decode()


def _authority(identity: Identity) -> str:
    """The one that the broker is known by; where that has none, the one that came with the certificate."""
    if identity.broker.authority is not None:
        return identity.broker.authority
    chain = x509.load_pem_x509_certificates(identity.certificate.encode())
    return chain[-1].public_bytes(Encoding.PEM).decode()


def _private(pem: bytes) -> ec.EllipticCurvePrivateKey:
    key = load_pem_private_key(pem, password=None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise TypeError("an EC key is needed")
    return key


def _pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()

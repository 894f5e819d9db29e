"""The controller's own X.509 authority: small, private, and known to nobody but its speakers and its broker.

EC P-256 throughout: what every TLS library of a small board speaks quickly.
"""

import ipaddress
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final, Self

from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from controller.errors import Invalid
from controller.keys import read_or_make
from controller.text import Text
from protocol.enrolment import PEM_MAX

DOCUMENT_SIGNING: Final = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")
CONTROLLER_NAME: Final = "loa-controller"
"""Who bears this common name may do everything on the broker: no speaker is named so, or by what begins so."""
KEY_FILE: Final = "authority-key.pem"
CERTIFICATE_FILE: Final = "authority.pem"

ROOT_SINCE: Final = datetime(2020, 1, 1, tzinfo=UTC)
ROOT_LIFETIME: Final = timedelta(days=30 * 365)
"""A root that ends takes every pole with it, so it outlives the hardware. It is replaced on purpose, not by date."""
DEVICE_LIFETIME: Final = timedelta(days=90)
SERVICE_LIFETIME: Final = timedelta(days=825)
BACKDATED: Final = timedelta(days=2)
"""A board without a clock chip wakes up in the past."""
SERVER_BACKDATED: Final = timedelta(days=365)
"""Speakers judge the broker's certificate by their own clocks, of which some stand at the day of their image."""
CRL_LIFETIME: Final = timedelta(days=3650)
"""A broker refuses everybody by a list that is out of date: what is new reaches it by writing it, not by its ageing."""


class RequestRefused(Invalid):
    """A certificate request that no certificate is made from."""

    code = "certificate_request_refused"


@dataclass(frozen=True, slots=True)
class Credentials:
    """A certificate with its key, for something that runs beside this service."""

    key: str = field(repr=False)
    certificate: str


@dataclass(frozen=True, slots=True)
class Revoked:
    """A certificate that no longer counts."""

    serial: int
    at: datetime


@dataclass(frozen=True, slots=True)
class Authority:
    """Issues certificates. All but `load` is pure apart from random serial numbers and keys."""

    key: ec.EllipticCurvePrivateKey = field(repr=False)
    root: x509.Certificate

    @classmethod
    def load(cls, folder: Path, now: datetime) -> Self:
        """Read the authority in `folder`; make what is missing. Killed in between, it goes on where it was."""
        folder.mkdir(parents=True, exist_ok=True)
        key = load_pem_private_key(read_or_make(folder / KEY_FILE, lambda: _key_pem(_new_key()).encode()), None)
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise TypeError(f"{KEY_FILE}: an EC key is needed")
        made = read_or_make(folder / CERTIFICATE_FILE, lambda: _pem(_root(key, now)).encode(), secret=False)
        root = x509.load_pem_x509_certificate(made)
        if root.public_key() != key.public_key():
            raise ValueError(f"{CERTIFICATE_FILE} does not belong to {KEY_FILE}: restore both from the same backup")
        return cls(key, root)

    @property
    def certificate(self) -> str:
        """The root, as PEM: what speakers know the broker by, and the broker the speakers."""
        return _pem(self.root)

    def issue_device(self, csr_pem: str, device_id: str, now: datetime) -> str:
        """Return a speaker's certificate (PEM) for the key of its request, whatever names stand in that.

        Raises `RequestRefused`.
        """
        if device_id.startswith(CONTROLLER_NAME):
            raise ValueError(f"{device_id}: no speaker bears the controller's name")
        public = read_request(csr_pem)
        made = self._of(device_id, public, now - BACKDATED, now + DEVICE_LIFETIME, ExtendedKeyUsageOID.CLIENT_AUTH)
        return _pem(self._sign(made))

    def issue_server(self, hosts: Sequence[str], now: datetime) -> Credentials:
        """Return a broker's key and certificate for the names and addresses by which it is reached."""
        key = _new_key()
        begins, ends = now - SERVER_BACKDATED, now + SERVICE_LIFETIME
        made = self._of("loa-broker", key.public_key(), begins, ends, ExtendedKeyUsageOID.SERVER_AUTH)
        names = x509.SubjectAlternativeName([_general_name(host) for host in hosts])
        return Credentials(_key_pem(key), _pem(self._sign(made.add_extension(names, critical=False))))

    def issue_client(self, name: str, now: datetime) -> Credentials:
        """Return this service's own key and certificate for the broker."""
        if not name.startswith(CONTROLLER_NAME):
            raise ValueError(f"{name}: a name that a speaker may bear")
        key = _new_key()
        begins, ends = now - BACKDATED, now + SERVICE_LIFETIME
        made = self._of(name, key.public_key(), begins, ends, ExtendedKeyUsageOID.CLIENT_AUTH)
        return Credentials(_key_pem(key), _pem(self._sign(made)))

    def issue_publisher(self, name: str, now: datetime) -> Credentials:
        """Return a key and certificate for signing what is published; others pin it, so it lives as long as the root.

        It opens nothing on the broker: it is for documents only (RFC 9336).
        """
        key = _new_key()
        made = self._of(name, key.public_key(), now - BACKDATED, now + ROOT_LIFETIME, DOCUMENT_SIGNING)
        return Credentials(_key_pem(key), _pem(self._sign(made)))

    def crl(self, revoked: Iterable[Revoked], now: datetime) -> str:
        """Return the signed list (PEM) of what is revoked."""
        made = (
            x509.CertificateRevocationListBuilder()
            .issuer_name(self.root.subject)
            .last_update(_whole(now - BACKDATED))
            .next_update(_whole(now + CRL_LIFETIME))
            .add_extension(x509.CRLNumber(int(now.timestamp() * 1000)), critical=False)
            .add_extension(_issued_by(self.root.public_key()), critical=False)
        )
        for serial, at in sorted({each.serial: each.at for each in revoked}.items()):
            entry = x509.RevokedCertificateBuilder().serial_number(serial).revocation_date(_whole(at)).build()
            made = made.add_revoked_certificate(entry)
        return made.sign(self.key, hashes.SHA256()).public_bytes(Encoding.PEM).decode()

    def _of(
        self, name: str, public: ec.EllipticCurvePublicKey, begins: datetime, ends: datetime, use: x509.ObjectIdentifier
    ) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(_name(name))
            .issuer_name(self.root.subject)
            .public_key(public)
            .serial_number(x509.random_serial_number())
            .not_valid_before(_whole(begins))
            .not_valid_after(min(_whole(ends), self.root.not_valid_after_utc))
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage([use]), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(_issued_by(self.root.public_key()), critical=False)
        )

    def _sign(self, made: x509.CertificateBuilder) -> x509.Certificate:
        return made.sign(self.key, hashes.SHA256())


def read_request(csr_pem: str) -> ec.EllipticCurvePublicKey:
    """Return the key that a certificate request asks for, proved by its own signature. Raises `RequestRefused`."""
    if len(csr_pem) > PEM_MAX:
        raise RequestRefused(Text("The certificate request: too long"))
    try:
        request = x509.load_pem_x509_csr(csr_pem.encode())
        public = request.public_key()
        genuine = request.is_signature_valid
    except (ValueError, TypeError, UnsupportedAlgorithm, InvalidSignature) as error:
        raise RequestRefused(Text("The certificate request: it cannot be read")) from error
    if not isinstance(public, ec.EllipticCurvePublicKey) or not isinstance(public.curve, ec.SECP256R1):
        raise RequestRefused(Text("The certificate request: its key must be an EC P-256 key"))
    if not genuine:
        raise RequestRefused(Text("The certificate request: its signature is wrong"))
    return public


def canonical(csr_pem: str) -> str:
    """Return a request that was read without whatever stands around it."""
    return x509.load_pem_x509_csr(csr_pem.encode()).public_bytes(Encoding.PEM).decode()


def _new_key() -> ec.EllipticCurvePrivateKey:
    return ec.generate_private_key(ec.SECP256R1())


def _key_pem(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode()


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(Encoding.PEM).decode()


def _root(key: ec.EllipticCurvePrivateKey, now: datetime) -> x509.Certificate:
    # The key's own mark in the name: two authorities are never taken for each other when a chain is built.
    subject_key = x509.SubjectKeyIdentifier.from_public_key(key.public_key())
    name = _name(f"Loa authority {subject_key.digest.hex()[:12]}")
    return (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(min(ROOT_SINCE, _whole(now - BACKDATED)))
        .not_valid_after(_whole(now + ROOT_LIFETIME))
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(signs_certificates=True), critical=True)
        .add_extension(subject_key, critical=False)
        .add_extension(_issued_by(key.public_key()), critical=False)
        .sign(key, hashes.SHA256())
    )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _general_name(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _issued_by(key: object) -> x509.AuthorityKeyIdentifier:
    assert isinstance(key, ec.EllipticCurvePublicKey)  # noqa: S101 the root has no other
    return x509.AuthorityKeyIdentifier.from_issuer_public_key(key)


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _whole(moment: datetime) -> datetime:
    return moment.astimezone(UTC).replace(microsecond=0)

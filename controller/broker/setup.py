"""One broker's files: which there are, what stands in them, and who may read them."""

import json
from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from enum import StrEnum
from pathlib import Path, PurePosixPath
from typing import Final, Self

from cryptography import x509
from pydantic import BaseModel, ConfigDict, Field

from controller.authority.authority import CONTROLLER_NAME, Authority, Credentials, Revoked
from controller.broker import ejabberd, mosquitto, nats
from controller.broker.access import Access
from controller.broker.files import put, read
from controller.broker.limits import Limits
from controller.broker.repository import RevokedName

SETUP_FILE: Final = "loa-broker.json"
AUTHORITY_FILE: Final = "authority.crt"
REVOKED_FILE: Final = "revoked.crl"
RENEWED_BEFORE: Final = timedelta(days=90)
PRIVATE: Final = 0o600
PUBLIC: Final = 0o644


class Kind(StrEnum):
    """A broker that can be written for."""

    MOSQUITTO = "mosquitto"
    EJABBERD = "ejabberd"
    NATS = "nats"


class Setup(BaseModel):
    """What was said when the folder was made: kept in it, so that it can be kept up to date."""

    model_config = ConfigDict(frozen=True)

    kind: Kind
    hosts: tuple[str, ...] = Field(min_length=1)
    """The names and addresses that the broker is reached by."""
    folder: PurePosixPath
    """Where the files lie on the broker's machine."""
    data: PurePosixPath
    bind: str = ""
    port: int = Field(default=8883, gt=0, le=65535)
    node: str = "loa-1"
    speakers: int = Field(default=1000, gt=0)

    @classmethod
    def of(cls, folder: Path) -> Self | None:
        """Return what a folder was made as; None: it was not."""
        said = read(folder / SETUP_FILE)
        return None if said is None else cls.model_validate_json(said)

    @property
    def limits(self) -> Limits:
        """How much this broker may be asked for."""
        return Limits(self.speakers)

    def lasting(self) -> Mapping[str, str]:
        """The files that stay as they are."""
        limits, folder = self.limits, self.folder
        match self.kind:
            case Kind.MOSQUITTO:
                text = mosquitto.config(folder=folder, data=self.data, bind=self.bind, port=self.port, limits=limits)
                return {"mosquitto.conf": text}
            case Kind.EJABBERD:
                return {"ejabberd.yml": ejabberd.config(folder=folder, bind=self.bind, port=self.port, limits=limits)}
            case Kind.NATS:
                text = nats.config(
                    folder=folder, data=self.data, bind=self.bind, port=self.port, node=self.node, limits=limits
                )
                return {"nats.conf": text}

    def access(self, access: Access) -> Mapping[str, str]:
        """The file that follows the database."""
        match self.kind:
            case Kind.MOSQUITTO:
                return {"acl": mosquitto.acl(access.rights)}
            case Kind.EJABBERD:
                return {"access.yml": ejabberd.access_file(access.rights, self.limits)}
            case Kind.NATS:
                return {"access.conf": nats.access_file(access.rights)}


def write_lasting(folder: Path, setup: Setup) -> None:
    """Write what the command decides."""
    put(folder / SETUP_FILE, json.dumps(setup.model_dump(mode="json"), indent=1) + "\n", PUBLIC)
    for name, text in setup.lasting().items():
        put(folder / name, text, PUBLIC)


def write_access(folder: Path, setup: Setup, access: Access) -> bool:
    """Write who may say what. Returns whether that is news."""
    news = False
    for name, text in setup.access(access).items():
        news |= put(folder / name, text, PUBLIC)
    return news


def write_certificates(folder: Path, setup: Setup, authority: Authority, now: datetime) -> bool:
    """Write the broker's certificate and the controller's own, where they are missing or end soon."""
    news = put(folder / AUTHORITY_FILE, authority.certificate, PUBLIC)
    if not _lasts(folder / "broker.crt", authority, now, setup.hosts):
        made = authority.issue_server(setup.hosts, now)
        _write_pair(folder, "broker", made)
        news = True
    if setup.kind is Kind.EJABBERD:
        pair = "".join(read(folder / name) or "" for name in ("broker.crt", "broker.key"))
        news |= put(folder / "broker.pem", pair, PRIVATE)
    if not _lasts(folder / "controller.crt", authority, now):
        _write_pair(folder, "controller", authority.issue_client(CONTROLLER_NAME, now))
    return news


def write_revoked(folder: Path, authority: Authority, revoked: Iterable[RevokedName], now: datetime) -> bool:
    """Write the list of what is revoked, where something was added to it. Returns whether it was."""
    path, gone = folder / REVOKED_FILE, list(revoked)
    standing = read(path)
    if standing is not None and _revokes(standing, authority) == {each.serial for each in gone}:
        return False
    return put(path, authority.crl((Revoked(each.serial, each.at) for each in gone), now), PUBLIC)


def _write_pair(folder: Path, stem: str, made: Credentials) -> None:
    # The certificate last: where it stands, its key does.
    put(folder / f"{stem}.key", made.key, PRIVATE)
    put(folder / f"{stem}.crt", made.certificate, PUBLIC)


def _revokes(crl: str, authority: Authority) -> set[int] | None:
    try:
        standing = x509.load_pem_x509_crl(crl.encode())
    except ValueError:
        return None
    public = authority.key.public_key()
    return {each.serial_number for each in standing} if standing.is_signature_valid(public) else None


def _lasts(path: Path, authority: Authority, now: datetime, hosts: Iterable[str] = ()) -> bool:
    """Whether a certificate is this authority's, names these hosts, and is good for long enough."""
    said = read(path)
    if said is None or read(path.with_suffix(".key")) is None:
        return False
    try:
        certificate = x509.load_pem_x509_certificate(said.encode())
        certificate.verify_directly_issued_by(authority.root)
        names = _names(certificate)
    except Exception:  # noqa: BLE001 whatever is wrong with it, a new one is not
        return False
    return names >= set(hosts) and certificate.not_valid_after_utc > now + RENEWED_BEFORE


def _names(certificate: x509.Certificate) -> set[str]:
    try:
        found = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except x509.ExtensionNotFound:
        return set()
    addresses = found.get_values_for_type(x509.IPAddress)
    return {*found.get_values_for_type(x509.DNSName), *(str(address) for address in addresses)}

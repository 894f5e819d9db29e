"""What identities are made of: who certifies, what speakers trust, and where they find everything."""

from dataclasses import dataclass
from datetime import datetime
from urllib.parse import urlsplit

from cryptography import x509

from controller.authority.authority import Authority
from controller.enrolment.models import Certificate
from controller.runtime import Runtime
from controller.settings import Settings
from protocol.enrolment import BrokerAddress, Identity
from protocol.messages import TrustedKey


@dataclass(frozen=True, slots=True)
class Office:
    """Makes certificates and identities; keeps nothing."""

    authority: Authority
    trusted_keys: tuple[TrustedKey, ...]
    broker: BrokerAddress
    controller: str

    def certify(self, request: str, fingerprint: str, device_id: str, now: datetime) -> Certificate:
        """Return a new certificate for a request. Raises `RequestRefused`."""
        pem = self.authority.issue_device(request, device_id, now)
        made = x509.load_pem_x509_certificate(pem.encode())
        return Certificate(
            serial=f"{made.serial_number:x}",
            device_id=device_id,
            fingerprint=fingerprint,
            pem=pem,
            issued_at=now,
            not_after=made.not_valid_after_utc,
        )

    def identity(self, certificate: Certificate) -> Identity:
        """Return all that the speaker needs to be itself."""
        return Identity(
            device_id=certificate.device_id,
            certificate=self.chain(certificate),
            broker=self.broker,
            trusted_keys=self.trusted_keys,
            content_hosts=(self.controller,),
            controller=self.controller,
        )

    def chain(self, certificate: Certificate) -> str:
        """Return a certificate with the authority's behind it."""
        return certificate.pem + self.authority.certificate


def authority_of(runtime: Runtime) -> Authority:
    """Return the service's one authority; the first to ask makes it."""
    known = runtime.parts.get(Authority)
    if known is None:
        known = runtime.parts[Authority] = Authority.load(runtime.settings.data_dir, runtime.clock())
    authority: Authority = known
    return authority


def office_of(runtime: Runtime) -> Office:
    """Return the office as the service is now."""
    authority = authority_of(runtime)
    broker = broker_address(runtime.settings, authority.certificate)
    return Office(authority, runtime.keys.signing.to_pin, broker, runtime.settings.base_url)


def broker_address(settings: Settings, authority: str) -> BrokerAddress:
    """Return where speakers find the broker."""
    if settings.speaker_broker:
        said = urlsplit(settings.speaker_broker)
        host, port, tls = said.hostname or "", said.port or 0, said.scheme == "mqtts"
    else:
        host, port = settings.broker_host, settings.broker_port
        tls = settings.broker_tls or settings.broker_dir is not None
    return BrokerAddress(host=host, port=port, authority=authority if tls else None)

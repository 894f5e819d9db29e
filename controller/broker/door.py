"""How the controller comes in at the broker, and how it shows others out."""

import os
import ssl
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Final

import aiomqtt
import structlog
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat

from controller.authority.authority import CONTROLLER_NAME, Authority
from controller.broker.setup import AUTHORITY_FILE
from controller.link.mqtt import Broker, Link, client_of
from controller.settings import Settings
from protocol import topics
from schedules.types import DeviceId

log = structlog.get_logger(__name__)

NOT_AUTHORISED: Final = (5, 135)
"""Of MQTT 3.1.1, and of MQTT 5."""


def broker_of(settings: Settings) -> Broker:
    """Return where the broker is and how to enter. Of a folder that `loa broker-config` made everything is known."""
    folder, password = settings.broker_dir, settings.broker_password
    authority, certificate, key = settings.broker_ca_file, settings.broker_cert_file, settings.broker_key_file
    if folder is not None:
        authority = authority or folder / AUTHORITY_FILE
        certificate, key = certificate or folder / "controller.crt", key or folder / "controller.key"
    secured = settings.broker_tls or certificate is not None
    return Broker(
        host=settings.broker_host,
        port=settings.broker_port,
        username=settings.broker_user or (CONTROLLER_NAME if certificate else None),
        password=password.get_secret_value() if password else None,
        client_id=CONTROLLER_NAME,
        mqtt_version=settings.mqtt_version,
        tls=(lambda: tls_context(authority, certificate, key)) if secured else None,
    )


def tls_context(authority: Path | None, certificate: Path | None, key: Path | None) -> ssl.SSLContext:
    """Return a context that trusts this authority only (None: the system's) and shows this certificate."""
    context = ssl.create_default_context(cafile=str(authority) if authority else None)
    if certificate is not None:
        context.load_cert_chain(certificate, key)
    return context


class BrokerDoor:
    """The broker, as the keeper needs it."""

    def __init__(self, link: Link, broker: Broker, *, authority: Authority, now: Callable[[], datetime]) -> None:
        self._link = link
        self._broker = broker
        self._authority = authority
        self._now = now

    async def echoes(self, topic: str) -> bool:
        """Whether what we say on this topic comes back to us."""
        return await self._link.echoes(topic)

    async def show_out(self, device_id: str) -> bool:
        """Take over a session by its own name, with a certificate made for this moment, and end it.

        That is MQTT's own way (a second client of the same id ends the first), so every broker has it. The key never
        leaves this process.
        """
        tls = None if self._broker.tls is None else lambda: self._as(device_id)
        own = replace(
            self._broker, client_id=topics.client_id(DeviceId(device_id)), username=device_id, password=None, tls=tls
        )
        try:
            async with client_of(own):
                return True
        except aiomqtt.MqttCodeError as refusal:
            # A broker that does not let the name in has no session of it, or ended it when it read its list.
            return getattr(refusal.rc, "value", refusal.rc) in NOT_AUTHORISED
        except (aiomqtt.MqttError, OSError) as error:
            log.warning("broker.not_shown_out", device=device_id, reason=str(error))
            return False

    def _as(self, device_id: str) -> ssl.SSLContext:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, device_id)])
        request = x509.CertificateSigningRequestBuilder().subject_name(name).sign(key, hashes.SHA256())
        certificate = self._authority.issue_device(request.public_bytes(Encoding.PEM).decode(), device_id, self._now())
        context = ssl.create_default_context(cadata=self._authority.certificate)
        in_memory = os.memfd_create("loa-show-out", os.MFD_CLOEXEC)
        try:
            os.write(in_memory, key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
            os.write(in_memory, certificate.encode())
            context.load_cert_chain(f"/proc/self/fd/{in_memory}")
        finally:
            os.close(in_memory)
        return context

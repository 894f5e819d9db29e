"""Mosquitto 2: the default for one machine. Pure: text out."""

from collections.abc import Iterable
from pathlib import PurePosixPath

from controller.broker.access import Rights
from controller.broker.limits import Limits

HEAD = "# Written by Loa from its database, and written again whenever that changes. Edits are lost.\n"


def acl(rights: Iterable[Rights]) -> str:
    """Return the static ACL file. A name that is not in it may do nothing."""
    return HEAD + "".join(_user(each) for each in rights)


def _user(rights: Rights) -> str:
    both = [topic for topic in rights.reads if topic in rights.writes]
    lines = [
        f"user {rights.name}",
        *(f"topic readwrite {topic}" for topic in both),
        *(f"topic read {topic}" for topic in rights.reads if topic not in both),
        *(f"topic write {topic}" for topic in rights.writes if topic not in both),
    ]
    return "\n" + "\n".join(lines) + "\n"


def config(*, folder: PurePosixPath, data: PurePosixPath, bind: str, port: int, limits: Limits) -> str:
    """Return `mosquitto.conf`. `folder` is where these files lie on the broker's machine, `data` where its own do."""
    address = f" {bind}" if bind else ""
    return f"""\
# Mosquitto 2 for one controller and its speakers, written by `loa broker-config mosquitto`.
per_listener_settings false

listener {port}{address}
cafile {folder}/authority.crt
certfile {folder}/broker.crt
keyfile {folder}/broker.key
crlfile {folder}/revoked.crl
tls_version tlsv1.2
# Who one is, is what one's certificate says. The same name is the client id, too, so that nobody can throw another out.
require_certificate true
use_identity_as_username true
use_username_as_clientid true
max_connections {limits.connections}

allow_anonymous false
allow_zero_length_clientid false
# The static file, not the dynamic-security plugin: that one does not know identities from certificates.
acl_file {folder}/acl
# What somebody retained who has lost the right to is not delivered any more.
check_retain_source true

max_packet_size {limits.packet_bytes}
max_inflight_messages {limits.inflight}
max_queued_messages {limits.queued_messages}
max_queued_bytes {limits.queued_bytes}
max_keepalive 120
persistent_client_expiration {limits.session_days}d
set_tcp_nodelay true

# By default what was retained in the last half hour is lost to a kill.
persistence true
persistence_location {data}/
persistence_file loa.db
autosave_on_changes false
autosave_interval {limits.save_every_s}

log_type error
log_type warning
log_type notice
connection_messages true
"""

"""nats-server 2 (MQTT 3.1.1, clustered): pure, text out. JSON is what its configuration is written in, too."""

import json
from collections.abc import Iterable, Sequence
from pathlib import PurePosixPath
from typing import Final

from controller.broker.access import Rights
from controller.broker.limits import Limits
from controller.broker.mosquitto import HEAD

_INTERNAL: Final = "$MQTT.sub.>"
"""Where the server itself keeps what it delivers with QoS 1; no MQTT client can name it."""


def access_file(rights: Iterable[Rights]) -> str:
    """Return the file with everybody's permissions. A certificate whose name is not in it does not come in."""
    users = [
        {
            "user": f"CN={each.name}",
            "permissions": {
                "subscribe": {"allow": [*subjects(each.reads), _INTERNAL]},
                "publish": {"allow": list(subjects(each.writes))} if each.writes else {"deny": [">"]},
            },
        }
        for each in rights
    ]
    return HEAD + f"users: {json.dumps(users, indent=1)}\n"


def subjects(filters: Sequence[str]) -> Sequence[str]:
    """Return topic filters as NATS knows them: `#` also means the level above it, a dot in a name is two slashes."""
    found: list[str] = []
    for each in filters:
        subject = each.replace("/", "\0").replace(".", "//").replace("\0", ".").replace("+", "*")
        if subject.endswith(".#"):
            found += [subject.removesuffix(".#"), subject.removesuffix("#") + ">"]
        else:
            found.append(subject)
    return found


def config(*, folder: PurePosixPath, data: PurePosixPath, bind: str, port: int, node: str, limits: Limits) -> str:
    """Return `nats.conf` of one node; what is said to a cluster's other nodes is added where there are any."""
    tls = f"""tls {{
    cert_file: "{folder}/broker.crt"
    key_file: "{folder}/broker.key"
    ca_file: "{folder}/authority.crt"
    verify_and_map: true
    min_version: "1.2"
  }}"""
    return f"""\
# nats-server 2 for one controller and its speakers, written by `loa broker-config nats`.
server_name: "{node}"
# NATS has a protocol of its own, which nobody here speaks: on this machine only, on any port, by certificate.
host: "127.0.0.1"
port: -1
{tls}

max_payload: {limits.packet_bytes}
max_connections: {limits.connections}
max_pending: {limits.queued_bytes}

jetstream {{ store_dir: "{data}", max_file: 4G, max_mem: 256M, sync_interval: "{limits.save_every_s}s" }}

mqtt {{
  host: "{bind or "::"}"
  port: {port}
  {tls}
  ack_wait: "30s"
  max_ack_pending: {limits.inflight}
}}

authorization {{
  include "./access.conf"
}}

# Three nodes and more, each with its own server_name and address, and a password of your own:
# cluster {{
#   name: loa
#   host: 10.0.0.1
#   port: 6222
#   tls {{
#     cert_file: "{folder}/broker.crt"
#     key_file: "{folder}/broker.key"
#     ca_file: "{folder}/authority.crt"
#     verify: true
#   }}
#   routes: ["nats-route://10.0.0.2:6222", "nats-route://10.0.0.3:6222"]
# }}
"""

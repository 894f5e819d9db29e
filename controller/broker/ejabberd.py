"""ejabberd 23 (MQTT 5, clustered). Pure: text out. JSON is YAML, so JSON it is."""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping
from pathlib import PurePosixPath
from typing import Final

from controller.broker.access import Rights
from controller.broker.limits import Limits
from controller.broker.mosquitto import HEAD

HOST: Final = "loa"
"""The virtual host, not a machine's name: a client `tan-yen-1` is `tan-yen-1@loa` inside."""


def access_file(rights: Iterable[Rights], limits: Limits) -> str:
    """Return who may use which topic; a topic that is not in it is closed to everybody."""
    every = list(rights)
    reads = _who((topic, each.name) for each in every for topic in each.reads)
    writes = _who((topic, each.name) for each in every for topic in each.writes)
    sets = {names: f"names-{place}" for place, names in enumerate(dict.fromkeys((*reads.values(), *writes.values())))}
    mqtt = {
        "db_type": "mnesia",
        "max_queue": limits.queued_messages,
        "session_expiry": f"{limits.session_days} days",
        "match_retained_limit": limits.queued_messages,
        "max_topic_depth": 8,
        "access_subscribe": {topic: [{"allow": sets[names]}] for topic, names in reads.items()},
        "access_publish": {topic: [{"allow": sets[names]}] for topic, names in writes.items()},
    }
    body = {
        "acl": {label: {"user": [f"{name}@{HOST}" for name in sorted(names)]} for names, label in sets.items()},
        "modules": {"mod_mqtt": mqtt},
    }
    return HEAD + json.dumps(body, indent=1) + "\n"


def _who(allowed: Iterable[tuple[str, str]]) -> Mapping[str, frozenset[str]]:
    """Return who may use each topic. What everybody may below their own name is one topic, with `%u` in it."""
    found: dict[str, set[str]] = defaultdict(set)
    for topic, name in allowed:
        found[topic.replace(f"/devices/{name}/", "/devices/%u/")].add(name)
    return {topic: frozenset(names) for topic, names in sorted(found.items())}


def config(*, folder: PurePosixPath, bind: str, port: int, limits: Limits) -> str:
    """Return `ejabberd.yml`."""
    return f"""\
# ejabberd 23 for one controller and its speakers, written by `loa broker-config ejabberd`.
hosts: ["{HOST}"]
loglevel: warning
log_rotate_count: 0
# Nobody has a password: a certificate, and the name in it, is the only way in.
auth_method: [internal]
certfiles: ["{folder}/broker.pem"]
c2s_cafile: "{folder}/authority.crt"
include_config_file: "{folder}/access.yml"
listen:
  - port: {port}
    ip: "{bind or "::"}"
    module: mod_mqtt
    tls: true
    tls_verify: true
    max_payload_size: {limits.packet_bytes}
    max_fsm_queue: {limits.queued_messages}
    backlog: 1024
"""

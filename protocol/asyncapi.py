"""The wire's contract as an AsyncAPI 3.0 document, made from the models so that it cannot drift from them.

`python -m protocol.asyncapi > docs/asyncapi.json` writes it anew; a test compares.
"""

import json
import sys
from dataclasses import dataclass

from pydantic.json_schema import models_json_schema

from protocol import messages as m
from protocol.topics import DELIVERY, INLINE_PLAN_MAX_BYTES, PULSE, ROOT, Channel


@dataclass(frozen=True, slots=True)
class _Topic:
    """A place in the topic tree and what may stand there."""

    address: str
    channel: Channel
    messages: tuple[type[m.Message], ...]
    purpose: str


_DEVICE = f"{ROOT}/devices/{{device}}"
_TOPICS: dict[str, _Topic] = {
    "plan": _Topic(f"{_DEVICE}/plan", Channel.PLAN, (m.Plan, m.PlanManifest), "What one speaker will play."),
    "config": _Topic(f"{_DEVICE}/config", Channel.CONFIG, (m.Config,), "A speaker's place, hours, volume and keys."),
    "command": _Topic(f"{_DEVICE}/command", Channel.COMMAND, (m.Command,), "A one-off order."),
    "reply": _Topic(f"{_DEVICE}/reply", Channel.REPLY, (m.Reply,), "What became of a command."),
    "status": _Topic(f"{_DEVICE}/status", Channel.STATUS, (m.Status,), "Birth, and death through the will."),
    "state": _Topic(f"{_DEVICE}/state", Channel.STATE, (m.DeviceState,), "How a speaker is."),
    "records": _Topic(f"{_DEVICE}/records", Channel.RECORDS, (m.Records,), "What a speaker played."),
    "recordsAck": _Topic(
        f"{_DEVICE}/records/ack", Channel.RECORDS_ACK, (m.RecordsAck,), "What the controller has stored."
    ),
    "clock": _Topic(f"{_DEVICE}/clock", Channel.CLOCK, (m.ClockRequest,), "A speaker asks for the time."),
    "clockReply": _Topic(f"{_DEVICE}/clock/reply", Channel.CLOCK_REPLY, (m.ClockReply,), "The answer."),
    "areaAlerts": _Topic(f"{ROOT}/areas/{{target}}/alerts", Channel.ALERTS, (m.AlertSet,), "Active alerts of an area."),
    "groupAlerts": _Topic(
        f"{ROOT}/groups/{{target}}/alerts", Channel.ALERTS, (m.AlertSet,), "Active alerts of a group of speakers."
    ),
    "deviceAlerts": _Topic(
        f"{_DEVICE}/alerts", Channel.ALERTS, (m.AlertSet,), "Active alerts of one of a handful of speakers."
    ),
    "alertReport": _Topic(
        f"{_DEVICE}/alerts/report", Channel.ALERT_REPORT, (m.AlertReport,), "How alerts stand on a speaker."
    ),
    "areaLive": _Topic(
        f"{ROOT}/areas/{{target}}/live", Channel.LIVE, (m.LiveSession,), "Who speaks live, and signed frames (binary)."
    ),
    "groupLive": _Topic(f"{ROOT}/groups/{{target}}/live", Channel.LIVE, (m.LiveSession,), "As for an area."),
    "deviceLive": _Topic(f"{_DEVICE}/live", Channel.LIVE, (m.LiveSession,), "As for an area."),
    "areaAudio": _Topic(f"{ROOT}/areas/{{target}}/audio", Channel.AUDIO, (), "A small alert sound (Ogg Opus, binary)."),
    "groupAudio": _Topic(f"{ROOT}/groups/{{target}}/audio", Channel.AUDIO, (), "As for an area."),
    "deviceAudio": _Topic(f"{_DEVICE}/audio", Channel.AUDIO, (), "As for an area."),
    "pulse": _Topic(PULSE, Channel.PULSE, (m.Pulse,), "The controller's heartbeat."),
}
_PARAMETERS = {
    "device": "The speaker's id, as in its certificate.",
    "target": "An area code, or a group id.",
}


def _message(model: type[m.Message]) -> dict[str, object]:
    body = {"$ref": f"#/components/schemas/{model.__name__}"}
    if not issubclass(model, m.Order):
        return {"contentType": "application/json", "summary": _summary(model), "payload": body}
    return {
        "contentType": "application/jwt",
        "summary": _summary(model),
        "headers": {"type": "object", "properties": {"typ": {"const": model.typ}, "alg": {"const": "EdDSA"}}},
        "payload": {
            "type": "object",
            "description": "Claims of the signed token (JWS compact).",
            "required": ["aud", "iat", "exp", "jti", "v", "body"],
            "properties": {
                "aud": {"type": "string", "description": "Device id, area code, group id, or `all`."},
                "iat": {"type": "integer"},
                "exp": {"type": "integer"},
                "jti": {"type": "string"},
                "v": {"const": m.VERSION},
                "body": body,
            },
        },
    }


def _summary(model: type[m.Message]) -> str:
    return (model.__doc__ or model.__name__).strip().splitlines()[0]


def _channel(topic: _Topic) -> dict[str, object]:
    delivery = DELIVERY[topic.channel]
    names = [name for name in _PARAMETERS if f"{{{name}}}" in topic.address]
    return {
        "address": topic.address,
        "description": topic.purpose,
        **({"parameters": {name: {"description": _PARAMETERS[name]} for name in names}} if names else {}),
        "messages": {model.__name__: {"$ref": f"#/components/messages/{model.__name__}"} for model in topic.messages}
        or {"binary": {"contentType": "application/octet-stream"}},
        "x-max-bytes": delivery.max_bytes,
    }


def _operation(name: str, topic: _Topic) -> dict[str, object]:
    delivery = DELIVERY[topic.channel]
    return {
        "action": "send" if delivery.to_device else "receive",
        "channel": {"$ref": f"#/channels/{name}"},
        "summary": topic.purpose,
        "bindings": {"mqtt": {"qos": delivery.qos, "retain": delivery.retained}},
    }


def _plain(node: object) -> object:
    """AsyncAPI knows the discriminator by its property's name alone, OpenAPI as an object."""
    if isinstance(node, dict):
        return {
            key: value["propertyName"] if key == "discriminator" and isinstance(value, dict) else _plain(value)
            for key, value in node.items()
        }
    return [_plain(value) for value in node] if isinstance(node, list) else node


def document() -> dict[str, object]:
    """Return the whole AsyncAPI document, from the controller's point of view."""
    models = [*m.ORDERS, *m.REPORTS]
    _, schemas = models_json_schema(
        [(model, "validation") for model in models], ref_template="#/components/schemas/{model}"
    )
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Loa: controller and speakers",
            "version": str(m.VERSION),
            "license": {"name": "AGPL-3.0-or-later"},
            "description": "Orders go down as JWTs signed with EdDSA; reports come up as JSON, bound to the speaker by"
            f" its certificate. A plan above {INLINE_PLAN_MAX_BYTES} bytes travels as a manifest."
            " Unknown fields are ignored; unknown versions are refused.",
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(topic) for name, topic in _TOPICS.items()},
        "operations": {
            ("send" if DELIVERY[topic.channel].to_device else "receive") + name[0].upper() + name[1:]: _operation(
                name, topic
            )
            for name, topic in _TOPICS.items()
        },
        "components": {
            "messages": {model.__name__: _message(model) for model in models},
            "schemas": _plain(schemas["$defs"]),
        },
    }


def text() -> str:
    """Return the document as it stands in `docs/asyncapi.json`."""
    return json.dumps(document(), indent=2, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(text())

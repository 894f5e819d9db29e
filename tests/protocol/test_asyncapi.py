"""The published contract is the one the code speaks."""

import json
from pathlib import Path

from protocol import asyncapi
from protocol.messages import ORDERS, REPORTS, Message
from protocol.topics import Channel

DOCUMENT = Path(__file__).parents[2] / "docs" / "asyncapi.json"


def test_the_contract_in_docs_is_up_to_date():
    assert DOCUMENT.read_text(encoding="utf-8") == asyncapi.text(), (
        "run: .venv/bin/python -m protocol.asyncapi > docs/asyncapi.json"
    )


def test_every_message_and_channel_stands_in_the_contract():
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))
    models: list[type[Message]] = [*ORDERS, *REPORTS]
    assert set(document["components"]["messages"]) == {model.__name__ for model in models}
    addresses = [channel["address"] for channel in document["channels"].values()]
    assert all(any(channel.value in address for address in addresses) for channel in Channel)


def test_every_reference_leads_somewhere():
    document = json.loads(DOCUMENT.read_text(encoding="utf-8"))

    def references(node: object) -> list[str]:
        if isinstance(node, dict):
            return [v for k, v in node.items() if k == "$ref"] + [r for v in node.values() for r in references(v)]
        return [r for v in node for r in references(v)] if isinstance(node, list) else []

    for reference in references(document):
        target = document
        for step in reference.removeprefix("#/").split("/"):
            assert step in target, reference
            target = target[step]

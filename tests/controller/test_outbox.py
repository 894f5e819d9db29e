"""What must stand on the broker: said until it stands there, and said again to a broker that forgot it."""

from controller.link.models import RetainedDocument
from controller.link.outbox import DatabaseOutbox
from protocol import topics
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.controller import House

TOPICS = [topics.device(DeviceId(f"07339-{number}"), Channel.CONFIG) for number in (1, 2)]


async def standing(house: House) -> DatabaseOutbox:
    """Two documents that no broker has."""
    await house.commune("07339", speakers=2)
    async with house.database.transaction() as session:
        session.add_all(
            RetainedDocument(
                topic=topic, payload=b"one", content_hash="", version=1, issued_at=house.clock.now, expires_at=None
            )
            for topic in TOPICS
        )
    return DatabaseOutbox(house.database, key=house.runtime.keys.signing, now=lambda: house.clock.now)


async def test_what_the_broker_took_waits_no_more_and_is_still_said_to_one_that_forgot_it(house: House) -> None:
    outbox = await standing(house)
    waiting = await outbox.waiting(50)
    assert [each.topic for each in waiting] == TOPICS
    await outbox.published(waiting)
    assert await outbox.waiting(50) == []
    again = await outbox.everything(None, 50)
    assert [(each.topic, each.payload, each.receipt) for each in again] == [(topic, b"one", None) for topic in TOPICS]


async def test_what_changed_while_it_was_said_waits_again(house: House) -> None:
    outbox = await standing(house)
    waiting = await outbox.waiting(50)
    async with house.database.transaction() as session:
        changed = await session.get_one(RetainedDocument, TOPICS[1])
        changed.payload, changed.version = b"two", 2
    await outbox.published(waiting)
    assert [(each.topic, each.payload) for each in await outbox.waiting(50)] == [(TOPICS[1], b"two")]

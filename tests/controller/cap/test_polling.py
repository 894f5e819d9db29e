import ipaddress
from collections.abc import AsyncIterator
from datetime import timedelta

import pytest

from controller.cap import polling
from controller.cap.errors import NotCap, Unreadable
from controller.cap.fetching import Fetcher
from controller.cap.polling import PERIOD, PERIOD_MAX, FeedState, Look, entries, failed, look
from controller.cap.publishing import FeedEntry, atom
from controller.cap.reading import read
from controller.cap.signature import signed_part
from tests.support.cap import NOON, cap, certificate, key, signed
from tests.support.feeds import Answer, WebServer

ATOM_TYPE = "application/cap+xml"


@pytest.fixture
async def server() -> AsyncIterator[WebServer]:
    async with WebServer().running() as server:
        yield server


@pytest.fixture
async def fetcher() -> AsyncIterator[Fetcher]:
    fetcher = Fetcher(own_networks=[ipaddress.ip_network("127.0.0.1/32")])
    yield fetcher
    await fetcher.aclose()


def entry(name: str, *, updated: str = "2026-11-23T05:00:00Z", inside: str | None = None) -> str:
    link = f'<link type="{ATOM_TYPE}" href="/messages/{name}.xml"/>' if inside is None else inside
    return f"<entry><id>{name}</id><updated>{updated}</updated>{link}</entry>"


def feed(*inside: str) -> bytes:
    return f'<feed xmlns="http://www.w3.org/2005/Atom">{"".join(inside)}</feed>'.encode()


def rss(*items: str) -> bytes:
    return f'<rss version="2.0"><channel><title>t</title>{"".join(items)}</channel></rss>'.encode()


def offer(server: WebServer, *names: str, etag: str = '"1"') -> None:
    """A feed of these messages, the newest first."""
    server.answers["/feed"] = Answer(feed(*map(entry, names)), headers={"ETag": etag})
    for name in names:
        server.answers.setdefault(f"/messages/{name}.xml", Answer(cap(identifier=name)))


async def looked(server: WebServer, fetcher: Fetcher, state: FeedState | None = None) -> Look:
    return await look(fetcher, server.url("/feed"), state or FeedState(), now=NOON)


def brought(found: Look) -> list[str]:
    return [read(arrival.data).identifier for arrival in found.arrivals]


async def test_what_is_in_a_feed_arrives_the_oldest_first(server: WebServer, fetcher: Fetcher):
    offer(server, "new", "old")
    found = await looked(server, fetcher)
    assert brought(found) == ["old", "new"]
    assert found.state.next_at == NOON + PERIOD


async def test_what_has_arrived_is_not_fetched_again(server: WebServer, fetcher: Fetcher):
    offer(server, "a")
    first = await looked(server, fetcher)
    offer(server, "b", "a", etag='"2"')
    second = await looked(server, fetcher, first.state)
    assert brought(second) == ["b"]
    assert server.targets.count("/messages/a.xml") == 1


async def test_a_feed_that_has_not_changed_is_not_sent_again(server: WebServer, fetcher: Fetcher):
    offer(server, "a")
    first = await looked(server, fetcher)
    second = await looked(server, fetcher, first.state)
    assert (second.arrivals, second.problem) == ((), None)
    assert second.state.handled == first.state.handled
    assert server.asked[-1].headers["if-none-match"] == '"1"'


async def test_an_entry_that_was_changed_is_new(server: WebServer, fetcher: Fetcher):
    offer(server, "a")
    first = await looked(server, fetcher)
    server.answers["/feed"] = Answer(feed(entry("a", updated="2026-11-23T06:00:00Z")))
    assert brought(await looked(server, fetcher, first.state)) == ["a"]


async def test_what_could_not_be_had_is_tried_again_though_the_feed_is_the_same(server: WebServer, fetcher: Fetcher):
    offer(server, "b", "a")
    server.answers["/messages/a.xml"] = Answer(status=503)
    first = await looked(server, fetcher)
    assert brought(first) == ["b"]
    server.answers["/messages/a.xml"] = Answer(cap(identifier="a"))
    assert brought(await looked(server, fetcher, first.state)) == ["a"]


async def test_what_is_not_there_is_not_asked_for_again(server: WebServer, fetcher: Fetcher):
    offer(server, "a")
    server.answers["/messages/a.xml"] = Answer(status=404)
    first = await looked(server, fetcher)
    await looked(server, fetcher, first.state)
    assert server.targets.count("/messages/a.xml") == 1


async def test_of_a_long_feed_the_newest_come_first_and_the_rest_later(
    server: WebServer, fetcher: Fetcher, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(polling, "MESSAGES_AT_A_TIME", 2)
    offer(server, "c", "b", "a")
    first = await looked(server, fetcher)
    assert brought(first) == ["b", "c"]
    assert brought(await looked(server, fetcher, first.state)) == ["a"]


async def test_what_has_left_the_feed_is_forgotten(server: WebServer, fetcher: Fetcher):
    offer(server, "b", "a")
    first = await looked(server, fetcher)
    offer(server, "b", etag='"2"')
    assert len((await looked(server, fetcher, first.state)).state.handled) == 1


async def test_an_entry_does_not_lead_into_our_own_network(server: WebServer, fetcher: Fetcher):
    server.answers["/feed"] = Answer(feed(entry("a", inside='<link href="http://169.254.169.254/"/>')))
    found = await looked(server, fetcher)
    assert (found.arrivals, len(found.state.handled)) == ((), 1)


@pytest.mark.parametrize(
    ("answer", "problem"),
    [
        (Answer(status=500), "away"),
        (Answer(status=404), "refused"),
        (Answer(b"<html><br></html>"), "cap_unreadable"),
        (Answer(b"<!DOCTYPE x><feed/>"), "cap_unreadable"),
    ],
)
async def test_a_feed_that_fails_keeps_what_was_known_and_says_why(
    server: WebServer, fetcher: Fetcher, answer: Answer, problem: str
):
    server.answers["/feed"] = answer
    known = FeedState(etag='"0"', handled=frozenset({"x"}))
    found = await looked(server, fetcher, known)
    assert found.problem == problem
    assert (found.state.etag, found.state.handled, found.state.failures) == ('"0"', frozenset({"x"}), 1)


async def test_a_server_that_asks_for_patience_gets_it(server: WebServer, fetcher: Fetcher):
    server.answers["/feed"] = Answer(status=503, headers={"Retry-After": "300"})
    assert (await looked(server, fetcher)).state.next_at == NOON + timedelta(seconds=300)


def test_it_is_asked_less_and_less_but_never_given_up():
    state, pauses = FeedState(), []
    for _ in range(30):
        state = failed(state, NOON)
        pauses.append(state.next_at - NOON)
    assert pauses[:3] == [PERIOD, PERIOD * 2, PERIOD * 4]
    assert pauses == sorted(pauses)
    assert pauses[-1] == PERIOD_MAX
    assert failed(FeedState(), NOON, retry_after_s=10**9).next_at == NOON + PERIOD_MAX


def test_rss_is_read_too():
    data = rss(
        "<item><guid>1</guid><link>http://a.vn/page.html</link>"
        f'<enclosure url="http://a.vn/1.xml" type="{ATOM_TYPE}" length="1"/></item>',
        "<item><guid>2</guid><link>2.xml</link></item>",
        "<item><title>no link</title></item>",
    )
    assert [each.url for each in entries(data, "http://a.vn/rss/")] == [
        "http://a.vn/1.xml",
        "http://a.vn/rss/2.xml",
        None,
    ]


def test_a_message_inside_the_feed_is_taken_from_there():
    alert = cap(before="").decode()
    inside = f'<content type="{ATOM_TYPE}">{alert}</content>'
    (found,) = entries(feed(entry("a", inside=inside)), "http://a.vn/")
    assert found.inline is not None
    assert read(found.inline) == read(cap())


def test_a_signature_survives_within_a_feed():
    alert = signed(cap()).decode().split("?>", 1)[1]
    (found,) = entries(feed(entry("a", inside=f"<content>{alert}</content>")), "http://a.vn/")
    assert found.inline is not None
    assert read(signed_part(found.inline, [certificate(key())], now=NOON)) == read(cap())


def test_an_address_may_hold_one_message_instead_of_a_feed():
    (found,) = entries(cap(), "http://a.vn/")
    assert found.inline == cap()


@pytest.mark.parametrize("data", [b"", b"x", b"\x00", b"<rss>"])
def test_what_is_no_feed_is_refused(data: bytes):
    with pytest.raises((Unreadable, NotCap)):
        entries(data, "http://a.vn/")


async def test_our_own_feed_is_one_that_we_can_read(server: WebServer, fetcher: Fetcher):
    message = read(cap(identifier="own"))
    url = server.url("/messages/own.xml")
    server.answers["/messages/own.xml"] = Answer(cap(identifier="own"))
    server.answers["/feed"] = Answer(
        atom([FeedEntry(message, url)], url=server.url("/feed"), title="Loa", updated=NOON)
    )
    found = await looked(server, fetcher)
    assert [arrival.url for arrival in found.arrivals] == [url]
    assert brought(found) == ["own"]

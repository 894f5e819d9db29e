"""Feeds of CAP messages, Atom and RSS: what is new in them, and when to look again.

What was found is handed over before it counts as handled: the caller keeps the state in the transaction in which it
takes the messages, and whoever is killed in between finds them again.
"""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Final
from urllib.parse import urljoin

import structlog
from lxml import etree

from controller.cap.errors import CapRefused
from controller.cap.fetching import Away, Fetched, Fetcher, FetchFailed
from controller.cap.loading import BYTES_MAX, Element, load
from controller.cap.publishing import ATOM, CAP_TYPE
from controller.cap.reading import CAP, CAP_1_1

log = structlog.get_logger(__name__)

FEED_BYTES_MAX: Final = 4 * 1024 * 1024
FEED_ELEMENTS_MAX: Final = 200_000
FEED_ENTRIES_MAX: Final = 2_000
INTERVAL_S: Final = 60
"""From one look to the next, unless a feed says otherwise."""
PERIOD: Final = timedelta(seconds=INTERVAL_S)
PERIOD_MAX: Final = timedelta(minutes=15)
"""However long it has been failing: a centre that is back after a storm has something to say."""
MESSAGES_AT_A_TIME: Final = 50
"""The newest first: a feed of thousands, seen for the first time, must not hide what is urgent."""
FETCHES_AT_ONCE: Final = 5
_NAME_MAX: Final = 1000
_VALIDATOR_MAX: Final = 500
_ALERTS: Final = (f"{{{CAP}}}alert", f"{{{CAP_1_1}}}alert")
_CHANGED: Final = ("updated", "published", "pubDate")


@dataclass(frozen=True, slots=True)
class FeedState:
    """What is remembered of a feed from one look to the next."""

    etag: str | None = None
    last_modified: str | None = None
    """The validators of the last answer of which all was handled."""
    handled: frozenset[str] = frozenset()
    """Entries that are in the feed and need no second look."""
    failures: int = 0
    """In a row."""
    next_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Entry:
    """Something in a feed."""

    name: str
    """Changes when the entry does."""
    url: str | None
    inline: bytes | None
    """The message itself, where the feed holds it."""


@dataclass(frozen=True, slots=True)
class Arrival:
    """A message from a feed, unread."""

    url: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Look:
    """What one look at a feed brought."""

    state: FeedState
    arrivals: tuple[Arrival, ...] = ()
    """The oldest first, where the feed has the newest first, as feeds do."""
    problem: str | None = None
    """The stable code of what went wrong with the feed itself."""


def entries(data: bytes, base_url: str) -> tuple[Entry, ...]:
    """What is in an Atom or RSS feed, or in a lone CAP message in its place; raises `CapRefused`."""
    root = load(data, bytes_max=FEED_BYTES_MAX, elements_max=FEED_ELEMENTS_MAX)
    if root.tag in _ALERTS:
        return (Entry(_lone_name(root), None, data),)
    found = [*root.iter(f"{{{ATOM}}}entry"), *root.iter("item", "{http://purl.org/rss/1.0/}item")]
    return tuple(_entry(each, base_url) for each in found[:FEED_ENTRIES_MAX])


def _entry(entry: Element, base_url: str) -> Entry:
    inline = next(entry.iter(*_ALERTS), None)
    link = _link(entry)
    url = urljoin(base_url, link) if link else None
    told = [_text(entry, tag) for tag in ("id", "guid", *_CHANGED)]
    return Entry(
        " ".join([*told, url or ""])[:1000],
        url,
        etree.tostring(inline, with_tail=False) if inline is not None else None,
    )


def _link(entry: Element) -> str:
    """The address of the message: what says that it is CAP, or else the entry's own link."""
    links = [each for each in entry if etree.QName(each).localname in {"link", "enclosure"}]
    exact = [each for each in links if each.get("type", "").split(";")[0].strip().lower() == CAP_TYPE]
    plain = [each for each in links if each.get("rel", "alternate") == "alternate"]
    best = next(iter([*exact, *plain]), None)
    return "" if best is None else (best.get("href") or best.get("url") or best.text or "").strip()


def _lone_name(root: Element) -> str:
    return " ".join(root.findtext(f"{{*}}{tag}", "").strip() for tag in ("sender", "identifier", "sent"))[:_NAME_MAX]


def _text(entry: Element, tag: str) -> str:
    return next((each.text or "" for each in entry if etree.QName(each).localname == tag), "").strip()


async def look(fetcher: Fetcher, url: str, state: FeedState, *, now: datetime, period: timedelta = PERIOD) -> Look:
    """Look at a feed once; again after `period` while all is well."""
    try:
        answer = await fetcher.get(url, bytes_max=FEED_BYTES_MAX, etag=state.etag, last_modified=state.last_modified)
        if answer.body is None:
            return Look(succeeded(state, now, period))
        found = entries(answer.body, answer.url)
    except (FetchFailed, CapRefused) as error:
        log.info("cap.feed_failed", code=error.code, failures=state.failures + 1)
        retry_after_s = error.retry_after_s if isinstance(error, Away) else None
        return Look(failed(state, now, period, retry_after_s=retry_after_s), problem=error.code)
    some = await _take(fetcher, found, answer, state)
    return replace(some, state=succeeded(some.state, now, period))


async def _take(fetcher: Fetcher, found: Iterable[Entry], answer: Fetched, state: FeedState) -> Look:
    """Fetch what is new. What could not be had just now stays unhandled, and the feed counts as changed."""
    listed = {entry.name: entry for entry in found}
    new = [entry for name, entry in listed.items() if name not in state.handled]
    some = new[:MESSAGES_AT_A_TIME]
    at_once = asyncio.Semaphore(FETCHES_AT_ONCE)
    tried = await asyncio.gather(*(_tried(fetcher, entry, answer.url, at_once) for entry in some))
    handled = set(listed) - {entry.name for entry in new}
    handled |= {entry.name for entry, (_, done) in zip(some, tried, strict=True) if done}
    arrivals = [arrival for arrival, _ in reversed(tried) if arrival is not None]
    whole = len(handled) == len(listed)
    return Look(
        FeedState(
            etag=_validator(answer.etag) if whole else None,
            last_modified=_validator(answer.last_modified) if whole else None,
            handled=frozenset(handled),
        ),
        tuple(arrivals),
    )


async def _tried(
    fetcher: Fetcher, entry: Entry, base_url: str, at_once: asyncio.Semaphore
) -> tuple[Arrival | None, bool]:
    """The message of an entry, if it leads to one, and whether that is settled."""
    if entry.inline is not None:
        return Arrival(entry.url or base_url, entry.inline), True
    if entry.url is None:
        return None, True
    try:
        async with at_once:
            answer = await fetcher.get(entry.url, bytes_max=BYTES_MAX)
    except FetchFailed as error:
        log.info("cap.entry_failed", code=error.code, transient=error.transient)
        return None, not error.transient
    return (Arrival(answer.url, answer.body) if answer.body is not None else None), True


def succeeded(state: FeedState, now: datetime, period: timedelta = PERIOD) -> FeedState:
    """Look again after the usual time."""
    return replace(state, failures=0, next_at=now + period)


def failed(
    state: FeedState, now: datetime, period: timedelta = PERIOD, *, retry_after_s: int | None = None
) -> FeedState:
    """Look again after twice as long as last time, or when we are asked to, but never later than `PERIOD_MAX`."""
    pause = period * 2 ** min(state.failures, 10)
    if retry_after_s is not None:
        pause = max(period, timedelta(seconds=min(retry_after_s, PERIOD_MAX.total_seconds())))
    return FeedState(
        state.etag, state.last_modified, state.handled, state.failures + 1, next_at=now + min(pause, PERIOD_MAX)
    )


def _validator(header: str | None) -> str | None:
    """A validator that is worth keeping: of a sane length, and fit to be sent back."""
    return header if header and len(header) <= _VALIDATOR_MAX and header.isascii() and header.isprintable() else None

"""The chain: each entry carries the hash of the one before it, so that no change to the past stays unseen. Pure.

An entry is hashed as canonical JSON (RFC 8785): anybody can check an exported trail with a few lines of any language.
"""

import hashlib
import json
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields
from enum import StrEnum
from typing import Any, Final, TypeAlias

Json: TypeAlias = bool | int | float | str | list["Json"] | dict[str, "Json"] | None
Changes: TypeAlias = Mapping[str, Sequence[Json]]
"""By field: what it was, and what it is now."""

VERSION: Final = 1


def canonical(value: object) -> bytes:
    """Return JSON that has one spelling only (RFC 8785), for values that `audit.values.plain` lets through."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"), sort_keys=True).encode()


@dataclass(frozen=True, slots=True)
class Head:
    """How far the chain reached at some moment: the number and the hash of its last entry."""

    number: int
    hash: str


GENESIS: Final = Head(0, "0" * 64)


@dataclass(frozen=True, slots=True)
class Deed:
    """What somebody did to one thing."""

    kind: str
    """The kind of thing: `schedule`, `user`, …"""
    key: str
    action: str
    label: str = ""
    """What the thing was called at the time."""
    area: str = "/"
    """The path of the area that it lay in at the time: who sees that area sees the entry."""
    changes: Changes = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry, as it is stored, exported and hashed."""

    number: int
    """1, 2, 3, … without a gap."""
    at: str
    """UTC with microseconds, RFC 3339: as text, so that no database gives it back otherwise."""
    actor_id: str
    actor: str
    address: str
    kind: str
    key: str
    action: str
    label: str
    area: str
    changes: Changes
    previous: str
    """The hash of the entry before."""
    hash: str = ""

    def body(self) -> dict[str, Any]:
        """Everything but the hash."""
        return {name: getattr(self, name) for name in _BODY} | {"v": VERSION}

    def digest(self) -> str:
        """The hash that it must have: SHA-256 of its canonical body."""
        return hashlib.sha256(canonical(self.body())).hexdigest()

    @property
    def head(self) -> Head:
        """The chain up to here."""
        return Head(self.number, self.hash)


_BODY = tuple(each.name for each in fields(Entry) if each.name != "hash")
_TEXTS = frozenset(_BODY) - {"number", "changes"} | {"hash"}


def linked(after: Head, deed: Deed, *, at: str, actor_id: str, actor: str, address: str) -> Entry:
    """Return the entry that follows `after`."""
    said: dict[str, Any] = {
        "number": after.number + 1,
        "at": at,
        "actor_id": actor_id,
        "actor": actor,
        "address": address,
        "kind": deed.kind,
        "key": deed.key,
        "action": deed.action,
        "label": deed.label,
        "area": deed.area,
        "changes": deed.changes,
        "previous": after.hash,
    }
    return Entry(**said, hash=Entry(**said).digest())


@dataclass(frozen=True, slots=True)
class Unreadable:
    """Something that stands in an entry's place and is none."""

    number: int | None = None


def read_entry(stored: Mapping[str, object]) -> Entry | Unreadable:
    """Return a stored entry; never raises: whatever stands there came from who may have meant harm."""
    number = stored.get("number")
    known = number if type(number) is int else None
    if known is None or stored.keys() - {"v"} != {*_BODY, "hash"} or stored.get("v", VERSION) != VERSION:
        return Unreadable(known)
    if not all(type(stored[name]) is str for name in _TEXTS) or not isinstance(stored["changes"], dict):
        return Unreadable(known)
    return Entry(**{name: stored[name] for name in (*_BODY, "hash")})  # type: ignore[arg-type]  # each was checked


class Flaw(StrEnum):
    """What is wrong at the first place where the chain does not hold."""

    ALTERED = "altered"
    """The entry does not say what was hashed."""
    UNLINKED = "unlinked"
    """It is whole, but follows another entry: the one before it was replaced, or this one was put in."""
    REMOVED = "removed"
    """The entry that belongs here is missing."""
    REORDERED = "reordered"
    """The entry that belongs here stands further on."""
    INSERTED = "inserted"
    """A number that was there before."""
    TRUNCATED = "truncated"
    """The chain ends before an entry that the service signed for."""
    REWRITTEN = "rewritten"
    """The chain holds, but here it is not the one that the service signed for."""
    UNFOUNDED = "unfounded"
    """Older entries were removed, and no signature of the service says up to where."""


@dataclass(frozen=True, slots=True)
class Break:
    """The first link that does not hold."""

    number: int
    flaw: Flaw


@dataclass(frozen=True, slots=True)
class Verdict:
    """What a check found."""

    entries: int
    """Those that hold, up to the first break."""
    last: Head
    """The last that holds."""
    anchored: int
    """The highest number that a signed head vouches for; 0: none does."""
    broken: Break | None = None


def verify(entries: Iterable[Entry | Unreadable], *, base: Head = GENESIS, heads: Iterable[Head] = ()) -> Verdict:
    """Follow the chain from `base` and hold it against signed `heads`; name the first link that breaks.

    The entries are looked at once, in order, and not kept.
    """
    verifier = Verifier(base, heads)
    stream = iter(entries)
    for entry in stream:
        if not verifier.follows(entry):
            verifier.look_ahead(stream)
            break
    return verifier.verdict()


class Verifier:
    """Checks entries as they come."""

    def __init__(self, base: Head = GENESIS, heads: Iterable[Head] = ()) -> None:
        self._last = base
        self._base = base
        self._heads = sorted(set(heads), key=lambda head: (head.number, head.hash))
        self._next_head = 0
        self._anchored = 0
        self._broken: Break | None = None
        self._pass_heads()

    @property
    def broken(self) -> Break | None:
        """The first break so far."""
        return self._broken

    def follows(self, entry: Entry | Unreadable) -> bool:
        """Take the next entry. False: the chain is broken, here or before."""
        if self._broken is not None:
            return False
        wanted = self._last.number + 1
        flaw = _flaw(entry, self._last)
        if flaw is not None:
            self._broken = Break(wanted if flaw is Flaw.REMOVED else entry.number or wanted, flaw)
            return False
        self._last = Head(wanted, entry.hash) if isinstance(entry, Entry) else self._last
        self._pass_heads()
        return self._broken is None

    def look_ahead(self, rest: Iterable[Entry | Unreadable]) -> None:
        """Tell a missing entry from one that stands further on."""
        broken = self._broken
        if broken is not None and broken.flaw is Flaw.REMOVED and any(e.number == broken.number for e in rest):
            self._broken = Break(broken.number, Flaw.REORDERED)

    def verdict(self) -> Verdict:
        """Say what was found, once all have come."""
        broken = self._broken
        if broken is None and self._next_head < len(self._heads):
            broken = Break(self._last.number + 1, Flaw.TRUNCATED)
        return Verdict(self._last.number - self._base.number, self._last, self._anchored, broken)

    def _pass_heads(self) -> None:
        """Hold the chain against the heads up to here. What lies before the base is another file's."""
        while self._next_head < len(self._heads) and self._heads[self._next_head].number <= self._last.number:
            head = self._heads[self._next_head]
            if head.number == self._last.number:
                if head.hash != self._last.hash:
                    self._broken = Break(head.number, Flaw.REWRITTEN)
                    return
                self._anchored = head.number
            self._next_head += 1


def _flaw(entry: Entry | Unreadable, last: Head) -> Flaw | None:
    wanted = last.number + 1
    if entry.number is not None and entry.number > wanted:
        return Flaw.REMOVED
    if isinstance(entry, Unreadable):
        return Flaw.ALTERED
    if entry.number < wanted:
        return Flaw.INSERTED
    if not _holds(entry):
        return Flaw.ALTERED
    return None if entry.previous == last.hash else Flaw.UNLINKED


def _holds(entry: Entry) -> bool:
    try:
        return entry.digest() == entry.hash
    except (ValueError, RecursionError):  # text or nesting that no entry of ours has
        return False


def entries_of(deeds: Iterable[Deed], after: Head, **by: str) -> Iterator[Entry]:
    """Return the entries of several deeds in a row: `at`, `actor_id`, `actor` and `address` are those of all."""
    for deed in deeds:
        entry = linked(after, deed, **by)
        yield entry
        after = entry.head

"""The chain as a pure thing: whatever is done to it afterwards, the first broken link is named."""

import json
from collections.abc import Callable
from dataclasses import fields, replace

import pytest
import rfc8785
from hypothesis import example, given
from hypothesis import strategies as st

from controller.audit.chain import (
    GENESIS,
    Break,
    Deed,
    Entry,
    Flaw,
    Head,
    Unreadable,
    canonical,
    entries_of,
    read_entry,
    verify,
)
from controller.audit.values import HIDDEN, difference, plain, told

BY = {"at": "2026-11-20T05:00:00.000000Z", "actor_id": "01", "actor": "lan", "address": "10.0.0.7"}

scalars = st.none() | st.booleans() | st.integers() | st.floats(allow_nan=True) | st.text(max_size=20)
values = st.recursive(
    scalars,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abcdef_.", max_size=5), inner, max_size=4),
    max_leaves=12,
)
deeds = st.builds(
    Deed,
    kind=st.sampled_from(["schedule", "user"]),
    key=st.text(max_size=10),
    action=st.just("changed"),
    label=st.text(max_size=20),
    area=st.just("/24/"),
    changes=st.dictionaries(
        st.text("abc", min_size=1, max_size=4), st.lists(values.map(told), min_size=2, max_size=2), max_size=3
    ),
)
chains = st.lists(deeds, min_size=1, max_size=8).map(lambda many: list(entries_of(many, GENESIS, **BY)))


def chain(length: int) -> list[Entry]:
    return list(entries_of([Deed("schedule", str(n), "changed") for n in range(length)], GENESIS, **BY))


@given(chains)
def test_an_honest_chain_holds(entries: list[Entry]):
    verdict = verify(entries, heads=[entries[-1].head])
    assert verdict.broken is None
    assert verdict.entries == verdict.anchored == len(entries)


@given(values)
@example(2**53 - 1)
@example(2**53)
@example(-(2**53))
@example(2.0**53)
def test_what_is_hashed_is_spelt_as_rfc_8785_says(value: object):
    assert canonical(plain(value)) == rfc8785.dumps(plain(value))
    assert canonical(json.loads(canonical(plain(value)))) == canonical(plain(value))


@given(chains, st.data())
def test_any_alteration_of_any_field_of_any_entry_is_found_where_it_is(entries: list[Entry], data: st.DataObject):
    place = data.draw(st.integers(0, len(entries) - 1))
    name = data.draw(st.sampled_from([field.name for field in fields(Entry) if field.name != "number"]))
    other = {"changes": st.dictionaries(st.text("xyz", min_size=1), st.just([1, 2]), min_size=1)}.get(name, st.text())
    now = data.draw(other.filter(lambda value: value != getattr(entries[place], name)))
    mutated = [*entries]
    mutated[place] = replace(entries[place], **{name: now})
    assert verify(mutated).broken == Break(place + 1, Flaw.ALTERED)


@given(chains, st.data())
def test_an_entry_that_was_rewritten_with_its_hash_is_found_by_the_next_or_by_a_signed_head(
    entries: list[Entry], data: st.DataObject
):
    place = data.draw(st.integers(0, len(entries) - 1))
    forged = replace(entries[place], actor="somebody else")
    mutated = [*entries]
    mutated[place] = replace(forged, hash=forged.digest())
    broken = verify(mutated, heads=[entries[-1].head]).broken
    last = place == len(entries) - 1
    assert broken == (Break(place + 1, Flaw.REWRITTEN) if last else Break(place + 2, Flaw.UNLINKED))


@given(chains, st.data())
def test_every_chain_made_anew_from_some_entry_on_is_not_the_one_that_was_signed(
    entries: list[Entry], data: st.DataObject
):
    place = data.draw(st.integers(0, len(entries) - 1))
    before = entries[place - 1].head if place else GENESIS
    forged = [Deed("schedule", "x", "forged"), *[Deed(e.kind, e.key, e.action) for e in entries[place + 1 :]]]
    mutated = [*entries[:place], *entries_of(forged, before, **BY)]
    assert verify(mutated).broken is None, "by itself it holds: only a signed head tells"
    assert verify(mutated, heads=[entries[-1].head]).broken == Break(len(entries), Flaw.REWRITTEN)


@given(chains, st.data())
def test_a_removed_entry_is_missed(entries: list[Entry], data: st.DataObject):
    place = data.draw(st.integers(0, len(entries) - 1))
    broken = verify(entries[:place] + entries[place + 1 :], heads=[entries[-1].head]).broken
    last = place == len(entries) - 1
    assert broken == Break(place + 1, Flaw.TRUNCATED if last else Flaw.REMOVED)


@given(chains.filter(lambda entries: len(entries) > 1), st.data())
def test_two_entries_that_changed_places_are_told_from_a_missing_one(entries: list[Entry], data: st.DataObject):
    first = data.draw(st.integers(0, len(entries) - 2))
    second = data.draw(st.integers(first + 1, len(entries) - 1))
    swapped = [*entries]
    swapped[first], swapped[second] = swapped[second], swapped[first]
    assert verify(swapped).broken == Break(first + 1, Flaw.REORDERED)


@given(chains, st.data())
def test_an_inserted_entry_is_found(entries: list[Entry], data: st.DataObject):
    place = data.draw(st.integers(1, len(entries)))
    copied = [*entries[:place], entries[data.draw(st.integers(0, place - 1))], *entries[place:]]
    broken = verify(copied).broken
    assert broken is not None
    assert broken.flaw is Flaw.INSERTED


@given(chains, st.data())
def test_a_chain_cut_short_is_found_by_any_later_head(entries: list[Entry], data: st.DataObject):
    kept = data.draw(st.integers(0, len(entries) - 1))
    verdict = verify(entries[:kept], heads=[entries[-1].head, *(e.head for e in entries[:kept])])
    assert verdict.broken == Break(kept + 1, Flaw.TRUNCATED)
    assert verdict.anchored == kept


def test_without_a_head_a_cut_end_cannot_be_seen():
    assert verify(chain(5)[:3]).broken is None


def test_a_chain_goes_on_from_the_base_that_was_kept_of_a_pruned_one():
    entries = chain(6)
    heads = [entries[0].head, entries[2].head, entries[5].head]
    verdict = verify(entries[3:], base=entries[2].head, heads=heads)
    assert verdict.broken is None
    assert verdict.entries == 3
    assert verify(entries[3:]).broken == Break(1, Flaw.REMOVED)
    assert verify(entries[3:], base=Head(3, "0" * 64)).broken == Break(4, Flaw.UNLINKED)


@pytest.mark.parametrize(
    "spoil",
    [
        lambda stored: stored | {"number": "1"},
        lambda stored: stored | {"changes": []},
        lambda stored: stored | {"label": None},
        lambda stored: stored | {"extra": 1},
        lambda stored: {name: value for name, value in stored.items() if name != "hash"},
        lambda stored: stored | {"v": 2},
        lambda stored: stored | {"number": True},
    ],
)
def test_what_is_no_entry_is_taken_for_an_altered_one(spoil: Callable[[dict[str, object]], dict[str, object]]):
    (entry,) = chain(1)
    stored = entry.body() | {"hash": entry.hash}
    assert read_entry(stored) == entry
    found = read_entry(spoil(stored))
    assert isinstance(found, Unreadable)
    assert verify([found]).broken == Break(1, Flaw.ALTERED)


@given(st.binary(max_size=40) | st.text(max_size=900) | values)
def test_a_told_value_is_short_and_a_long_one_is_still_told_apart(value: object):
    assert len(canonical(told(value))) < 4000
    if isinstance(value, str):
        assert told(value) != told(value + "x")


def test_a_difference_names_what_became_different_only():
    before = {"title": "a", "policy": {"max_volume": 80, "zone": "x"}, "roles": ["a"], "lat": 21.0}
    after = {"title": "b", "policy": {"max_volume": 60, "zone": "x"}, "roles": ["a"], "lat": 21}
    assert difference(before, after) == {"title": ["a", "b"], "policy.max_volume": [80, 60]}
    assert HIDDEN not in str(difference(before, after))

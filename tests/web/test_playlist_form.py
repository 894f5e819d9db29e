"""What the buttons of the form make of a playlist, and what the form asks for."""

from dataclasses import asdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.http.problems import invalid
from controller.playlists.models import ItemKind
from controller.playlists.schemas import ITEMS_MAX, PlaylistIn
from controller.web.present.playlist import (
    ItemValues,
    PlaylistValues,
    field_of,
    fresh,
    marks_ms,
    pressed,
    values_of,
    wish,
)

TOKEN = "01m8c8yky6jr36cqbvdg984rh3"
ANNOUNCEMENT = ItemValues(ItemKind.ANNOUNCEMENT, announcement="a")
CHIME = ItemValues(ItemKind.CHIME)
PAUSE = ItemValues(ItemKind.PAUSE)
TEXT = st.text(st.characters(exclude_categories=("Cs", "Cc")), max_size=8).map(str.strip)
ITEMS = st.builds(
    ItemValues,
    st.sampled_from([str(kind) for kind in ItemKind]),
    **dict.fromkeys(("announcement", "gap_s", "title"), TEXT),
)
PROGRAMMES = st.builds(
    PlaylistValues, st.just(TOKEN), title=TEXT, items=st.lists(ITEMS, max_size=6).map(tuple), gone=st.none() | ITEMS
)
BUTTONS = st.sampled_from(["up", "down", "remove", "add", "undo", ""]).flatmap(
    lambda what: (
        st.sampled_from([*map(str, ItemKind), "siren"]) if what == "add" else TEXT | st.integers(-2, 8).map(str)
    ).map(lambda about: f"{what}:{about}")
)


def sent(values: PlaylistValues) -> dict[str, str]:
    """The fields of the form, as a browser sends them."""
    fields = {"token": values.token, "title": values.title, "version": values.version}
    for place, item in enumerate(values.items):
        fields |= {f"item-{place}-{name}": text for name, text in asdict(item).items()}
    if values.gone is not None:
        fields |= {f"gone-{name}": text for name, text in asdict(values.gone).items()}
        fields["gone-place"] = str(values.gone_from)
    return fields


@given(PROGRAMMES)
def test_nothing_is_lost_between_two_presses(values: PlaylistValues):
    assert values_of(sent(values)) == values


@given(PROGRAMMES, st.lists(BUTTONS, max_size=12))
def test_no_press_loses_an_item_that_was_not_removed(values: PlaylistValues, buttons: list[str]):
    for button in buttons:
        before, (values, place) = values, pressed(values, button)
        kept = sorted(map(repr, before.items))
        now = sorted(map(repr, values.items))
        if button.startswith("remove") and len(now) < len(kept):
            assert values.gone is not None
            assert sorted([*now, repr(values.gone)]) == kept
            assert pressed(values, "undo")[0].items == before.items
        else:
            assert all(now.count(item) >= kept.count(item) for item in kept)
        assert place is None or 0 <= place < len(values.items)


def test_items_move_by_one_and_stop_at_the_ends():
    values = PlaylistValues(TOKEN, items=(CHIME, ANNOUNCEMENT, PAUSE))
    assert pressed(values, "down:0") == (PlaylistValues(TOKEN, items=(ANNOUNCEMENT, CHIME, PAUSE)), 1)
    assert pressed(values, "up:0") == (values, 0)
    assert pressed(values, "down:2") == (values, 2)


def test_what_is_said_comes_before_the_chime_that_closes():
    values, place = pressed(fresh(TOKEN), f"add:{ItemKind.ANNOUNCEMENT}")
    assert [item.kind for item in values.items] == ["chime", "announcement", "announcement", "chime"]
    assert place == 2


def test_a_playlist_has_an_end():
    values = PlaylistValues(TOKEN, items=(PAUSE,) * ITEMS_MAX)
    assert pressed(values, "add:pause") == (values, None)
    assert len(values_of(sent(PlaylistValues(TOKEN, items=(PAUSE,) * (ITEMS_MAX + 5)))).items) == ITEMS_MAX


def test_a_form_asks_for_what_it_shows():
    items = (
        ItemValues("chime", chime="attention", seconds="6,5"),
        ItemValues("announcement", announcement="a", repeat="2", gap_s="1.5", fade_in_s="0,05", bed="b", bed_db="−20"),
        ItemValues("relay", url="https://dai.example.vn/live", title="Đài huyện", minutes="15", announcement="a"),
        ItemValues("pause", pause_s="3"),
    )
    asked = PlaylistIn.model_validate(
        {"area_code": "07339", **wish(PlaylistValues(TOKEN, "Bản tin sáng", items))}
    ).model_dump(exclude_defaults=True)["items"]
    assert asked == [
        {"kind": "chime", "chime": "attention", "seconds": 6.5},
        {"kind": "announcement", "announcement_id": "a", "repeat": 2, "repeat_gap_ms": 1500, "fade_in_ms": 50,
         "bed_id": "b", "bed_db": -20.0},
        {"kind": "relay", "url": "https://dai.example.vn/live", "title": "Đài huyện", "duration_ms": 900_000,
         "announcement_id": "a"},
        {"kind": "pause", "pause_ms": 3000},
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("item", "field"),
    [
        (ItemValues("chime", chime="storm"), "chime"),
        (ItemValues("chime", chime="attention", seconds="11"), "seconds"),
        (ItemValues("announcement", announcement="a", repeat="many"), "repeat"),
        (ItemValues("announcement", announcement="a", gap_s="-1"), "gap_s"),
        (ItemValues("announcement", announcement="a", fade_in_s="inf"), "fade_in_s"),
        (ItemValues("announcement", announcement="a", bed="b", bed_db="nan"), "bed_db"),
        (ItemValues("relay", url="file:///etc/passwd", title="x"), "url"),
        (ItemValues("relay", url="https://dai.example.vn", title="x", minutes="1e400"), "minutes"),
        (ItemValues("pause", pause_s=""), "pause_s"),
    ],
)
def test_a_refusal_stands_at_the_field_that_it_is_about(item: ItemValues, field: str):
    with pytest.raises(ValueError, match="validation error") as refusal:
        PlaylistIn.model_validate({"area_code": "07339", **wish(PlaylistValues(TOKEN, "Tin", (CHIME, item)))})
    problem = invalid(refusal.value.errors())  # type: ignore[attr-defined]
    assert [field_of(each.field) for each in problem.errors] == [f"item-1-{field}"]


def test_marks_say_when_each_item_begins_as_far_as_that_is_known():
    twice = ItemValues("announcement", announcement="a", repeat="2", gap_s="2")
    unknown = ItemValues("announcement", announcement="b")
    attention = ItemValues("chime", chime="attention", seconds="10")
    items = (attention, twice, PAUSE, unknown, PAUSE)
    assert marks_ms(items, {"a": 4000}) == (0, 10_000, 20_000, 22_000, None, None)
    assert marks_ms((ItemValues("chime", chime="exercise"), PAUSE), {}) == (0, None, None)

import json
import math
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from lxml import etree

from controller.alerts.standing import Danger, Hazard
from controller.cap.hazards import danger_in
from controller.cap.judging import Known, Outcome, Release, SenderPolicy, judge
from controller.cap.message import Category, MessageType, ResponseType, SenderName, Status
from controller.cap.publishing import ATOM, FeedEntry, OwnAlert, OwnPlace, Sound, Words, as_message, atom
from controller.cap.reading import POINTS_MAX, read, schema
from controller.cap.signature import sign, signed_part
from controller.cap.writing import element, write
from protocol.messages import AlertKind
from schedules.types import AlertId, AreaCode, Priority
from tests.support.cap import BAC_GIANG, NOON, certificate, key

OURS = SenderName("loa.bacgiang.example.vn")
RING = [[106, 21.3], [106.2, 21.3], [106.2, 21.5], [106, 21.5], [106, 21.3]]
SQUARE = json.dumps({"type": "Polygon", "coordinates": [RING]})
FLOOD = OwnAlert(
    id=AlertId("a1b2"),
    kind=AlertKind.ACTUAL,
    priority=Priority.EMERGENCY,
    headline="Cảnh báo lũ quét",
    words=(Words("vi", "Bà con hãy lên chỗ cao ngay."),),
    places=(OwnPlace(AreaCode("07339"), "Xã Tân Yên", SQUARE),),
    told_at=(NOON,),
    expires_at=NOON + timedelta(hours=3),
)
TWICE = replace(FLOOD, told_at=(NOON, NOON + timedelta(minutes=5)))


def published(alert: OwnAlert) -> bytes:
    return write(as_message(alert, sender=OURS, sender_name="Xã Tân Yên"))


def test_an_alert_is_valid_cap():
    assert schema().validate(etree.fromstring(published(FLOOD))), schema().error_log


def test_what_is_signed_is_valid_cap_and_verifies():
    message = as_message(FLOOD, sender=OURS, sender_name="Xã Tân Yên")
    own = certificate(key("ours"))
    data = write(sign(element(message), key("ours"), [own]))
    assert schema().validate(etree.fromstring(data)), schema().error_log
    assert read(signed_part(data, [own], now=NOON)) == message


def test_a_revision_is_an_update_of_all_before_it():
    first, second = read(published(FLOOD)), read(published(TWICE))
    assert (first.type, first.references) == (MessageType.ALERT, ())
    assert second.type is MessageType.UPDATE
    assert [(each.key, each.sent) for each in second.references] == [(first.key, first.sent)]


def test_a_cancelled_alert_is_a_cancel_that_says_all_clear():
    over = read(published(replace(TWICE, cancelled=True)))
    assert (over.type, len(over.references)) == (MessageType.CANCEL, 1)
    assert over.infos[0].responses == (ResponseType.ALL_CLEAR,)


@pytest.mark.parametrize(
    ("kind", "status"),
    [(AlertKind.ACTUAL, Status.ACTUAL), (AlertKind.EXERCISE, Status.EXERCISE), (AlertKind.TEST, Status.TEST)],
)
def test_a_test_is_published_as_one(kind: AlertKind, status: Status):
    assert read(published(replace(FLOOD, kind=kind))).status is status


def test_a_cancellation_is_a_revision_of_its_own():
    with pytest.raises(ValueError, match="once more"):
        replace(FLOOD, cancelled=True)


def test_what_is_spoken_goes_with_it():
    sound = Sound("audio/mpeg", 12_345, "https://loa.example.vn/content/ab")
    (told,) = read(published(replace(FLOOD, sound=sound))).infos
    assert [(each.name, each.value) for each in told.parameters] == [("broadcastText", FLOOD.words[0].text)]
    assert [(each.uri, each.size_bytes) for each in told.resources] == [(sound.url, 12_345)]


@pytest.mark.parametrize(
    ("hazard", "category"),
    [
        (Hazard.TSUNAMI, Category.GEO),
        (Hazard.STORM, Category.MET),
        (Hazard.FLOOD, Category.MET),
        (Hazard.DAM, Category.MET),
        (Hazard.FIRE, Category.FIRE),
        (Hazard.EVACUATION, Category.SAFETY),
        (Hazard.EXERCISE, Category.SAFETY),
        (None, Category.SAFETY),
    ],
)
def test_a_hazard_is_filed_where_the_standard_has_it(hazard: Hazard | None, category: Category):
    (told,) = read(published(replace(FLOOD, hazard=hazard))).infos
    assert told.categories == (category,)


@pytest.mark.parametrize("hazard", [each for each in Hazard if each not in {Hazard.ALL_CLEAR, Hazard.EXERCISE}])
@pytest.mark.parametrize("language", ["vi", "en"])
def test_another_loa_reads_the_same_hazard(hazard: Hazard, language: str):
    message = read(published(replace(FLOOD, hazard=hazard, headline="x", words=(Words(language, "x"),))))
    assert danger_in(message.infos) == Danger(hazard)


def test_each_language_is_a_telling_of_the_same_alert():
    both = (Words("vi", "Bà con hãy lên chỗ cao ngay."), Words("en", "Go to high ground at once."))
    sound = Sound("audio/ogg", 12_345, "https://loa.example.vn/content/ab")
    data = published(replace(FLOOD, hazard=Hazard.FLOOD, words=both, sound=sound))
    assert schema().validate(etree.fromstring(data)), schema().error_log
    message = read(data)
    first, second = message.infos
    assert (first.language, first.event, first.headline) == ("vi-VN", "Lũ", FLOOD.headline)
    assert (second.language, second.event, second.headline) == ("en-US", "Flood", None)
    assert (len(first.resources), second.resources) == (1, ())
    policy = SenderPolicy(release=Release.AT_ONCE, languages=("vi", "en"))
    (wanted,) = judge(message, policy, BAC_GIANG, Known(), signed=False, now=NOON).raises
    assert [(each.language, each.text) for each in wanted.voices] == [
        ("vi-VN", both[0].text),
        ("en-US", both[1].text),
    ]


TEXTS = st.text(max_size=60)


@settings(max_examples=60, deadline=None)
@given(
    priority=st.sampled_from([Priority.ROUTINE, Priority.PRIORITY, Priority.EMERGENCY]),
    headline=TEXTS,
    text=TEXTS,
    minutes=st.lists(st.integers(0, 10_000), min_size=1, max_size=4, unique=True).map(sorted),
    cancelled=st.booleans(),
)
def test_another_loa_understands_what_we_publish(
    priority: Priority, headline: str, text: str, minutes: list[int], *, cancelled: bool
):
    told_at = tuple(NOON + timedelta(minutes=each) for each in (*minutes, *([10_001] if cancelled else [])))
    alert = replace(
        FLOOD,
        priority=priority,
        headline=headline,
        words=(Words("vi", text),),
        told_at=told_at,
        cancelled=cancelled,
        expires_at=told_at[-1] + timedelta(hours=1),
    )
    message = read(published(alert))
    intake = judge(message, SenderPolicy(release=Release.AT_ONCE), BAC_GIANG, Known(), signed=False, now=told_at[-1])
    if cancelled:
        assert (intake.outcome, intake.raises) == (Outcome.CANCEL, ())
    else:
        (wanted,) = intake.raises
        assert (wanted.priority, wanted.expires_at) == (priority, alert.expires_at)
        assert wanted.targets.areas == {AreaCode("07339")}


def test_outlines_turn_around_to_latitude_first_and_lose_their_holes():
    hole = [[106.05, 21.35], [106.1, 21.35], [106.1, 21.4], [106.05, 21.35]]
    other = [[107, 21], [108, 21], [108, 22], [107, 21]]
    two = json.dumps({"type": "MultiPolygon", "coordinates": [[RING, hole], [other]]})
    (told,) = read(published(replace(FLOOD, places=(OwnPlace(AreaCode("07339"), "x", two),)))).infos
    first, second = told.places[0].polygons
    assert {(point.lat, point.lon) for point in first.points} == {(lat, lon) for lon, lat in RING}
    assert len(second.points) == 4


def test_outlines_that_are_too_fine_are_left_to_the_code():
    circle = [[106 + 10 * math.cos(n / 4000), 21 + 10 * math.sin(n / 4000) * (1 + n % 2 / 100)] for n in range(25_000)]
    fine = json.dumps({"type": "Polygon", "coordinates": [[*circle, circle[0]]]})
    (told,) = read(published(replace(FLOOD, places=(OwnPlace(AreaCode("07339"), "x", fine),)))).infos
    assert sum(len(each.points) for each in told.places[0].polygons) <= POINTS_MAX
    assert told.places[0].geocodes[0].value == "07339"


def test_the_feed_has_the_newest_first_and_says_when_it_changed():
    messages = [as_message(each, sender=OURS, sender_name="x") for each in (FLOOD, TWICE)]
    data = atom(
        [FeedEntry(each, f"https://loa.vn/cap/{each.identifier}.xml") for each in messages],
        url="https://loa.vn/cap/feed.xml",
        title="Loa",
        updated=NOON,
    )
    root = etree.fromstring(data)
    links = [each.find(f"{{{ATOM}}}link").get("href") for each in root.iter(f"{{{ATOM}}}entry")]
    assert links == ["https://loa.vn/cap/a1b2.2.xml", "https://loa.vn/cap/a1b2.1.xml"]
    assert root.findtext(f"{{{ATOM}}}updated") == "2026-11-23T05:05:00+00:00"


def test_an_empty_feed_is_a_feed():
    root = etree.fromstring(atom([], url="https://loa.vn/cap/feed.xml", title="Loa", updated=NOON))
    assert root.findtext(f"{{{ATOM}}}updated") == NOON.isoformat()

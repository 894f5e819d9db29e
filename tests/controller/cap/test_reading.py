from contextlib import suppress
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from controller.cap import reading
from controller.cap.errors import BadCircle, BadPolygon, CapRefused, NotCap, TooMuch, Unreadable
from controller.cap.message import (
    Category,
    Certainty,
    Circle,
    Info,
    Message,
    MessageId,
    MessageType,
    Named,
    Place,
    Point,
    Polygon,
    Reference,
    Resource,
    ResponseType,
    Scope,
    SenderName,
    Severity,
    Status,
    Urgency,
)
from controller.cap.reading import read
from controller.cap.writing import write
from tests.support.cap import CENTRE, TAN_YEN, area, cap, code, info, reference

# What a document can hold: no control characters; blanks at the ends say nothing.
CHARACTERS = st.characters(codec="utf-8", exclude_categories=("Cc", "Cs", "Cn", "Co", "Zs", "Zl", "Zp"))
TEXTS = st.text(CHARACTERS, min_size=1, max_size=20)
NAMES = st.text(
    st.characters(codec="utf-8", categories=("L", "N", "P", "S"), exclude_characters=","), min_size=1, max_size=20
)
MAYBE = st.none() | TEXTS
TIMES = st.datetimes(datetime(1991, 1, 1), datetime(2100, 1, 1), timezones=st.just(UTC)).map(  # noqa: DTZ001 given a zone
    lambda moment: moment.replace(microsecond=0)
)
PAIRS = st.lists(st.builds(Named, TEXTS, TEXTS), max_size=2).map(tuple)
POINTS = st.builds(Point, st.floats(-90, 90), st.floats(-180, 180))
RINGS = st.lists(POINTS, min_size=3, max_size=6).map(lambda points: Polygon((*points, points[0])))
PLACES = st.builds(
    Place,
    description=TEXTS,
    polygons=st.lists(RINGS, max_size=2).map(tuple),
    circles=st.lists(st.builds(Circle, POINTS, st.floats(0, 20_000)), max_size=2).map(tuple),
    geocodes=PAIRS,
)
RESOURCES = st.builds(
    Resource,
    description=TEXTS,
    mime_type=st.sampled_from(["audio/mpeg", "image/png"]),
    size_bytes=st.none() | st.integers(0, 10**9),
    uri=st.none() | st.just("https://example.vn/a.mp3"),
    inline_base64=st.none() | st.just("AAAA"),
    digest=MAYBE,
)
INFOS = st.builds(
    Info,
    event=TEXTS,
    categories=st.lists(st.sampled_from(Category), min_size=1, max_size=3).map(tuple),
    urgency=st.sampled_from(Urgency),
    severity=st.sampled_from(Severity),
    certainty=st.sampled_from(Certainty),
    language=st.sampled_from(["vi", "vi-VN", "en-US", "hmn"]),
    responses=st.lists(st.sampled_from(ResponseType), max_size=2).map(tuple),
    audience=MAYBE,
    event_codes=PAIRS,
    effective=st.none() | TIMES,
    onset=st.none() | TIMES,
    expires=st.none() | TIMES,
    sender_name=MAYBE,
    headline=MAYBE,
    description=MAYBE,
    instruction=MAYBE,
    web=st.none() | st.just("https://example.vn/"),
    contact=MAYBE,
    parameters=PAIRS,
    resources=st.lists(RESOURCES, max_size=2).map(tuple),
    places=st.lists(PLACES, max_size=2).map(tuple),
)
MESSAGES = st.builds(
    Message,
    identifier=NAMES.map(MessageId),
    sender=NAMES.map(SenderName),
    sent=TIMES,
    status=st.sampled_from(Status),
    type=st.sampled_from(MessageType),
    scope=st.sampled_from(Scope),
    source=MAYBE,
    restriction=MAYBE,
    addresses=MAYBE,
    codes=st.lists(TEXTS, max_size=2).map(tuple),
    note=MAYBE,
    references=st.lists(
        st.builds(Reference, NAMES.map(SenderName), NAMES.map(MessageId), TIMES), max_size=2, unique=True
    ).map(tuple),
    incidents=MAYBE,
    infos=st.lists(INFOS, max_size=2).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(MESSAGES)
def test_what_is_written_reads_back_as_the_same_message(message: Message):
    assert read(write(message)) == message


def test_a_message_says_who_what_when_and_where():
    message = read(cap(info(places=area(TAN_YEN + "<circle>21.4,106.1 5.5</circle>" + code("07339")))))
    (told,) = message.infos
    assert (message.sender, message.identifier) == (CENTRE, "VN-2026-0001")
    assert message.sent == datetime(2026, 11, 23, 4, 58, tzinfo=UTC)
    assert (message.status, message.type, message.scope) == (Status.ACTUAL, MessageType.ALERT, Scope.PUBLIC)
    assert told.headline == "Cảnh báo lũ quét"
    (place,) = told.places
    assert place.circles == (Circle(Point(21.4, 106.1), 5.5),)
    assert place.geocodes == (Named("GSO", "07339"),)
    assert place.polygons[0].points[1] == Point(21.3, 106.2)


@pytest.mark.parametrize("empty", ["", "  ", "\n"])
def test_references_that_are_empty_name_nothing(empty: str):
    assert read(cap(references=empty)) == read(cap())


def test_an_optional_element_that_is_empty_is_as_good_as_none():
    bare = info(headline=None, description=None, instruction=None)
    empty = info(headline="", description=" ", instruction="\n", more="<contact/>")
    assert read(cap(empty)) == read(cap(bare))


def test_a_parameter_without_a_value_keeps_its_name():
    more = "<parameter><valueName>WMOHEADER</valueName><value/></parameter>"
    assert read(cap(info(more=more))).infos[0].parameters == (Named("WMOHEADER", ""),)


@pytest.mark.parametrize(
    ("written", "circle"),
    [
        ("-35.3888,147.0598 25.0", Circle(Point(-35.3888, 147.0598), 25)),
        (" 21.4,106.1\n0 ", Circle(Point(21.4, 106.1), 0)),
        ("+21.4,-0.0 1e1", Circle(Point(21.4, 0), 10)),
    ],
)
def test_a_circle_is_read_in_whatever_notation_numbers_have(written: str, circle: Circle):
    assert read(cap(info(places=area(f"<circle>{written}</circle>")))).infos[0].places[0].circles == (circle,)


def test_references_are_triples_with_spaces_between():
    text = f"  {reference('A')}\n{reference('B')} {reference('A')} "
    assert [each.identifier for each in read(cap(kind="Update", references=text)).references] == ["A", "B"]


@pytest.mark.parametrize("text", ["VN-2026-0001", "a,b", "a,b,c,d", "a,b,yesterday"])
def test_references_that_are_no_triples_are_refused(text: str):
    with pytest.raises(NotCap, match="references is written"):
        read(cap(kind="Update", references=text))


def test_version_1_1_reads_the_same():
    older = cap(namespace="urn:oasis:names:tc:emergency:cap:1.1")
    assert read(older) == read(cap())


@pytest.mark.parametrize("sent", ["2026-11-23T04:58:00Z", "2026-11-23T11:58:00.250+07:00"])
def test_version_1_1_may_write_times_as_it_was_allowed_to(sent: str):
    older = read(cap(namespace="urn:oasis:names:tc:emergency:cap:1.1", sent=sent))
    assert older.sent == datetime(2026, 11, 23, 4, 58, tzinfo=UTC)
    with pytest.raises(NotCap):
        read(cap(sent=sent))


def test_any_prefix_will_do():
    text = cap(before="").decode().replace("<alert xmlns=", "<c:alert xmlns:c=").replace("</alert>", "</c:alert>")
    for tag in ("identifier", "sender", "sent", "status", "msgType", "scope", "info", "language", "category", "event"):
        text = text.replace(f"<{tag}>", f"<c:{tag}>").replace(f"</{tag}>", f"</c:{tag}>")
    for tag in ("urgency", "severity", "certainty", "expires", "headline", "description", "instruction", "area"):
        text = text.replace(f"<{tag}>", f"<c:{tag}>").replace(f"</{tag}>", f"</c:{tag}>")
    for tag in ("areaDesc", "geocode", "valueName", "value"):
        text = text.replace(f"<{tag}>", f"<c:{tag}>").replace(f"</{tag}>", f"</c:{tag}>")
    assert read(text.encode()) == read(cap())


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(b"\xef\xbb\xbf" + cap(), id="byte order mark"),
        pytest.param(cap().replace(b"><", b">\r\n<"), id="CRLF"),
        pytest.param(cap(before='<?xml version="1.0" encoding="UTF-16"?>').decode().encode("utf-16"), id="UTF-16"),
        pytest.param(cap(before=""), id="no declaration"),
        pytest.param(cap(before="<?xml-stylesheet href='http://192.0.2.1/a.xsl' type='text/xsl'?>"), id="style sheet"),
    ],
)
def test_how_it_is_written_down_does_not_matter(document: bytes):
    assert read(document) == read(cap())


def test_comments_do_not_cut_a_text_in_two():
    split = cap().replace(b"<status>Actual", b"<status>Act<!-- x -->ual").replace(b"07339", b"07<!-- -->339")
    assert read(split) == read(cap())


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("<scope>Public</scope>", ""),
        ("<urgency>Immediate</urgency>", "<urgency></urgency>"),
        ("<status>Actual</status>", "<status>actual</status>"),
        ("<status>Actual</status>", "<status>Actual</status><status>Test</status>"),
        ("<status>Actual</status><msgType>Alert</msgType>", "<msgType>Alert</msgType><status>Actual</status>"),
        ("<sent>2026-11-23T11:58:00+07:00</sent>", "<sent>2026-11-23T11:58:00</sent>"),
        ("<sent>2026-11-23T11:58:00+07:00</sent>", "<sent>2026-02-30T11:58:00+07:00</sent>"),
        ("<sent>2026-11-23T11:58:00+07:00</sent>", "<sent>9999-12-31T23:59:59-14:00</sent>"),
        ("<sent>2026-11-23T11:58:00+07:00</sent>", "<sent>0001-01-01T00:00:00+14:00</sent>"),
        ("<sent>2026-11-23T11:58:00+07:00</sent>", "<sent>٢٠٢٦-11-23T11:58:00+07:00</sent>"),
        ("<sender>canhbao@kttv.example.vn</sender>", "<sender>a b</sender>"),
        ("<identifier>VN-2026-0001</identifier>", "<identifier>a,b</identifier>"),
        ("<identifier>VN-2026-0001</identifier>", "<identifier> </identifier>"),
        ("<identifier>VN-2026-0001</identifier>", f"<identifier>{'a' * 501}</identifier>"),
        ("<identifier>", '<identifier id="1">'),
        ("<event>Lũ quét</event>", "<event>Lũ <b>quét</b></event>"),
        ("urn:oasis:names:tc:emergency:cap:1.2", "urn:oasis:names:tc:emergency:cap:1.0"),
        ("urn:oasis:names:tc:emergency:cap:1.2", "http://example.vn/"),
    ],
)
def test_what_the_standard_does_not_allow_is_refused(old: str, new: str):
    text = cap().decode()
    assert old in text
    with pytest.raises(NotCap):
        read(text.replace(old, new).encode())


def test_the_refusal_says_where_it_is_wrong():
    with pytest.raises(NotCap, match=r"line 2.*urgency"):
        read(cap(info(urgency="Soon")))


@pytest.mark.parametrize(
    "circle",
    ["", "21.4,106.1", "21.4 106.1 5", "21.4,106.1 -1", "91,106 1", "21,181 1", "nan,106 1", "21,106 inf", "a,b c"],
)
def test_a_circle_that_is_none_has_a_code_of_its_own(circle: str):
    with pytest.raises(BadCircle) as refused:
        read(cap(info(places=area(f"<circle>{circle}</circle>"))))
    assert refused.value.number == 213


@pytest.mark.parametrize(
    "polygon",
    [
        "",
        "21,106 22,106 21,106",
        "21,106 22,106 22,107 21,107",
        "21,106 22,106 22,107, 21,106",
        "21 106 22 106 22 107 21 106",
        "21,106 22,106 22,1e999 21,106",
        "21,106 92,106 22,107 21,106",
    ],
)
def test_a_polygon_that_is_none_is_refused(polygon: str):
    with pytest.raises(BadPolygon):
        read(cap(info(places=area(f"<polygon>{polygon}</polygon>"))))


def test_more_points_than_anybody_draws_are_refused():
    ring = " ".join(["21,106"] * (reading.POINTS_MAX + 1))
    with pytest.raises(TooMuch, match="draws too much"):
        read(cap(info(places=area(f"<polygon>{ring}</polygon>"))))


def test_more_shapes_than_anybody_draws_are_refused():
    with pytest.raises(TooMuch, match="draws too much"):
        read(cap(info(places=area("<circle>21,106 1</circle>" * (reading.SHAPES_MAX + 1)))))


def test_more_tellings_than_anybody_needs_are_refused():
    with pytest.raises(TooMuch, match="info elements"):
        read(cap(*[info()] * (reading.INFOS_MAX + 1)))


def test_every_commune_of_the_country_may_be_named():
    assert len(read(cap(info(places=area(code("07339") * 3_500)))).infos[0].places[0].geocodes) == 3_500


@settings(max_examples=200, deadline=None)
@given(st.integers(0, len(cap()) - 1), st.binary(max_size=6), st.integers(0, 40))
def test_whatever_is_changed_in_a_message_it_is_read_or_refused(at: int, put: bytes, removed: int):
    data = cap()
    with suppress(CapRefused):
        assert isinstance(read(data[:at] + put + data[at + removed :]), Message)


@given(st.binary(max_size=200))
def test_no_bytes_do_anything_but_be_refused(data: bytes):
    with pytest.raises((Unreadable, NotCap)):
        read(data)

"""XML that was made to do harm. None of it is read; what time it takes is bounded by the size that is taken."""

from pathlib import Path

import pytest
from lxml import etree

from controller.cap import loading
from controller.cap.errors import CapRefused, NotCap, TooMuch, Unreadable
from controller.cap.loading import load
from controller.cap.reading import read
from tests.support.cap import cap, info

LAUGHS = "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 30))


def typed(declarations: str, *, headline: str = "Cảnh báo") -> bytes:
    return cap(info(headline=headline), before=f'<?xml version="1.0"?><!DOCTYPE alert [{declarations}]>')


@pytest.mark.parametrize(
    "document",
    [
        pytest.param(typed("<!ELEMENT alert ANY>"), id="a document type at all"),
        pytest.param(cap(before='<!DOCTYPE alert SYSTEM "http://127.0.0.1:1/a.dtd">'), id="a document type elsewhere"),
        pytest.param(typed('<!ENTITY l0 "ha">' + LAUGHS, headline="&l29;"), id="billion laughs"),
        pytest.param(typed(f'<!ENTITY a "{"a" * 50_000}">', headline="&a;" * 50_000), id="quadratic blow-up"),
        pytest.param(typed('<!ENTITY a "&b;"><!ENTITY b "&a;">', headline="&a;"), id="entities in a ring"),
        pytest.param(
            typed('<!ENTITY l0 "ha">' + LAUGHS).replace(b"<alert ", b'<alert x="&l29;" '), id="laughs in an attribute"
        ),
    ],
)
def test_document_types_and_entities_are_refused(document: bytes):
    with pytest.raises((Unreadable, TooMuch)):
        read(document)


def test_no_file_of_this_machine_is_read(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("matkhau")
    for declaration in (
        f'<!ENTITY x SYSTEM "{secret.as_uri()}">',
        f'<!ENTITY % x SYSTEM "{secret.as_uri()}"> %x;',
    ):
        with pytest.raises(Unreadable) as refused:
            read(typed(declaration, headline="&x;"))
        assert "matkhau" not in str(refused.value)


@pytest.mark.parametrize("whole", [True, False])
def test_no_document_type_is_read_from_a_file(tmp_path: Path, *, whole: bool):
    """A device or a pipe in its place would hold up the reader for ever."""
    outside = tmp_path / "a.dtd"
    outside.write_text('<!ENTITY x "matkhau">')
    document = cap(info(headline="&x;"), before=f'<!DOCTYPE alert SYSTEM "{outside.as_uri()}">')
    with pytest.raises(Unreadable):
        read(document)
    tree = etree.fromstring(document, loading.parser(whole=whole)).getroottree()
    assert tree.docinfo.externalDTD is None
    assert b"matkhau" not in etree.tostring(tree)


def test_an_entity_without_a_declaration_is_refused():
    with pytest.raises(Unreadable):
        read(cap(info(headline="&x;")))


def test_nothing_is_included_from_elsewhere(tmp_path: Path):
    secret = tmp_path / "secret"
    secret.write_text("matkhau")
    include = f'<xi:include xmlns:xi="http://www.w3.org/2001/XInclude" href="{secret.as_uri()}" parse="text"/>'
    with pytest.raises(NotCap) as refused:
        read(cap(info(headline=include)))
    assert "matkhau" not in str(refused.value)


def test_a_message_cannot_bring_its_own_schema(tmp_path: Path):
    own = tmp_path / "own.xsd"
    own.write_text(
        '<schema xmlns="http://www.w3.org/2001/XMLSchema" targetNamespace="http://www.w3.org/2000/09/xmldsig#">'
        '<element name="Count" type="integer"/></schema>'
    )
    hint = (
        '<alert xmlns:xsi="http://www.w3.org/2001/XMLSchema-instance" '
        f'xsi:schemaLocation="http://www.w3.org/2000/09/xmldsig# {own.as_uri()}" '
    )
    counted = cap(after_root='<Count xmlns="http://www.w3.org/2000/09/xmldsig#">by that schema no integer</Count>')
    assert read(counted.replace(b"<alert ", hint.encode())) == read(cap())
    with pytest.raises(NotCap):
        read(cap().replace(b"<alert ", hint.encode()).replace(b"<status>", b'<status xsi:type="string">'))


@pytest.mark.parametrize("encoding", ["UTF-7", "UTF-32", "windows-1258", "EBCDIC-CP-US", "shift_jis", "no-such"])
def test_encodings_that_hide_things_are_refused(encoding: str):
    with pytest.raises(Unreadable):
        read(cap(before=f'<?xml version="1.0" encoding="{encoding}"?>'))


def test_bytes_that_are_not_in_the_declared_encoding_are_refused():
    with pytest.raises(Unreadable):
        read(cap(info(headline="Lũ"), before='<?xml version="1.0" encoding="UTF-8"?>').replace("ũ".encode(), b"\xe3"))


def test_more_bytes_than_are_taken_are_not_even_parsed():
    with pytest.raises(TooMuch):
        load(b"<" * (loading.BYTES_MAX + 1))


def test_more_elements_than_are_taken_are_refused():
    with pytest.raises(TooMuch):
        load(b"<a>" + b"<b/>" * (loading.ELEMENTS_MAX + 1) + b"</a>")


@pytest.mark.parametrize("depth", [100, 5_000, 70_000])
def test_elements_within_elements_are_refused(depth: int):
    with pytest.raises(CapRefused):
        read(b"<a>" * depth + b"</a>" * depth)


def test_attributes_by_the_thousand_are_refused():
    with pytest.raises(CapRefused):
        read(b"<a " + b" ".join(b'a%d="1"' % n for n in range(40_000)) + b"/>")


def test_ids_are_refused_the_same_one_twice_as_well():
    with pytest.raises(CapRefused):
        read(cap().replace(b"<info>", b'<info xml:id="a">').replace(b"<area>", b'<area xml:id="a">'))

"""XML from strangers: bounded, without document types, entities, or anything fetched from elsewhere."""

from typing import Any, Final

from lxml import etree

from controller.cap.errors import TooMuch, Unreadable
from controller.text import Text

BYTES_MAX: Final = 512 * 1024
"""Real alerts have up to some 200 KiB, nearly all of it polygons."""
ELEMENTS_MAX: Final = 50_000
_ENCODINGS: Final = frozenset({"UTF-8", "UTF-16", "UTF-16LE", "UTF-16BE", "US-ASCII", "ASCII", "ISO-8859-1"})
"""Others, such as UTF-7, exist to say one thing to a filter and another to a reader."""

Element = etree._Element  # noqa: SLF001 the one public name of this type


def parser(*, whole: bool = False) -> etree.XMLParser:
    """A parser that trusts nothing; libxml2 bounds depth, text and the growth of entities on its own.

    `whole` keeps comments and processing instructions, which a signature counts.
    """
    made = etree.XMLParser(
        resolve_entities=False,
        load_dtd=False,
        no_network=True,
        huge_tree=False,
        remove_comments=not whole,
        remove_pis=not whole,
    )
    made.resolvers.add(_Nothing())
    return made


class _Nothing(etree.Resolver):
    """Answers whatever a document names with nothing: some options make libxml2 read external subsets as well."""

    def resolve(self, system_url: str | None, public_id: str | None, context: Any) -> Any:  # noqa: ARG002 libxml2's call
        """Nothing."""
        return self.resolve_empty(context)


def load(data: bytes, *, bytes_max: int = BYTES_MAX, elements_max: int = ELEMENTS_MAX) -> Element:
    """Return the root element; raises `Unreadable` or `TooMuch`.

    Comments are gone, so that text around them is one piece.
    """
    if len(data) > bytes_max:
        raise TooMuch
    try:
        root = etree.fromstring(data, parser())
    except etree.XMLSyntaxError as error:
        raise Unreadable(Text("This XML cannot be read (line %(lineno)s)", lineno=error.lineno)) from error
    except (LookupError, UnicodeError, ValueError) as error:
        raise Unreadable from error
    about = root.getroottree().docinfo
    if about.internalDTD is not None or about.externalDTD is not None:
        raise Unreadable(Text("The XML must not have a DOCTYPE"))
    if (about.encoding or "UTF-8").upper() not in _ENCODINGS:
        raise Unreadable(Text("Use UTF-8"))
    if sum(1 for _ in root.iter()) > elements_max:
        raise TooMuch
    return root

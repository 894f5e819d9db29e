"""Why a CAP message is refused. All are permanent: the same bytes will be refused again.

The numbers are IPAWS-OPEN's status codes, where it has one for the case.
"""

from typing import Final

from controller.errors import ControllerError
from controller.text import Text


class CapRefused(ControllerError):
    """A CAP message that was not taken; `number` is IPAWS-OPEN's."""

    status, code = 422, "cap_refused"
    title = Text("The CAP message was not taken")


class Unreadable(CapRefused):
    """Not XML that we read: broken, in a strange encoding, or with a document type declaration."""

    status, code = 400, "cap_unreadable"
    title = Text("This XML cannot be read")


class TooMuch(CapRefused):
    """More bytes, elements, points or areas than any honest message has."""

    status, code = 413, "cap_too_large"
    title = Text("The CAP message is too large")


class NotCap(CapRefused):
    """XML, but not CAP 1.2, nor 1.1 that reads the same."""

    code = "cap_invalid"
    title = Text("This XML is not valid CAP 1.2")


class Duplicate(CapRefused):
    """This sender has used this identifier before."""

    status, code, number = 409, "cap_duplicate", 201
    title = Text("This identifier was used before. A new message needs a new one.")


class ReferenceMissing(CapRefused):
    """An update or a cancellation of nothing that we know."""

    code, number = "cap_reference_missing", 207
    title = Text(
        "An update or a cancellation must name, in references, a message that came here before and is still in force"
    )


class BadSignature(CapRefused):
    """Not signed by the sender, or not as we ask."""

    status, code, number = 403, "cap_bad_signature", 208
    title = Text("The XML signature is missing, or is not by the sender's registered certificate")


class ReferenceExpired(CapRefused):
    """All that it updates or cancels had expired when it was sent."""

    code, number = "cap_reference_expired", 209
    title = Text("The message it names has expired. Send a new Alert if the danger is still there.")


class BadCircle(CapRefused):
    """A circle that is none."""

    code, number = "cap_bad_circle", 213
    title = Text('A circle is written "latitude,longitude radius_in_km"')


class BadPolygon(CapRefused):
    """A polygon that is none."""

    code = "cap_bad_polygon"
    title = Text('A polygon has at least four points "latitude,longitude", the last the same as the first')


class OutsideArea(CapRefused):
    """Nothing of what it names lies in the sender's areas."""

    status, code, number = 403, "cap_outside_area", 214
    title = Text("The message is for areas that are not the sender's")


class NotTheirName(CapRefused):
    """The `sender` element names somebody else."""

    status, code = 403, "cap_sender"
    title = Text("The sender element is not this sender's own name")


class Over(CapRefused):
    """It had expired before it arrived."""

    code = "cap_expired"
    title = Text("The message had expired when it arrived")


class Superseded(CapRefused):
    """A later message, which arrived earlier, has already updated or cancelled it."""

    status, code = 409, "cap_superseded"
    title = Text("A newer message has already replaced or cancelled this")


class NothingToSay(CapRefused):
    """An alert with no information in it."""

    code = "cap_empty"
    title = Text("The message says nothing: it needs an info element")


_BY_CODE: Final = {kind.code: kind for kind in CapRefused.__subclasses__()}


def refused_with(code: str) -> type[CapRefused]:
    """Return the kind of refusal of a code that was kept."""
    return _BY_CODE.get(code, CapRefused)

"""Why a message was refused. All are permanent: the same bytes will be refused again."""

from typing import ClassVar


class ProtocolError(Exception):
    """A message that must not be acted on. `code` is stable: devices count refusals by it."""

    code: ClassVar[str] = "protocol"
    transient: ClassVar[bool] = False


class Malformed(ProtocolError):
    """Not the shape that its topic promises."""

    code = "malformed"


class TooLarge(ProtocolError):
    """Longer than its topic allows."""

    code = "too_large"


class UnsupportedVersion(ProtocolError):
    """Speaks another version of the wire: one of the two sides needs an update."""

    code = "unsupported_version"


class UnknownKey(ProtocolError):
    """Signed with a key that is not trusted here."""

    code = "unknown_key"


class BadSignature(ProtocolError):
    """The signature does not fit the words."""

    code = "bad_signature"


class WrongType(ProtocolError):
    """A well-signed message of another kind: a clock reply where a plan was expected."""

    code = "wrong_type"


class WrongAudience(ProtocolError):
    """Addressed to another speaker or area."""

    code = "wrong_audience"


class Expired(ProtocolError):
    """Its lifetime is over."""

    code = "expired"


class NotYetValid(ProtocolError):
    """Issued in the future: one of the two clocks is wrong."""

    code = "not_yet_valid"

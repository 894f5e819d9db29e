"""Why the controller refuses or fails. One tree; `code` is stable, the sentences are for people."""

from dataclasses import dataclass
from typing import ClassVar, Self

from controller.text import Text


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of the input; the name is a dotted path, empty for the whole."""

    field: str
    message: Text


@dataclass(frozen=True, slots=True)
class Thing:
    """What somebody wanted to do something with, as the trail names it."""

    kind: str
    key: str
    label: str
    area: str
    """The path of the area that it lies in."""


class ControllerError(Exception):
    """Something that was not done. Raised anywhere below the edge; the edge turns it into an answer."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[Text] = Text("Internal error")
    advice: ClassVar[Text | None] = None
    """What to do, where the title does not say it and whoever raises it says nothing better. Not inherited."""
    transient: ClassVar[bool] = False
    """Whether the same request may succeed later without a change."""
    number: ClassVar[int | None] = None
    """What another standard calls it, such as IPAWS-OPEN."""

    def __init__(self, detail: Text | None = None, *, errors: tuple[FieldError, ...] = ()) -> None:
        self.detail = detail or self._said()
        self.errors = errors
        self.about: Thing | None = None
        """Set where the trail of that thing must tell that this was refused, whatever the status."""
        super().__init__(self.detail.en)

    @classmethod
    def _said(cls) -> Text:
        advice: Text | None = vars(cls).get("advice")
        if advice is None:
            return cls.title
        return Text("%(title)s. %(advice)s", title=cls.title, advice=advice)


class Malformed(ControllerError):
    """Not a request that can be read."""

    status, code = 400, "malformed"
    title = Text("The request cannot be read")
    advice = Text("Load the page again, then try once more.")


class Unauthenticated(ControllerError):
    """Nobody is signed in."""

    status, code = 401, "unauthenticated"
    title = Text("Sign in first")


class Forbidden(ControllerError):
    """Somebody is signed in who may not do this."""

    status, code = 403, "forbidden"
    title = Text("You may not do this")
    advice = Text("Ask the administrator of your area.")


class NotFound(ControllerError):
    """No such thing, or not one that this viewer may see: the two look alike."""

    status, code = 404, "not_found"
    title = Text("Not found")
    advice = Text("It may be gone, or belong to another area. Go back to the list.")


class MethodNotAllowed(ControllerError):
    """The address exists, the method does not."""

    status, code = 405, "method_not_allowed"
    title = Text("This method is not allowed here")
    advice = Text("The header Allow names those that are.")


class Conflict(ControllerError):
    """The state of things does not allow it."""

    status, code = 409, "conflict"
    title = Text("In conflict with what is there")
    advice = Text("Load the page again, then do it anew.")


class PreconditionFailed(ControllerError):
    """Somebody else edited it in between."""

    status, code = 412, "precondition_failed"
    title = Text("Somebody else has just edited this. Load it again, then edit.")


class TooLarge(ControllerError):
    """More bytes than are taken."""

    status, code = 413, "too_large"
    title = Text("Too much was sent")
    advice = Text("Send a smaller file.")


class TooSlow(ControllerError):
    """A body that does not come."""

    status, code = 408, "too_slow"
    title = Text("What was to be sent came too slowly. Try again.")
    transient = True


class Invalid(ControllerError):
    """Readable input that is wrong; `errors` names the fields."""

    status, code = 422, "invalid"
    title = Text("The input is not right")
    advice = Text("Mend what is marked, then send it again.")

    @classmethod
    def field(cls, field: str, message: Text) -> Self:
        """Refuse one field."""
        return cls(message, errors=(FieldError(field, message),))


class KeyReused(ControllerError):
    """An idempotency key came back with another request."""

    status, code = 422, "idempotency_key_reused"
    title = Text("This Idempotency-Key was used for another request")
    advice = Text("Use a new key.")


class PreconditionRequired(ControllerError):
    """An edit must say which version it edits."""

    status, code = 428, "precondition_required"
    title = Text("If-Match is missing: send the ETag of what you edit")


class TooManyAttempts(ControllerError):
    """Slow down."""

    status, code, transient = 429, "too_many_attempts", True
    title = Text("Too many attempts. Wait a little.")

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class Unavailable(ControllerError):
    """Something that this service needs is not there just now."""

    status, code, transient = 503, "unavailable", True
    title = Text("Not available just now. Try again.")


class StorageFull(Unavailable):
    """The disk takes no more."""

    code = "storage_full"
    title = Text("The server has no room left. Nothing was saved; tell its operator, then try again.")

"""Why the controller refuses or fails. One tree; `code` is stable, the sentences are for people."""

from dataclasses import dataclass
from typing import ClassVar, Self

from controller.text import Text


@dataclass(frozen=True, slots=True)
class FieldError:
    """What is wrong with one field of the input; the name is a dotted path, empty for the whole."""

    field: str
    message: Text


class ControllerError(Exception):
    """Something that was not done. Raised anywhere below the edge; the edge turns it into an answer."""

    status: ClassVar[int] = 500
    code: ClassVar[str] = "internal"
    title: ClassVar[Text] = Text("Lỗi hệ thống", "Internal error")
    transient: ClassVar[bool] = False
    """Whether the same request may succeed later without a change."""
    number: ClassVar[int | None] = None
    """What another standard calls it, such as IPAWS-OPEN."""

    def __init__(self, vi: str = "", en: str = "", *, errors: tuple[FieldError, ...] = ()) -> None:
        self.detail = Text(vi, en) if vi else self.title
        self.errors = errors
        super().__init__(self.detail.en)


class Malformed(ControllerError):
    """Not a request that can be read."""

    status, code = 400, "malformed"
    title = Text("Yêu cầu không đọc được", "The request cannot be read")


class Unauthenticated(ControllerError):
    """Nobody is signed in."""

    status, code = 401, "unauthenticated"
    title = Text("Hãy đăng nhập", "Sign in first")


class Forbidden(ControllerError):
    """Somebody is signed in who may not do this."""

    status, code = 403, "forbidden"
    title = Text("Bạn không có quyền làm việc này", "You may not do this")


class NotFound(ControllerError):
    """No such thing, or not one that this viewer may see: the two look alike."""

    status, code = 404, "not_found"
    title = Text("Không tìm thấy", "Not found")


class MethodNotAllowed(ControllerError):
    """The address exists, the method does not."""

    status, code = 405, "method_not_allowed"
    title = Text("Không dùng được cách gọi này ở đây", "This method is not allowed here")


class Conflict(ControllerError):
    """The state of things does not allow it."""

    status, code = 409, "conflict"
    title = Text("Mâu thuẫn với dữ liệu hiện có", "In conflict with what is there")


class PreconditionFailed(ControllerError):
    """Somebody else edited it in between."""

    status, code = 412, "precondition_failed"
    title = Text(
        "Người khác vừa sửa mục này. Hãy tải lại rồi sửa tiếp.",
        "Somebody else has just edited this. Load it again, then edit.",
    )


class TooLarge(ControllerError):
    """More bytes than are taken."""

    status, code = 413, "too_large"
    title = Text("Dữ liệu gửi lên quá lớn", "Too much was sent")


class TooSlow(ControllerError):
    """A body that does not come."""

    status, code = 408, "too_slow"
    title = Text("Dữ liệu gửi lên quá chậm. Hãy thử lại.", "What was to be sent came too slowly. Try again.")
    transient = True


class Invalid(ControllerError):
    """Readable input that is wrong; `errors` names the fields."""

    status, code = 422, "invalid"
    title = Text("Dữ liệu chưa đúng", "The input is not right")

    @classmethod
    def field(cls, field: str, vi: str, en: str) -> Self:
        """Refuse one field."""
        return cls(vi, en, errors=(FieldError(field, Text(vi, en)),))


class KeyReused(ControllerError):
    """An idempotency key came back with another request."""

    status, code = 422, "idempotency_key_reused"
    title = Text(
        "Khoá Idempotency-Key này đã dùng cho một yêu cầu khác",
        "This Idempotency-Key was used for another request",
    )


class PreconditionRequired(ControllerError):
    """An edit must say which version it edits."""

    status, code = 428, "precondition_required"
    title = Text("Thiếu If-Match: hãy gửi ETag của bản đang sửa", "If-Match is missing: send the ETag of what you edit")


class TooManyAttempts(ControllerError):
    """Slow down."""

    status, code, transient = 429, "too_many_attempts", True
    title = Text("Thử quá nhiều lần. Hãy đợi một lát.", "Too many attempts. Wait a little.")

    def __init__(self, retry_after_s: int) -> None:
        super().__init__()
        self.retry_after_s = retry_after_s


class Unavailable(ControllerError):
    """Something that this service needs is not there just now."""

    status, code, transient = 503, "unavailable", True
    title = Text("Tạm thời chưa phục vụ được. Hãy thử lại.", "Not available just now. Try again.")


class StorageFull(Unavailable):
    """The disk takes no more."""

    code = "storage_full"
    title = Text(
        "Máy chủ hết chỗ lưu. Chưa có gì được lưu; hãy báo người quản trị rồi thử lại.",
        "The server has no room left. Nothing was saved; tell its operator, then try again.",
    )

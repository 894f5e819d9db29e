"""Pydantic's complaints as sentences for people."""

from collections.abc import Mapping
from typing import Any

from controller.text import Text

_SENTENCES: dict[str, Text] = {
    "missing": Text("Chưa có thông tin này", "This is missing"),
    "extra_forbidden": Text("Không có trường này", "There is no such field"),
    "string_type": Text("Phải là chữ", "Must be text"),
    "string_too_short": Text("Cần ít nhất {min_length} ký tự", "At least {min_length} characters are needed"),
    "string_too_long": Text("Nhiều nhất {max_length} ký tự", "At most {max_length} characters"),
    "string_pattern_mismatch": Text("Không đúng mẫu {pattern}", "Does not match the pattern {pattern}"),
    "int_type": Text("Phải là số nguyên", "Must be a whole number"),
    "int_parsing": Text("Phải là số nguyên", "Must be a whole number"),
    "int_from_float": Text("Phải là số nguyên", "Must be a whole number"),
    "float_type": Text("Phải là số", "Must be a number"),
    "float_parsing": Text("Phải là số", "Must be a number"),
    "finite_number": Text("Phải là một số hữu hạn", "Must be a finite number"),
    "bool_type": Text("Phải là đúng hoặc sai", "Must be true or false"),
    "bool_parsing": Text("Phải là đúng hoặc sai", "Must be true or false"),
    "greater_than": Text("Phải lớn hơn {gt}", "Must be greater than {gt}"),
    "greater_than_equal": Text("Phải từ {ge} trở lên", "Must be {ge} or more"),
    "less_than": Text("Phải nhỏ hơn {lt}", "Must be less than {lt}"),
    "less_than_equal": Text("Phải từ {le} trở xuống", "Must be {le} or less"),
    "too_long": Text("Nhiều nhất {max_length} mục", "At most {max_length} items"),
    "too_short": Text("Cần ít nhất {min_length} mục", "At least {min_length} items are needed"),
    "list_type": Text("Phải là một danh sách", "Must be a list"),
    "enum": Text("Phải là một trong: {expected}", "Must be one of: {expected}"),
    "literal_error": Text("Phải là một trong: {expected}", "Must be one of: {expected}"),
    "datetime_parsing": Text("Thời điểm không đọc được", "Not a moment that can be read"),
    "datetime_from_date_parsing": Text("Thời điểm không đọc được", "Not a moment that can be read"),
    "timezone_aware": Text("Thời điểm phải kèm múi giờ", "The moment needs a time zone"),
    "model_attributes_type": Text("Phải là một đối tượng JSON", "Must be a JSON object"),
    "dict_type": Text("Phải là một đối tượng JSON", "Must be a JSON object"),
}


def sentence(error: Mapping[str, Any]) -> Text:
    """Return what is wrong, in both languages. A validator may say so itself with `ValueError(Text(…))`."""
    context = error.get("ctx", {})
    reason = context.get("error")
    if isinstance(reason, ValueError) and reason.args and isinstance(reason.args[0], Text):
        return reason.args[0]
    known = _SENTENCES.get(error["type"])
    if known is None:
        return Text(f"Chưa đúng: {error['msg']}", str(error["msg"]))
    return Text(known.vi.format_map(context), known.en.format_map(context))

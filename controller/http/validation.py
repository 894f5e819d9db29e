"""Pydantic's complaints as sentences for people."""

from collections.abc import Mapping
from typing import Any

from controller.text import Text

_SENTENCES: dict[str, Text] = {
    "missing": Text("This is missing"),
    "extra_forbidden": Text("There is no such field"),
    "string_type": Text("Must be text"),
    "string_too_short": Text("At least %(min_length)s characters are needed"),
    "string_too_long": Text("At most %(max_length)s characters"),
    "string_pattern_mismatch": Text("Does not match the pattern %(pattern)s"),
    "int_type": Text("Must be a whole number"),
    "int_parsing": Text("Must be a whole number"),
    "int_from_float": Text("Must be a whole number"),
    "float_type": Text("Must be a number"),
    "float_parsing": Text("Must be a number"),
    "finite_number": Text("Must be a finite number"),
    "bool_type": Text("Must be true or false"),
    "bool_parsing": Text("Must be true or false"),
    "greater_than": Text("Must be greater than %(gt)s"),
    "greater_than_equal": Text("Must be %(ge)s or more"),
    "less_than": Text("Must be less than %(lt)s"),
    "less_than_equal": Text("Must be %(le)s or less"),
    "too_long": Text("At most %(max_length)s items"),
    "too_short": Text("At least %(min_length)s items are needed"),
    "list_type": Text("Must be a list"),
    "enum": Text("Must be one of: %(expected)s"),
    "literal_error": Text("Must be one of: %(expected)s"),
    "datetime_parsing": Text("Not a moment that can be read"),
    "datetime_from_date_parsing": Text("Not a moment that can be read"),
    "timezone_aware": Text("The moment needs a time zone"),
    "model_attributes_type": Text("Must be a JSON object"),
    "dict_type": Text("Must be a JSON object"),
}


def sentence(error: Mapping[str, Any]) -> Text:
    """Return what is wrong, in both languages. A validator may say so itself with `ValueError(Text(…))`."""
    context = error.get("ctx", {})
    reason = context.get("error")
    if isinstance(reason, ValueError) and reason.args and isinstance(reason.args[0], Text):
        return reason.args[0]
    known = _SENTENCES.get(error["type"])
    if known is None:
        return Text("%(complaint)s", complaint=error["msg"])
    return Text(known.sentence, **context)

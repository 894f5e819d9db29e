"""Paths of the area tree: the root is `/`, a commune `/24/07339/`."""

from typing import Any

from sqlalchemy import ColumnElement, and_
from sqlalchemy.orm import InstrumentedAttribute

ROOT_CODE = "VN"
ROOT_PATH = "/"
DEPTH_MAX = 16
_AFTER_SLASH = "0"


def child_path(parent_path: str, code: str) -> str:
    """The path of the area `code` below `parent_path`."""
    return f"{parent_path}{code}/"


def codes_of(path: str) -> tuple[str, ...]:
    """The chain of codes from the widest area to the path's own."""
    return (ROOT_CODE, *(part for part in path.split("/") if part))


def ancestors(path: str) -> tuple[str, ...]:
    """The paths of the area itself and all above it, widest first."""
    parts = [part for part in path.split("/") if part]
    return tuple("/" + "".join(f"{part}/" for part in parts[:depth]) for depth in range(len(parts) + 1))


def within(column: InstrumentedAttribute[str], scope: str) -> ColumnElement[bool]:
    """Whether a path lies at or below `scope`: a range of the index, with no pattern characters to escape."""
    upper: Any = scope[:-1] + _AFTER_SLASH
    return and_(column >= scope, column < upper)

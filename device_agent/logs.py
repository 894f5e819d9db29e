"""The agent's log: one JSON object a line on stderr, and the last lines in memory for a technician who asks."""

import logging
import sys
from collections import deque

import structlog
from structlog.typing import EventDict, WrappedLogger

KEPT_LINES = 500
LINE_MAX = 4000
"""Longer lines, such as deep tracebacks, are kept cut."""


class LogRing:
    """The last lines, as they were written."""

    def __init__(self) -> None:
        self._lines: deque[str] = deque(maxlen=KEPT_LINES)

    def append(self, line: str) -> None:
        """Keep a line, forget the oldest."""
        self._lines.append(line[:LINE_MAX])

    def tail(self, lines: int) -> list[str]:
        """The last lines, oldest first."""
        return list(self._lines)[-lines:]


def configure_logs(level: str, ring: LogRing) -> None:
    """Send everything, libraries' warnings included, to stderr and the ring."""
    number = logging.getLevelNamesMapping()[level.upper()]

    def keep(_: WrappedLogger, __: str, event: EventDict | str) -> str:
        line = str(event)
        ring.append(line)
        return line

    shared: list[structlog.typing.Processor] = [
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        structlog.processors.format_exc_info,
    ]
    render: list[structlog.typing.Processor] = [structlog.processors.JSONRenderer(ensure_ascii=False), keep]
    structlog.configure(
        processors=[*shared, *render],
        wrapper_class=structlog.make_filtering_bound_logger(number),
        logger_factory=structlog.PrintLoggerFactory(sys.stderr),
        cache_logger_on_first_use=False,
    )
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=shared, processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render]
        )
    )
    logging.basicConfig(handlers=[handler], level=max(number, logging.WARNING), force=True)

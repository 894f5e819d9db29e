"""What was refused from speakers: every one counted, only the first of a kind logged."""

from collections import Counter

import structlog

log = structlog.get_logger(__name__)

REMEMBERED = 10_000
"""Speakers × codes; beyond that new ones are only counted together, so that an attacker cannot fill the memory."""


class Refusals:
    """Counts by speaker and code. Device ids come from topics: they may be anything."""

    def __init__(self) -> None:
        self.by_code: Counter[str] = Counter()
        self._seen: set[tuple[str, str]] = set()

    def add(self, device_id: str, code: str, detail: str = "") -> None:
        """Count a refusal, and log it when this speaker was not yet known for it."""
        self.by_code[code] += 1
        edge = (device_id, code)
        if edge in self._seen or len(self._seen) >= REMEMBERED:
            return
        self._seen.add(edge)
        log.warning("link.refused", device=device_id[:64], code=code, detail=detail[:200])

    def good(self, device_id: str) -> None:
        """The speaker said something sound again: its next refusal is news."""
        self._seen = {edge for edge in self._seen if edge[0] != device_id} if self._seen else self._seen

"""A finger on a screen: real touch events, as the browser gets them from the glass."""

from typing import Any

from playwright.sync_api import Locator, Page


class Finger:
    """One finger on the glass: real touch events, as the browser gets them from a screen."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self._glass = page.context.new_cdp_session(page)
        self._at = (0.0, 0.0)

    def down(self, on: Locator, *, low: bool = False) -> None:
        """Put it on the middle of something, or on its lower edge."""
        on.scroll_into_view_if_needed()
        box = on.bounding_box()
        assert box
        self._at = (box["x"] + min(box["width"] / 2, 120), box["y"] + box["height"] * (0.5 if not low else 1) - 6 * low)
        self._send("touchStart", [self._at])

    def over(self, what: Locator) -> None:
        """Take it to the middle of something that is on the screen, step by step."""
        box = what.bounding_box()
        assert box
        self.to(box["x"] + box["width"] / 2, box["y"] + min(box["height"] / 2, 30))

    def to(self, x: float, y: float) -> None:
        """Take it there, step by step."""
        (from_x, from_y), steps = self._at, 8
        for step in range(1, steps + 1):
            self._at = (from_x + (x - from_x) * step / steps, from_y + (y - from_y) * step / steps)
            self._send("touchMove", [self._at])

    def up(self) -> None:
        """Take it off the glass."""
        self._send("touchEnd", [])

    def _send(self, kind: str, points: list[tuple[float, float]]) -> None:
        touches: list[dict[str, Any]] = [{"x": x, "y": y} for x, y in points]
        self._glass.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

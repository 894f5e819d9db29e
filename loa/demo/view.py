"""What the terminal shows: a live table for people, plain lines for logs."""

from collections.abc import Sequence
from datetime import datetime, tzinfo
from types import TracebackType
from typing import Protocol, Self

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

from loa.demo.progress import Airing, Fate


class View(Protocol):
    """Shows how it goes."""

    def show(self, airings: Sequence[Airing], *, now: datetime) -> None:
        """Show the present state."""

    def say(self, text: str) -> None:
        """Say one thing that happened."""

    def __enter__(self) -> Self: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None: ...


def choose_view(console: Console, zone: tzinfo) -> View:
    """A table where somebody watches, lines where nobody does."""
    return LiveTable(console, zone) if console.is_terminal else PlainLines(console, zone)


def status(airing: Airing, now: datetime) -> str:
    """One airing in a few words."""
    total = len(airing.speakers)
    if on_air := airing.count(Fate.ON_AIR):
        return f"on air {on_air} of {total}"
    if airing.settled or airing.count(Fate.PLAYED):
        missed = airing.count(Fate.NOT_PLAYED)
        return f"played {airing.count(Fate.PLAYED)} of {total}" + (f", not played {missed}" if missed else "")
    if now > airing.ends_at:
        return f"no word yet from {total}"
    return f"ready {airing.ready} of {total}"


def start_errors(airing: Airing) -> str:
    """How far from its instant each speaker started."""
    errors = [speaker.start_error_ms for speaker in airing.speakers if speaker.start_error_ms is not None]
    return f"≤ {max(map(abs, errors)):.1f} ms" if errors else ""


class PlainLines:
    """One line for each change."""

    def __init__(self, console: Console, zone: tzinfo) -> None:
        self._console = console
        self._zone = zone
        self._last: dict[str, str] = {}

    def show(self, airings: Sequence[Airing], *, now: datetime) -> None:
        """Print what changed since the last time."""
        for airing in airings:
            words = status(airing, now)
            if airing.id not in self._last:
                count = len(airing.speakers)
                self._line(now, f"scheduled: {airing.title}, {self._clock(airing.starts_at)}, {count} speakers")
            if self._last.get(airing.id) != words:
                self._last[airing.id] = words
                error = start_errors(airing) if airing.settled else ""
                self._line(now, f"{words}: {airing.title}" + (f" (start error {error})" if error else ""))

    def say(self, text: str) -> None:
        """Print it."""
        self._console.print(text, highlight=False, soft_wrap=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        return

    def _clock(self, at: datetime) -> str:
        return f"{at.astimezone(self._zone):%H:%M:%S}"

    def _line(self, now: datetime, text: str) -> None:
        self.say(f"{self._clock(now)}  {text}")


class LiveTable:
    """The day as a table that follows events."""

    def __init__(self, console: Console, zone: tzinfo) -> None:
        self._zone = zone
        self._live = Live(console=console, auto_refresh=False)

    def show(self, airings: Sequence[Airing], *, now: datetime) -> None:
        """Redraw."""
        table = Table(title=f"{now.astimezone(self._zone):%H:%M:%S}", title_justify="left", expand=False)
        for column in ("scheduled", "broadcast", "now", "start error"):
            table.add_column(column)
        for airing in airings:
            table.add_row(
                f"{airing.starts_at.astimezone(self._zone):%d/%m %H:%M:%S}",
                airing.title,
                Text(status(airing, now), style=_style(airing)),
                start_errors(airing),
            )
        self._live.update(Group(table, Text("Ctrl-C ends everything.", style="dim")), refresh=True)

    def say(self, text: str) -> None:
        """Print it above the table."""
        self._live.console.print(text, highlight=False)

    def __enter__(self) -> Self:
        self._live.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._live.stop()


def _style(airing: Airing) -> str:
    if airing.count(Fate.NOT_PLAYED):
        return "bold red"
    if airing.count(Fate.ON_AIR):
        return "bold green"
    return "green" if airing.settled else "cyan"

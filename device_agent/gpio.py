"""One output of the board, through libgpiod: the kernel's own interface, alike on every Raspberry Pi."""

from contextlib import suppress
from typing import TYPE_CHECKING

from device_agent.amplifier import AmplifierFault

if TYPE_CHECKING:
    from gpiod import LineRequest


class GpioLine:
    """A line of a GPIO chip, driven inactive from the start. `line` is its number, or its name such as `GPIO17`.

    It is asked for at the first use, and again after a fault: a board that was late costs nothing.
    """

    def __init__(self, chip: str, line: int | str, *, active_low: bool = False) -> None:
        self._chip = chip
        self._line = line
        self._active_low = active_low
        self._request: LineRequest | None = None

    def set(self, *, on: bool) -> None:
        """Drive it active or inactive. Raises `AmplifierFault`, saying what to look at."""
        try:
            from gpiod.line import Value  # noqa: PLC0415 - 2.6 MB that only a switched amplifier needs
        except ImportError as error:
            raise AmplifierFault("the gpiod package is not installed: pip install 'loa[gpio]'") from error
        try:
            request = self._request or self._requested()
            self._request = request
            request.set_value(self._line, Value.ACTIVE if on else Value.INACTIVE)
        except Exception as error:  # gpiod's own share no base, and whatever it is, sound goes on
            with suppress(AmplifierFault):
                self.close()
            raise AmplifierFault(f"{self._chip}, line {self._line}: {error}") from error

    def close(self) -> None:
        """Let it go; most boards then keep the last level, so it is set inactive before. Raises `AmplifierFault`."""
        request, self._request = self._request, None
        if request is None:
            return
        try:
            request.release()
        except Exception as error:
            raise AmplifierFault(f"{self._chip}, line {self._line}: {error}") from error

    def _requested(self) -> "LineRequest":
        import gpiod  # noqa: PLC0415 - see above
        from gpiod.line import Direction, Value  # noqa: PLC0415

        settings = gpiod.LineSettings(
            direction=Direction.OUTPUT, active_low=self._active_low, output_value=Value.INACTIVE
        )
        return gpiod.request_lines(self._chip, consumer="loa-amplifier", config={self._line: settings})

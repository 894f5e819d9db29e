"""Single lines of the board, through libgpiod: the kernel's own interface, alike on every Raspberry Pi."""

from abc import ABC, abstractmethod
from contextlib import suppress
from typing import TYPE_CHECKING, ClassVar

from device_agent.alerts.button import ContactFault
from device_agent.amplifier import AmplifierFault
from device_agent.errors import AgentError

if TYPE_CHECKING:
    from gpiod import LineRequest, LineSettings


class _GpioLine(ABC):
    """A line of a GPIO chip. `line` is its number, or its name such as `GPIO17`.

    It is asked for at the first use, and again after a fault: a board that was late costs nothing.
    """

    consumer: ClassVar[str]
    fault: ClassVar[type[AgentError]]

    def __init__(self, chip: str, line: int | str, *, active_low: bool = False) -> None:
        self._chip = chip
        self._line = line
        self._active_low = active_low
        self._request: LineRequest | None = None

    def close(self) -> None:
        """Let it go; most boards then keep the last level, so an output is set inactive before. Raises its fault."""
        request, self._request = self._request, None
        if request is None:
            return
        try:
            request.release()
        except Exception as error:
            raise self._failed(error) from error

    def _open(self) -> "LineRequest":
        """Return the line, asked for where it is not yet. Raises its fault where the library is missing."""
        try:
            import gpiod  # noqa: PLC0415 - 2.6 MB that only a board with such a line needs
        except ImportError as error:
            raise self.fault("the gpiod package is not installed: pip install 'loa[gpio]'") from error
        if self._request is None:
            self._request = gpiod.request_lines(
                self._chip, consumer=self.consumer, config={self._line: self._settings()}
            )
        return self._request

    @abstractmethod
    def _settings(self) -> "LineSettings":
        """How the line is asked for."""

    def _failed(self, error: Exception) -> AgentError:
        """Close it for a new beginning, and return what to look at."""
        with suppress(AgentError):
            self.close()
        return self.fault(f"{self._chip}, line {self._line}: {error}")


class GpioLine(_GpioLine):
    """An output, driven inactive from the start."""

    consumer = "loa-amplifier"
    fault = AmplifierFault

    def set(self, *, on: bool) -> None:
        """Drive it active or inactive. Raises `AmplifierFault`, saying what to look at."""
        try:
            request = self._open()
            from gpiod.line import Value  # noqa: PLC0415 - see above

            request.set_value(self._line, Value.ACTIVE if on else Value.INACTIVE)
        except AmplifierFault:
            raise
        except Exception as error:  # gpiod's own share no base, and whatever it is, sound goes on
            raise self._failed(error) from error

    def _settings(self) -> "LineSettings":
        from gpiod import LineSettings  # noqa: PLC0415 - see above
        from gpiod.line import Direction, Value  # noqa: PLC0415

        return LineSettings(direction=Direction.OUTPUT, active_low=self._active_low, output_value=Value.INACTIVE)


class GpioContact(_GpioLine):
    """An input with the board's own resistor, pulled to where an open contact leaves it."""

    consumer = "loa-button"
    fault = ContactFault

    def __init__(self, chip: str, line: int | str, *, active_low: bool = False, normally_closed: bool = False) -> None:
        super().__init__(chip, line, active_low=active_low != normally_closed)
        self._to_ground = active_low

    def pressed(self) -> bool:
        """Whether the contact is not as it rests. Raises `ContactFault`, saying what to look at."""
        try:
            request = self._open()
            from gpiod.line import Value  # noqa: PLC0415 - see above

            return request.get_value(self._line) == Value.ACTIVE
        except ContactFault:
            raise
        except Exception as error:  # see above
            raise self._failed(error) from error

    def _settings(self) -> "LineSettings":
        from gpiod import LineSettings  # noqa: PLC0415 - see above
        from gpiod.line import Bias, Direction  # noqa: PLC0415

        bias = Bias.PULL_UP if self._to_ground else Bias.PULL_DOWN
        return LineSettings(direction=Direction.INPUT, active_low=self._active_low, bias=bias)

"""`loa demo`: see and hear the main job on one machine."""

import signal
import sys
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console

from loa.brokers import BrokerKind, BrokerUnavailable
from loa.demo.house import DemoError, only_one
from loa.demo.run import Options, run
from loa.nodes import SinkKind

app = typer.Typer(add_completion=False, pretty_exceptions_enable=False)

INTERRUPTED = 130


@app.callback(invoke_without_command=True)
def demo(
    *,
    speakers: Annotated[int, typer.Option(min=1, max=64, help="How many virtual speakers.")] = 4,
    port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the page and the API.")] = None,
    mqtt_port: Annotated[int | None, typer.Option(min=1, max=65535, help="Port of the MQTT broker.")] = None,
    data_dir: Annotated[Path, typer.Option(help="Where everything is kept.")] = Path("data/demo"),
    duration: Annotated[float | None, typer.Option(min=1, help="End by itself after so many seconds.")] = None,
    broker: Annotated[BrokerKind, typer.Option(help="Which MQTT broker.")] = "embedded",
    sink: Annotated[SinkKind, typer.Option(help="Where sound goes; auto: the sound card, else WAV files.")] = "auto",
    reset_password: Annotated[bool, typer.Option(help="Make and print new passwords.")] = False,
) -> None:
    """Run a whole commune here: broker, controller, virtual speakers."""
    console = Console()
    options = Options(
        speakers=speakers,
        port=port,
        mqtt_port=mqtt_port,
        data_dir=data_dir.absolute(),
        duration_s=duration,
        broker=broker,
        sink=sink,
        reset_password=reset_password,
    )
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.default_int_handler)
    try:
        with only_one(options.data_dir):
            complaints = run(options, console)
    except KeyboardInterrupt:
        raise typer.Exit(INTERRUPTED) from None
    except (DemoError, BrokerUnavailable) as error:
        sys.stderr.write(f"{error}\n")
        raise typer.Exit(2) from None
    if complaints:
        sys.stderr.write("Not everything was played:\n" + "".join(f"  {line}\n" for line in complaints))
        raise typer.Exit(1)

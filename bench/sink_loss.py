"""How soon a player notices that its sound server was killed, and that it hangs, while something sounds.

Real PulseAudio, real player. Beside it what is asked for, and the longest time for which a server that merely has no
processor must be borne: the samples that it has in hand.
"""

import asyncio
import json
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from device_agent.mixer import Started
from device_agent.player import Player, PlayerEvent, SinkChanged
from device_agent.sinks.pulse import PulseSink
from tests.support.commune_speaker import LongSound
from tests.support.pulse import PulseServer

ROUNDS = 10
TARGET_S = 1.0


async def noticed_after_s(server: PulseServer, spoil: Callable[[], None], mend: Callable[[], None]) -> float:
    events: asyncio.Queue[PlayerEvent] = asyncio.Queue()
    player = Player(lambda: PulseSink(server=server.address, device=server.sinks[0]))
    player.listen(events.put_nowait)
    player.start()
    try:
        async with asyncio.timeout(30):
            player.play(LongSound(60_000), at_mono_s=time.monotonic() + 0.3, of="a", gain=0.5)
            while not isinstance(await events.get(), Started):
                pass
            spoil()
            began = time.monotonic()
            while (event := await events.get()) and not (isinstance(event, SinkChanged) and not event.open):
                pass
            took_s = time.monotonic() - began
    finally:
        mend()
        await player.aclose()
    return took_s


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name, PulseServer(Path(name)) as server:
        hung = [asyncio.run(noticed_after_s(server, server.hang, server.go_on)) for _ in range(ROUNDS)]
        killed = [asyncio.run(noticed_after_s(server, server.kill, server.start)) for _ in range(ROUNDS)]
        latency_ms = PulseSink(server=server.address).latency_ms
    result = {
        "bench": "sink_loss",
        "rounds": ROUNDS,
        "killed_max_s": round(max(killed), 3),
        "hung_max_s": round(max(hung), 3),
        "target_s": TARGET_S,
        "limit_in_hand_s": round(latency_ms / 1000, 3),
    }
    print(json.dumps(result))
    sys.exit(max(*killed, *hung) > TARGET_S)


if __name__ == "__main__":
    main()

"""From the press to the first sound: real controller, real agents, real PulseAudio; heard at the sinks' monitors.

`p99_s` is from before the request that releases an alert until the slowest speaker sounds, `skew_ms` between the first
and the last speaker of one alert, the worst of all alerts. Sound begins where a monitor leaves silence; a monitor of a
null sink leads by a constant 10 ms, which counts. The limit is the lead itself: what is pressed now is to begin so much
later, everywhere. Alerts are
issued by two areas in turn: one may not raise so many in an hour. Ends with 1 on a missed target.
"""

import json
import sys
import tempfile
from datetime import datetime, timedelta
from pathlib import Path

import numpy as np

from controller.settings import Settings
from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, PROVINCE, Fleet
from tests.support.post import Post, manned
from tests.support.pulse import Ear, PulseServer, ears

SPEAKERS = 4
ALERTS = 16
TARGET_P99_S, TARGET_SKEW_MS = 1.5, 20.0
LEAD_S = Settings.model_fields["alert_lead_ms"].default / 1000
MONITOR_LEADS = timedelta(milliseconds=10)
LOUDER_THAN = 0.01
LISTEN = timedelta(seconds=3)


def onset(ear: Ear, pressed_at: datetime, listen: timedelta = LISTEN) -> datetime | None:
    """When a sink leaves silence."""
    heard = ear.between(pressed_at, pressed_at + listen)
    loud = np.flatnonzero(np.abs(heard.samples) > LOUDER_THAN)
    if not len(loud):
        return None
    return heard.first_sample_at + timedelta(seconds=float(loud[0]) / 48_000) + MONITOR_LEADS


def alerted(post: Post, listeners: list[Ear], number: int) -> list[float]:
    """Raise one; returns the seconds until each speaker sounds."""
    area = (COMMUNE, PROVINCE)[number % 2]
    alert = post.draft(f"Báo động {number + 1}", area_code=area)
    pressed_at = post.release(alert)
    eventually(lambda: post.counts(alert)["finished"] >= SPEAKERS, within_s=60, what="every speaker has sounded it")
    starts = [onset(ear, pressed_at) for ear in listeners]
    post.cancel(alert)
    return [(at - pressed_at).total_seconds() for at in starts if at is not None]


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="loa-bench-") as name:
        folder = Path(name)
        with (
            PulseServer(folder / "pulse", SPEAKERS) as server,
            ears(server.address, server.sinks) as listeners,
            Fleet("mosquitto", folder).running() as fleet,
            manned(fleet) as post,
        ):
            env = {"PULSE_SERVER": server.address}
            for sink in server.sinks:
                fleet.speaker(f"bench-{sink}", sink="pulse", sink_device=sink, env=env)
            found = [alerted(post, listeners, number) for number in range(ALERTS)]
    each = [seconds for one in found for seconds in one]
    result = {
        "bench": "press_to_sound",
        "speakers": SPEAKERS,
        "alerts": ALERTS,
        "p50_s": round(float(np.percentile(each, 50)), 3),
        "p99_s": round(float(np.percentile(each, 99)), 3),
        "skew_ms": round(max(max(one) - min(one) for one in found if one) * 1000, 1),
        "skew_p50_ms": round(float(np.median([max(one) - min(one) for one in found if one])) * 1000, 1),
        "not_heard": ALERTS * SPEAKERS - len(each),
        "limit_lead_s": LEAD_S,
        "target_p99_s": TARGET_P99_S,
        "target_skew_ms": TARGET_SKEW_MS,
    }
    print(json.dumps(result))
    sys.exit(result["p99_s"] > TARGET_P99_S or result["skew_ms"] > TARGET_SKEW_MS or result["not_heard"] > 0)


if __name__ == "__main__":
    main()

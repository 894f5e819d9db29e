"""The machine under the agent, read from /proc and /sys."""

import os
import shutil
from collections.abc import Iterable
from pathlib import Path

from protocol.messages import Health

_MIB = 1024 * 1024
_PROC = Path("/proc")
_THERMAL = Path("/sys/class/thermal")
_INSIDE = ("lo", "veth", "br-", "docker", "virbr", "tun", "tap", "wg", "tailscale")
"""What such interfaces carry stays inside the machine, or goes out once more through another one."""
_SENT_COLUMN = 8


def read_health(state_dir: Path, *, uptime_s: float, signal_percent: int | None = None) -> Health:
    """Measure now; what a machine does not tell is left out."""
    return Health(
        uptime_s=round(uptime_s, 1),
        memory_mb=round(sum(_memory_bytes(pid) for pid in family(os.getpid())) / _MIB, 1),
        disk_free_mb=_disk_free_mb(state_dir),
        temperature_c=temperature_c(_THERMAL),
        load_1m=round(os.getloadavg()[0], 2),
        data_bytes=data_bytes(_PROC / "net" / "dev"),
        signal_percent=signal_percent,
    )


def data_bytes(interfaces: Path) -> int | None:
    """What went in and out over the network since the machine started."""
    try:
        lines = interfaces.read_text().splitlines()
        counted = [line.partition(":") for line in lines if ":" in line]
        outside = [numbers.split() for name, _, numbers in counted if not name.strip().startswith(_INSIDE)]
        return sum(int(each[0]) + int(each[_SENT_COLUMN]) for each in outside) if outside else None
    except (OSError, ValueError, IndexError):
        return None


def family(pid: int) -> Iterable[int]:
    """A process and all that it started."""
    yield pid
    for children in (_PROC / str(pid) / "task").glob("*/children"):
        try:
            listed = children.read_text().split()
        except OSError:
            continue
        for child in listed:
            yield from family(int(child))


def temperature_c(thermal: Path) -> float | None:
    """The hottest sensor."""
    found = []
    for sensor in thermal.glob("thermal_zone*/temp"):
        try:
            found.append(int(sensor.read_text()) / 1000)
        except (OSError, ValueError):
            continue
    return max(found, default=None)


def _memory_bytes(pid: int) -> int:
    """What a process holds for itself and its share of what it shares; plain residency where the kernel hides that."""
    try:
        for line in (_PROC / str(pid) / "smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    try:
        return int((_PROC / str(pid) / "statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")
    except (OSError, IndexError):
        return 0


def _disk_free_mb(folder: Path) -> float | None:
    try:
        return round(shutil.disk_usage(folder).free / _MIB, 1)
    except OSError:
        return None

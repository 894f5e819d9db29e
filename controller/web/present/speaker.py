"""One speaker: what it is, what comes, what was, and how its machine does. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

from controller.commands.schemas import CommandOut
from controller.health.sampling import Range, Sample, used_bytes
from controller.incidents.models import Incident
from controller.planning.models import PlannedRow
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.causes import cause_text, cause_tone
from controller.web.present.tone import Tone
from controller.web.present.words import refusal_names
from controller.web.speaker_views import ComingView, FigureView, HealthView, IncidentView, OrderView
from protocol.messages import ClockState, DeviceState

_MEGA: Final = 1_000_000


def machine_facts(state: DeviceState | None, formats: Formats, now: datetime) -> tuple[tuple[str, str], ...]:
    """What it said last of itself, as names and words; what it does not tell is left out."""
    t = formats.t
    if state is None:
        return ()
    health = state.health
    rows = (
        (t("Heard last"), formats.since(min(state.at, now), now) if state.at else ""),
        (t("Plan until"), formats.since(state.plan_until, now) if state.plan_until else ""),
        (t("Sound of the plan that is here"), f"{state.ready} / {state.planned}"),
        (t("Volume"), f"{state.player.volume} %" if state.player.volume else ""),
        (t("Clock"), _clock(state.clock, formats)),
        (t("Temperature"), _measured(health.temperature_c, "°C", formats)),
        (t("Mobile signal"), _measured(health.signal_percent, "%", formats)),
        (t("Running for"), formats.duration(health.uptime_s) if 0 < health.uptime_s < _LONGEST_S else ""),
        (t("Disk left"), _measured(health.disk_free_mb, "MB", formats)),
        (t("Records that wait to be sent"), formats.number(state.records_waiting) if state.records_waiting else ""),
        (t("Orders that it refused"), _refused(state.rejected, formats)),
        (t("Sound output"), state.player.sink),
        (t("Program"), state.agent_version),
    )
    return tuple((name, said) for name, said in rows if said)


_LONGEST_S: Final = 1e10


def _refused(counts: Mapping[str, int], formats: Formats) -> str:
    """Forged, late and foreign orders, since its journal began; most first."""
    names = refusal_names(formats.t)
    often = sorted(counts.items(), key=lambda each: (-each[1], each[0]))
    return ", ".join(f"{formats.number(count)} {names.get(code, code)}" for code, count in often)


def _clock(clock: ClockState, formats: Formats) -> str:
    t = formats.t
    how = {
        "none": t("not known"),
        "system": t("from the system"),
        "exchange": t("from the controller"),
        "holdover": t("goes on by itself"),
    }[clock.source]
    return f"{how} · ± {_measured(clock.error_ms, 'ms', formats, 1)}" if clock.error_ms is not None else how


def _measured(value: float | None, unit: str, formats: Formats, digits: int = 0) -> str:
    return "" if value is None or abs(value) > _LONGEST_S else f"{formats.number(value, digits)} {unit}"


def coming_view(row: PlannedRow, formats: Formats, now: datetime) -> ComingView:
    """Show an airing of its plan."""
    local, today = formats.local(row.starts_at), formats.local(now)
    clock = formats.clock(row.starts_at)
    when = clock if local.date() == today.date() else f"{clock} · {formats.day(row.starts_at)}"
    return ComingView(row.title or "–", when, formats.duration(row.duration_ms / 1000), row.starts_at <= now)


def incident_view(row: Incident, formats: Formats, now: datetime) -> IncidentView:
    """Show an incident."""
    t = formats.t
    over = row.ended_at is not None
    seen = row.acknowledged_at
    return IncidentView(
        id=row.id,
        text=cause_text(row.code, row.said, t),
        said=row.said,
        tone=Tone.GOOD if over else cause_tone(row.code),
        began=formats.since(row.began_at, now),
        ended=formats.since(row.ended_at, now) if row.ended_at else "",
        lasted=formats.ago((row.ended_at or now) - row.began_at),
        times=row.times,
        acknowledged=t("%(name)s sees to it since %(time)s", name=row.acknowledged_by, time=formats.since(seen, now))
        if seen
        else "",
    )


def order_text(action: Mapping[str, Any], t: Translator) -> str:
    """What was ordered."""
    return {
        "test_tone": t("Test tone"),
        "volume": t("Volume %(n)s %%", n=action.get("volume", "")),
        "restart": t("Restart"),
        "send_logs": t("Send the log"),
        "stop": t("Stop"),
        "skip": t("Leave out one airing"),
    }.get(str(action.get("verb")), str(action.get("verb")))


_ORDER_TONES: Final = {
    "waiting": Tone.WAIT,
    "sent": Tone.WAIT,
    "done": Tone.GOOD,
    "refused": Tone.BAD,
    "failed": Tone.BAD,
    "unanswered": Tone.OFF,
}


def order_view(order: CommandOut, t: Translator) -> OrderView:
    """Show an order and what the speaker answered."""
    outcome = {
        "waiting": t("waits for the link"),
        "sent": t("sent, no answer yet"),
        "done": t("done"),
        "refused": t("refused"),
        "failed": t("failed"),
        "unanswered": t("no answer: whether it was done is not known"),
    }[order.outcome]
    return OrderView(
        id=order.id,
        text=order_text(order.action, t),
        at=order.requested_at,
        author=order.author,
        tone=_ORDER_TONES[order.outcome],
        outcome=outcome,
        detail=_answer(order) if order.outcome in {"refused", "failed"} else "",
        log=order_log(order),
    )


def order_log(order: CommandOut) -> str:
    """The log that the speaker sent, where that was the order."""
    return _answer(order) if order.action.get("verb") == "send_logs" and order.outcome == "done" else ""


def _answer(order: CommandOut) -> str:
    return next((each.detail for each in reversed(order.attempts) if each.outcome), "")


def health_view(wanted: Range, samples: Sequence[Sample], formats: Formats) -> HealthView:
    """Show how the machine was: each figure's last, lowest, middle and highest value."""
    t = formats.t
    used = used_bytes(samples)
    heard = [sample.uptime_s for sample in samples if sample.uptime_s is not None]
    figures = (
        _figure("temperature_c", t("Temperature"), "°C", [each.temperature_c for each in samples], formats),
        _figure("signal_percent", t("Mobile signal"), "%", [each.signal_percent for each in samples], formats),
        _figure("volume", t("Volume"), "%", [each.volume for each in samples], formats),
        _figure("clock_offset_ms", t("Wall clock off by"), "ms", [each.clock_offset_ms for each in samples], formats),
        _figure("uptime_s", t("Running for"), "h", [_hours(each.uptime_s) for each in samples], formats),
        _figure("used_bytes", t("Data used"), "MB", [None if n is None else n / _MEGA for n in used], formats),
    )
    return HealthView(
        range=wanted.value,
        ranges=((Range.DAY.value, t("Day")), (Range.WEEK.value, t("Week")), (Range.MONTH.value, t("Month"))),
        figures=tuple(figure for figure in figures if figure is not None),
        heard_percent=formats.number(100 * len(heard) / len(samples)) if heard else "",
        used=f"{formats.number(sum(n or 0 for n in used) / _MEGA, 1)} MB" if any(n is not None for n in used) else "",
        restarts=sum(after_s < before_s for before_s, after_s in pairwise(heard)),
    )


def _hours(seconds: float | None) -> float | None:
    return None if seconds is None else seconds / 3600


def _figure(key: str, name: str, unit: str, values: Iterable[float | None], formats: Formats) -> FigureView | None:
    """A figure that was told at all."""
    told = [value for value in values if value is not None]
    if not told:
        return None
    last, lowest, middle, highest = (
        formats.number(value, 1) for value in (told[-1], min(told), sum(told) / len(told), max(told))
    )
    return FigureView(key, name, unit, last, lowest, middle, highest)

"""Why a speaker is not as it should be, in words, since when, and what to do. Pure."""

from collections.abc import Iterator, Mapping
from datetime import datetime
from functools import cache
from itertools import chain
from typing import Final

from controller.incidents.edges import ALERT_UNANSWERED, OFFLINE
from controller.monitoring.fleet import Report
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.speakers import SpeakerFacts, told, tone_rank
from controller.web.present.tone import Tone
from controller.web.present.words import problem_text
from controller.web.speaker_views import CauseView
from protocol.messages import ClockQuality, Problem

NEVER_HEARD: Final = "never_heard"
FETCHING: Final = "fetching"
SINK_LOST: Final = "sink_lost"
CLOCK: Final = "clock_untrusted"
_CARD: Final = frozenset(
    {SINK_LOST, "sink_unavailable", "sink_missing", "sink_busy", "sink_forbidden", "sink_unsuited"}
)
_SILENCING: Final = _CARD | {"amplifier_fault"}
"""While one of these lasts nothing can be heard."""


def tone_name(tone: Tone, t: Translator) -> str:
    """A state in one word: beside its colour and shape."""
    return _tone_names(t)[tone]


@cache
def _tone_names(t: Translator) -> Mapping[Tone, str]:
    return {
        Tone.BAD: t("No sound"),
        Tone.AWAY: t("Offline"),
        Tone.WARN: t("Needs a look"),
        Tone.WAIT: t("Preparing"),
        Tone.AIR: t("On air"),
        Tone.GOOD: t("Ready"),
        Tone.OFF: t("Out of service"),
    }


def cause_tone(code: str) -> Tone:
    """How bad something is."""
    if code in _SILENCING:
        return Tone.BAD
    if code in {OFFLINE, NEVER_HEARD}:
        return Tone.AWAY
    return Tone.WAIT if code == FETCHING else Tone.WARN


def cause_text(code: str, said: str, t: Translator) -> str:
    """What is wrong, in one sentence."""
    return _texts(t).get(code) or problem_text(t, code, said)


@cache
def _texts(t: Translator) -> Mapping[str, str]:
    return {
        OFFLINE: t("It is not heard any more: no power, or no network"),
        NEVER_HEARD: t("Not heard from yet"),
        ALERT_UNANSWERED: t("It was online and did not answer an alert within 100 seconds"),
        FETCHING: t("Fetching sound for its plan"),
        "amplifier_fault": t("The amplifier cannot be switched on"),
        "sink_missing": t("No sound output: there is no such sound card"),
        "sink_busy": t("No sound output: another program holds the sound card"),
        "sink_forbidden": t("No sound output: the agent may not use the sound card"),
        "sink_unsuited": t("No sound output: the sound card cannot play our sound"),
        "relay_dead": t("A station that is relayed does not answer"),
        "relay_silent": t("A station that is relayed sends silence"),
        "relay_unreachable": t("A station that is relayed cannot be reached"),
    }


def causes(facts: SpeakerFacts, formats: Formats, now: datetime) -> tuple[CauseView, ...]:
    """Return everything that is wrong, the worst first and then the oldest. Nothing wrong: nothing."""
    found: dict[str, Problem] = {}
    for problem in _found(facts, now):
        found.setdefault(problem.code, problem)
    ordered = sorted(found.values(), key=lambda each: (tone_rank(cause_tone(each.code)), each.since or now, each.code))
    return tuple(_cause(problem, formats, now) for problem in ordered)


def codes(facts: SpeakerFacts, now: datetime) -> frozenset[str]:
    """Return what is wrong by its names alone: among thousands nobody reads more."""
    return frozenset(problem.code for problem in _found(facts, now))


def _found(facts: SpeakerFacts, now: datetime) -> Iterator[Problem]:
    report = facts.report
    if facts.retired:
        return
    if report is None:
        yield Problem(code=NEVER_HEARD)
        yield from facts.faults
        return
    if not facts.online:
        yield Problem(code=OFFLINE, since=facts.changed_at)
    yield from chain(told(report), facts.faults)
    if facts.online:
        yield from _of_report(report, now)


def _of_report(report: Report, now: datetime) -> Iterator[Problem]:
    """What a report says without naming it as a problem."""
    if report.player == "lost":
        yield Problem(code=SINK_LOST)
    if report.clock != ClockQuality.TRUSTED:
        yield Problem(code=CLOCK)
    if report.ready < report.planned and (report.plan_until is None or report.plan_until > now):
        yield Problem(code=FETCHING)


def _cause(problem: Problem, formats: Formats, now: datetime) -> CauseView:
    since = problem.since if problem.since is None else min(problem.since, now)
    return CauseView(
        code=problem.code,
        tone=cause_tone(problem.code),
        text=cause_text(problem.code, problem.text, formats.t),
        since=formats.since(since, now) if since else "",
        lasted=formats.ago(now - since) if since else "",
        advice=advice(problem.code, formats.t),
    )


def advice(code: str, t: Translator) -> str:
    """What a technician does about it."""
    return _advice(t).get(SINK_LOST if code in _CARD else code) or t(
        "Ask for its log below. If it does not pass, run `loa agent doctor` at the speaker."
    )


@cache
def _advice(t: Translator) -> Mapping[str, str]:
    restart = t("Restart it below. If it comes back, look at the disk of the board: memory cards wear out.")
    network = t("Look at the signal and the data used below: a weak mast or a SIM without credit are likely.")
    return {
        OFFLINE: t(
            "Call somebody near the pole: is there power, does the box show a light? Then look at its last signal and"
            " data below: a SIM without credit goes silent too. What is in its plan it plays by itself."
        ),
        NEVER_HEARD: t("Switch it on and enrol it: “Enrol speakers” gives a code. It then appears within a minute."),
        FETCHING: network,
        SINK_LOST: t(
            "Look whether the sound card is plugged in, then restart the speaker below. If it stays so, run"
            " `loa agent doctor` at the speaker: it says which card is there and who holds it."
        ),
        "amplifier_fault": t("Look at the wire between board and amplifier; `loa agent doctor` tries the output."),
        CLOCK: t("It needs the network once after a power cut. If it has it, wait; else put in a clock battery."),
        "clock_differs": t("Restart it below; if its clock stays wrong, switch off the time source that misleads it."),
        "disk_full": t("Restart it below; if it stays full, put in a larger memory card."),
        "cache_full": t("Plan less sound for it, or allow it more room (`cache_limit_mb`)."),
        "download_failing": network,
        "wrong_hash": network,
        "url_expired": t("It asks for a new address by itself. If it does not pass within an hour, restart it below."),
        "host_not_allowed": t("Somebody changed the address of the controller: enrol the speaker anew."),
        "journal_reset": restart,
        "journal_unwritable": restart,
        "journal_broken": restart,
        "records_dropped": t("It was away for too long. Nothing is to be done; what sounded then is not on record."),
        "decode_failed": t("Listen to the announcement on its page; if it sounds there, restart the speaker below."),
        "blind": t("Its link to the controller is broken. Look at other speakers first: is it this one alone?"),
        "certificate_expiring": t("It renews it by itself. If it does not within days, give it a new code to enrol."),
        "renewal_failing": t("Give it a new code at “Enrol speakers” before its certificate ends."),
        "flood": t("Restart it below. If it goes on, revoke its certificate: somebody else may use it."),
        "overload": t("Restart it below; if it goes on, ask for its log."),
        "unsupported_version": t("Update its program."),
        "wrong_audience": t("Revoke its certificate and enrol it anew: somebody else may use it."),
        "local_alarm": t("Call the place: is it real? It ends at the speaker itself."),
        "button_fault": t("Look at the wire of the alarm button."),
        "alarm_without_words": t(
            "Look at the standing messages of its area: is the sound of this danger made, and without blanks?"
            " If it is, the speaker fetches it as soon as it can."
        ),
    }

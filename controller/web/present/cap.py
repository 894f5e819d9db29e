"""Senders of CAP as an administrator sees them: what each may do, what came of it last, and what is wrong."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509.oid import NameOID

from controller.cap.errors import refused_with
from controller.cap.judging import Outcome, Release, noticed
from controller.cap.ladder import Ladder
from controller.cap.message import Certainty, Severity, Urgency
from controller.cap.models import CapFeed, CapFeedState, CapMessage, CapRefusal, CapSender
from controller.cap.signature import pinned
from controller.web.formats import Formats
from controller.web.i18n import Translator
from controller.web.present.tone import Tone
from schedules.types import Priority

ENDS_SOON: Final = timedelta(days=30)


@dataclass(frozen=True)
class Fact:
    """Something about a sender, and how it is."""

    text: str
    tone: Tone = Tone.OFF


@dataclass(frozen=True)
class SenderLine:
    """A sender in the list."""

    id: str
    title: str
    area: str
    retired: bool
    facts: tuple[Fact, ...]
    last: "MessageLine | None"
    refused: Fact | None
    """The newest that was not taken, where it is the newest of all."""


@dataclass(frozen=True)
class MessageLine:
    """A message that was taken, and what it came to."""

    identifier: str
    when: str
    outcome: Fact
    notices: tuple[str, ...]
    alerts: tuple[str, ...]


@dataclass(frozen=True)
class CertificateLine:
    """A certificate by which a sender is known."""

    fingerprint: str
    subject: str
    issuer: str
    until: Fact


@dataclass(frozen=True)
class FeedLine:
    """A feed, and how reading it goes."""

    id: str
    url: str
    interval_s: int
    standing: Fact


@dataclass(frozen=True)
class Tick:
    """One word of a scale, and whether this rung asks for it."""

    value: str
    text: str
    chosen: bool


@dataclass(frozen=True)
class RungView:
    """One rung of a ladder, in words and to be edited."""

    sentence: str
    scales: tuple[tuple[str, str, tuple[Tick, ...]], ...]
    priority: int


def line(
    row: CapSender,
    formats: Formats,
    now: datetime,
    *,
    feeds: int,
    last: CapMessage | None,
    refusal: CapRefusal | None,
) -> SenderLine:
    """One sender in a few words."""
    t = formats.t
    newest = refusal is not None and (last is None or refusal.at >= last.received_at)
    channels = [t("sends by itself")] if row.token_hash else []
    channels += [t.count("%(n)s feed", "%(n)s feeds", feeds)] if feeds else []
    ways = Fact(" · ".join(channels)) if channels else Fact(t("has no way to send yet"), Tone.WARN)
    return SenderLine(
        id=row.id,
        title=row.title,
        area=row.area.name,
        retired=row.retired_at is not None,
        facts=(
            Fact(release_text(t, row.release)),
            ways,
            *(each.until for each in certificates(row, formats, now) if each.until.tone is not Tone.OFF),
        ),
        last=message(last, formats) if last else None,
        refused=refused(refusal, formats) if refusal and newest else None,
    )


def message(row: CapMessage, formats: Formats) -> MessageLine:
    """A message with what it came to."""
    language = formats.t.language.code
    return MessageLine(
        identifier=row.identifier,
        when=_when(row.received_at, formats),
        outcome=outcome_fact(formats.t, row.outcome),
        notices=tuple(
            f"{notice.sentence.in_language(language)}{f' ({notice.number})' if notice.number else ''}"
            for notice in (noticed(code, row.outcome) for code in row.notices)
            if notice is not None
        ),
        alerts=tuple(row.alerts),
    )


def refused(row: CapRefusal, formats: Formats) -> Fact:
    """Why a message was not taken."""
    kind = refused_with(row.code)
    why = kind.title.in_language(formats.t.language.code)
    number = f" ({kind.number})" if kind.number else ""
    return Fact(f"{_when(row.at, formats)}: {why}{number}", Tone.BAD)


def certificates(row: CapSender, formats: Formats, now: datetime) -> tuple[CertificateLine, ...]:
    """The certificates of a sender: whose each is, and until when it counts."""
    return tuple(_certificate(pinned(pem), formats, now) for pem in row.certificates)


def fingerprint(certificate: x509.Certificate) -> str:
    """What a certificate is told apart by."""
    return certificate.fingerprint(SHA256()).hex()


def feed(row: CapFeed, state: CapFeedState | None, formats: Formats) -> FeedLine:
    """A feed and how it stands."""
    t = formats.t
    if state is None or state.looked_at is None:
        standing = Fact(t("Not read yet"), Tone.WAIT)
    elif state.problem is None:
        standing = Fact(t("Read at %(when)s", when=_when(state.looked_at, formats)), Tone.GOOD)
    else:
        standing = Fact(f"{_when(state.looked_at, formats)}: {problem_text(t, state.problem)}", Tone.BAD)
    return FeedLine(row.id, row.url, row.interval_s, standing)


def rungs(ladder: Ladder, t: Translator) -> tuple[RungView, ...]:
    """The rungs from the top."""
    names = scales(t)
    return tuple(
        RungView(
            sentence=_sentence([rung.urgency, rung.severity, rung.certainty], t),
            scales=tuple(
                (name, label, tuple(Tick(value, text, value in chosen) for value, text in words.items()))
                for (name, label, words), chosen in zip(
                    names, (rung.urgency, rung.severity, rung.certainty), strict=True
                )
            ),
            priority=rung.priority.value,
        )
        for rung in ladder.rungs
    )


def scales(t: Translator) -> tuple[tuple[str, str, dict[str, str]], ...]:
    """The three scales of the standard, and their words."""
    return (
        (
            "urgency",
            t("How soon"),
            {
                Urgency.IMMEDIATE.value: t("at once"),
                Urgency.EXPECTED.value: t("within the hour"),
                Urgency.FUTURE.value: t("later on"),
                Urgency.PAST.value: t("is past"),
                Urgency.UNKNOWN.value: t("not known when"),
            },
        ),
        (
            "severity",
            t("How bad"),
            {
                Severity.EXTREME.value: t("extraordinary"),
                Severity.SEVERE.value: t("severe"),
                Severity.MODERATE.value: t("moderate"),
                Severity.MINOR.value: t("slight"),
                Severity.UNKNOWN.value: t("not known how bad"),
            },
        ),
        (
            "certainty",
            t("How sure"),
            {
                Certainty.OBSERVED.value: t("it happens"),
                Certainty.LIKELY.value: t("likely"),
                Certainty.POSSIBLE.value: t("possible"),
                Certainty.UNLIKELY.value: t("hardly"),
                Certainty.UNKNOWN.value: t("not known how sure"),
            },
        ),
    )


def priorities(t: Translator) -> tuple[tuple[int, str], ...]:
    """What a telling may count as, the most urgent first."""
    return (
        (Priority.EMERGENCY.value, t("An emergency: may sound at once")),
        (Priority.PRIORITY.value, t("Priority: an officer decides")),
        (Priority.ROUTINE.value, t("Routine: an officer decides")),
    )


def release_text(t: Translator, release: Release) -> str:
    """What becomes of a sender's emergencies."""
    return {
        Release.OFFICER: t("All waits for an officer"),
        Release.AT_ONCE: t("Emergencies sound at once"),
    }[release]


def outcome_fact(t: Translator, outcome: Outcome) -> Fact:
    """What a message came to."""
    return {
        Outcome.RAISE: Fact(t("An alert was made"), Tone.GOOD),
        Outcome.UPDATE: Fact(t("An alert took the place of another"), Tone.GOOD),
        Outcome.CANCEL: Fact(t("An alert was ended"), Tone.GOOD),
        Outcome.SILENT: Fact(t("Taken, nothing is heard"), Tone.OFF),
    }[outcome]


def problem_text(t: Translator, code: str) -> str:
    """What is wrong with a feed."""
    return {
        "away": t("The server does not answer; it is tried again by itself"),
        "refused": t("The server says that there is no such feed, or not for us: check the address"),
        "address": t("The address leads into our own network, where feeds must not lie"),
        "too_long": t("What comes is too long for a feed"),
        "too_many_attempts": t("Too many alerts in an hour: the rest is read later"),
    }.get(code) or refused_with(code).title.in_language(t.language.code)


def _certificate(certificate: x509.Certificate, formats: Formats, now: datetime) -> CertificateLine:
    t, ends_at = formats.t, certificate.not_valid_after_utc
    day = formats.short_day(ends_at)
    if ends_at <= now:
        until = Fact(t("The certificate ended on %(day)s: nothing is taken by it", day=day), Tone.BAD)
    elif ends_at <= now + ENDS_SOON:
        until = Fact(t("The certificate ends on %(day)s: ask for the next one", day=day), Tone.WARN)
    else:
        until = Fact(t("valid until %(day)s", day=day))
    return CertificateLine(fingerprint(certificate), _name(certificate.subject), _name(certificate.issuer), until)


def _name(of: x509.Name) -> str:
    common = of.get_attributes_for_oid(NameOID.COMMON_NAME)
    return str(common[0].value) if common else of.rfc4514_string()


def _sentence(chosen: Sequence[frozenset[str]], t: Translator) -> str:
    """What a rung asks for, as people say it."""
    asked = [
        f"{label}: {', '.join(text for value, text in words.items() if value in values)}"
        for (_, label, words), values in zip(scales(t), chosen, strict=True)
        if values
    ]
    return " · ".join(asked) or t("everything else")


def _when(at: datetime, formats: Formats) -> str:
    return f"{formats.clock(at)} · {formats.short_day(at)}"

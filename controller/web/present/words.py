"""Codes that machines report, in words for people."""

from collections.abc import Mapping
from functools import cache

from audio.signals import ABOUT, Signal
from controller.accounts.roles import Permission, Role
from controller.areas.policy import ApprovalAsked, ReleaseRule, SilentTest
from controller.web.i18n import Translator
from protocol.messages import Outcome
from schedules.reasons import Reason


def problem_text(t: Translator, code: str, said: str) -> str:
    """What a speaker's problem means; what it said itself where the code is new to us."""
    return _problems(t).get(code) or said or code


@cache
def _problems(t: Translator) -> Mapping[str, str]:
    return {
        "disk_full": t("The disk is full: nothing new can be stored"),
        "cache_full": t("No room for the sound of the plan"),
        "download_failing": t("Sound cannot be fetched; it keeps trying"),
        "wrong_hash": t("Fetched sound was damaged; it is fetched again"),
        "url_expired": t("The address of a sound has expired; a new one is asked for"),
        "host_not_allowed": t("Sound was refused: its address leads elsewhere"),
        "journal_reset": t("Its journal was damaged and was begun anew"),
        "journal_unwritable": t("Play records cannot be written just now"),
        "journal_broken": t("Play records cannot be written just now"),
        "records_dropped": t("Old play records were lost before they could be sent"),
        "sink_lost": t("No sound output: the sound card does not answer"),
        "sink_unavailable": t("No sound output: the sound card does not answer"),
        "clock_untrusted": t("Not sure of the time: timed items wait"),
        "decode_failed": t("A sound could not be played"),
        "blind": t("It does not hear the controller"),
        "certificate_expiring": t("Its certificate ends soon"),
        "renewal_failing": t("Its certificate cannot be renewed"),
        "flood": t("It says far too much: the rest is not listened to"),
        "overload": t("It says more than can be taken in: something was lost"),
        "malformed": t("It says what cannot be read"),
        "too_large": t("It says something far too long"),
        "unsupported_version": t("It speaks another version: it or the controller needs an update"),
        "wrong_audience": t("It speaks in the name of another speaker"),
        "local_alarm": t("Somebody raised the alarm at the speaker itself"),
        "button_fault": t("The alarm button cannot be read"),
        "alarm_without_words": t("The alarm at the speaker has no words stored: it would sound its siren only"),
        "clock_differs": t("Its clock is far from ours though it trusts it"),
    }


@cache
def refusal_names(t: Translator) -> Mapping[str, str]:
    """Why a speaker refuses an order, by the code of its refusal."""
    return {
        "malformed": t("not to be read"),
        "unreadable": t("not to be read"),
        "too_large": t("too long"),
        "unsupported_version": t("of another version"),
        "unknown_key": t("signed with an unknown key"),
        "bad_signature": t("with a wrong signature"),
        "wrong_type": t("of another sort"),
        "wrong_audience": t("meant for others"),
        "expired": t("too old"),
        "not_yet_valid": t("from the future"),
        "older": t("older than what it has"),
        "replayed": t("sent a second time"),
        "conflicting": t("different under the same number"),
    }


@cache
def signal_names(t: Translator) -> Mapping[Signal, str]:
    """What each sound with a meaning is called."""
    return {signal: about.name_vi if t.language == "vi" else about.name_en for signal, about in ABOUT.items()}


def reason_text(t: Translator, reason: str) -> str:
    """Why something was not played whole, or how; the speaker's own word where it is new to us."""
    if reason in set(Reason):
        sentence = Reason(reason).explain()
        return sentence.vi if t.language == "vi" else sentence.en
    return _reasons(t).get(reason, "" if reason.startswith("by ") else reason)


@cache
def _reasons(t: Translator) -> Mapping[str, str]:
    return {
        "clock_untrusted": t("The speaker was not sure of the time"),
        "agent_off": t("The speaker was off"),
        "too_late": t("It was too late"),
        "not_ready": t("Its sound was not there yet"),
        "outranked": t("Something more important was on air"),
        "command": t("By order of an officer"),
        "resume_policy": t("It was not to be resumed"),
        "agent_stopped": t("The speaker was restarted"),
        "decode_failed": t("A sound could not be played"),
        "sink_lost": t("No sound output"),
        "withdrawn": t("It was called off"),
        "cancelled": t("It was called off"),
        "limit": t("Its time was over"),
        "source_dry": t("Its source fell silent"),
        "gaps": t("With gaps: the sound did not come fast enough"),
        "resumed": "",
    }


def outcome_text(t: Translator, outcome: str) -> str:
    """How one airing ended."""
    return {
        Outcome.COMPLETED.value: t("Played to the end"),
        Outcome.PRE_EMPTED.value: t("Gave way to something more urgent"),
        Outcome.STOPPED.value: t("Stopped by hand"),
        Outcome.INTERRUPTED.value: t("Interrupted"),
        Outcome.FAILED.value: t("Failed"),
        Outcome.MISSED.value: t("Missed"),
        Outcome.SKIPPED.value: t("Left out"),
    }.get(outcome, outcome)


def role_names(t: Translator) -> tuple[tuple[str, str], ...]:
    """The roles and what they are called."""
    return (
        (Role.BROADCASTER.value, t("Broadcaster")),
        (Role.APPROVER.value, t("Approver")),
        (Role.TECHNICIAN.value, t("Technician")),
        (Role.DUTY_OFFICER.value, t("Duty officer")),
        (Role.ADMINISTRATOR.value, t("Administrator")),
        (Role.AUDITOR.value, t("Auditor")),
    )


def permission_names(t: Translator) -> tuple[tuple[str, str], ...]:
    """What a role or a token may do, as people say it."""
    return (
        (Permission.READ.value, t("look at everything")),
        (Permission.ANNOUNCE.value, t("make and schedule bulletins")),
        (Permission.APPROVE.value, t("let them go on air")),
        (Permission.OPERATE.value, t("stop, skip, turn the volume")),
        (Permission.MAINTAIN.value, t("look after speakers")),
        (Permission.ALERT.value, t("raise emergencies")),
        (Permission.PREPARE.value, t("word the standing messages of emergencies")),
        (Permission.ADMINISTER.value, t("manage people, places and groups")),
        (Permission.AUDIT.value, t("read who did what")),
    )


def asked_text(t: Translator, asked: ApprovalAsked) -> str:
    """Who must agree before something airs."""
    return {
        ApprovalAsked.NONE: t("Nobody else: whoever makes it lets it go on air."),
        ApprovalAsked.ANYONE_WITH_THE_ROLE: t("An approver, who may be the one who made it."),
        ApprovalAsked.SECOND_PERSON: t("A second person: an approver who had no hand in making it."),
    }[asked]


def release_rule_text(t: Translator, rule: ReleaseRule) -> str:
    """How an alert is released."""
    return {
        ReleaseRule.OWN_CODE: t("One person, who shows a one-time code."),
        ReleaseRule.SECOND_PERSON: t("Two people: another one than who wrote it releases it."),
    }[rule]


def local_alarm_text(t: Translator, *, allows: bool) -> str:
    """Whether the alarm at the speaker may be raised."""
    return t("It may be raised.") if allows else t("It must not be raised.")


def silent_test_text(t: Translator, every: SilentTest) -> str:
    """How often speakers are tested without a sound."""
    return {
        SilentTest.OFF: t("Never"),
        SilentTest.WEEKLY: t("Every week"),
        SilentTest.MONTHLY: t("Every month"),
    }[every]

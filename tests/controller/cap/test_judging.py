import base64
import hashlib
from datetime import UTC, datetime, timedelta

import pytest

from controller.cap.errors import (
    Duplicate,
    NothingToSay,
    NotTheirName,
    OutsideArea,
    Over,
    ReferenceExpired,
    ReferenceMissing,
    Superseded,
)
from controller.cap.geometry import Targets
from controller.cap.judging import (
    LIFETIME,
    Intake,
    Known,
    Outcome,
    Release,
    Seen,
    SenderPolicy,
    asked_about,
    judge,
)
from controller.cap.ladder import DEFAULT_LADDER, Ladder, Rung
from controller.cap.message import Certainty, Info, Key, MessageId, SenderName, Severity, Status, Urgency
from controller.cap.reading import read
from protocol.messages import AlertKind
from schedules.types import AlertId, AreaCode, Priority
from tests.support.cap import BAC_GIANG, CENTRE, NOON, TAN_YEN, area, cap, code, info, reference

AT_ONCE = SenderPolicy(release=Release.AT_ONCE)
TAN_YEN_ONLY = Targets(areas=frozenset({AreaCode("07339")}))


def key(identifier: str = "VN-2026-0001") -> Key:
    return Key(SenderName(CENTRE), MessageId(identifier))


def seen(
    identifier: str = "VN-2026-0001",
    *,
    alerts: tuple[str, ...] = ("a1",),
    ends: datetime = NOON + timedelta(hours=1),
    status: Status = Status.ACTUAL,
) -> Known:
    name = key(identifier)
    return Known({name: Seen(name, status, ends, tuple(map(AlertId, alerts)))})


def judged(
    message: bytes,
    known: Known | None = None,
    *,
    policy: SenderPolicy = AT_ONCE,
    signed: bool = False,
    now: datetime = NOON,
) -> Intake:
    return judge(read(message), policy, BAC_GIANG, known or Known(), signed=signed, now=now)


def numbers(intake: Intake) -> list[int | None]:
    return [notice.number for notice in intake.notices]


def update(identifier: str = "VN-2026-0002", *, of: str | None = None, **more: str) -> bytes:
    return cap(identifier=identifier, kind="Update", references=of or reference(), **more)


def cancel(identifier: str = "VN-2026-0003", *infos: str, of: str | None = None, **more: str) -> bytes:
    return cap(
        *(infos or (info(headline="Lũ đã rút", description=None, instruction=None),)),
        identifier=identifier,
        kind="Cancel",
        references=of or reference(),
        **more,
    )


def test_an_alert_is_raised_where_it_says_until_when_it_says():
    intake = judged(cap())
    (wanted,) = intake.raises
    assert intake.outcome is Outcome.RAISE
    assert (wanted.kind, wanted.priority, wanted.held) == (AlertKind.ACTUAL, Priority.EMERGENCY, False)
    assert wanted.targets == TAN_YEN_ONLY
    assert (wanted.starts_at, wanted.expires_at) == (NOON, datetime(2026, 11, 23, 8, tzinfo=UTC))
    assert wanted.voices[0].text.startswith("Cảnh báo lũ quét.")
    assert numbers(intake) == [200]


def test_a_good_signature_is_confirmed():
    assert numbers(judged(cap(), signed=True)) == [200, 202]


def test_a_sender_who_may_not_release_waits_for_an_officer():
    assert judged(cap(), policy=SenderPolicy()).held


@pytest.mark.parametrize("status", ["Test", "Draft", "System"])
@pytest.mark.parametrize("kind", ["Alert", "Update", "Cancel"])
def test_what_is_not_meant_for_people_is_never_heard(status: str, kind: str):
    message = cap(status=status, kind=kind, references=reference(), identifier="t")
    intake = judged(message, seen())
    assert (intake.outcome, intake.raises, intake.ends, intake.says) == (Outcome.SILENT, (), (), ())


@pytest.mark.parametrize("kind", ["Ack", "Error"])
def test_an_acknowledgement_is_never_heard(kind: str):
    assert judged(cap(kind=kind, references=reference(), identifier="t"), seen()).outcome is Outcome.SILENT


@pytest.mark.parametrize("scope", ["Restricted", "Private"])
def test_what_is_not_public_is_never_heard(scope: str):
    assert judged(cap(scope=scope)).outcome is Outcome.SILENT


def test_an_exercise_is_heard_as_one():
    (wanted,) = judged(cap(status="Exercise")).raises
    assert wanted.kind is AlertKind.EXERCISE
    assert wanted.voices[0].text.startswith("Đây là diễn tập.")


def test_a_recording_of_an_exercise_does_not_say_so_and_is_not_used():
    sound = info(
        more="<resource><resourceDesc>x</resourceDesc><mimeType>audio/mpeg</mimeType><uri>https://a.vn/a</uri></resource>"
    )
    assert judged(cap(sound)).raises[0].audio
    assert not judged(cap(sound, status="Exercise")).raises[0].audio


def test_the_same_identifier_again_is_a_duplicate():
    with pytest.raises(Duplicate) as refused:
        judged(cap(), seen())
    assert refused.value.number == 201


def test_a_sender_speaks_in_its_own_name_only():
    policy = SenderPolicy(names=frozenset({SenderName("other")}))
    with pytest.raises(NotTheirName):
        judged(cap(), policy=policy)


def test_an_update_replaces_what_it_names():
    intake = judged(update(), seen())
    assert (intake.outcome, intake.ends) == (Outcome.UPDATE, (AlertId("a1"),))
    assert len(intake.raises) == 1
    assert numbers(intake) == [200]


def test_an_update_without_references_is_refused():
    with pytest.raises(ReferenceMissing) as refused:
        judged(cap(kind="Update"))
    assert refused.value.number == 207


def test_an_update_of_something_that_never_came_is_heard_all_the_same():
    intake = judged(update())
    assert (intake.outcome, intake.ends, len(intake.raises)) == (Outcome.RAISE, (), 1)
    assert numbers(intake) == [200, 207]


def test_an_update_of_what_its_sender_knew_to_be_over_is_refused():
    with pytest.raises(ReferenceExpired) as refused:
        judged(update(sent="2026-11-23T11:58:00+07:00"), seen(ends=datetime(2026, 11, 23, 4, tzinfo=UTC)))
    assert refused.value.number == 209


def test_an_update_that_was_sent_in_time_and_came_late_is_heard():
    late = datetime(2026, 11, 23, 4, 59, tzinfo=UTC)
    intake = judged(update(sent="2026-11-23T11:58:00+07:00"), seen(ends=late))
    assert (intake.outcome, intake.ends, len(intake.raises)) == (Outcome.UPDATE, (), 1)


def test_a_cancel_ends_what_it_names_and_says_so():
    intake = judged(cancel(), seen())
    assert (intake.outcome, intake.ends, intake.raises) == (Outcome.CANCEL, (AlertId("a1"),), ())
    assert [voice.text for voice in intake.says] == ["Lũ đã rút."]


def test_a_cancel_needs_no_words_of_its_own():
    bare = cancel().replace(info(headline="Lũ đã rút", description=None, instruction=None).encode(), b"")
    assert judged(bare, seen()).says


def test_a_cancel_of_something_that_never_came_keeps_it_from_being_heard_later():
    intake = judged(cancel())
    assert (intake.outcome, intake.ends) == (Outcome.CANCEL, ())
    assert numbers(intake) == [200, 207]
    with pytest.raises(Superseded):
        judged(cap(), Known(superseded=frozenset({(Status.ACTUAL, key())})))


def test_a_cancelled_exercise_does_not_keep_the_real_thing_from_being_heard():
    assert judged(cap(), Known(superseded=frozenset({(Status.EXERCISE, key())}))).raises


def test_a_cancel_of_what_is_over_is_refused():
    with pytest.raises(ReferenceExpired):
        judged(cancel(), seen(ends=NOON))


def test_all_clear_is_a_cancel():
    clear = cap(info(response="AllClear", urgency="Past"), identifier="c", kind="Update", references=reference())
    intake = judged(clear, seen())
    assert (intake.outcome, intake.ends, intake.raises) == (Outcome.CANCEL, (AlertId("a1"),), ())


def test_all_clear_in_two_languages_ends_all_the_warnings_it_names():
    told = [info(language=each, response="AllClear", urgency="Past") for each in ("vi-VN", "en-US")]
    both = f"{reference()} {reference('VN-2026-0002')}"
    known = Known({**seen().messages, **seen("VN-2026-0002", alerts=("a2", "a3")).messages})
    intake = judged(cap(*told, identifier="c", kind="Update", references=both), known)
    assert (intake.outcome, intake.raises) == (Outcome.CANCEL, ())
    assert sorted(intake.ends) == ["a1", "a2", "a3"]
    assert [voice.language for voice in intake.says] == ["vi-VN", "en-US"]


def test_an_exercise_cannot_end_what_is_real():
    assert judged(cancel(status="Exercise"), seen()).ends == ()
    assert judged(update(status="Exercise"), seen()).ends == ()
    assert judged(cancel(), seen(status=Status.EXERCISE)).ends == ()


def test_what_was_never_raised_cannot_be_cancelled():
    assert judged(cancel(), seen(alerts=())).ends == ()


def test_what_has_expired_on_the_way_is_refused():
    with pytest.raises(Over):
        judged(cap(info(expires="2026-11-23T11:59:00+07:00")))


def test_without_an_end_it_lives_for_a_while():
    (wanted,) = judged(cap(info(expires=None))).raises
    assert wanted.expires_at == datetime(2026, 11, 23, 4, 58, tzinfo=UTC) + LIFETIME


def test_an_end_in_a_far_future_is_brought_nearer():
    (wanted,) = judged(cap(info(expires="2027-11-23T11:58:00+07:00"))).raises
    assert wanted.expires_at == datetime(2026, 11, 30, 4, 58, tzinfo=UTC)


def test_what_begins_later_starts_then():
    effective = info().replace("<expires>", "<effective>2026-11-23T13:00:00+07:00</effective><expires>")
    assert judged(cap(effective)).raises[0].starts_at == datetime(2026, 11, 23, 6, tzinfo=UTC)


def test_an_alert_that_says_nothing_is_refused():
    empty = cap().replace(info().encode(), b"")
    with pytest.raises(NothingToSay):
        judged(empty)


def test_languages_of_one_telling_are_one_alert():
    (wanted,) = judged(cap(info(language="en-US", headline="Flood"), info())).raises
    assert [voice.language for voice in wanted.voices] == ["vi-VN", "en-US"]
    assert wanted.headline == "Cảnh báo lũ quét"


def test_tellings_of_different_places_are_alerts_of_their_own():
    there = area(code("07340"), description="Việt Yên")
    near, far = judged(cap(info(), info(severity="Moderate", places=there))).raises
    assert (near.priority, far.priority) == (Priority.EMERGENCY, Priority.PRIORITY)
    assert far.targets == Targets(areas=frozenset({AreaCode("07340")}))


def test_the_same_place_by_another_lists_code_is_no_second_alert():
    postcode = area(code("07339") + code("236000", "postcode"))
    assert len(judged(cap(info(), info(places=postcode))).raises) == 1


def test_two_things_told_of_one_place_are_two_alerts():
    wanted = judged(cap(info(), info(language="en", headline="Flood"), info(event="Bão", headline="Bão số 9"))).raises
    assert [each.headline for each in wanted] == ["Cảnh báo lũ quét", "Bão số 9"]
    assert [len(each.voices) for each in wanted] == [2, 1]


def test_a_telling_without_a_place_is_for_all_places_of_the_message():
    (first, second) = judged(cap(info(), info(severity="Moderate", places=""))).raises
    assert first.targets == second.targets == TAN_YEN_ONLY


def test_places_of_somebody_else_are_refused():
    with pytest.raises(OutsideArea) as refused:
        judged(cap(info(places=area(code("01")))))
    assert refused.value.number == 214


def test_of_places_in_and_outside_only_the_senders_own_are_reached():
    intake = judged(cap(info(places=area(TAN_YEN) + area(code("01")))))
    assert intake.raises[0].targets == TAN_YEN_ONLY
    assert numbers(intake) == [200, 214]


def test_a_place_in_words_only_waits_for_an_officer_even_of_a_trusted_sender():
    intake = judged(cap(info(places=area(description="ven sông Thương"))))
    assert intake.held
    assert not intake.raises[0].targets
    assert [notice.code for notice in intake.notices] == ["cap_valid", "cap_unplaced"]


def test_a_place_only_in_codes_of_other_countries_waits_as_one_in_words_does():
    foreign = area(code("030049", "FIPS6") + code("MTZ014", "UGC"), description="Lewis and Clark")
    intake = judged(cap(info(places=foreign)))
    assert intake.held
    assert not intake.raises[0].targets
    assert [notice.code for notice in intake.notices] == ["cap_valid", "cap_unplaced"]


def test_one_telling_twice_in_one_language_is_one_alert_said_once():
    (wanted,) = judged(cap(info(), info())).raises
    assert wanted == judged(cap()).raises[0]


def resource(*, mime: str = "audio/mpeg", uri: str = "", inline: str = "", digest: str = "") -> str:
    parts = [f"<resource><resourceDesc>lời đọc</resourceDesc><mimeType>{mime}</mimeType>"]
    parts += [
        f"<{tag}>{text}</{tag}>" for tag, text in (("uri", uri), ("derefUri", inline), ("digest", digest)) if text
    ]
    return info(more="".join(parts) + "</resource>")


def test_a_recording_inside_the_message_goes_with_the_alert():
    sound = b"\xff\xfb" * 50
    told = resource(
        inline=base64.encodebytes(sound).decode(), digest=hashlib.sha1(sound, usedforsecurity=False).hexdigest().upper()
    )
    (audio,) = judged(cap(told)).raises[0].audio
    assert (audio.mime_type, audio.inline, audio.uri) == ("audio/mpeg", sound, None)


@pytest.mark.parametrize(
    "told",
    [
        resource(inline="AAAA", digest="0" * 40),
        resource(inline="not base64!"),
        resource(),
        resource(mime="image/png", uri="https://a.vn/a.png"),
    ],
)
def test_what_is_no_sound_or_a_broken_one_is_left_to_the_voice(told: str):
    (wanted,) = judged(cap(told)).raises
    assert (wanted.audio, bool(wanted.voices)) == ((), True)


def test_the_caller_looks_up_the_message_and_what_it_names():
    assert asked_about(read(update())) == {key("VN-2026-0002"), key()}


def telling(urgency: Urgency, severity: Severity, certainty: Certainty) -> Info:
    return Info("x", (), urgency, severity, certainty)


@pytest.mark.parametrize(
    ("urgency", "severity", "certainty", "priority"),
    [
        ("Immediate", "Extreme", "Observed", Priority.EMERGENCY),
        ("Expected", "Severe", "Likely", Priority.EMERGENCY),
        ("Immediate", "Extreme", "Possible", Priority.ROUTINE),
        ("Immediate", "Moderate", "Observed", Priority.PRIORITY),
        ("Future", "Extreme", "Observed", Priority.PRIORITY),
        ("Past", "Extreme", "Observed", Priority.ROUTINE),
        ("Immediate", "Minor", "Observed", Priority.ROUTINE),
        ("Unknown", "Unknown", "Unknown", Priority.ROUTINE),
    ],
)
def test_the_ladder_of_three_priorities(urgency: str, severity: str, certainty: str, priority: Priority):
    assert DEFAULT_LADDER.priority(telling(Urgency(urgency), Severity(severity), Certainty(certainty))) is priority


def test_no_rung_leads_to_the_class_of_who_speaks_live():
    with pytest.raises(ValueError, match="0 \\(routine\\), 1"):
        Rung(priority=Priority.LIVE)


def test_the_ladder_can_be_edited():
    careful = Ladder(rungs=(Rung(certainty=frozenset({Certainty.POSSIBLE}), priority=Priority.EMERGENCY),))
    policy = SenderPolicy(release=Release.AT_ONCE, ladder=Ladder.model_validate_json(careful.model_dump_json()))
    assert judged(cap(info(certainty="Possible")), policy=policy).raises[0].priority is Priority.EMERGENCY
    assert judged(cap(), policy=policy).raises[0].priority is Priority.ROUTINE

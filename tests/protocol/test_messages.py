"""Every message survives the wire, tolerates a newer sender, and names what it refuses."""

import json
from datetime import UTC, datetime, timedelta, timezone

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import errors
from protocol.messages import (
    VERSION,
    ClockQuality,
    ClockRequest,
    ClockState,
    DeviceState,
    Outcome,
    PlayerState,
    PlayRecord,
    Pulse,
    Records,
    Status,
)

STATE = DeviceState(
    device="tan-yen-1",
    session="s1",
    clock=ClockState(quality=ClockQuality.UNTRUSTED, source="none"),
    player=PlayerState(state="silent"),
)


def test_a_state_report_comes_back_as_it_was_sent():
    assert DeviceState.decode(STATE.encode()) == STATE


def test_unknown_fields_are_ignored():
    newer = json.loads(STATE.encode()) | {"mood": "cheerful"}
    assert DeviceState.decode(json.dumps(newer)) == STATE


@pytest.mark.parametrize("payload", [b'{"v": 2}', b'{"v": 2, "device": 7}', STATE.encode().replace(b'"v":1', b'"v":9')])
def test_another_version_is_refused_by_that_name(payload):
    with pytest.raises(errors.UnsupportedVersion, match=f"speaks {VERSION}"):
        DeviceState.decode(payload)


@pytest.mark.parametrize(
    "payload",
    [b"", b"null", b"[]", b"{", b'"x"', b"\xff\xfe", b'{"v": "one"}', b"[" * 2000, b'{"device": "../../etc", "v": 1}'],
)
def test_what_is_not_the_promised_shape_is_malformed(payload):
    with pytest.raises(errors.Malformed):
        Status.decode(payload)


def test_more_than_the_topic_allows_is_too_large():
    with pytest.raises(errors.TooLarge):
        Status.decode(b" " * 2049)


def test_a_full_batch_of_records_fits_its_topic():
    record = PlayRecord(
        seq=10**9,
        occurrence="o" * 60,
        schedule_id="s" * 26,
        title="Thông báo lịch tiêm chủng của trạm y tế xã",
        clip="0" * 64,
        planned_at=datetime.now(UTC),
        started_at=datetime.now(UTC),
        ended_at=datetime.now(UTC),
        played_ms=10**6,
        underruns=1000,
        underrun_ms=10**6,
        level_dbfs=-21.5,
        outcome=Outcome.COMPLETED,
        reason="x" * 60,
    )
    batch = Records(device="tan-yen-1", boot="b" * 16, boot_order=1, records=(record,) * 100)
    assert Records.decode(batch.encode()) == batch


def test_a_record_of_an_older_agent_leaves_open_what_that_did_not_measure():
    record = PlayRecord.model_validate_json('{"seq": 1, "outcome": "completed", "played_ms": 8000}')
    assert (record.underruns, record.underrun_ms, record.level_dbfs) == (None, None, None)


@pytest.mark.parametrize(
    "said", ['"underruns": -1', '"underruns": 1e30', '"underrun_ms": -1', '"level_dbfs": NaN', '"level_dbfs": 1e308']
)
def test_a_record_with_what_no_sink_can_do_is_refused(said):
    batch = '{"device": "a", "boot": "b", "boot_order": 1, "records": [{"seq": 1, "outcome": "completed", %s}]}'
    with pytest.raises(errors.Malformed):
        Records.decode(batch % said)


@given(st.datetimes(timezones=st.sampled_from([UTC, timezone(timedelta(hours=7)), timezone(timedelta(hours=-11))])))
def test_times_are_told_in_utc_with_milliseconds_and_stay_the_same_moment(at):
    if not 1971 < at.year < 9990:
        at = at.replace(year=2026, day=1)
    pulse = Pulse(at=at)
    told = json.loads(pulse.encode())["at"]
    assert told.endswith("Z")
    assert len(told) == len("2026-11-23T05:00:00.000Z")
    assert Pulse.model_validate_json(pulse.encode()) == pulse
    assert timedelta(0) <= at - pulse.at < timedelta(milliseconds=1)


def test_a_time_without_a_zone_is_refused():
    with pytest.raises(ValueError, match="timezone"):
        Pulse(at=datetime(2026, 11, 23, 5, 0))  # noqa: DTZ001  the very mistake under test


@given(st.binary(max_size=300))
def test_noise_is_refused_without_a_crash(noise):
    with pytest.raises(errors.ProtocolError):
        ClockRequest.decode(noise)

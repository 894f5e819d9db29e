"""One-time codes: read as people type them, and proved without being said."""

from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.enrolment import CODE_LETTERS, EnrolmentCode, prove, proves, renewal_due
from protocol.errors import Malformed

LETTERS = st.text(CODE_LETTERS, min_size=12, max_size=12)


@given(LETTERS, st.sampled_from(["", " ", "-", ".", "\t"]), st.booleans())
def test_a_code_is_read_however_it_is_spaced_and_cased(letters: str, between: str, lower: bool):  # noqa: FBT001
    typed = between.join(letters).replace("0", "o").replace("1", "l")
    assert str(EnrolmentCode.parse(typed.lower() if lower else typed)).replace("-", "") == letters


@given(st.text(max_size=40))
def test_whatever_is_read_as_a_code_is_one(text: str):
    with suppress(Malformed):
        assert set(str(EnrolmentCode.parse(text))) <= set(CODE_LETTERS + "-")


@pytest.mark.parametrize("text", ["", "0000-0000-000U", "0000-0000-00000", "ＡＢＣＤ-0000-0000"])
def test_what_is_no_code(text: str):
    with pytest.raises(Malformed, match="0000-0000-0000"):
        EnrolmentCode.parse(text)


def test_a_proof_holds_for_one_speaker_one_side_and_one_sentence():
    key, other = EnrolmentCode("AAAA", "00000000").key(), EnrolmentCode("AAAB", "00000000").key()
    proof = prove(key, "speaker", "this")
    assert proves(key, "speaker", "this", proof)
    assert not proves(key, "controller", "this", proof)
    assert not proves(key, "speaker", "that", proof)
    assert not proves(other, "speaker", "this", proof)
    assert not proves(key, "speaker", "this", None)


def test_renewing_begins_when_a_third_is_left():
    begins = datetime(2026, 1, 1, tzinfo=UTC)
    assert renewal_due(begins, begins + timedelta(days=90)) == begins + timedelta(days=60)

"""Who may say what on the broker, as pure text; the brokers themselves are asked in tests/system/."""

from datetime import UTC, datetime, timedelta
from pathlib import Path, PurePosixPath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from controller.authority.authority import CONTROLLER_NAME, Authority
from controller.broker import mosquitto, nats
from controller.broker.access import Admitted, access, speakers_rights
from controller.broker.files import put
from controller.broker.setup import Kind, Setup, write_certificates, write_lasting

NOW = datetime(2026, 11, 20, tzinfo=UTC)
NAMES = st.from_regex(r"[a-z0-9][a-z0-9._-]{0,20}", fullmatch=True)
ANYTHING = st.text(max_size=20)
SPEAKERS = st.lists(st.builds(Admitted, NAMES, st.tuples(NAMES, NAMES), st.tuples(NAMES)), max_size=6)


@given(SPEAKERS, st.randoms())
def test_the_rights_do_not_depend_on_the_order_of_speakers(speakers: list[Admitted], chance):
    once = {each.device_id: each for each in speakers}.values()
    shuffled = list(once)
    chance.shuffle(shuffled)
    assert access(shuffled) == access(once)


@given(SPEAKERS)
def test_a_speaker_writes_below_its_own_name_only(speakers: list[Admitted]):
    for rights in access(speakers).rights:
        if rights.name == CONTROLLER_NAME:
            continue
        assert all(topic.startswith(f"loa/1/devices/{rights.name}/") for topic in rights.writes)
        assert all("+" not in topic and "#" not in topic for topic in rights.writes)
        others = [topic for topic in rights.reads if topic.startswith("loa/1/devices/")]
        assert others == [f"loa/1/devices/{rights.name}/#"]


@given(st.lists(st.builds(Admitted, ANYTHING, st.tuples(ANYTHING), st.tuples(ANYTHING)), max_size=6))
def test_a_name_that_is_none_gets_no_line(speakers: list[Admitted]):
    allowed = access(speakers)
    for line in mosquitto.acl(allowed.rights).splitlines():
        word, _, rest = line.partition(" ")
        assert word in {"", "#", "user", "topic"}
        assert word == "#" or len(rest.split()) <= 2, line


def test_no_speaker_bears_the_controllers_name():
    allowed = access([Admitted(CONTROLLER_NAME, ("VN",)), Admitted(f"{CONTROLLER_NAME}-2", ("VN",))])
    assert [each.name for each in allowed.rights] == [CONTROLLER_NAME]


def test_a_muted_speaker_is_still_told_everything():
    speaker = Admitted("a", ("VN", "24"), ("g",))
    muted = speakers_rights(speaker, muted=True)
    assert muted.writes == ()
    assert muted.reads == speakers_rights(speaker).reads


def test_each_change_has_another_mark():
    one, other = access([Admitted("a", ("VN",))]), access([Admitted("a", ("VN",))], muted=["a"])
    assert one.mark != other.mark
    assert one.mark in one.rights[0].writes
    assert other.mark not in one.rights[0].writes


def test_nats_names_levels_in_its_own_way():
    assert nats.subjects(["loa/1/devices/a.b/#", "loa/1/audio/+"]) == [
        "loa.1.devices.a//b",
        "loa.1.devices.a//b.>",
        "loa.1.audio.*",
    ]


@pytest.mark.parametrize("kind", list(Kind))
def test_what_was_written_is_read_again_and_kept(kind: Kind, tmp_path: Path):
    setup = Setup(kind=kind, hosts=("loa.example.vn", "10.0.0.1"), folder=PurePosixPath("/etc/x"), data=tmp_path)
    authority = Authority.load(tmp_path / "authority", NOW)
    write_lasting(tmp_path, setup)
    assert Setup.of(tmp_path) == setup
    assert write_certificates(tmp_path, setup, authority, NOW)
    assert not write_certificates(tmp_path, setup, authority, NOW + timedelta(days=700))
    assert write_certificates(tmp_path, setup, authority, NOW + timedelta(days=800)), "it is renewed in time"
    another = setup.model_copy(update={"hosts": ("other.example.vn",)})
    assert write_certificates(tmp_path, another, authority, NOW + timedelta(days=800))
    for secret in tmp_path.glob("*.key"):
        assert secret.stat().st_mode & 0o777 == 0o600


def test_a_file_is_the_old_one_or_the_new_one(tmp_path: Path):
    path = tmp_path / "acl"
    assert put(path, "one", 0o644)
    assert not put(path, "one", 0o644)
    assert put(path, "two", 0o600)
    assert [each.name for each in tmp_path.iterdir()] == ["acl"]

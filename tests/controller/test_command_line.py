import tomllib
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from controller.accounts.roles import Role
from controller.cli import app
from protocol.messages import TrustedKey
from protocol.signing import KeyRing

Loa = Callable[..., Result]


@pytest.fixture
def loa(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Loa:
    """`loa controller …` on a data folder of its own."""
    monkeypatch.setenv("LOA_DATA_DIR", str(tmp_path / "data"))
    return lambda *words: CliRunner().invoke(app, list(words))


def test_an_operator_loads_areas_and_adds_users(loa: Loa):
    assert "areas added" in loa("areas", "load", "--province", "24").stdout
    added = loa("user", "add", "Lan", "--area", "07339", "--role", "broadcaster", "--role", "approver")
    assert added.exit_code == 0, added.output
    name, _, password = added.stdout.strip().partition(": ")
    assert name == "lan"
    assert len(password) >= 16
    reset = loa("user", "reset-password", "LAN")
    assert reset.exit_code == 0
    assert password not in reset.stdout


def test_an_operator_helps_who_cannot_come_in(loa: Loa):
    loa("user", "add", "lan", "--area", "VN", "--role", "broadcaster")
    assert "lan\tVN\tbroadcaster\t-" in loa("user", "list").stdout
    assert "/join/loa_" in loa("user", "link", "lan").stdout
    assert loa("user", "disable", "lan").exit_code == 0
    assert "lan\tVN\tbroadcaster\tdisabled" in loa("user", "list").stdout
    assert loa("user", "link", "lan").exit_code == 1
    assert loa("user", "disable", "lan", "--undo").exit_code == 0
    assert loa("user", "remove-second-factor", "lan").exit_code == 0


@pytest.mark.parametrize(
    ("words", "complaint"),
    [
        (("user", "add", "lan", "--area", "99999", "--all-roles"), "There is no area 99999"),
        (("user", "add", "bà lan", "--area", "VN", "--all-roles"), "name"),
        (("user", "reset-password", "nobody"), "There is no user nobody"),
    ],
)
def test_what_cannot_be_done_is_said(loa: Loa, words: tuple[str, ...], complaint: str):
    result = loa(*words)
    assert result.exit_code == 1
    assert complaint in result.stderr


def test_a_name_is_taken_once(loa: Loa):
    assert loa("user", "add", "lan", "--area", "VN", "--role", "auditor").exit_code == 0
    assert loa("user", "add", "LAN ", "--area", "VN", "--role", "auditor").exit_code == 1


@pytest.mark.parametrize("words", [(), ("--all-roles", "--role", "auditor")])
def test_nobody_is_given_roles_that_were_not_named(loa: Loa, words: tuple[str, ...]):
    refused = loa("user", "add", "lan", "--area", "VN", *words)
    assert refused.exit_code == 2
    assert "--all-roles" in refused.stderr
    assert loa("user", "list").stdout == ""
    assert loa("user", "add", "lan", "--area", "VN", "--all-roles").exit_code == 0
    for role in Role:
        assert role in loa("user", "list").stdout


def test_a_recovery_key_is_replaced_only_when_that_is_said(loa: Loa, tmp_path: Path):
    first = loa("key", "recovery", "--out", str(tmp_path / "first.pem"))
    assert "every speaker learns" in first.stdout
    refused = loa("key", "recovery", "--out", str(tmp_path / "second.pem"))
    assert refused.exit_code == 1
    assert "enrolled again" in refused.stderr
    assert not (tmp_path / "second.pem").exists()
    second = loa("key", "recovery", "--replace", "--out", str(tmp_path / "second.pem"))
    assert second.exit_code == 0, second.output
    assert "enrol every speaker again" in second.stdout
    listed = {line.split()[0]: line.split()[1] for line in loa("key", "list").stdout.splitlines()}
    assert listed[first.stdout.split()[0]] == "revoked"
    assert listed[second.stdout.split()[0]] == "recovery"


def test_migrating_is_harmless_when_there_is_nothing_to_do(loa: Loa):
    for _ in range(2):
        assert loa("migrate").exit_code == 0


def test_the_public_key_is_printed_as_speakers_pin_it(loa: Loa):
    first, second = loa("key").stdout, loa("key").stdout
    assert first == second
    pinned = tomllib.loads(f"trusted_keys = [{first}]")["trusted_keys"]
    assert KeyRing([TrustedKey.model_validate(pinned[0])])[pinned[0]["kid"]]

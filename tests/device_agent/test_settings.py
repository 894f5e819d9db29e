import re
import stat
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings as trials
from hypothesis import strategies as st
from typer.testing import CliRunner

from device_agent.cli import app
from device_agent.errors import ConfigError
from device_agent.settings import (
    AgentSettings,
    AmplifierSettings,
    BrokerSettings,
    TlsSettings,
    load_settings,
    write_settings,
)
from tests.support.agent_rooms import KEY, SPEAKER


def settings(tmp_path: Path) -> AgentSettings:
    return AgentSettings.model_validate(
        {
            "device_id": SPEAKER,
            "state_dir": tmp_path / "state",
            "broker": BrokerSettings.model_validate(
                {"host": "broker", "password": 'p"\\ệ', "tls": TlsSettings(ca=Path("/ca.pem"))}
            ),
            "trusted_keys": (KEY.public,),
            "content_hosts": ("https://loa.example/",),
        }
    )


def test_what_is_written_is_read_back_and_only_the_owner_may_read_it(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path), path)
    assert load_settings(path) == settings(tmp_path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_secrets_are_never_shown(tmp_path: Path) -> None:
    assert 'p"' not in repr(settings(tmp_path))


def test_all_problems_are_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path), path)
    text = path.read_text().replace("device_id", "devise_id").replace("port = 1883", "port = 0")
    path.write_text(text.replace("https://loa.example", "ftp://loa.example"))
    with pytest.raises(ConfigError) as told:
        load_settings(path)
    problems = "\n".join(told.value.problems)
    assert "devise_id: unknown key; did you mean 'device_id'?" in problems
    assert "device_id: Field required" in problems
    assert "broker.port" in problems
    assert "content_hosts.0" in problems


def test_the_environment_outranks_the_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path), path)
    monkeypatch.setenv("LOA_AGENT_BROKER__PASSWORD", "from outside")
    password = load_settings(path).broker.password
    assert password is not None
    assert password.get_secret_value() == "from outside"


def test_a_relative_state_dir_lies_beside_the_file(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path).model_copy(update={"state_dir": Path("here")}), path)
    assert load_settings(path).state_dir == tmp_path / "here"
    assert load_settings(path, state_dir=tmp_path / "there").state_dir == tmp_path / "there"


def test_a_key_that_is_none_is_a_problem(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path), path)
    path.write_text(path.read_text().replace(KEY.public.x, "AAAA"))
    with pytest.raises(ConfigError, match="trusted_keys"):
        load_settings(path)


def test_check_says_what_is_wrong_and_fails(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    path.write_text("device_id = 1\n")
    result = CliRunner().invoke(app, ["check", "--config", str(path)])
    assert result.exit_code == 2
    assert "broker: Field required" in result.output


def test_check_finds_nothing_wrong_with_good_settings(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path).model_copy(update={"sink": "wav"}), path)
    result = CliRunner().invoke(app, ["check", "--config", str(path)])
    assert result.exit_code == 0
    assert "good, for speaker tan-yen-1" in result.output


@pytest.mark.parametrize(
    ("typo", "meant"),
    [
        ('content_host = ["https://loa.example"]', "content_host: unknown key; did you mean 'content_hosts'?"),
        ('[broker]\nhots = "x"', "broker.hots: unknown key; did you mean 'host'?"),
        ('[broker.tls]\ncertt = "x"', "broker.tls.certt: unknown key; did you mean 'cert'?"),
        ("zzz = 1", "zzz: unknown key"),
    ],
)
def test_an_unknown_key_is_told_with_the_name_that_was_meant(tmp_path: Path, typo: str, meant: str) -> None:
    assert meant in problems_of(tmp_path, typo.encode())


@pytest.mark.parametrize("content", [b"device_id = ", b"\xff\xfe", b"a = 1\na = 2"])
def test_a_file_that_is_not_toml_is_said_plainly(tmp_path: Path, content: bytes) -> None:
    (told,) = problems_of(tmp_path, content)
    assert "not TOML" in told


@pytest.mark.parametrize("name", ["absent.toml", "."])
def test_a_file_that_cannot_be_read_is_said_plainly(tmp_path: Path, name: str) -> None:
    with pytest.raises(ConfigError, match=str(tmp_path)):
        load_settings(tmp_path / name)


def test_an_environment_that_is_not_json_is_said_plainly(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_AGENT_TRUSTED_KEYS", "[")
    (told,) = problems_of(tmp_path, b"")
    assert "trusted_keys" in told


def test_a_problem_with_a_secret_does_not_tell_it(tmp_path: Path) -> None:
    told = problems_of(tmp_path, b'[broker]\npassword = ["hush"]\n')
    assert "broker.password" in "\n".join(told)
    assert "hush" not in "\n".join(told)


def problems_of(folder: Path, content: bytes) -> tuple[str, ...]:
    path = folder / "agent.toml"
    path.write_bytes(content)
    with pytest.raises(ConfigError) as told:
        load_settings(path)
    return told.value.problems


words = st.text(st.characters(exclude_categories=["Cs"]))


@trials(max_examples=50)
@given(username=words, password=words)
def test_any_words_are_written_so_that_they_are_read_back(
    tmp_path_factory: pytest.TempPathFactory, username: str, password: str
) -> None:
    folder = tmp_path_factory.mktemp("settings")
    broker = BrokerSettings.model_validate({"host": "::1", "username": username, "password": password})
    written = settings(folder).model_copy(update={"broker": broker})
    write_settings(written, folder / "agent.toml")
    assert load_settings(folder / "agent.toml") == written


def test_the_example_for_a_real_speaker_lacks_nothing_but_its_key(tmp_path: Path) -> None:
    pinned = KEY.public
    example = (Path(__file__).parents[2] / "deploy" / "agent.toml").read_text(encoding="utf-8")
    by_hand = r"^# (device_id =|trusted_keys =|content_hosts =|\[broker|host =|port =|ca =|cert =|key =)"
    example = re.sub(by_hand, r"\1", example, flags=re.MULTILINE)
    file = tmp_path / "agent.toml"
    file.write_text(example.replace('kid = "…", x = "…"', f'kid = "{pinned.kid}", x = "{pinned.x}"'), encoding="utf-8")

    settings = load_settings(file)

    assert settings.trusted_keys == (pinned,)
    assert settings.broker.tls is not None
    assert settings.sink == "alsa"


def test_hush_has_nothing_to_do_without_an_amplifier_and_says_when_it_cannot(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path), path)
    assert CliRunner().invoke(app, ["hush", "--config", str(path)]).exit_code == 0
    amplifier = AmplifierSettings(chip=Path("/dev/null"), line=17)
    write_settings(settings(tmp_path).model_copy(update={"amplifier": amplifier}), path)
    result = CliRunner().invoke(app, ["hush", "--config", str(path)])
    assert result.exit_code == 1
    assert "amplifier_fault" in result.output

import stat
from pathlib import Path

import pytest
from typer.testing import CliRunner

from device_agent.cli import app
from device_agent.errors import ConfigError
from device_agent.settings import AgentSettings, BrokerSettings, TlsSettings, load_settings, write_settings
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


def test_check_names_the_way_out_for_sound(tmp_path: Path) -> None:
    path = tmp_path / "agent.toml"
    write_settings(settings(tmp_path).model_copy(update={"sink": "wav"}), path)
    result = CliRunner().invoke(app, ["check", "--config", str(path)])
    assert result.exit_code == 0
    assert "sound: wav" in result.output

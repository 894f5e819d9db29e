"""A controller that is lost with its disk, and keys that change hands: the speakers on their poles go on."""

import asyncio
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from loa.officer import Json, Refused
from protocol.signing import signer_of
from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, Airing, Fleet, Speaker
from tests.support.postgres import running_cluster

WORDS = "Mời bà con ra nhà văn hoá thôn họp lúc bảy giờ tối nay."


@pytest.fixture(params=["sqlite", "postgres"], scope="module")
def village(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fleet]:
    folder = tmp_path_factory.mktemp(request.param)
    if request.param == "sqlite":
        with Fleet("mosquitto", folder).running() as fleet:
            yield fleet
        return
    with running_cluster() as cluster:
        url = asyncio.run(cluster.database())
        with Fleet("mosquitto", folder, env={"LOA_DATABASE_URL": url}).running() as fleet:
            fleet.clean_database = asyncio.run(cluster.database())  # type: ignore[attr-defined]
            yield fleet


def loa(fleet: Fleet, *words: str | Path) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "loa", *map(str, words)],
        env={**os.environ, **fleet.controller.env},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


@contextmanager
def people_editing(fleet: Fleet) -> Iterator[list[str]]:
    """Keep the office busy meanwhile."""
    made: list[str] = []
    enough = threading.Event()

    def edit() -> None:
        while not enough.is_set():
            name = f"tổ {len(made)}"
            try:
                made.append(fleet.officer.create("/groups", {"name": name, "area_code": COMMUNE})["id"])
            except Refused:
                return

    thread = threading.Thread(target=edit)
    thread.start()
    try:
        eventually(lambda: len(made) > 2, within_s=10, what="edits going on")
        yield made
    finally:
        enough.set()
        thread.join()


def plays(speaker: Speaker, airing: Airing) -> None:
    eventually(
        lambda: speaker.outcomes(airing) == ["completed"],
        within_s=airing.sound.seconds + 40,
        what=f"{speaker.id} plays {airing.occurrence}: {speaker.state}",
    )


def test_after_the_controllers_disk_is_lost_the_fleet_goes_on_with_its_backup(village: Fleet, tmp_path: Path):
    speaker = village.speaker("con-lai")
    sound = village.sound(WORDS)
    file, identity = tmp_path / "loa.backup", tmp_path / "identity"
    recipient = loa(village, "backup", "identity", "--out", identity).strip()
    airing = village.air(sound, speaker, in_s=25)
    eventually(lambda: speaker.is_ready_for(airing), within_s=15, what="the sound is on the pole")
    with people_editing(village):
        said = loa(village, "backup", "--out", file, "--recipient", recipient)
    assert "lost" not in said
    assert "is whole" in loa(village, "backup", "verify", file, "--identity", identity)
    # An edit that the backup knows nothing of, with a newer plan on the pole.
    late = village.air(sound, speaker, in_s=600)
    eventually(lambda: speaker.is_ready_for(late), within_s=15, what="the newer plan is on the pole")
    newer = speaker.state["plan_version"]

    village.controller.kill()
    shutil.rmtree(village.controller.data_dir)
    village.controller.data_dir = tmp_path / "another machine"
    village.controller.env["LOA_DATA_DIR"] = str(village.controller.data_dir)
    if "LOA_DATABASE_URL" in village.controller.env:
        village.controller.env["LOA_DATABASE_URL"] = village.clean_database  # type: ignore[attr-defined]
    loa(village, "restore", file, "--identity", identity)
    village.start_controller()

    plays(speaker, airing)
    eventually(
        lambda: speaker.state.get("plan_version", 0) > newer, within_s=20, what="the restored plan has come into force"
    )
    assert village.progress(speaker.id, late) == "unplanned"
    plays(speaker, village.air(sound, speaker))
    assert speaker.state["rejected"].get("unknown_key", 0) == 0


def test_a_rotation_and_a_theft_are_followed_by_a_speaker_that_was_away(village: Fleet, tmp_path: Path):
    here, away = village.speaker("o-nha"), village.speaker("di-vang")
    sound = village.sound(WORDS)
    old = pinned(village)
    safe = tmp_path / "safe.pem"
    village.controller.command("key", "recovery", "--out", str(safe))
    recovery = re.findall(r'kid = "(\S+)"', village.controller.command("key"))[1]
    for speaker in (here, away):
        eventually(lambda each=speaker: knows_recovery(each, recovery), within_s=20, what="the recovery key is known")
    away.agent.stop()

    village.controller.command("key", "rotate", "--overlap-hours", "0")
    second = pinned(village)
    assert second != old
    eventually(lambda: config_of(here)[1] == second, within_s=20, what="the config is signed anew")
    plays(here, village.air(sound, here))

    village.controller.command("key", "revoke", second, "--recovery-key", str(safe))
    third = pinned(village)
    eventually(lambda: second in revoked(here), within_s=20, what="the theft is known on the pole")
    away.agent.start()
    eventually(lambda: second in revoked(away), within_s=20, what="and on the one that comes back")
    for speaker in (here, away):
        assert config_of(speaker)[1] == third
        plays(speaker, village.air(sound, speaker))


def pinned(fleet: Fleet) -> str:
    found = re.search(r'kid = "(\S+)"', fleet.controller.command("key"))
    assert found is not None
    return found[1]


def config_of(speaker: Speaker) -> tuple[str, str]:
    token = json.loads((speaker.agent.state_dir / "config.json").read_text())["token"]
    return token, signer_of(token)


def trust_of(speaker: Speaker) -> Json:
    path = speaker.agent.state_dir / "trust.json"
    return json.loads(path.read_text()) if path.exists() else {}


def knows_recovery(speaker: Speaker, kid: str) -> bool:
    return any(key["kid"] == kid for key in trust_of(speaker).get("recovery", []))


def revoked(speaker: Speaker) -> list[str]:
    return trust_of(speaker).get("revoked", [])

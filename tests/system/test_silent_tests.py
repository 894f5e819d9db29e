"""The monthly test that nobody hears, on a real agent over a real broker."""

import sqlite3
from contextlib import closing
from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np

from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, Fleet

NOON = 12


def where_it_is_noon() -> str:
    """A zone in which tests may begin just now: they keep working hours. (Etc/GMT-7 is seven hours ahead.)"""
    ahead = NOON - datetime.now(UTC).hour
    return f"Etc/GMT{-ahead:+d}" if ahead else "Etc/GMT"


def due(fleet: Fleet) -> datetime:
    """When the commune's next test is."""
    with closing(sqlite3.connect(fleet.controller.data_dir / "loa.db")) as database:
        (at,) = database.execute("SELECT due_at FROM silent_tests WHERE area_code = ?", [COMMUNE]).fetchone()
    return datetime.fromisoformat(at).replace(tzinfo=UTC)


def let_its_day_come(fleet: Fleet) -> None:
    """A month has passed since the last one."""
    past = (datetime.now(UTC) - timedelta(minutes=1)).replace(tzinfo=None).isoformat(" ")
    with closing(sqlite3.connect(fleet.controller.data_dir / "loa.db", timeout=10)) as database, database:
        database.execute(
            "INSERT INTO silent_tests (area_code, every, due_at) VALUES (?, 'monthly', ?)", [COMMUNE, past]
        )


def test_a_commune_is_tested_on_its_day_each_speaker_reports_and_nobody_hears_it(tmp_path: Path) -> None:
    with Fleet("mosquitto", tmp_path, env={"LOA_ZONE": where_it_is_noon()}).running() as fleet:
        speaker = fleet.speaker("thu-loa")
        let_its_day_come(fleet)
        eventually(lambda: fleet.officer.list("/alerts"), within_s=90, what="the test is raised")
        (test,) = fleet.officer.list("/alerts")
        assert (test["kind"], test["volume"], test["author"]) == ("test", 0, "loa")

        def phases() -> list[str]:
            return [each["phase"] for each in fleet.officer.get(f"/alerts/{test['id']}/reach/speakers")]

        eventually(lambda: phases() == ["finished"], within_s=60, what="the speaker says that it has played it")
        sounded = [each for each in speaker.recordings if each.occurrence.startswith(test["id"])]
        assert {each.occurrence.rsplit(".", 1)[1] for each in sounded} == {"signal", "message"}
        assert not any(np.any(each.samples) for each in sounded), "nobody hears it"
        assert timedelta() < due(fleet) - datetime.now(UTC) < timedelta(days=62), "the next one: another month's"

from datetime import UTC, datetime, timedelta
from io import StringIO

from rich.console import Console

from loa.demo.progress import Airing, Fate, OnSpeaker, complaints, due, outstanding
from loa.demo.view import PlainLines, status

NOON = datetime(2026, 11, 23, 5, 0, tzinfo=UTC)
PATIENCE = timedelta(seconds=10)


def airing(*fates: Fate, at: datetime = NOON, title: str = "bản tin trưa") -> Airing:
    speakers = tuple(OnSpeaker(f"tan-yen-{number}", fate) for number, fate in enumerate(fates, start=1))
    return Airing(f"{title}.{at:%H%M}", title, at, at + timedelta(seconds=10), speakers)


def test_all_is_well_only_when_every_speaker_played_it():
    assert complaints([airing(Fate.PLAYED, Fate.PLAYED)]) == []
    [line] = complaints([airing(Fate.PLAYED, Fate.NOT_PLAYED)])
    assert "bản tin trưa" in line
    assert "tan-yen-2" in line


def test_something_still_on_air_is_waited_for_but_not_for_ever():
    unfinished = airing(Fate.ON_AIR, Fate.PLAYED)
    assert outstanding([unfinished], now=NOON + timedelta(seconds=15), patience=PATIENCE) == [unfinished]
    assert outstanding([unfinished], now=NOON + timedelta(seconds=25), patience=PATIENCE) == []


def test_a_run_answers_for_what_began_within_it():
    early, within, later = (airing(Fate.READY, at=NOON + timedelta(minutes=m)) for m in (-5, 0, 5))
    run = due([early, within, later], since=NOON - timedelta(minutes=1), until=NOON + timedelta(minutes=1))
    assert run == [within]


def test_ready_counts_those_that_already_sound():
    assert airing(Fate.READY, Fate.WAITING, Fate.ON_AIR).ready == 2
    assert status(airing(Fate.READY, Fate.WAITING), NOON) == "ready 1 of 2"


def test_lines_are_printed_only_when_something_changes():
    out = StringIO()
    lines = PlainLines(Console(file=out), UTC)
    for fate in (Fate.WAITING, Fate.READY, Fate.READY, Fate.ON_AIR, Fate.PLAYED, Fate.PLAYED):
        lines.show([airing(fate)], now=NOON)
    assert [line.split("  ")[1].split(":")[0] for line in out.getvalue().splitlines()] == [
        "scheduled",
        "ready 0 of 1",
        "ready 1 of 1",
        "on air 1 of 1",
        "played 1 of 1",
    ]

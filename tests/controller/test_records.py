from collections.abc import Sequence

from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from controller.monitoring.hub import Hub
from controller.records.models import PlayRecordRow, RecordMark
from controller.records.service import RecordService, complete_to
from protocol.messages import Outcome, PlayRecord, Records
from tests.support.controller import House

SPEAKER = "07339-1"


def batch(numbers: Sequence[int], *, oldest: int | None = None, boot: str = "b") -> Records:
    records = tuple(PlayRecord(seq=number, outcome=Outcome.COMPLETED) for number in numbers)
    return Records(device=SPEAKER, boot=boot, boot_order=1, oldest=oldest, records=records)


async def take(house: House, said: Records) -> int:
    async with house.database.transaction() as session:
        return await RecordService(session, Hub()).take(said, now=house.clock.now)


@given(st.integers(1, 60).flatmap(lambda count: st.tuples(st.just(count), st.permutations(range(1, count + 1)))))
def test_whatever_the_order_of_arrival_all_is_acknowledged_in_the_end(case: tuple[int, list[int]]) -> None:
    count, arrivals = case
    stored: set[int] = set()
    end = 0
    for number in arrivals:
        stored.add(number)
        after = complete_to(end, stored)
        assert after >= end
        assert set(range(1, after + 1)) <= stored
        assert after + 1 not in stored
        end = after
    assert end == count


@given(st.integers(0, 50), st.sets(st.integers(1, 80)), st.none() | st.integers(1, 80))
def test_nothing_beyond_a_gap_is_acknowledged(known: int, stored: set[int], oldest: int | None) -> None:
    end = complete_to(known, stored, oldest=oldest)
    settled = stored | set(range(1, known + 1)) | set(range(1, oldest or 1))
    assert set(range(1, end + 1)) <= settled
    assert end + 1 not in settled


async def test_shuffled_and_doubled_batches_are_stored_once(house: House) -> None:
    await house.commune("07339", speakers=1)
    acks = [await take(house, batch(numbers)) for numbers in ([4, 5], [1, 2, 2], [5, 4], [3], [1, 2, 3, 4, 5])]

    assert acks == [0, 2, 2, 5, 5]
    async with house.database.reading() as session:
        assert sorted(await session.scalars(select(PlayRecordRow.seq))) == [1, 2, 3, 4, 5]


async def test_each_boot_is_numbered_for_itself(house: House) -> None:
    await house.commune("07339", speakers=1)
    assert await take(house, batch([1, 2], boot="b1")) == 2
    assert await take(house, batch([1], boot="b2")) == 1


async def test_what_the_speaker_had_to_drop_is_not_waited_for_but_noted(house: House) -> None:
    await house.commune("07339", speakers=1)
    await take(house, batch([1, 2]))

    assert await take(house, batch([10, 11], oldest=10)) == 11

    async with house.database.reading() as session:
        mark = await session.get_one(RecordMark, (SPEAKER, "b"))
        assert (mark.complete_to, mark.dropped) == (11, 7)


async def test_how_whole_and_how_loud_it_was_is_kept_and_asked_for(house: House) -> None:
    await house.commune("07339", speakers=1)
    kept = {"underruns": 2, "underrun_ms": 340, "level_dbfs": -21.5}
    silent = dict.fromkeys(kept)
    records = (
        PlayRecord(seq=1, outcome=Outcome.COMPLETED, underruns=0, underrun_ms=0, level_dbfs=-18.0),
        PlayRecord(seq=2, outcome=Outcome.COMPLETED, **kept),
        PlayRecord(seq=3, outcome=Outcome.MISSED),
    )
    await take(house, Records(device=SPEAKER, boot="b", boot_order=1, records=records))
    officer = await house.signed_in("07339")

    listed = (await officer.get("/api/v1/records")).json()["items"]
    assert [{name: each[name] for name in kept} for each in listed[:2]] == [silent, kept]
    broken = (await officer.get("/api/v1/records?broken=true")).json()["items"]
    assert [each["seq"] for each in broken] == [2]


async def test_records_are_listed_newest_first_in_pages_and_by_filter(house: House) -> None:
    await house.commune("07339", speakers=1)
    await take(house, batch(range(1, 8)))
    officer = await house.signed_in("07339")

    first = (await officer.get("/api/v1/records?limit=5")).json()
    rest = (await officer.get("/api/v1/records", params={"limit": 5, "cursor": first["next_cursor"]})).json()

    assert "items" in rest, rest
    assert [each["seq"] for each in first["items"] + rest["items"]] == [7, 6, 5, 4, 3, 2, 1]
    assert rest["next_cursor"] is None
    assert (await officer.get("/api/v1/records?outcome=failed")).json()["items"] == []
    assert len((await officer.get(f"/api/v1/records?device={SPEAKER}&area=07339")).json()["items"]) == 7

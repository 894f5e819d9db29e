from hypothesis import given
from hypothesis import strategies as st

from controller.link.backlog import Backlog, Pace, Room
from controller.link.ports import Incoming
from controller.link.refusals import CODES_REMEMBERED, REMEMBERED, Refusals
from protocol.topics import Channel, DeviceTopic
from schedules.types import DeviceId


def said(device: str, channel: Channel = Channel.RECORDS, payload: bytes = b"x") -> Incoming:
    return Incoming(DeviceTopic(DeviceId(device), channel), payload, retained=False)


async def test_speakers_take_turns():
    backlog = Backlog()
    for number in range(5):
        backlog.put(said("loud", payload=b"%d" % number))
    backlog.put(said("quiet"))
    heard = [await backlog.get() for _ in range(6)]
    assert [each.topic.device_id for each in heard[:2]] == ["loud", "quiet"]
    assert [each.payload for each in heard if each.topic.device_id == "loud"] == [b"0", b"1", b"2", b"3", b"4"]


async def test_it_remembers_the_most_that_waited():
    backlog = Backlog()
    for number in range(5):
        backlog.put(said(f"loa-{number}"))
    backlog.more(5)
    backlog.put(said("late"))
    assert (backlog.messages, backlog.most) == (1, 5)


async def test_of_reports_only_the_newest_waits_and_of_births_and_deaths_each():
    backlog = Backlog()
    for number in range(500):
        backlog.put(said("a", Channel.STATE, b"%d" % number))
    assert backlog.messages == 1
    assert (await backlog.get()).payload == b"499"
    for number in range(3):
        backlog.put(said("a", Channel.STATUS, b"%d" % number))
    assert backlog.messages == 3


def test_who_says_too_much_crowds_out_only_itself():
    backlog = Backlog(Room(messages_of_one=10))
    backlog.put(said("quiet"))
    crowded = {backlog.put(said("loud")) for _ in range(100)}
    assert crowded == {None, "loud"}
    assert backlog.messages == 11


@given(st.lists(st.tuples(st.sampled_from("abcd"), st.sampled_from(list(Channel)), st.binary(max_size=400))))
async def test_it_never_holds_more_than_it_has_room_for(words: list[tuple[str, Channel, bytes]]):
    room = Room(messages=20, size_bytes=5_000, messages_of_one=8, size_of_one_bytes=2_000)
    backlog = Backlog(room)
    for device, channel, payload in words:
        backlog.put(said(device, channel, payload))
        assert backlog.messages <= room.messages
        assert backlog.size_bytes <= room.size_bytes
    for _ in range(backlog.messages):
        await backlog.get()
    assert (backlog.messages, backlog.size_bytes) == (0, 0)


def test_a_pace_allows_bursts_and_counts_what_is_too_much():
    now = [0.0]
    pace = Pace(lambda: now[0], rate_per_s=2, burst=3)
    assert [pace.excess("a") for _ in range(5)] == [0, 0, 0, 1, 2]
    assert pace.excess("b") == 0
    now[0] = 0.5
    assert [pace.excess("a") for _ in range(2)] == [0, 3]
    now[0] = 10
    assert [pace.excess("a") for _ in range(4)] == [0, 0, 0, 1]


def test_refusals_remember_a_bounded_number_of_speakers_and_codes():
    refusals = Refusals()
    for number in range(REMEMBERED + 50):
        refusals.add(f"d{number}", "malformed")
    for number in range(CODES_REMEMBERED + 50):
        refusals.add("many", f"code-{number}", "y" * 10_000)
    assert refusals.faults("d0") == ()
    assert len(refusals.faults("many")) == CODES_REMEMBERED
    assert len(refusals.faults("many")[0].detail) <= 200
    assert refusals.by_code["malformed"] == REMEMBERED + 50

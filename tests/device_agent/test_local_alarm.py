"""The alarm that somebody raises at the speaker itself: allowed from above, heard whole, ended by the same hand."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import gpiod
import pytest
from gpiod.line import Bias, Value
from hypothesis import given
from hypothesis import strategies as st

from device_agent.alerts.button import LOOK_EVERY_S, RETRY_S, STUCK_S, Button, ContactFault, Hold, follow
from device_agent.alerts.door import LocalDoor, NobodyThere, ask, socket_of
from device_agent.alerts.local import LASTS, NotAllowed
from device_agent.errors import AgentError
from device_agent.gpio import GpioContact
from device_agent.settings import ButtonSettings
from protocol.messages import Outcome
from tests.support.alerted import Alerted, alert, instant_words, speaker_in

LONG_S = 3.0


@pytest.fixture
async def speaker(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Alerted]:
    instant_words(monkeypatch)
    speaker = speaker_in(tmp_path, local_alarm=True)
    yield speaker
    await speaker.put_down()


def outcomes(speaker: Alerted) -> list[Outcome | None]:
    """Of what was raised here, what came of it in the journal."""
    return [row.outcome for row in speaker.rows("local.")]


async def test_it_sounds_with_the_link_down_and_stands_in_the_journal(speaker: Alerted) -> None:
    speaker.link_up = False
    assert speaker.local.sound() == "raised: Nước lên nhanh"
    await speaker.run_until(3)
    assert (speaker.on_air or "").startswith("local.")
    assert [problem.code for problem in speaker.local.problems()] == ["local_alarm"]
    await speaker.run_until(15)
    (row,) = speaker.rows("local.")
    assert (row.outcome, row.play.kind, row.play.title) == (Outcome.COMPLETED, "alert", "Nước lên nhanh")
    assert speaker.local.problems() == ()


async def test_it_is_not_raised_where_the_signed_configuration_does_not_allow_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    instant_words(monkeypatch)
    silent = speaker_in(tmp_path)
    with pytest.raises(NotAllowed, match="rules of this speaker's area"):
        silent.local.sound()
    await silent.run_until(5)
    assert silent.rows() == []
    await silent.put_down()


async def test_it_ends_at_once_when_the_configuration_no_longer_allows_it(speaker: Alerted) -> None:
    speaker.local.sound()
    await speaker.run_until(2)
    assert speaker.config is not None
    speaker.config = speaker.config.model_copy(update={"local_alarm": False})
    await speaker.run_until(4)
    assert (speaker.on_air, outcomes(speaker)) == (None, [Outcome.STOPPED])


async def test_the_same_hand_ends_it_and_may_raise_it_again(speaker: Alerted) -> None:
    assert speaker.local.stop() == "no local alarm was sounding"
    speaker.local.sound()
    await speaker.run_until(2)
    assert speaker.local.sound() == "already sounding: Nước lên nhanh"
    assert speaker.local.stop() == "stopped: Nước lên nhanh"
    await speaker.run_until(4)
    assert (speaker.on_air, outcomes(speaker)) == (None, [Outcome.STOPPED])
    speaker.local.sound()
    await speaker.run_until(15)
    assert outcomes(speaker) == [Outcome.STOPPED, Outcome.COMPLETED]


async def test_an_officer_s_stop_ends_it_for_good(speaker: Alerted) -> None:
    speaker.local.sound()
    await speaker.run_until(2)
    stopping = asyncio.ensure_future(speaker.conductor.stop())
    await speaker.run_until(20)
    await stopping
    assert outcomes(speaker) == [Outcome.STOPPED]
    assert speaker.local.under_way(speaker.clock.best_guess()) == ()


async def test_a_power_cut_does_not_end_it_and_a_finished_one_does_not_come_back(speaker: Alerted) -> None:
    speaker.local.sound()
    await speaker.run_until(2)
    await speaker.power_cut()
    speaker.power_up()
    await speaker.run_until(15)
    assert outcomes(speaker) == [Outcome.INTERRUPTED, Outcome.COMPLETED]
    await speaker.power_cut()
    speaker.power_up()
    await speaker.run_until(30)
    assert len(outcomes(speaker)) == 2


async def test_what_could_not_be_heard_in_time_is_let_go(speaker: Alerted) -> None:
    speaker.sink_works = False
    speaker.local.sound()
    await speaker.run_until(LASTS.total_seconds() + 5)
    speaker.sink_works = True
    await speaker.run_until(LASTS.total_seconds() + 30)
    assert speaker.sounded("local.") == []


async def test_every_area_s_alert_outranks_it(speaker: Alerted) -> None:
    assert speaker.config is not None
    speaker.config = speaker.config.model_copy(update={"areas": ("VN", "07", "07339")})
    speaker.local.sound()
    await speaker.run_until(2)
    speaker.tell(alert(issuer="07339", issuer_depth=2))
    await speaker.run_until(4)
    assert speaker.on_air == "lu.1.0.signal"
    await speaker.run_until(30)
    assert outcomes(speaker)[-1] is Outcome.COMPLETED


async def test_a_damaged_note_of_it_is_no_reason_to_be_silent_for_ever(speaker: Alerted) -> None:
    await speaker.power_cut()
    (speaker.folder / "local-alarm.json").write_bytes(b"\x00{half")
    speaker.power_up()
    speaker.local.sound()
    await speaker.run_until(15)
    assert outcomes(speaker) == [Outcome.COMPLETED]


# --- the button


@dataclass
class FakeContact:
    """A contact made of nothing."""

    down: bool = False
    broken: bool = False

    def pressed(self) -> bool:
        if self.broken:
            raise ContactFault("the board is gone")
        return self.down

    def close(self) -> None:
        pass


def held(looks: Iterable[tuple[float, bool]]) -> int:
    """How often a contact counts that is seen so at such times."""
    hold, count = Hold(), 0
    for now_s, closed in looks:
        hold, long = follow(hold, now_s, pressed=closed, long_s=LONG_S)
        count += long
    return count


def looks(*pieces: tuple[float, bool]) -> list[tuple[float, bool]]:
    """Regular looks at a contact that is so for so many seconds, one piece after another."""
    levels = [closed for length_s, closed in pieces for _ in range(round(length_s / LOOK_EVERY_S))]
    return [(index * LOOK_EVERY_S, closed) for index, closed in enumerate(levels)]


def test_a_contact_counts_once_when_it_was_held_and_again_only_after_it_was_let_go() -> None:
    assert held(looks((1, False), (20, True))) == 1
    assert held(looks((1, False), (4, True), (1, False), (4, True))) == 2


def test_a_stuck_contact_raises_nothing_at_a_start() -> None:
    assert held(looks((60, True))) == 0


@given(st.lists(st.tuples(st.floats(0.05, 2.9), st.booleans()), max_size=40))
def test_no_burst_of_spikes_raises_it(spikes: list[tuple[float, bool]]) -> None:
    pieces = [piece for length_s, closed in spikes for piece in ((length_s, closed), (LOOK_EVERY_S, False))]
    assert held(looks((1, False), *pieces)) == 0


def test_nobody_knows_what_a_contact_did_while_the_process_hung() -> None:
    assert held([(0.0, False), (0.1, True), (9.0, True), (9.1, True)]) == 0


async def test_a_held_button_raises_the_alarm_and_ends_it(speaker: Alerted) -> None:
    contact = FakeContact()
    button = Button(contact, LONG_S, mono=speaker.clock.mono, held=speaker.local.toggle)

    async def hold_for(seconds: float) -> None:
        contact.down = True
        until_s = speaker.now_s + seconds
        while speaker.now_s < until_s:
            button.look()
            await speaker.run_until(speaker.now_s + LOOK_EVERY_S)
        contact.down = False
        button.look()

    button.look()
    await hold_for(1)
    assert speaker.rows() == []
    await hold_for(3.5)
    assert speaker.local.under_way(speaker.clock.best_guess())
    await hold_for(3.5)
    await speaker.run_until(speaker.now_s + 1)
    assert outcomes(speaker) == [Outcome.STOPPED]


def test_a_contact_that_fails_is_told_and_tried_again() -> None:
    contact = FakeContact(broken=True)
    button = Button(contact, LONG_S, mono=lambda: 0.0, held=lambda: None)
    assert button.look() == RETRY_S
    assert [problem.code for problem in button.problems()] == ["button_fault"]
    contact.broken = False
    assert button.look() == LOOK_EVERY_S
    assert button.problems() == ()


# --- the line, through gpiod, on a board that is made of nothing

Wire = Literal["loose", "ground", "3V3"]


@dataclass
class Board:
    """What gpiod asks of the kernel for one input: the level of its wire, or else where the board pulls it."""

    wire: Wire = "loose"
    settings: gpiod.LineSettings | None = None

    def request_lines(self, _chip: str, *, config: dict[str, gpiod.LineSettings], **_: object) -> Self:
        (self.settings,) = config.values()
        return self

    def get_value(self, _line: str) -> Value:
        assert self.settings is not None
        high = self.wire == "3V3" or (self.wire == "loose" and self.settings.bias is Bias.PULL_UP)
        return Value(int(high != self.settings.active_low))

    def release(self) -> None:
        self.settings = None


@pytest.fixture
def board(monkeypatch: pytest.MonkeyPatch) -> Board:
    board = Board()
    monkeypatch.setattr(gpiod, "request_lines", board.request_lines)
    return board


WIRINGS: list[tuple[dict[str, bool], Wire, Wire]] = [
    ({}, "loose", "ground"),
    ({"normally_closed": True}, "ground", "loose"),
    ({"active_low": False}, "loose", "3V3"),
    ({"active_low": False, "normally_closed": True}, "3V3", "loose"),
]


@pytest.mark.parametrize(("wiring", "at_rest", "down"), WIRINGS)
def test_a_button_of_either_kind_on_either_side_raises_it_once_though_it_bounces(
    board: Board, wiring: dict[str, bool], at_rest: Wire, down: Wire
) -> None:
    settings = ButtonSettings(line="GPIO27", hold_ms=3000, **wiring)
    now_s, raised_at_s = 0.0, []
    button = Button(settings.contact_of(), LONG_S, mono=lambda: now_s, held=lambda: raised_at_s.append(now_s))
    bounces: list[Wire] = [down, at_rest] * 5
    for wire in [at_rest] * 20 + bounces + [down] * 100 + bounces + [at_rest] * 100:
        board.wire = wire
        now_s += button.look()
    (at_s,) = raised_at_s
    assert at_s == pytest.approx((20 + len(bounces)) * LOOK_EVERY_S + LONG_S, abs=2 * LOOK_EVERY_S)
    assert button.problems() == ()


@pytest.mark.parametrize(("wiring", "at_rest", "down"), WIRINGS)
def test_a_button_that_is_stuck_at_the_start_is_told_and_counts_once_it_was_let_go(
    board: Board, wiring: dict[str, bool], at_rest: Wire, down: Wire
) -> None:
    settings = ButtonSettings(line="GPIO27", hold_ms=3000, **wiring)
    now_s, raised_at_s = 0.0, []
    button = Button(settings.contact_of(), LONG_S, mono=lambda: now_s, held=lambda: raised_at_s.append(now_s))

    def look_for(seconds: float, wire: Wire) -> None:
        nonlocal now_s
        board.wire = wire
        until_s = now_s + seconds
        while now_s < until_s:
            now_s += button.look()

    look_for(STUCK_S - 1, down)
    assert (raised_at_s, button.problems()) == ([], ())
    look_for(2, down)
    assert [each.code for each in button.problems()] == ["button_fault"]
    look_for(1, at_rest)
    assert (raised_at_s, button.problems()) == ([], ())
    look_for(LONG_S + 1, down)
    assert len(raised_at_s) == 1


@pytest.mark.parametrize("chip", ["/dev/gpiochip-none", "/dev/null"])
def test_a_board_without_the_line_says_which_one(chip: str) -> None:
    contact = GpioContact(chip, "GPIO27", active_low=True)
    with pytest.raises(ContactFault, match=f"{chip}, line GPIO27"):
        contact.pressed()
    contact.close()


# --- the local socket


def refuse() -> str:
    raise NotAllowed("not here")


async def test_the_door_does_what_is_asked_and_says_why_not(tmp_path: Path) -> None:
    door = LocalDoor(socket_of(tmp_path), {"sound": lambda: "raised: lũ", "stop": refuse})
    serving = asyncio.create_task(door.run())
    async with asyncio.timeout(5):
        await door.open.wait()
        assert socket_of(tmp_path).stat().st_mode & 0o777 == 0o600
        assert await asyncio.to_thread(ask, tmp_path, "sound") == (True, "raised: lũ")
        done, said = await asyncio.to_thread(ask, tmp_path, "stop")
        assert (done, said) == (False, "local_alarm_refused: not here")
        reader, writer = await asyncio.open_unix_connection(socket_of(tmp_path))
        writer.write(b"x" * 5000 + b"\n")
        assert await reader.read() == b""
        writer.close()
        reader, writer = await asyncio.open_unix_connection(socket_of(tmp_path))
        writer.write(b"dance\n")
        assert b"not understood" in await reader.readline()
        writer.close()
    serving.cancel()
    await asyncio.wait([serving])
    assert not socket_of(tmp_path).exists()


def test_without_an_agent_the_command_says_so(tmp_path: Path) -> None:
    with pytest.raises(NobodyThere, match="no agent answers"):
        ask(tmp_path, "sound")
    assert issubclass(NobodyThere, AgentError)


async def test_a_place_where_no_socket_can_be_holds_nothing_up(tmp_path: Path) -> None:
    door = asyncio.create_task(LocalDoor(tmp_path / ("x" * 200), {}).run())
    done, _ = await asyncio.wait([door], timeout=0)
    assert not done
    door.cancel()
    await asyncio.wait([door])

"""What a client may say and hear on each broker that we write for: every denial is proved by what is delivered."""

import socket
import ssl
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

import pytest

from controller.authority.authority import CONTROLLER_NAME
from controller.broker.access import IS_TOLD, SAYS, Admitted
from controller.broker.setup import Kind
from protocol import topics
from protocol.topics import Channel
from schedules.types import DeviceId
from tests.support.guarded import HERE, Caller, Guarded, Office, Refused, may_come_in

A, B = "tan-yen-1", "hiep.hoa_2"
HASH = "0" * 64


def of(name: str, channel: Channel) -> str:
    return topics.device(DeviceId(name), channel)


@dataclass
class Village:
    """A broker with two speakers of two communes, and the controller, each at its place and listening to all it may."""

    broker: Guarded
    office: Office
    a: Caller
    b: Caller
    controller: Caller

    def caller(self, name: str, **more: object) -> Caller:
        return Caller(self.broker, self.office.speaker(name), name=name, **more)

    def settle(self) -> None:
        """Everything said before has arrived where it was to arrive."""
        for each, name in ((self.a, A), (self.b, B)):
            each.say(of(name, Channel.STATE), b"settled")
            assert self.controller.hears(of(name, Channel.STATE), b"settled")
            self.controller.say(of(name, Channel.COMMAND), b"settled")
            assert each.hears(of(name, Channel.COMMAND), b"settled")
        for each in (self.a, self.b, self.controller):
            each.everything = [said for said in each.everything if said[1] != b"settled"]

    def forget(self) -> None:
        for each in (self.a, self.b, self.controller):
            each.everything.clear()


def listens_to(name: str, area: str, group: str) -> list[str]:
    """What an agent subscribes to."""
    return [
        *(of(name, channel) for channel in IS_TOLD),
        f"loa/1/areas/{area}/alerts",
        f"loa/1/areas/{area}/audio",
        f"loa/1/areas/{area}/live/+",
        "loa/1/areas/24/alerts",
        "loa/1/areas/24/audio",
        f"loa/1/groups/{group}/alerts",
        topics.PULSE,
    ]


@pytest.fixture(scope="module", params=list(Kind))
def village(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Village]:
    folder = tmp_path_factory.mktemp(request.param)
    office = Office(folder / "office")
    broker = Guarded(request.param, folder / "broker", office)
    broker.admit(Admitted(A, ("VN", "24", "07339"), ("g1",)), Admitted(B, ("VN", "24", "07342"), ("g2",)))
    with ExitStack() as stack:
        stack.enter_context(broker)
        a = stack.enter_context(Caller(broker, office.speaker(A), name=A))
        b = stack.enter_context(Caller(broker, office.speaker(B), name=B))
        controller = stack.enter_context(Caller(broker, office.controller(), name=CONTROLLER_NAME))
        controller.listen(*(topics.all_devices(channel) for channel in SAYS), topics.ANY_ACCESS)
        a.listen(*listens_to(A, "07339", "g1"))
        b.listen(*listens_to(B, "07342", "g2"))
        yield Village(broker, office, a, b, controller)


@pytest.fixture(autouse=True)
def at_rest(village: Village) -> Iterator[None]:
    yield
    village.settle()
    village.forget()


def test_everybody_hears_what_is_meant_for_them(village: Village):
    down = [of(A, channel) for channel in IS_TOLD]
    shared = ["loa/1/areas/24/alerts", "loa/1/areas/24/audio", topics.PULSE]
    own = ["loa/1/areas/07339/alerts", "loa/1/areas/07339/live/s1", "loa/1/groups/g1/alerts"]
    for topic in (*down, *shared, *own):
        village.controller.say(topic)
        assert village.a.hears(topic), topic
    up = [of(A, channel) for channel in SAYS]
    for topic in up:
        village.a.say(topic)
        assert village.controller.hears(topic), topic
    village.controller.say(village.broker.access.mark)
    assert village.controller.hears(village.broker.access.mark)
    village.settle()
    assert village.b.topics() <= set(shared)


def test_nobody_speaks_for_another_or_gives_orders(village: Village):
    """Also retained: an order that stays on the broker would be believed by nobody, but takes the real one's place."""
    others = [of(B, channel) for channel in Channel]
    orders = [of(A, channel) for channel in IS_TOLD]
    wide = [
        topics.alerts("area:07339"),
        topics.alerts("area:24"),
        topics.alerts("group:g1"),
        topics.alert_audio("area:07339"),
        "loa/1/areas/07339/live/s1",
        topics.PULSE,
        village.broker.access.mark,
        "loa/1/devices",
        "elsewhere",
    ]
    for topic in (*others, *orders, *wide):
        for retain in (False, True):
            village.a.say(topic, b"forged", retain=retain)
    village.settle()
    for each in (village.a, village.b, village.controller):
        assert [topic for topic, payload in each.everything if payload == b"forged"] == []
    village.b.listen(*listens_to(B, "07342", "g2"))  # anew: what is retained comes at once
    village.settle()
    assert [topic for topic, payload in village.b.everything if payload == b"forged"] == []


@pytest.mark.parametrize(
    "nosy",
    [
        f"loa/1/devices/{B}/#",
        *(of(B, channel) for channel in (*IS_TOLD, *SAYS)),
        "#",
        "loa/#",
        "loa/1/devices/#",
        "loa/1/devices/+/plan",
        "+/+/+/+/+",
        "loa/1/areas/#",
        "loa/1/areas/07342/alerts",
        "loa/1/groups/g2/#",
        topics.ANY_ACCESS,
    ],
)
def test_nobody_overhears_what_is_meant_for_others(village: Village, nosy: str):
    granted = village.a.listen(nosy)
    for topic in (
        of(B, Channel.PLAN),
        of(B, Channel.RECORDS_ACK),
        "loa/1/areas/07342/alerts",
        "loa/1/groups/g2/alerts",
        village.broker.access.mark,
    ):
        village.controller.say(topic, b"secret", retain=topic == of(B, Channel.PLAN))
    village.b.say(of(B, Channel.STATE), b"secret", retain=True)
    village.settle()
    assert [topic for topic, payload in village.a.everything if payload == b"secret"] == []
    if granted:  # ejabberd 23 ends somebody else's subscription for whoever gives back what it never had
        village.a.client.unsubscribe(nosy)


def test_who_comes_in_is_who_the_certificate_says(village: Village, tmp_path: Path):
    strangers = Office(tmp_path / "strangers")
    old = timedelta(days=400)
    broker, office = village.broker, village.office
    assert may_come_in(
        [
            Caller(broker, None, name=A),
            Caller(broker, strangers.speaker(A), name=A),
            Caller(broker, office.speaker(A, age=old), name=A, client_id="loa-expired"),
        ]
    ) == [False, False, False]
    with (
        socket.create_connection((HERE, broker.port)) as line,
        pytest.raises(ssl.SSLCertVerificationError),
        ssl.create_default_context(cafile=str(strangers.root)).wrap_socket(line, server_hostname=HERE),
    ):
        pass


def test_a_name_without_rights_says_and_hears_nothing(village: Village):
    try:
        with village.caller("unknown") as unknown:
            unknown.listen(of("unknown", Channel.PLAN), topics.PULSE, "#")
            unknown.say(of("unknown", Channel.STATE), b"here I am", retain=True)
            village.controller.say(of("unknown", Channel.PLAN), b"secret")
            village.settle()
            assert unknown.heard.empty()
            assert (of("unknown", Channel.STATE), b"here I am") not in village.controller.everything
    except Refused:
        assert village.broker.kind is Kind.NATS, "only there one must be known to come in"

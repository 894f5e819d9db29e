"""A broker that we write for keeps what is retained over a SIGKILL."""

import time
from pathlib import Path

import pytest

from controller.authority.authority import CONTROLLER_NAME
from controller.broker.access import Admitted
from controller.broker.setup import Kind
from tests.support.eventually import eventually
from tests.support.guarded import Caller, Guarded, Office

PLAN = "loa/1/devices/a/plan"


@pytest.mark.parametrize("kind", [Kind.MOSQUITTO, Kind.NATS])
def test_what_is_retained_outlives_a_kill(kind: Kind, tmp_path: Path):
    office = Office(tmp_path / "office")
    broker = Guarded(kind, tmp_path / "broker", office)
    broker.admit(Admitted("a", ("VN",)))
    with broker:
        with Caller(broker, office.controller(), name=CONTROLLER_NAME) as controller:
            controller.say(PLAN, b"kept", retain=True)
        said_at = time.time()
        if kind is Kind.MOSQUITTO:
            store = tmp_path / "broker" / "data" / "loa.db"
            within_s = broker.setup.limits.save_every_s + 5
            eventually(lambda: store.exists() and store.stat().st_mtime > said_at, within_s=within_s)
        broker.kill()
        broker.start()
        with Caller(broker, office.speaker("a"), name="a") as speaker:
            speaker.listen(PLAN)
            assert speaker.hears(PLAN, b"kept")

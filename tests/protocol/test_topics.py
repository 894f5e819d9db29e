"""Topics are built and taken apart by the same rules."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol import topics
from protocol.topics import DELIVERY, Channel, DeviceTopic


@given(device=st.from_regex(r"\A[a-z0-9-]{1,20}\Z"), channel=st.sampled_from(Channel))
def test_a_device_topic_is_taken_apart_as_it_was_built(device, channel):
    assert DeviceTopic.parse(topics.device(device, channel)) == DeviceTopic(device, channel)


@pytest.mark.parametrize(
    "topic",
    ["", "loa/1/pulse", "loa/2/devices/a/plan", "loa/1/devices//plan", "loa/1/devices/a", "loa/1/devices/a/plan/x"],
)
def test_any_other_topic_is_no_device_topic(topic):
    assert DeviceTopic.parse(topic) is None


def test_every_channel_says_how_it_travels():
    assert set(DELIVERY) == set(Channel)


def test_orders_that_act_once_are_never_retained():
    assert not any(DELIVERY[c].retained for c in (Channel.COMMAND, Channel.LIVE, Channel.AUDIO))

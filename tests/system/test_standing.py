"""Standing messages over a real broker to a real agent: on the speaker before they are needed."""

from collections.abc import Callable, Iterator

import pytest

from loa.officer import Json
from tests.support.content_proxy import Mood
from tests.support.eventually import eventually
from tests.support.fleet import COMMUNE, Fleet, Speaker
from tests.support.post import Post, manned
from tests.support.sound import decode, find

Figure = Callable[[str], None]
HERE = f"/areas/{COMMUNE}/standing"


@pytest.fixture(scope="module")
def post(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Post]:
    """A fleet whose speakers keep the standing messages."""
    fleet = Fleet("mosquitto", tmp_path_factory.mktemp("standing"), env={"LOA_STANDING_SOUNDS": "1"})
    with fleet.running(), manned(fleet) as post:
        yield post


@pytest.fixture(scope="module")
def speaker(post: Post) -> Speaker:
    eventually(
        lambda: {each["status"] for each in post.first.get(HERE)} == {"ready"},
        within_s=90,
        what="the sound of all that comes with the system is made",
    )
    return post.fleet.speaker("ban-tin-mau")


def holds_all(post: Post) -> bool:
    return all(each["current"] for each in post.first.get(f"{HERE}/speakers"))


def message(post: Post, hazard: str) -> Json:
    found: Json = next(each for each in post.first.get(HERE) if each["hazard"] == hazard)
    return found


def test_an_alert_in_standing_words_is_heard_whole_with_no_way_to_its_sound(
    post: Post, speaker: Speaker, figure: Figure
) -> None:
    eventually(lambda: holds_all(post), within_s=60, what="the speaker says that it holds them all")
    content = post.fleet.content
    content.mood = Mood.ERROR_500
    try:
        speaker.agent.kill()
        speaker.agent.start()
        flood = message(post, "flood")
        alert = post.draft(flood["headline"], text=flood["text"])
        assert alert["words_ready"]
        pressed_at = post.release(alert)
        eventually(
            lambda: post.records(speaker, alert) == [("1.0.signal", "completed"), ("1.0.message", "completed")],
            within_s=90,
            what="heard to its end",
        )
        assert content.seen[Mood.ERROR_500] == 0
    finally:
        content.mood = Mood.GOOD
    signal, words = [each for each in speaker.recordings if each.occurrence.startswith(alert["id"])]
    heard = find(decode(post.first.listen(f"/content/{flood['clip']}")), words)
    assert min(heard.likeness, heard.head, heard.tail) > 0.95
    gap_s = (heard.at - signal.first_sample_at).total_seconds() - signal.seconds
    figure(f"press to words {(heard.at - pressed_at).total_seconds():.2f} s, {gap_s * 1000:.0f} ms after the signal")
    post.cancel(alert)


def test_what_was_worded_anew_is_missing_until_it_is_fetched(post: Post, speaker: Speaker) -> None:
    eventually(lambda: holds_all(post), within_s=60, what="the speaker holds what there is")
    post.fleet.content.mood = Mood.ERROR_500
    try:
        post.first.put(f"{HERE}/storm", {"headline": "Bão", "text": "Bão vào xã ta. Bà con ở trong nhà."})
        eventually(lambda: message(post, "storm")["status"] == "ready", within_s=60, what="its sound is made")
        eventually(lambda: not holds_all(post), within_s=60, what="the speaker is known to hold an old set")
        (old,) = post.first.get(f"{HERE}/speakers", old="true")
        assert old["device"] == speaker.id
    finally:
        post.fleet.content.mood = Mood.GOOD
    eventually(lambda: holds_all(post), within_s=90, what="it fetched what it lacked by itself")

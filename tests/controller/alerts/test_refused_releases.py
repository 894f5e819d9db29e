"""A refused release, and a refused change of what an alert says, are told in the trail: who tried, and why not."""

from controller.accounts.roles import Role
from tests.support.alert_desk import COMMUNE, OFFICER, ONE, Desk, addressed
from tests.support.controller import House
from tests.support.trail import trail


async def test_a_refused_release_is_in_the_trail_of_its_alert(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    await maker.release(draft, 403)
    await addressed(maker, draft, ONE)
    await releaser.release(draft, 409)
    in_person = await house.in_person(COMMUNE, "truc", roles=OFFICER)
    await in_person.post(f"/emergency/{draft['id']}/release", data={"seen": draft["digest"]})
    await releaser.release(await releaser.get(f"/api/v1/alerts/{draft['id']}"))
    await releaser.release(draft, 409)
    for _ in range(11):
        await releaser.release(await maker.draft())
    last = await maker.draft()
    await releaser.release(last, 429)
    told = [
        (entry.actor, entry.key, entry.changes["why"][1])
        for entry in await trail(house, kind="alert", action="refused")
    ]
    assert told == [
        ("nguoi-soan", draft["id"], "own_draft"),
        ("nguoi-phat", draft["id"], "changed_since_seen"),
        ("truc", draft["id"], "changed_since_seen"),
        ("nguoi-phat", draft["id"], "not_a_draft"),
        ("nguoi-phat", last["id"], "too_many_attempts"),
    ]
    entry = (await trail(house, kind="alert", action="refused"))[0]
    assert (entry.label, entry.area) == ("Báo động lũ cấp III", f"/24/{COMMUNE}/")
    page = (await in_person.get(f"/audit/alert/{draft['id']}")).text
    assert "nguoi-soan" in page
    assert "người soạn không tự phát được" in page


async def test_who_would_prolong_alone_is_in_the_trail_of_the_alert(house: House, maker: Desk, releaser: Desk) -> None:
    alert = await maker.draft()
    await releaser.release(alert)
    await releaser.post(f"/api/v1/alerts/{alert['id']}/prolong", 403, lifetime_s=7200)
    (entry,) = await trail(house, kind="alert", action="refused")
    assert (entry.actor, entry.key, entry.changes) == ("nguoi-phat", alert["id"], {"why": [None, "own_last_word"]})
    assert (entry.label, entry.area) == ("Báo động lũ cấp III", f"/24/{COMMUNE}/")
    officer = await house.in_person(COMMUNE, "truc", roles=OFFICER)
    page = (await officer.get(f"/audit/alert/{alert['id']}")).text
    assert "người đã phát hoặc vừa gia hạn không tự gia hạn tiếp được" in page


async def test_who_would_change_what_an_alert_says_is_in_the_trail_of_the_words(house: House, maker: Desk) -> None:
    alert = await maker.draft(text="Bà con sơ tán ngay.")
    words = alert["announcement_id"]
    broadcaster = await house.signed_in(COMMUNE, "phat-thanh", roles=(Role.BROADCASTER,))
    edit = {"json": {"text": "Bà con ở yên."}, "headers": {"If-Match": "*"}}
    assert (await broadcaster.patch(f"/api/v1/announcements/{words}", **edit)).status_code == 409
    (entry,) = await trail(house, action="refused")
    assert (entry.actor, entry.kind, entry.key) == ("phat-thanh", "announcement", words)
    assert entry.changes == {"why": [None, "spoken_by_alert"]}


async def test_other_conflicts_are_no_refusals_to_tell(house: House, maker: Desk, releaser: Desk) -> None:
    draft = await maker.draft()
    await maker.cancel(draft, 409)
    await maker.client.put(f"/api/v1/alerts/{draft['id']}/targets", json={"targets": []})
    await maker.post(f"/api/v1/alerts/{draft['id']}/discard")
    await maker.post(f"/api/v1/alerts/{draft['id']}/discard", 409)
    assert await trail(house, action="refused") == []

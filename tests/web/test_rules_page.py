"""Who has to agree before something airs, as people read and set it."""

import re

from controller.accounts.roles import Role
from tests.support.controller import House


async def test_everybody_reads_it_and_only_administrators_of_the_place_set_it(house: House):
    await house.commune("07339")
    await house.commune("07340")
    admin = await house.in_person("07339", "top", roles=[Role.ADMINISTRATOR])
    lan = await house.in_person("07339", "lan", roles=[Role.BROADCASTER])
    version = re.findall(r'name="version" value="(\d+)"', (await admin.get("/rules")).text)[0]
    wish = {"version": version, "approval": "second_person"}
    assert "Không cần ai khác" in (await lan.get("/rules")).text
    assert 'name="approval"' not in (await lan.get("/rules")).text
    assert (await lan.post("/rules/07339", data=wish)).status_code == 403
    assert (await admin.post("/rules/07340", data=wish)).status_code == 404
    assert (await admin.get("/rules?area_code=07340")).status_code == 404

    assert (await admin.post("/rules/07339", data=wish)).headers["location"] == "/rules?area_code=07339"
    assert "<strong>Người thứ hai" in (await lan.get("/rules")).text
    assert (await admin.post("/rules/07339", data=wish)).status_code == 412


async def test_setting_it_leaves_the_other_rules_of_the_place_as_they_are(house: House):
    await house.commune("07339")
    await house.area("07339-1", parent="07339", policy={"max_volume": 40, "approval": "second_person"})
    admin = await house.in_person("VN", "top", roles=[Role.ADMINISTRATOR])
    answer = await admin.post("/rules/07339-1", data={"version": "1", "approval": "none"})
    assert answer.status_code == 303, answer.text
    assert (await admin.get("/api/v1/areas/07339-1")).json()["policy"]["max_volume"] == 40


async def test_a_place_says_who_releases_alerts_what_is_tested_and_whom_to_call(house: House):
    await house.commune("07339")
    await house.area("07339-1", parent="07339")
    admin = await house.in_person("07339", "top", roles=[Role.ADMINISTRATOR])
    wish = {"version": "1", "release": "second_person", "local_alarm": "no", "silent_test": "weekly"}
    answer = await admin.post("/rules/07339", data=wish | {"contact": "Ông Ba, 0912 345 678"})
    assert answer.status_code == 303, answer.text
    area = (await admin.get("/api/v1/areas/07339")).json()
    assert area["policy"] | {"approval": "none"} == area["policy"]
    said = {name: area["policy"][name] for name in ("release", "local_alarm", "silent_test")}
    assert said == {"release": "second_person", "local_alarm": False, "silent_test": "weekly"}
    assert area["contact"] == "Ông Ba, 0912 345 678"

    below = (await admin.get("/rules?area_code=07339-1")).text
    assert "<strong>Hai người" in below
    assert "<strong>Không được kích hoạt" in below
    assert "<strong>Hằng tuần" in below
    assert len(re.findall("quy định như vậy", below)) == 3


async def test_what_a_place_says_of_itself_can_be_taken_back(house: House):
    await house.commune("07339")
    admin = await house.in_person("07339", "top", roles=[Role.ADMINISTRATOR])
    await admin.post("/rules/07339", data={"version": "1", "local_alarm": "yes", "silent_test": "off", "contact": "Ba"})
    said = (await admin.get("/api/v1/areas/07339")).json()
    assert (said["policy"]["local_alarm"], said["policy"]["silent_test"]) == (True, "off")
    again = await admin.post("/rules/07339", data={"version": "2", "local_alarm": "", "silent_test": "", "contact": ""})
    assert again.status_code == 303, again.text
    said = (await admin.get("/api/v1/areas/07339")).json()
    assert (said["policy"]["local_alarm"], said["policy"]["silent_test"], said["contact"]) == (None, None, "")


async def test_a_rule_that_does_not_exist_is_refused_and_changes_nothing(house: House):
    await house.commune("07339")
    admin = await house.in_person("07339", "top", roles=[Role.ADMINISTRATOR])
    for wrong in ({"release": "nobody"}, {"local_alarm": "perhaps"}, {"silent_test": "daily"}, {"contact": "x" * 201}):
        answer = await admin.post("/rules/07339", data={"version": "1", "contact": "Bà Tư", **wrong})
        assert (answer.status_code, 'role="alert"' in answer.text) == (422, True), wrong
    assert (
        'value="Bà Tư"'
        in (await admin.post("/rules/07339", data={"version": "1", "contact": "Bà Tư", "release": "x"})).text
    )
    assert (await admin.get("/api/v1/areas/07339")).json()["contact"] == ""


async def test_places_are_found_by_name_within_ones_own_area_only(house: House):
    await house.commune("07339")
    await house.area("07339-1", parent="07339", name="Thôn <Đông>")
    await house.commune("07340")
    await house.area("07340-1", parent="07340", name="Thôn <Tây>")
    lan = await house.in_person("07339", "lan", roles=[Role.ADMINISTRATOR])
    found = (await lan.get("/parts/places", params={"q": "thon <dong"})).text
    assert re.findall(r'value="([^"]+)"', found) == ["07339-1"]
    assert "Thôn &lt;Đông&gt; · 07339" in found
    assert "Không có địa bàn tên như vậy" in (await lan.get("/parts/places", params={"q": "Tây"})).text

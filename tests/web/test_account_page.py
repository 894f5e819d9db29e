"""One's own name and mail address on a page."""

from tests.support.controller import House


async def test_somebody_is_called_as_they_say(house: House):
    await house.commune("07339")
    lan = await house.in_person("07339", "lan")
    assert (await lan.post("/account", data={"do": "name", "full_name": " Lê Thị Lan "})).status_code == 200
    assert 'value="Lê Thị Lan"' in (await lan.get("/account")).text
    assert (await lan.patch("/api/v1/me", json={"full_name": "Lan"})).status_code == 204
    assert 'value="Lan"' in (await lan.get("/account")).text
    assert (await lan.post("/account", data={"do": "name", "full_name": "x" * 201})).status_code == 422
    trail = (await lan.get("/audit")).text
    assert "Lê Thị Lan" in trail


async def test_without_a_mail_server_nobody_is_promised_a_letter(house: House):
    await house.commune("07339")
    lan = await house.in_person("07339", "lan")
    assert 'name="email"' not in (await lan.get("/account")).text
    asked = await lan.post("/account", data={"do": "email", "email": "lan@xa.example.vn"})
    assert asked.status_code == 422
    assert "không gửi được thư" in asked.text
    assert (await lan.get("/account", params={"confirm": "made-up"})).status_code == 409

from tests.support.controller import PASSWORD, House


async def test_a_browser_signs_in_sees_itself_and_signs_out(house: House):
    await house.user("lan", "VN")
    browser = house.browser()
    assert (await browser.get("/api/v1/me")).status_code == 401

    answer = await browser.post("/api/v1/session", json={"name": " Lan ", "password": PASSWORD})
    assert answer.status_code == 200, answer.text
    cookie = answer.headers["set-cookie"].lower()
    assert "httponly" in cookie
    assert "samesite=lax" in cookie
    assert (await browser.get("/api/v1/me")).json()["name"] == "lan"

    assert (await browser.delete("/api/v1/session")).status_code == 204
    assert (await browser.get("/api/v1/me")).status_code == 401

from audio.signals import ABOUT, Signal
from tests.support.controller import PASSWORD, House


async def test_the_page_of_signals_plays_each_and_tells_tests_from_sirens(house: House):
    await house.user("lan", "VN")
    browser = house.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    page = (await browser.get("/signals")).text

    for signal in Signal:
        row = page.split(f'data-signal="{signal}"')[1].split("</tr>")[0]
        assert ABOUT[signal].name_vi in row
        assert ABOUT[signal].meaning_vi in row
        assert f'src="/api/v1/signals/{signal}.opus"' in row
    tests, sirens = page.index("Đây là âm thử"), page.index("Tín hiệu thật")
    assert tests < page.index('data-signal="exercise"') < sirens < page.index('data-signal="storm"')


async def test_the_page_of_signals_is_in_the_readers_language(house: House):
    await house.user("lan", "VN")
    browser = house.browser()
    await browser.post("/sign-in", data={"username": "lan", "password": PASSWORD})
    await browser.post("/language", data={"language": "en", "next": "/signals"})

    assert "Four high notes rising" in (await browser.get("/signals")).text

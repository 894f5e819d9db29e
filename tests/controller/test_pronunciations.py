"""An officer's own dictionary: whose it is, where it holds, and who may change it."""

import unicodedata

import httpx
import pytest

from controller.accounts.viewer import SYSTEM
from controller.areas.repository import AreaRepository
from controller.pronunciations.service import dictionary_for
from tests.support.controller import House

HERE = "/api/v1/pronunciations"


@pytest.fixture
async def places(either_house: House) -> House:
    """A province with two communes, one with a hamlet."""
    await either_house.area("24")
    await either_house.area("07339", parent="24")
    await either_house.area("07339-1", parent="07339")
    await either_house.area("07444", parent="24")
    return either_house


async def write(who: httpx.AsyncClient, written: str, spoken: str, **more: str) -> httpx.Response:
    return await who.post(HERE, json={"written": written, "spoken": spoken, **more})


async def spoken_at(house: House, code: str, language: str = "vi") -> dict[str, str]:
    async with house.database.reading() as session:
        area = await AreaRepository(session).get(SYSTEM, code)
        return await dictionary_for(session, area, language)


async def test_an_entry_holds_in_its_area_and_below_and_nowhere_else(places: House):
    commune = await places.signed_in("07339")
    made = await write(commune, "NVH", "nhà văn hoá")

    assert made.status_code == 201
    assert made.headers["ETag"]
    assert await spoken_at(places, "07339") == {"NVH": "nhà văn hoá"}
    assert await spoken_at(places, "07339-1") == {"NVH": "nhà văn hoá"}
    assert await spoken_at(places, "07444") == {}
    assert await spoken_at(places, "24") == {}
    assert await spoken_at(places, "07339", "en") == {}


async def test_of_two_entries_for_a_word_the_nearest_wins(places: House):
    province, commune = await places.signed_in("24"), await places.signed_in("07339")
    await write(commune, "KCN", "khu công nghiệp Gia Bình")
    await write(province, "KCN", "khu công nghiệp")
    await write(province, "NVH", "nhà văn hoá")

    assert await spoken_at(places, "07339-1") == {"KCN": "khu công nghiệp Gia Bình", "NVH": "nhà văn hoá"}
    assert await spoken_at(places, "07444") == {"KCN": "khu công nghiệp", "NVH": "nhà văn hoá"}


async def test_one_sees_what_holds_but_edits_only_ones_own(places: House):
    province, commune = await places.signed_in("24"), await places.signed_in("07339")
    above = (await write(province, "KCN", "khu công nghiệp")).json()["id"]
    await write(commune, "NVH", "nhà văn hoá")
    address, any_version = f"{HERE}/{above}", {"If-Match": "*"}

    seen = (await commune.get(HERE)).json()["items"]
    assert [(each["written"], each["inherited"]) for each in seen] == [("KCN", True), ("NVH", False)]
    assert (await commune.patch(address, json={"spoken": "x"}, headers=any_version)).status_code == 403
    assert (await commune.delete(address, headers=any_version)).status_code == 403
    assert (await province.patch(address, json={"spoken": "cụm"}, headers=any_version)).status_code == 200


async def test_a_neighbours_entry_does_not_exist(places: House):
    neighbour, commune = await places.signed_in("07444"), await places.signed_in("07339")
    own = (await write(commune, "NVH", "nhà văn hoá")).json()["id"]

    assert (await neighbour.get(HERE)).json()["items"] == []
    for answer in (
        await neighbour.get(f"{HERE}/{own}"),
        await neighbour.patch(f"{HERE}/{own}", json={"spoken": "x"}, headers={"If-Match": "*"}),
        await neighbour.delete(f"{HERE}/{own}", headers={"If-Match": "*"}),
    ):
        assert answer.status_code == 404
    refused = await write(neighbour, "NVH", "x", area_code="07339")
    assert (refused.status_code, refused.json()["errors"][0]["field"]) == (422, "area_code")


async def test_an_edit_says_which_version_it_edits(places: House):
    commune = await places.signed_in("07339")
    made = await write(commune, "NVH", "nhà văn hóa")
    address, first = f"{HERE}/{made.json()['id']}", {"If-Match": made.headers["ETag"]}

    assert (await commune.patch(address, json={"spoken": "nhà văn hoá"})).status_code == 428
    edited = await commune.patch(address, json={"spoken": "nhà văn hoá"}, headers=first)
    assert edited.json()["spoken"] == "nhà văn hoá"
    assert (await commune.delete(address, headers=first)).status_code == 412
    assert (await commune.delete(address, headers={"If-Match": edited.headers["ETag"]})).status_code == 204
    assert (await commune.get(address)).status_code == 404


async def test_a_word_has_one_entry_in_an_area_and_language(places: House):
    commune = await places.signed_in("07339")
    await write(commune, "NVH", "nhà văn hoá")
    other = (await write(commune, "TYT", "trạm y tế")).json()["id"]

    again = await write(commune, "NVH", "nhà")
    assert (again.status_code, again.json()["errors"][0]["field"]) == (422, "written")
    moved = await commune.patch(f"{HERE}/{other}", json={"written": "NVH"}, headers={"If-Match": "*"})
    assert moved.status_code == 422
    assert (await write(commune, "NVH", "culture house", language="en")).status_code == 201
    assert (await write(commune, "NVH", "nhà", area_code="07339-1")).status_code == 201


@pytest.mark.parametrize(
    ("written", "spoken", "field"),
    [
        ("", "nhà", "written"),
        ("...", "nhà", "written"),
        ("NVH", " ", "spoken"),
        ("NVH", "!", "spoken"),
        ("a" * 101, "nhà", "written"),
        ("NVH", "a" * 201, "spoken"),
        ("N\nVH", "nhà", "written"),
    ],
)
async def test_an_entry_that_says_nothing_is_refused(quiet_house: House, written, spoken, field):
    await quiet_house.area("07339")
    answer = await write(await quiet_house.signed_in("07339"), written, spoken)

    assert (answer.status_code, answer.json()["errors"][0]["field"]) == (422, field)


async def test_decomposed_letters_are_the_same_word(quiet_house: House):
    await quiet_house.area("07339")
    who = await quiet_house.signed_in("07339")

    assert (await write(who, unicodedata.normalize("NFC", "ấp"), "x")).status_code == 201
    assert (await write(who, unicodedata.normalize("NFD", "ấp"), "y")).status_code == 422

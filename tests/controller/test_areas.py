import httpx
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select

from controller.areas.models import Area
from controller.areas.national import national_areas
from controller.areas.repository import AreaRepository
from controller.areas.tree import ancestors, child_path, codes_of
from controller.events import AreaPolicyChanged, Event
from tests.support.controller import House

HAMLET = {"code": "07339.01", "name": "Thôn Đồng", "kind": "thôn", "parent_code": "07339"}
CODES = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9._-]{0,8}", fullmatch=True)


@pytest.fixture
async def lan(quiet_house: House) -> httpx.AsyncClient:
    await quiet_house.commune("07339")
    return await quiet_house.signed_in("07339", "lan")


@given(st.lists(CODES, max_size=6))
def test_a_path_names_its_whole_chain(codes: list[str]):
    path = "/"
    above = [path]
    for code in codes:
        path = child_path(path, code)
        above.append(path)
    assert codes_of(path) == ("VN", *codes)
    assert ancestors(path) == tuple(above)


def test_the_national_list_is_whole_and_every_commune_has_its_province():
    areas = {area.code: area for area in national_areas()}
    assert sum(area.depth == 1 for area in areas.values()) == 34
    assert sum(area.depth == 2 for area in areas.values()) == 3321
    assert areas["07339"].name == "Xã Tân Yên"
    assert areas["07339"].path == "/24/07339/"
    assert areas["24"].kind in {"tỉnh", "thành phố trung ương"}, "which of the two depends on the list's year"
    assert all(area.parent_code in areas for area in areas.values() if area.depth == 2)


async def test_loading_adds_what_is_missing_and_touches_nothing_else(either_house: House):
    await either_house.area("24", name="Bắc Ninh của tôi")
    async with either_house.database.transaction() as session:
        added = await AreaRepository(session).add_missing(national_areas(["24"]))
    async with either_house.database.transaction() as session:
        again = await AreaRepository(session).add_missing(national_areas(["24"]))
        mine = await session.get_one(Area, "24")
        communes = (await session.scalars(select(Area).where(Area.parent_code == "24"))).all()
    assert (added, again) == (len(communes), 0)
    assert mine.name == "Bắc Ninh của tôi"
    assert {"Xã Tân Yên", "Xã Lục Nam"} <= {commune.name for commune in communes}


async def test_a_hamlet_is_added_below_its_commune_and_removed_when_empty(quiet_house: House, lan: httpx.AsyncClient):
    made = await lan.post("/api/v1/areas", json=HAMLET)
    assert made.status_code == 201
    assert made.json()["path"] == "/24/07339/07339.01/"
    assert made.json()["depth"] == 3
    again = await lan.post("/api/v1/areas", json=HAMLET)
    assert again.status_code == 409

    path = made.headers["Location"]
    await quiet_house.device("dong-1", "07339.01")
    assert (await lan.delete(path, headers={"If-Match": "*"})).status_code == 409, "a speaker stands there"
    await lan.patch("/api/v1/devices/dong-1", json={"area_code": "07339"}, headers={"If-Match": "*"})
    assert (await lan.delete("/api/v1/areas/07339", headers={"If-Match": "*"})).status_code == 409, "not empty"
    assert (await lan.delete(path, headers={"If-Match": "*"})).status_code == 204


async def test_the_country_cannot_be_removed(quiet_house: House):
    admin = await quiet_house.signed_in("VN", "admin")
    assert (await admin.delete("/api/v1/areas/VN", headers={"If-Match": "*"})).status_code == 409


async def test_rules_flow_down_and_a_change_is_told_once(quiet_house: House, lan: httpx.AsyncClient):
    told: list[Event] = []

    async def remember(_session: object, events: tuple[Event, ...]) -> None:
        told.extend(events)

    quiet_house.database.before_commit.append(remember)
    rules = {"policy": {"max_volume": 60, "quiet_hours": [{"start": "22:00", "end": "05:00"}]}}
    for _ in range(2):
        edited = await lan.patch("/api/v1/areas/07339", json=rules, headers={"If-Match": "*"})
        assert edited.status_code == 200, edited.text
    assert told == [AreaPolicyChanged("/24/07339/")]

    await lan.post("/api/v1/areas", json=HAMLET)
    below = (await lan.get("/api/v1/areas/07339.01")).json()
    assert below["policy"]["max_volume"] is None
    assert below["effective"]["max_volume"] == 60
    assert below["effective"]["quiet_hours"] == [{"start_local": "22:00:00", "end_local": "05:00:00"}]


async def test_a_class_of_content_has_its_volume_below_an_area_that_names_it(lan: httpx.AsyncClient):
    rules = {"policy": {"max_volume": 60, "class_volumes": {"live": 75, "emergency": 100}}}
    edited = await lan.patch("/api/v1/areas/07339", json=rules, headers={"If-Match": "*"})
    assert edited.status_code == 200, edited.text
    await lan.post("/api/v1/areas", json=HAMLET)
    below = (await lan.get("/api/v1/areas/07339.01")).json()["effective"]
    assert below["class_volumes"] == {"routine": None, "priority": None, "live": 60, "emergency": 100}


async def test_an_outline_is_kept_given_back_and_taken_away(lan: httpx.AsyncClient):
    square = {"type": "Polygon", "coordinates": [[[106, 21], [106.1, 21], [106.1, 21.1], [106, 21]]]}
    edited = await lan.patch("/api/v1/areas/07339", json={"polygon": square}, headers={"If-Match": "*"})
    assert edited.json()["polygon"] == square
    renamed = await lan.patch("/api/v1/areas/07339", json={"name": "Tân Yên"}, headers={"If-Match": "*"})
    assert renamed.json()["polygon"] == square
    cleared = await lan.patch("/api/v1/areas/07339", json={"polygon": None}, headers={"If-Match": "*"})
    assert cleared.json()["polygon"] is None


@pytest.mark.parametrize(
    "coordinates",
    [
        [],
        [[]],
        [[1, 2]],
        [[[106, 21], [106.1, 21], [106, 21]]],
        [[[106, 21], [106.1, 21], [106.1, 21.1], [107, 22]]],
        [[[206, 21], [106.1, 21], [106.1, 21.1], [206, 21]]],
        [[["106", 21], [106.1, 21], [106.1, 21.1], ["106", 21]]],
        [[[True, 21], [106.1, 21], [106.1, 21.1], [True, 21]]],
    ],
)
async def test_an_outline_that_is_none_is_refused(lan: httpx.AsyncClient, coordinates: list[object]):
    wish = {"polygon": {"type": "Polygon", "coordinates": coordinates}}
    answer = await lan.patch("/api/v1/areas/07339", json=wish, headers={"If-Match": "*"})
    assert answer.status_code == 422
    assert answer.json()["errors"][0]["field"] == "polygon.coordinates"

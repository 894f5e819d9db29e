import asyncio
from datetime import timedelta

import httpx
import pytest

from tests.support.controller import House

SPEAKER = {"id": "tan-yen-1", "name": "Cụm loa thôn Đồng", "area_code": "07339"}


@pytest.fixture
async def lan(either_house: House) -> httpx.AsyncClient:
    await either_house.commune("07339")
    return await either_house.signed_in("07339", "lan")


def key(text: str) -> dict[str, str]:
    return {"Idempotency-Key": text}


async def test_a_repetition_gets_the_first_answer_and_creates_nothing(lan: httpx.AsyncClient):
    first = await lan.post("/api/v1/groups", json={"name": "Nhà văn hoá"}, headers=key("a"))
    again = await lan.post("/api/v1/groups", json={"name": "Nhà văn hoá"}, headers=key("a"))
    assert first.status_code == again.status_code == 201
    assert again.content == first.content
    assert again.headers["Location"] == first.headers["Location"]
    assert again.headers["ETag"] == first.headers["ETag"]
    assert again.headers["Idempotency-Replayed"] == "true"
    assert len((await lan.get("/api/v1/groups")).json()["items"]) == 1


async def test_another_key_is_another_request(lan: httpx.AsyncClient):
    for name in ("a", "b"):
        assert (await lan.post("/api/v1/groups", json={"name": "x"}, headers=key(name))).status_code == 201
    assert len((await lan.get("/api/v1/groups")).json()["items"]) == 2


async def test_the_same_key_with_another_body_is_refused(lan: httpx.AsyncClient):
    await lan.post("/api/v1/groups", json={"name": "x"}, headers=key("a"))
    for path in ("/api/v1/groups", "/api/v1/devices"):
        body = {"name": "y"} if path.endswith("groups") else SPEAKER
        refused = await lan.post(path, json=body, headers=key("a"))
        assert (refused.status_code, refused.json()["code"]) == (422, "idempotency_key_reused")
    assert len((await lan.get("/api/v1/groups")).json()["items"]) == 1


async def test_keys_of_two_users_do_not_meet(either_house: House, lan: httpx.AsyncClient):
    minh = await either_house.signed_in("07339", "minh")
    for client in (lan, minh):
        answer = await client.post("/api/v1/groups", json={"name": "x"}, headers=key("a"))
        assert "Idempotency-Replayed" not in answer.headers
    assert len((await lan.get("/api/v1/groups")).json()["items"]) == 2


async def test_simultaneous_repetitions_create_once(lan: httpx.AsyncClient):
    answers = await asyncio.gather(*(lan.post("/api/v1/devices", json=SPEAKER, headers=key("a")) for _ in range(6)))
    assert {answer.status_code for answer in answers} == {201}
    assert len({answer.content for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1


async def test_a_refused_request_may_be_corrected_under_the_same_key(lan: httpx.AsyncClient):
    wrong = {**SPEAKER, "area_code": "99999"}
    assert (await lan.post("/api/v1/devices", json=wrong, headers=key("a"))).status_code == 422
    assert (await lan.post("/api/v1/devices", json=SPEAKER, headers=key("a"))).status_code == 201


async def test_an_answer_is_kept_for_a_day(either_house: House, lan: httpx.AsyncClient):
    await lan.post("/api/v1/groups", json={"name": "x"}, headers=key("a"))
    either_house.clock.advance(timedelta(hours=23))
    again = await lan.post("/api/v1/groups", json={"name": "x"}, headers=key("a"))
    assert "Idempotency-Replayed" in again.headers
    either_house.clock.advance(timedelta(hours=2))
    anew = await lan.post("/api/v1/groups", json={"name": "x"}, headers=key("a"))
    assert "Idempotency-Replayed" not in anew.headers


@pytest.mark.parametrize("bad", ["", "k" * 201])
async def test_a_key_has_a_sensible_length(lan: httpx.AsyncClient, bad: str):
    refused = await lan.post("/api/v1/groups", json={"name": "x"}, headers=key(bad))
    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"] == "Idempotency-Key".lower()

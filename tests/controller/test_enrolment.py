"""Codes, applications, certificates: who becomes which speaker, and who does not."""

import asyncio
import json
from datetime import timedelta
from typing import Any

import httpx
import pytest
from cryptography import x509

from controller.accounts.roles import Role
from controller.enrolment.repository import Register
from controller.enrolment.service import CODE_LIFETIME, WAITING_PER_ADDRESS
from protocol.enrolment import ENROL_PATH, RENEW_PATH, EnrolmentCode
from tests.support.boards import Board, believed
from tests.support.controller import House

XA = "07339"
SPEAKER = "07339-1"
JSON = {"Content-Type": "application/json"}
TECHNICIAN = [Role.TECHNICIAN]


@pytest.fixture
async def technician(house: House) -> httpx.AsyncClient:
    await house.commune(XA, speakers=2)
    return await house.signed_in(XA, roles=TECHNICIAN)


async def code_for(technician: httpx.AsyncClient, device: str = SPEAKER) -> str:
    answer = await technician.post(f"/api/v1/devices/{device}/enrolment-code")
    assert answer.status_code == 201, answer.text
    code: str = answer.json()["code"]
    return code


async def enrol(house: House, board: Board, code: str | None = None, **more: Any) -> httpx.Response:
    return await house.browser().post(ENROL_PATH, content=json.dumps(board.asks(code, **more)), headers=JSON)


async def renew(house: House, board: Board, following: Board, device: str = SPEAKER, **more: Any) -> httpx.Response:
    return await house.browser().post(RENEW_PATH, json=board.renews(device, following, **more))


async def enrolled(house: House, technician: httpx.AsyncClient, device: str = SPEAKER) -> Board:
    board, code = Board(), await code_for(technician, device)
    answer = await enrol(house, board, code)
    assert answer.status_code == 200, answer.text
    return board


async def revoked(house: House) -> set[str]:
    async with house.database.reading() as session:
        return {row.fingerprint for row in await Register(session).revoked(house.clock.now)}


async def test_a_code_makes_a_board_the_speaker_it_was_made_for(house: House, technician: httpx.AsyncClient):
    board, code = Board(), await code_for(technician)
    answer = await enrol(house, board, code)

    identity = believed(answer.json(), code)
    assert identity.device_id == SPEAKER
    assert identity.trusted_keys == house.runtime.keys.signing.to_pin
    assert identity.controller == identity.content_hosts[0] == house.runtime.settings.base_url
    own, authority = x509.load_pem_x509_certificates(identity.certificate.encode())
    assert own.public_key() == board.key.public_key()
    own.verify_directly_issued_by(authority)
    listed = (await technician.get(f"/api/v1/devices/{SPEAKER}/certificates")).json()["items"]
    assert [each["fingerprint"] for each in listed] == [board.fingerprint]


async def test_the_code_is_shown_as_what_is_typed_at_the_speaker(house: House, technician: httpx.AsyncClient):
    made = (await technician.post(f"/api/v1/devices/{SPEAKER}/enrolment-code")).json()
    assert made["command"].endswith(f"--controller {house.runtime.settings.base_url} --code {made['code']}")
    assert made["qr_svg"].startswith("<svg")
    assert "style=" not in made["qr_svg"]


async def test_neither_the_code_nor_its_secret_is_kept(house: House, technician: httpx.AsyncClient):
    code = await code_for(technician)
    secret = EnrolmentCode.parse(code).secret.encode()
    assert not any(secret in path.read_bytes() for path in house.runtime.settings.data_dir.rglob("*") if path.is_file())


async def test_a_lost_answer_is_given_again_to_the_same_key_and_to_no_other(
    house: House, technician: httpx.AsyncClient
):
    board, code = Board(), await code_for(technician)
    first, again = await enrol(house, board, code), await enrol(house, board, code)
    assert believed(first.json(), code) == believed(again.json(), code)
    assert (await enrol(house, Board(), code)).status_code == 403


async def test_of_two_boards_with_one_code_at_once_one_gets_in(house: House, technician: httpx.AsyncClient):
    code = await code_for(technician)
    answers = await asyncio.gather(*(enrol(house, Board(), code) for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [200, 403, 403, 403, 403]


async def test_every_reason_why_a_code_is_refused_looks_the_same(house: House, technician: httpx.AsyncClient):
    board, code = Board(), await code_for(technician)
    wrong_secret = code[:-4] + ("0000" if code[-4:] != "0000" else "1111")
    other = Board()
    said = [
        (await enrol(house, board, wrong_secret)),
        (await enrol(house, board, "ZZZZ-ZZZZ-ZZZZ")),
        (await enrol(house, board, code, request=other.request)),
        (await enrol(house, board, code, proof=None)),
    ]
    newer = await code_for(technician)
    said.append(await enrol(house, board, code))
    house.clock.advance(CODE_LIFETIME)
    said.append(await enrol(house, board, newer))
    assert {answer.status_code for answer in said} == {403}
    assert len({answer.text for answer in said}) == 1


async def test_guessing_is_slowed_down_by_address(house: House, technician: httpx.AsyncClient):
    board = Board()
    answers = [(await enrol(house, board, f"0000-0000-{n:04}")).status_code for n in range(11)]
    assert answers == [403] * 10 + [429]
    house.clock.advance(timedelta(minutes=5))
    assert (await enrol(house, board, "0000-0000-0000")).status_code == 403


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"request": "x" * 9000},
        {"request": "-----BEGIN CERTIFICATE REQUEST-----\nAAAA\n-----END CERTIFICATE REQUEST-----\n"},
        {"request": "\ud800"},
        {"request": Board().request, "code_id": "\0\0\0\0", "proof": "0" * 64},
        {"request": Board().request, "code_id": "AAAA", "proof": "short"},
    ],
)
async def test_what_is_no_request_is_refused_with_words(quiet_house: House, body: dict[str, str]):
    answer = await quiet_house.browser().post(ENROL_PATH, content=json.dumps(body), headers=JSON)
    assert answer.status_code == 422, answer.text


async def test_what_a_stranger_says_of_itself_does_no_harm(either_house: House):
    await either_house.commune(XA)
    board = Board()
    odd = {"hardware": "a\0b", "hostname": "<script>", "request": "\0 junk \n" + board.request}
    assert (await enrol(either_house, board, **odd)).json()["state"] == "waiting"
    technician = await either_house.signed_in(XA, roles=TECHNICIAN)
    (waiting,) = (await technician.get("/api/v1/enrolment/applications")).json()
    assert (waiting["hardware"], waiting["hostname"]) == ("a b", "<script>")


async def test_an_unknown_board_waits_until_it_is_let_in(house: House, technician: httpx.AsyncClient):
    board = Board()
    answer = (await enrol(house, board)).json()
    assert answer == {"v": 1, "state": "waiting", "fingerprint": board.fingerprint, "identity": None, "proof": None}
    assert (await enrol(house, board)).json()["state"] == "waiting"
    (waiting,) = (await technician.get("/api/v1/enrolment/applications")).json()
    assert waiting["fingerprint"] == board.fingerprint

    where = f"/api/v1/enrolment/applications/{board.fingerprint}"
    new = {"id": "tan-yen-9", "name": "Đình làng", "area_code": XA}
    assert (await technician.post(f"{where}/approval", json={"register_as": new})).status_code == 200
    assert '"device_id":"tan-yen-9"' in (await enrol(house, board)).json()["identity"]
    assert (await technician.post(f"{where}/rejection")).status_code == 409
    assert (await technician.get("/api/v1/enrolment/applications")).json() == []


async def test_who_is_turned_away_is_told_so(house: House, technician: httpx.AsyncClient):
    board = Board()
    await enrol(house, board)
    await technician.post(f"/api/v1/enrolment/applications/{board.fingerprint}/rejection")
    assert (await enrol(house, board)).json()["state"] == "rejected"


async def test_who_waits_is_bounded_and_forgotten_when_it_asks_no_more(house: House, technician: httpx.AsyncClient):
    answers = [(await enrol(house, Board())).status_code for _ in range(WAITING_PER_ADDRESS + 1)]
    assert answers[-2:] == [200, 429]
    house.clock.advance(timedelta(days=1, minutes=1))
    assert (await enrol(house, Board())).status_code == 200
    assert len((await technician.get("/api/v1/enrolment/applications")).json()) == 1


async def test_a_working_speaker_is_not_replaced_by_mistake(house: House, technician: httpx.AsyncClient):
    before, after = await enrolled(house, technician), Board()
    await enrol(house, after)
    where = f"/api/v1/enrolment/applications/{after.fingerprint}/approval"
    refused = await technician.post(where, json={"device_id": SPEAKER})
    assert (refused.status_code, refused.json()["code"]) == (409, "speaker_occupied")
    assert (await technician.post(where, json={"device_id": SPEAKER, "replace": True})).status_code == 200
    assert await revoked(house) == {before.fingerprint}


async def test_a_new_board_with_a_new_code_shuts_the_old_one_out(house: House, technician: httpx.AsyncClient):
    before = await enrolled(house, technician)
    code = await code_for(technician)
    assert await revoked(house) == set()
    after = Board()
    believed((await enrol(house, after, code)).json(), code)
    assert await revoked(house) == {before.fingerprint}
    assert (await renew(house, before, Board())).status_code == 403
    assert (await renew(house, after, Board())).status_code == 200


@pytest.mark.parametrize("away", [timedelta(days=61), timedelta(days=200)], ids=["in time", "long expired"])
async def test_a_speaker_renews_its_certificate_also_weeks_after_its_end(
    house: House, technician: httpx.AsyncClient, away: timedelta
):
    board, following = await enrolled(house, technician), Board()
    house.clock.advance(away)
    answer = await renew(house, board, following)
    own, authority = x509.load_pem_x509_certificates(answer.json()["certificate"].encode())
    own.verify_directly_issued_by(authority)
    assert own.public_key() == following.key.public_key()
    assert own.not_valid_after_utc > house.clock.now + timedelta(days=89)


async def test_asked_again_with_the_same_key_the_same_certificate_comes(house: House, technician: httpx.AsyncClient):
    board, following = await enrolled(house, technician), Board()
    assert [(await renew(house, board, following)).status_code for _ in range(3)] == [200] * 3
    listed = (await technician.get(f"/api/v1/devices/{SPEAKER}/certificates")).json()["items"]
    assert len(listed) == 2


async def test_who_uses_its_new_certificate_makes_the_old_ones_useless(house: House, technician: httpx.AsyncClient):
    first, second, third = await enrolled(house, technician), Board(), Board()
    await renew(house, first, second)
    assert await revoked(house) == set()
    house.clock.advance(timedelta(days=60))
    await renew(house, second, third)
    assert await revoked(house) == {first.fingerprint}
    assert (await renew(house, first, Board())).status_code == 403


async def test_a_thief_without_the_key_renews_nothing(house: House, technician: httpx.AsyncClient):
    board, thief = await enrolled(house, technician), Board()
    thief.fingerprint = board.fingerprint
    assert (await renew(house, thief, Board())).status_code == 403
    assert (await renew(house, board, Board(), device="07339-2")).status_code == 403
    assert (await renew(house, board, Board(), aud="something-else")).status_code == 403
    assert (await renew(house, board, Board(), request=7)).status_code == 403
    assert (await renew(house, board, board)).status_code == 422
    unsigned = "eyJhbGciOiJub25lIn0.e30."
    for token in ("", "x", unsigned, "a.b.c", "é" * 50):
        assert (await house.browser().post(RENEW_PATH, json={"token": token})).status_code in {403, 429}


async def test_a_certificate_is_not_renewed_without_end(house: House, technician: httpx.AsyncClient):
    board = await enrolled(house, technician)
    answers = [(await renew(house, board, Board())).status_code for _ in range(11)]
    assert answers == [200] * 10 + [429]


async def test_who_is_shut_out_stays_so_until_enrolled_anew(house: House, technician: httpx.AsyncClient):
    board, code = await enrolled(house, technician), await code_for(technician)
    assert (await technician.post(f"/api/v1/devices/{SPEAKER}/certificates/revocation")).status_code == 204
    assert await revoked(house) == {board.fingerprint}
    assert (await renew(house, board, Board())).status_code == 403
    assert (await enrol(house, Board(), code)).status_code == 403
    assert await enrolled(house, technician)


async def test_a_retired_speaker_loses_its_certificate_its_code_and_what_stands_on_the_broker(
    house: House, technician: httpx.AsyncClient
):
    board, code = await enrolled(house, technician), await code_for(technician)
    device = await technician.get(f"/api/v1/devices/{SPEAKER}")
    tag = {"If-Match": device.headers["ETag"]}
    retired = await technician.patch(f"/api/v1/devices/{SPEAKER}", json={"status": "retired"}, headers=tag)
    assert retired.status_code == 200
    assert await revoked(house) == {board.fingerprint}
    assert (await enrol(house, Board(), code)).status_code == 403
    assert (await technician.post(f"/api/v1/devices/{SPEAKER}/enrolment-code")).status_code == 409
    back = {"If-Match": retired.headers["ETag"]}
    assert (
        await technician.patch(f"/api/v1/devices/{SPEAKER}", json={"status": "active"}, headers=back)
    ).status_code == 200
    assert (await renew(house, board, Board())).status_code == 403


async def test_the_neighbours_speakers_are_not_ours_to_enrol(house: House, technician: httpx.AsyncClient):
    await house.commune("07342", speakers=1)
    board = Board()
    await enrol(house, board)
    approval = f"/api/v1/enrolment/applications/{board.fingerprint}/approval"
    for answer in (
        await technician.post("/api/v1/devices/07342-1/enrolment-code"),
        await technician.get("/api/v1/devices/07342-1/certificates"),
        await technician.post("/api/v1/devices/07342-1/certificates/revocation"),
        await technician.post(approval, json={"device_id": "07342-1"}),
    ):
        assert answer.status_code == 404, answer.text
    neighbour = await house.signed_in("07342", roles=TECHNICIAN)
    await neighbour.post(approval, json={"device_id": "07342-1"})
    assert (await technician.post(approval, json={"device_id": SPEAKER})).status_code == 404


async def test_a_speaker_never_bears_the_services_name(house: House, technician: httpx.AsyncClient):
    wish = {"id": "loa-controller", "name": "x", "area_code": XA}
    assert (await technician.post("/api/v1/devices", json=wish)).status_code == 422


async def test_enrolment_works_on_either_database(either_house: House):
    await either_house.commune(XA, speakers=1)
    technician = await either_house.signed_in(XA, roles=TECHNICIAN)
    board, following = await enrolled(either_house, technician), Board()
    assert (await renew(either_house, board, following)).status_code == 200
    either_house.clock.advance(timedelta(days=1))
    assert (await renew(either_house, following, Board())).status_code == 200
    assert await revoked(either_house) == {board.fingerprint}
    await technician.post(f"/api/v1/devices/{SPEAKER}/certificates/revocation")
    assert len(await revoked(either_house)) == 3

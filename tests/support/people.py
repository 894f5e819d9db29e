"""A small language for tests of people: telephones, users, one-time links."""

from dataclasses import dataclass

import httpx
import pyotp

from tests.support.controller import PASSWORD, House

SESSION = "/api/v1/session"
USERS = "/api/v1/users"


@dataclass
class Telephone:
    """An authenticator app."""

    house: House
    secret: str

    def code(self, *, steps: int = 0) -> str:
        """The code of this moment, or of some steps of 30 s later."""
        return pyotp.TOTP(self.secret).generate_otp(int(self.house.clock.now.timestamp()) // 30 + steps)


async def set_up_codes(house: House, browser: httpx.AsyncClient) -> tuple[Telephone, list[str]]:
    """Set a second factor up; return the telephone and the recovery codes."""
    begun = await browser.post("/api/v1/me/second-factor")
    assert begun.status_code == 201, begun.text
    telephone = Telephone(house, begun.json()["secret"])
    answer = await browser.post("/api/v1/me/second-factor/confirmation", json={"code": telephone.code()})
    assert answer.status_code == 200, answer.text
    codes: list[str] = answer.json()["codes"]
    return telephone, codes


async def sign_in(browser: httpx.AsyncClient, name: str, code: str | None = None, **more: str) -> httpx.Response:
    """Sign in with PASSWORD, and a code where there is one."""
    body = {"name": name, "password": PASSWORD, **more}
    return await browser.post(SESSION, json=body if code is None else {**body, "code": code})


async def add_user(administrator: httpx.AsyncClient, name: str, area: str, *roles: str, email: str = "") -> str:
    """Add a user through the API; return the id."""
    answer = await administrator.post(
        USERS, json={"name": name, "area_code": area, "roles": list(roles), "email": email}
    )
    assert answer.status_code == 201, answer.text
    user_id: str = answer.json()["id"]
    return user_id


async def link_for(administrator: httpx.AsyncClient, user_id: str, *, mail: bool = False) -> str:
    """Make a one-time link; return its secret."""
    answer = await administrator.post(f"{USERS}/{user_id}/links", json={"mail": mail})
    assert answer.status_code == 201, answer.text
    secret: str = answer.json()["url"].rsplit("/", 1)[1]
    return secret

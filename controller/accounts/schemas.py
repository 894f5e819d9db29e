"""Shapes of sign-in and tokens."""

from pydantic import AwareDatetime, BaseModel, ConfigDict, Field

from controller.accounts.secrets import PASSWORD_MAX
from controller.http.fields import In, Line


class SignIn(In):
    """Name and password."""

    name: str = Field(min_length=1, max_length=200)
    password: str = Field(min_length=1, max_length=PASSWORD_MAX)


class Me(BaseModel):
    """Who is signed in."""

    id: str
    name: str
    area_code: str
    scope: str
    roles: list[str]


class PasswordChange(In):
    """The old password, and the one to come."""

    current: str = Field(min_length=1, max_length=PASSWORD_MAX)
    password: str = Field(min_length=1, max_length=PASSWORD_MAX)


class TokenIn(In):
    """A new API token."""

    name: Line = Field(max_length=100)
    expires_at: AwareDatetime | None = None


class TokenOut(BaseModel):
    """An API token without its secret."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None


class NewToken(TokenOut):
    """An API token with its secret, shown this once."""

    secret: str

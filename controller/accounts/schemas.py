"""Shapes of sign-in, users, tokens and second factors."""

from typing import Annotated

from pydantic import AfterValidator, AwareDatetime, BaseModel, ConfigDict, Field

from controller.accounts.models import User
from controller.accounts.roles import Permission, Role
from controller.accounts.secrets import PASSWORD_MAX
from controller.http.fields import AreaCodeField, In, Line, Note

Password = Annotated[str, Field(min_length=1, max_length=PASSWORD_MAX)]
Code = Annotated[str, Field(min_length=1, max_length=64, description="Six digits, or a recovery code")]
Secret = Annotated[str, Field(min_length=1, max_length=100)]
MailAddress = Annotated[str, Field(max_length=254, pattern=r"^([^@\s<>\",;:]+@[^@\s<>\",;:]+\.[^@\s<>\",;:]+)?$")]
FullName = Annotated[Note, Field(max_length=200)]
Roles = Annotated[list[Role], Field(max_length=20), AfterValidator(lambda roles: sorted(set(roles)))]


class SignIn(In):
    """Name and password, and the one-time code of who has a second factor."""

    name: str = Field(min_length=1, max_length=200)
    password: Password
    code: Code | None = None


class Me(BaseModel):
    """Who is signed in."""

    id: str
    name: str
    area_code: str
    scope: str
    roles: list[str]
    """Those that count in this sign-in."""
    permissions: list[str]


class PasswordChange(In):
    """The old password, and the one to come."""

    current: Password
    password: Password


class PasswordChoice(In):
    """A one-time link's secret, and the password to come."""

    link: Secret
    password: Password


class Forgotten(In):
    """Whose password is forgotten."""

    name: str = Field(min_length=1, max_length=200)


class TokenIn(In):
    """A new API token."""

    name: Line = Field(max_length=100)
    expires_at: AwareDatetime | None = None
    scopes: Annotated[list[Permission], Field(max_length=20)] | None = None
    """What it may do; absent: all that its owner may at this moment."""


class TokenOut(BaseModel):
    """An API token without its secret."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    name: str
    created_at: AwareDatetime
    expires_at: AwareDatetime | None
    scopes: list[str] | None


class NewToken(TokenOut):
    """An API token with its secret, shown this once."""

    secret: str


class SessionOut(BaseModel):
    """A signed-in browser."""

    model_config = ConfigDict(from_attributes=True)
    id: str
    created_at: AwareDatetime
    seen_at: AwareDatetime
    expires_at: AwareDatetime
    means: str
    second_factor: bool
    address: str
    browser: str
    current: bool = False


class UserIn(In):
    """A new user, who comes in by a link."""

    name: str = Field(min_length=1, max_length=64)
    area_code: AreaCodeField
    roles: Roles = Field(default_factory=list)
    full_name: FullName = ""
    email: MailAddress = ""


class UserEdit(In):
    """What to change; absent stays."""

    area_code: AreaCodeField | None = None
    roles: Roles | None = None
    full_name: FullName | None = None
    email: MailAddress | None = None
    disabled: bool | None = None


class OwnEdit(In):
    """What somebody changes of themselves."""

    full_name: FullName


class OwnAddress(In):
    """A new mail address of one's own."""

    email: Annotated[MailAddress, Field(min_length=1)]


class AddressNote(In):
    """What the link of the letter brings along as `confirm`."""

    note: str = Field(min_length=1, max_length=2000)


class UserOut(BaseModel):
    """A user, without anything that they sign in with."""

    id: str
    name: str
    full_name: str
    email: str
    area_code: str
    roles: list[str]
    disabled: bool
    invited: bool
    """Whether they have not come yet."""
    second_factor: bool
    linked: bool
    seen_at: AwareDatetime | None
    created_at: AwareDatetime

    @classmethod
    def of(cls, user: User, *, second_factor: bool, linked: bool, seen_at: AwareDatetime | None) -> "UserOut":
        """Show a user."""
        return cls(
            id=user.id,
            name=user.name,
            full_name=user.full_name,
            email=user.email,
            area_code=user.area_code,
            roles=list(user.roles),
            disabled=user.disabled,
            invited=user.password_hash is None and not linked,
            second_factor=second_factor,
            linked=linked,
            seen_at=seen_at,
            created_at=user.created_at,
        )


class LinkOut(BaseModel):
    """A one-time link, shown this once."""

    url: str
    expires_at: AwareDatetime
    mailed: bool
    """Whether it is also on its way by mail."""


class LinkIn(In):
    """Whether to send the link by mail too."""

    mail: bool = False


class SecondFactorOut(BaseModel):
    """What a telephone must be told, this once."""

    secret: str
    uri: str


class CodeIn(In):
    """A one-time code."""

    code: Code


class RecoveryCodes(BaseModel):
    """Each stands in once for a one-time code; shown this once."""

    codes: list[str]

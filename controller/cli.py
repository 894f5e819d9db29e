"""`loa controller …`: run the service, migrate its database, manage users, load areas."""

from datetime import timedelta
from typing import Annotated, TypeVar

import segno
import typer
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.links import address
from controller.accounts.models import User
from controller.accounts.repository import Credentials, UserRepository
from controller.accounts.roles import Role
from controller.accounts.secrets import new_password
from controller.accounts.service import Accounts, canonical_name, viewer_for
from controller.accounts.viewer import SYSTEM
from controller.areas.national import national_areas
from controller.areas.repository import AreaRepository
from controller.command import in_transaction
from controller.errors import ControllerError, NotFound
from controller.logs import configure_logs
from controller.runtime import utc_now
from controller.server import serve
from controller.settings import Settings
from controller.signing.cli import app as keys
from controller.text import Text

app = typer.Typer(no_args_is_help=True, help="The broadcast controller. Settings come from LOA_* variables.")
users = typer.Typer(no_args_is_help=True, help="Who may sign in.")
areas = typer.Typer(no_args_is_help=True, help="The administrative tree.")
app.add_typer(users, name="user")
app.add_typer(areas, name="areas")
app.add_typer(keys, name="key")

R = TypeVar("R")


@app.command()
def run(
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
) -> None:
    """Serve until stopped. The database is migrated first."""
    from controller.app import create_app  # noqa: PLC0415 seconds of an old processor, which no other command needs

    given = {name: value for name, value in (("http_host", host), ("http_port", port)) if value is not None}
    settings = Settings().model_copy(update=given)
    configure_logs()
    try:
        service = create_app(settings)
    except ControllerError as error:
        typer.echo(error.detail.en, err=True)
        raise typer.Exit(1) from None
    serve(service, settings)


@app.command()
def migrate() -> None:
    """Bring the database to the newest schema."""

    async def nothing(_session: AsyncSession) -> None:
        """Migrating is all."""

    in_transaction(nothing)
    typer.echo("The database is up to date.")


@users.command("add")
def add_user(
    name: str,
    area: Annotated[str, typer.Option(help="Code of the user's area; VN sees all.")],
    role: Annotated[list[Role] | None, typer.Option(help="What they do; repeat.")] = None,
    *,
    all_roles: Annotated[bool, typer.Option("--all-roles", help="Everything: for who works alone, or a test.")] = False,
) -> None:
    """Register a user and print a random password, this once."""
    if all_roles == bool(role):
        known = ", ".join(Role)
        raise typer.BadParameter(f"say what they do: --role, once or more ({known}), or --all-roles")
    roles, password = role or list(Role), new_password()

    async def add(session: AsyncSession) -> str:
        return (await Accounts(session).add_user(name, area, utc_now(), password=password, roles=roles)).name

    typer.echo(f"{in_transaction(add)}: {password}")


@users.command("reset-password")
def reset_password(name: str) -> None:
    """Give a user a new random password, print it this once, and end their sign-ins."""
    password = new_password()

    async def reset(session: AsyncSession) -> str:
        user = await _user(session, name)
        await Accounts(session).set_password(user, password)
        return user.name

    typer.echo(f"{in_transaction(reset)}: {password}")


@users.command("list")
def list_users() -> None:
    """Print who may sign in, where, and as what."""

    async def read(session: AsyncSession) -> list[str]:
        found = await UserRepository(session).all(UserRepository(session).readable(SYSTEM).order_by(User.name))
        return [
            "\t".join([user.name, user.area_code, ",".join(user.roles) or "-", "disabled" if user.disabled else "-"])
            for user in found
        ]

    for line in in_transaction(read):
        typer.echo(line)


@users.command("link")
def make_link(name: str) -> None:
    """Print a one-time link by which a user chooses a password, and its QR code."""

    async def make(session: AsyncSession) -> str:
        user = await _user(session, name)
        return address(Settings(), (await Accounts(session).make_link(user, utc_now()))[1])

    where = in_transaction(make)
    typer.echo(where)
    segno.make(where, error="l").terminal(compact=True)


@users.command("disable")
def disable_user(
    name: str, *, undo: Annotated[bool, typer.Option("--undo", help="Let them in again.")] = False
) -> None:
    """Keep a user out, at once; their sign-ins and tokens end."""

    async def disable(session: AsyncSession) -> None:
        user = await _user(session, name)
        user.disabled = not undo
        if not undo:
            await Accounts(session).shut_out(user)

    in_transaction(disable)


@users.command("remove-second-factor")
def remove_second_factor(name: str) -> None:
    """Ask a user for no more one-time codes, when the telephone and the recovery codes are lost."""

    async def remove(session: AsyncSession) -> None:
        user = await _user(session, name)
        accounts = Accounts(session)
        await accounts.credentials.forget_factor(user.id)
        await accounts.shut_out(user)

    in_transaction(remove)


async def _user(session: AsyncSession, name: str) -> User:
    user = await Credentials(session).user(canonical_name(name))
    if user is None:
        raise NotFound(Text("There is no user %(name)s", name=name))
    return user


@users.command("token")
def add_token(
    name: str,
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Annotated[float, typer.Option(min=0.001, help="How long it holds.")] = 1.0,
) -> None:
    """Make an API token for a user and print it, this once."""
    now = utc_now()

    async def add(session: AsyncSession) -> str:
        user = await _user(session, name)
        return (await Accounts(session).add_token(viewer_for(user), label, now, now + timedelta(days=days)))[1]

    typer.echo(in_transaction(add))


@areas.command("load")
def load_areas(
    province: Annotated[
        list[str] | None, typer.Option(help="Code of a province, such as 24; repeat. Default: all.")
    ] = None,
) -> None:
    """Load the provinces and communes of 2025; those that are there stay as they are."""

    async def load(session: AsyncSession) -> int:
        return await AreaRepository(session).add_missing(national_areas(province))

    typer.echo(f"{in_transaction(load)} areas added.")

"""`loa controller …`: run the service, migrate its database, manage users, load areas."""

from datetime import timedelta
from typing import Annotated, TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from controller.accounts.repository import Credentials
from controller.accounts.roles import Role
from controller.accounts.secrets import new_password
from controller.accounts.service import Accounts, canonical_name, viewer_for
from controller.app import create_app
from controller.areas.national import national_areas
from controller.areas.repository import AreaRepository
from controller.command import in_transaction
from controller.errors import ControllerError, NotFound
from controller.logs import configure_logs
from controller.runtime import utc_now
from controller.server import serve
from controller.settings import Settings
from controller.signing.cli import app as keys

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
    role: Annotated[list[Role] | None, typer.Option(help="What they do; repeat. Default: everything.")] = None,
) -> None:
    """Register a user and print a random password, this once."""
    password = new_password()

    async def add(session: AsyncSession) -> str:
        return (
            await Accounts(session).add_user(name, area, utc_now(), password=password, roles=role or list(Role))
        ).name

    typer.echo(f"{in_transaction(add)}: {password}")


@users.command("reset-password")
def reset_password(name: str) -> None:
    """Give a user a new random password, print it this once, and end their sign-ins."""
    password = new_password()

    async def reset(session: AsyncSession) -> str:
        user = await Credentials(session).user(canonical_name(name))
        if user is None:
            raise NotFound(f"Không có người dùng {name}", f"There is no user {name}")
        await Accounts(session).set_password(user, password)
        return user.name

    typer.echo(f"{in_transaction(reset)}: {password}")


@users.command("token")
def add_token(
    name: str,
    label: Annotated[str, typer.Option(help="What it is for.")] = "command line",
    days: Annotated[float, typer.Option(min=0.001, help="How long it holds.")] = 1.0,
) -> None:
    """Make an API token for a user and print it, this once."""
    now = utc_now()

    async def add(session: AsyncSession) -> str:
        user = await Credentials(session).user(canonical_name(name))
        if user is None:
            raise NotFound(f"Không có người dùng {name}", f"There is no user {name}")
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

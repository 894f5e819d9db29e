"""What the subcommands of `loa controller` share: one transaction, and the sentence why something was refused."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TypeVar

import typer
from sqlalchemy.ext.asyncio import AsyncSession

from controller.errors import ControllerError
from controller.migrations import migrate as migrate_database
from controller.runtime import Runtime
from controller.settings import Settings

R = TypeVar("R")


def in_transaction(work: Callable[[AsyncSession], Awaitable[R]]) -> R:
    """Do something in one transaction of the migrated database; say what was refused."""
    return with_runtime(lambda session, _runtime: work(session))


def with_runtime(work: Callable[[AsyncSession, Runtime], Awaitable[R]]) -> R:
    """Do something that needs the service's other parts too."""

    async def done() -> R:
        async with _runtime() as runtime, runtime.database.transaction() as session:
            return await work(session, runtime)

    try:
        return asyncio.run(done())
    except ControllerError as error:
        typer.echo("; ".join([error.detail.en, *(f"{e.field}: {e.message.en}" for e in error.errors)]), err=True)
        raise typer.Exit(1) from None


@asynccontextmanager
async def _runtime() -> AsyncIterator[Runtime]:
    runtime = Runtime.open(Settings())
    try:
        await migrate_database(runtime.settings.database)
        yield runtime
    finally:
        await runtime.database.close()

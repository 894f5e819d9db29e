"""How alembic runs here: on the connection that `controller.migrations` hands over."""

from alembic import context
from sqlalchemy.engine import Connection

from controller.schema import METADATA


def run(connection: Connection) -> None:
    context.configure(
        connection=connection, target_metadata=METADATA, render_as_batch=True, transactional_ddl=True, compare_type=True
    )
    with context.begin_transaction():
        context.run_migrations()


run(context.config.attributes["connection"])

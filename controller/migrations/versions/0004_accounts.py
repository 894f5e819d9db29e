"""People: what each does, second factors, one-time links, identities of elsewhere."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"

MOMENT = sa.DateTime(timezone=True)
ROLES = ["administrator", "approver", "auditor", "broadcaster", "duty_officer", "technician"]


def _owner() -> sa.Column[str]:
    return sa.Column("user_id", sa.String(length=26), nullable=False)


def _owned(table: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=f"fk_{table}_user_id", ondelete="CASCADE")


def upgrade() -> None:
    with op.batch_alter_table("users") as table:
        table.add_column(sa.Column("full_name", sa.String(length=200), nullable=False, server_default=""))
        table.add_column(sa.Column("email", sa.String(length=254), nullable=False, server_default=""))
        table.alter_column("password_hash", existing_type=sa.String(length=255), nullable=True)
    users = sa.table("users", sa.column("roles", sa.JSON()))
    # Until now everybody could do everything in their area: nobody loses what they had.
    op.execute(users.update().values(roles=ROLES))

    with op.batch_alter_table("user_sessions") as table:
        table.add_column(sa.Column("id", sa.String(length=26), nullable=False, server_default=""))
        table.add_column(sa.Column("means", sa.String(length=16), nullable=False, server_default="password"))
        table.add_column(sa.Column("second_factor", sa.Boolean(), nullable=False, server_default=sa.false()))
        table.add_column(sa.Column("address", sa.String(length=64), nullable=False, server_default=""))
        table.add_column(sa.Column("browser", sa.String(length=200), nullable=False, server_default=""))
    sessions = sa.table("user_sessions", sa.column("id", sa.String()), sa.column("token_hash", sa.String()))
    # A second hash, so that the id shows nothing of the first, is not to be had in SQL: who is signed in signs in anew.
    op.execute(sessions.delete())
    with op.batch_alter_table("user_sessions") as table:
        table.create_unique_constraint("uq_user_sessions_id", ["id"])
    with op.batch_alter_table("api_tokens") as table:
        table.add_column(sa.Column("scopes", sa.JSON(), nullable=True))

    op.create_table(
        "account_links",
        sa.Column("token_hash", sa.String(length=64), nullable=False),
        _owner(),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=False),
        _owned("account_links"),
        sa.PrimaryKeyConstraint("token_hash", name="pk_account_links"),
        sa.UniqueConstraint("user_id", name="uq_account_links_user_id"),
    )
    op.create_table(
        "second_factors",
        _owner(),
        sa.Column("secret", sa.Text(), nullable=False),
        sa.Column("confirmed", sa.Boolean(), nullable=False),
        sa.Column("last_step", sa.Integer(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        _owned("second_factors"),
        sa.PrimaryKeyConstraint("user_id", name="pk_second_factors"),
    )
    op.create_table(
        "recovery_codes",
        sa.Column("code_hash", sa.String(length=64), nullable=False),
        _owner(),
        _owned("recovery_codes"),
        sa.PrimaryKeyConstraint("code_hash", name="pk_recovery_codes"),
    )
    op.create_index("ix_recovery_codes_user_id", "recovery_codes", ["user_id"])
    op.create_table(
        "identities",
        sa.Column("issuer", sa.String(length=255), nullable=False),
        sa.Column("subject", sa.String(length=255), nullable=False),
        _owner(),
        sa.Column("linked_at", MOMENT, nullable=False),
        _owned("identities"),
        sa.PrimaryKeyConstraint("issuer", "subject", name="pk_identities"),
    )
    op.create_index("ix_identities_user_id", "identities", ["user_id"])
    op.create_table(
        "sign_in_attempts",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.Integer(), nullable=False),
        sa.Column("last_at", MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_sign_in_attempts"),
    )
    op.create_index("ix_sign_in_attempts_last_at", "sign_in_attempts", ["last_at"])


def downgrade() -> None:
    for name in ("sign_in_attempts", "identities", "recovery_codes", "second_factors", "account_links"):
        op.drop_table(name)
    with op.batch_alter_table("api_tokens") as table:
        table.drop_column("scopes")
    with op.batch_alter_table("user_sessions") as table:
        table.drop_constraint("uq_user_sessions_id", type_="unique")
        for column in ("browser", "address", "second_factor", "means", "id"):
            table.drop_column(column)
    users = sa.table("users", sa.column("password_hash", sa.String()), sa.column("roles", sa.JSON()))
    # A hash that no password has: whoever never chose one cannot come in.
    op.execute(users.update().where(users.c.password_hash.is_(None)).values(password_hash="!"))  # noqa: S106 no password
    op.execute(users.update().values(roles=[]))
    with op.batch_alter_table("users") as table:
        table.alter_column("password_hash", existing_type=sa.String(length=255), nullable=False)
        table.drop_column("email")
        table.drop_column("full_name")

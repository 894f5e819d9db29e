"""The audit trail: append-only, each entry after the last, removable only from the beginning after a recorded base."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"

PATH = sa.String(1200).with_variant(sa.String(1200, collation="C"), "postgresql")
NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")

ON_SQLITE = (
    """CREATE TRIGGER audit_entries_follow BEFORE INSERT ON audit_entries
    WHEN NEW.number <> 1 + max(
        coalesce((SELECT max(number) FROM audit_entries), 0), coalesce((SELECT max(number) FROM audit_bases), 0))
    BEGIN SELECT RAISE(ABORT, 'an audit entry follows the last one'); END""",
    """CREATE TRIGGER audit_entries_stay BEFORE UPDATE ON audit_entries
    BEGIN SELECT RAISE(ABORT, 'audit entries are never changed'); END""",
    """CREATE TRIGGER audit_entries_are_kept BEFORE DELETE ON audit_entries
    WHEN OLD.number > coalesce((SELECT max(number) FROM audit_bases), 0)
    BEGIN SELECT RAISE(ABORT, 'audit entries are never removed before a base is recorded'); END""",
    """CREATE TRIGGER audit_bases_grow BEFORE INSERT ON audit_bases
    WHEN NEW.number <= coalesce((SELECT max(number) FROM audit_bases), 0)
      OR NEW.number > coalesce((SELECT max(number) FROM audit_entries), 0)
    BEGIN SELECT RAISE(ABORT, 'a base is an entry after the base before'); END""",
    """CREATE TRIGGER audit_bases_stay BEFORE UPDATE ON audit_bases
    BEGIN SELECT RAISE(ABORT, 'audit bases are never changed'); END""",
    """CREATE TRIGGER audit_bases_are_kept BEFORE DELETE ON audit_bases
    BEGIN SELECT RAISE(ABORT, 'audit bases are never removed'); END""",
)

FUNCTION = """CREATE FUNCTION audit_guard() RETURNS trigger LANGUAGE plpgsql AS $$
DECLARE
    last_entry bigint; last_base bigint;
BEGIN
    IF TG_OP = 'UPDATE' OR TG_OP = 'TRUNCATE' THEN
        RAISE EXCEPTION 'the audit trail is never changed';
    END IF;
    SELECT coalesce(max(number), 0) INTO last_base FROM audit_bases;
    IF TG_OP = 'DELETE' THEN
        IF TG_TABLE_NAME = 'audit_bases' OR OLD.number > last_base THEN
            RAISE EXCEPTION 'audit entries are never removed before a base is recorded';
        END IF;
        RETURN OLD;
    END IF;
    SELECT coalesce(max(number), 0) INTO last_entry FROM audit_entries;
    IF TG_TABLE_NAME = 'audit_entries' AND NEW.number <> 1 + greatest(last_entry, last_base) THEN
        RAISE EXCEPTION 'an audit entry follows the last one';
    END IF;
    IF TG_TABLE_NAME = 'audit_bases' AND (NEW.number <= last_base OR NEW.number > last_entry) THEN
        RAISE EXCEPTION 'a base is an entry after the base before';
    END IF;
    RETURN NEW;
END $$"""


def upgrade() -> None:
    op.create_table(
        "audit_entries",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("at", sa.String(length=27), nullable=False),
        sa.Column("actor_id", sa.String(length=26), nullable=False),
        sa.Column("actor", sa.String(length=64), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("key", sa.String(length=255), nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("label", sa.String(length=300), nullable=False),
        sa.Column("area", PATH, nullable=False),
        sa.Column("changes", sa.Text(), nullable=False),
        sa.Column("previous", sa.String(length=64), nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_entries"),
    )
    op.create_index("ix_audit_entries_actor", "audit_entries", ["actor"])
    op.create_index("ix_audit_entries_area", "audit_entries", ["area"])
    op.create_index("ix_audit_entries_object", "audit_entries", ["kind", "key", "number"])
    op.create_table(
        "audit_bases",
        sa.Column("number", NUMBER, autoincrement=False, nullable=False),
        sa.Column("hash", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("number", name="pk_audit_bases"),
    )
    if op.get_bind().dialect.name == "sqlite":
        for trigger in ON_SQLITE:
            op.execute(trigger)
        return
    op.execute(FUNCTION)
    for table in ("audit_entries", "audit_bases"):
        op.execute(
            f"CREATE TRIGGER {table}_guard BEFORE INSERT OR UPDATE OR DELETE ON {table} "
            "FOR EACH ROW EXECUTE FUNCTION audit_guard()"
        )
        op.execute(
            f"CREATE TRIGGER {table}_whole BEFORE TRUNCATE ON {table} FOR EACH STATEMENT EXECUTE FUNCTION audit_guard()"
        )


def downgrade() -> None:
    op.drop_table("audit_bases")
    op.drop_table("audit_entries")
    if op.get_bind().dialect.name != "sqlite":
        op.execute("DROP FUNCTION audit_guard()")

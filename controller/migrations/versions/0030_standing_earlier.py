"""The sound that a standing message had before it was worded anew: speakers keep it until they have the new one."""

import sqlalchemy as sa
from alembic import op

revision = "0030"
down_revision = "0029"


def upgrade() -> None:
    with op.batch_alter_table("standing_messages") as table:
        table.add_column(sa.Column("earlier_id", sa.String(length=26), nullable=True))
        table.create_foreign_key(
            op.f("fk_standing_messages_earlier_id_announcements"), "announcements", ["earlier_id"], ["id"]
        )
        table.create_index(op.f("ix_standing_messages_earlier_id"), ["earlier_id"])


def downgrade() -> None:
    with op.batch_alter_table("standing_messages") as table:
        table.drop_index(op.f("ix_standing_messages_earlier_id"))
        table.drop_constraint(op.f("fk_standing_messages_earlier_id_announcements"), type_="foreignkey")
        table.drop_column("earlier_id")

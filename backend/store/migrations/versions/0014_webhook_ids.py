"""What we registered to call in is found by its id over there, and not by reading all of it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0014"
down_revision = "0013"


def upgrade() -> None:
    ids = op.create_table(
        "webhook_ids",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("ref", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "ref", name="pk_webhook_ids"),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["connections.id"],
            ondelete="CASCADE",
            name="fk_webhook_ids_connection",
        ),
    )
    op.create_index("ix_webhook_ids_ref", "webhook_ids", ["ref"])
    connections = sa.table("connections", sa.column("id", sa.String()), sa.column("hook", JSON))
    rows = op.get_bind().execute(sa.select(connections).where(connections.c.hook.is_not(None)))
    known = [{"connection": row.id, "ref": ref} for row in rows for ref in set(row.hook["ids"])]
    if known:
        op.bulk_insert(ids, known)


def downgrade() -> None:
    op.drop_table("webhook_ids")

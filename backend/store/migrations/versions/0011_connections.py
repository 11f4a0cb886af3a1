"""Connections to where briefs are exported, their pace, and what calls in from there."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
TIME = sa.DateTime(timezone=True)

revision = "0011"
down_revision = "0010"


def upgrade() -> None:
    op.create_table(
        "connections",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("method", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("account", JSON, nullable=False),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("scopes", JSON, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("generation", sa.Integer(), nullable=False),
        sa.Column("renewing_until", TIME),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("trouble", sa.Text(), nullable=False),
        sa.Column("hook", JSON),
        sa.Column("hook_sealed", sa.LargeBinary()),
        sa.Column("created_at", TIME, nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_connections"),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], ondelete="CASCADE", name="fk_connections_space"
        ),
    )
    op.create_index("ix_connections_tenant", "connections", ["tenant"])
    op.create_index("ix_connections_space", "connections", ["space"])
    op.create_table(
        "connection_paces",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("pace", sa.String(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("connection", "pace", name="pk_connection_paces"),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["connections.id"],
            ondelete="CASCADE",
            name="fk_connection_paces_connection",
        ),
    )
    op.create_table(
        "webhook_seen",
        sa.Column("connection", sa.String(), nullable=False),
        sa.Column("delivery", sa.String(), nullable=False),
        sa.Column("seen_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("connection", "delivery", name="pk_webhook_seen"),
        sa.ForeignKeyConstraint(
            ["connection"],
            ["connections.id"],
            ondelete="CASCADE",
            name="fk_webhook_seen_connection",
        ),
    )
    op.create_index("ix_webhook_seen_seen_at", "webhook_seen", ["seen_at"])
    op.create_table(
        "sign_ins",
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("redirect", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("connection", sa.String()),
        sa.Column("site", sa.String(), nullable=False),
        sa.Column("expires_at", TIME, nullable=False),
        sa.PrimaryKeyConstraint("state", name="pk_sign_ins"),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], ondelete="CASCADE", name="fk_sign_ins_space"
        ),
    )
    op.create_index("ix_sign_ins_expires_at", "sign_ins", ["expires_at"])


def downgrade() -> None:
    for table in ("sign_ins", "webhook_seen", "connection_paces", "connections"):
        op.drop_table(table)

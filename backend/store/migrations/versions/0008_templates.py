"""Templates of a space's own."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0008"
down_revision = "0007"


def upgrade() -> None:
    op.create_table(
        "templates",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("blocks", JSON, nullable=False),
        sa.Column("preview", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_templates"),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], ondelete="CASCADE", name="fk_templates_space"
        ),
        sa.UniqueConstraint("space", "name", name="uq_templates_space_name"),
    )
    op.create_index("ix_templates_tenant", "templates", ["tenant"], unique=False)


def downgrade() -> None:
    op.drop_table("templates")

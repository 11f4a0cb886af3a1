"""What models said of passages, and the readings that asked them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0005"
down_revision = "0004"


def upgrade() -> None:
    op.create_table(
        "passage_facts",
        sa.Column("passage", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("extraction", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("facts", JSON, nullable=False),
        sa.Column("dropped", JSON, nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=True),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("passage", name="pk_passage_facts"),
        sa.ForeignKeyConstraint(
            ["passage"], ["passages.id"], ondelete="CASCADE", name="fk_passage_facts_passage"
        ),
    )
    op.create_index("ix_passage_facts_extraction", "passage_facts", ["extraction"], unique=False)
    op.create_index(
        "ix_passage_facts_space_fingerprint",
        "passage_facts",
        ["space", "fingerprint"],
        unique=False,
    )
    op.create_table(
        "extractions",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("fingerprint", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("reason", JSON, nullable=True),
        sa.Column("budget_usd", sa.Float(), nullable=True),
        sa.Column("budget_tokens", sa.Integer(), nullable=True),
        sa.Column("passages", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("facts", sa.Integer(), nullable=False),
        sa.Column("dropped", sa.Integer(), nullable=False),
        sa.Column("prompt_tokens", sa.Integer(), nullable=False),
        sa.Column("completion_tokens", sa.Integer(), nullable=False),
        sa.Column("unpriced", sa.Integer(), nullable=False),
        sa.Column("cost_usd", sa.Float(), nullable=False),
        sa.Column("seconds", sa.Float(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_extractions"),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], ondelete="CASCADE", name="fk_extractions_space"
        ),
    )
    op.create_index("ix_extractions_space", "extractions", ["space"], unique=False)


def downgrade() -> None:
    op.drop_table("extractions")
    op.drop_table("passage_facts")

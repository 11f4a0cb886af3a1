"""What each answer took, in columns of its own, so that a day's cost is a sum."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    op.add_column("answers", sa.Column("prompt_tokens", sa.Integer(), nullable=True))
    op.add_column("answers", sa.Column("completion_tokens", sa.Integer(), nullable=True))
    op.add_column("answers", sa.Column("cost_usd", sa.Float(), nullable=True))
    answers = sa.table(
        "answers",
        sa.column("run", JSON),
        sa.column("prompt_tokens", sa.Integer),
        sa.column("completion_tokens", sa.Integer),
        sa.column("cost_usd", sa.Float),
    )
    usage = answers.c.run["usage"]
    op.execute(
        answers.update().values(
            prompt_tokens=usage["prompt_tokens"].as_integer(),
            completion_tokens=usage["completion_tokens"].as_integer(),
            cost_usd=usage["cost_usd"].as_float(),
        )
    )


def downgrade() -> None:
    op.drop_column("answers", "cost_usd")
    op.drop_column("answers", "completion_tokens")
    op.drop_column("answers", "prompt_tokens")

"""Calls keep the pace that the other side counts by key or token, whichever connections have it."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015"
down_revision = "0014"


def upgrade() -> None:
    op.create_table(
        "shared_paces",
        sa.Column("counted", sa.String(), nullable=False),
        sa.Column("pace", sa.String(), nullable=False),
        sa.Column("until", sa.Float(), nullable=False),
        sa.PrimaryKeyConstraint("counted", "pace", name="pk_shared_paces"),
    )


def downgrade() -> None:
    op.drop_table("shared_paces")

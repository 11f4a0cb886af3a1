"""What cut a version's passages, so that another cutter's can be told."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"


def upgrade() -> None:
    op.add_column("versions", sa.Column("chunker", sa.String(), nullable=True))


def downgrade() -> None:
    op.drop_column("versions", "chunker")

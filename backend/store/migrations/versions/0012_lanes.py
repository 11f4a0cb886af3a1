"""Jobs that go through the same connection run one after another."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"


def upgrade() -> None:
    op.add_column("jobs", sa.Column("lane", sa.String()))


def downgrade() -> None:
    op.drop_column("jobs", "lane")

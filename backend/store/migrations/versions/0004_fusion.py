"""How a space fuses what its legs find; null is the default."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    kind = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
    op.add_column("spaces", sa.Column("fusion", kind, nullable=True))


def downgrade() -> None:
    op.drop_column("spaces", "fusion")

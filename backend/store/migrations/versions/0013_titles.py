"""What became of an export's calls names the items that they are about."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0013"
down_revision = "0012"


def upgrade() -> None:
    op.add_column("export_outcomes", sa.Column("titles", JSON))


def downgrade() -> None:
    op.drop_column("export_outcomes", "titles")

"""The versions of a brief, and who has edited it since the last."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0007"
down_revision = "0006"


def upgrade() -> None:
    op.create_table(
        "brief_versions",
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=True),
        sa.Column("restored", sa.Integer(), nullable=True),
        sa.Column("editors", JSON, nullable=False),
        sa.Column("summary", sa.Text(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("whole", sa.Boolean(), nullable=False),
        sa.Column("update", sa.LargeBinary(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brief", "number", name="pk_brief_versions"),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], ondelete="CASCADE", name="fk_brief_versions_brief"
        ),
    )
    op.create_table(
        "brief_editors",
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("brief", "subject", "name", name="pk_brief_editors"),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], ondelete="CASCADE", name="fk_brief_editors_brief"
        ),
    )


def downgrade() -> None:
    op.drop_table("brief_editors")
    op.drop_table("brief_versions")

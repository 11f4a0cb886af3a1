"""Comments on briefs, and who is told of them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    op.create_table(
        "comment_threads",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("anchor", JSON, nullable=False),
        sa.Column("revision", sa.Integer(), nullable=False),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("resolved_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("resolved_by", sa.String(), nullable=True),
        sa.Column("resolved_name", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comment_threads"),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], ondelete="CASCADE", name="fk_comment_threads_brief"
        ),
    )
    op.create_index(
        "ix_comment_threads_brief_resolved_at", "comment_threads", ["brief", "resolved_at"]
    )
    op.create_table(
        "comments",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("body", sa.Text(), nullable=False),
        sa.Column("mentions", JSON, nullable=False),
        sa.Column("author", sa.String(), nullable=False),
        sa.Column("author_name", sa.String(), nullable=False),
        sa.Column("draft", sa.String(), nullable=True),
        sa.Column("edited_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_comments"),
        sa.ForeignKeyConstraint(
            ["thread"], ["comment_threads.id"], ondelete="CASCADE", name="fk_comments_thread"
        ),
        sa.UniqueConstraint("thread", "number", name="uq_comments_thread_number"),
    )
    op.create_index("ix_comments_author_draft", "comments", ["author", "draft"])
    op.create_table(
        "notifications",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("thread", sa.String(), nullable=False),
        sa.Column("comment", sa.String(), nullable=True),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("by_name", sa.String(), nullable=False),
        sa.Column("read_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_notifications"),
        *(
            sa.ForeignKeyConstraint(
                [column], [f"{table}.id"], ondelete="CASCADE", name=f"fk_notifications_{column}"
            )
            for column, table in (
                ("space", "spaces"),
                ("brief", "briefs"),
                ("thread", "comment_threads"),
                ("comment", "comments"),
            )
        ),
    )
    op.create_index(
        "ix_notifications_tenant_subject_created_at",
        "notifications",
        ["tenant", "subject", "created_at"],
    )


def downgrade() -> None:
    op.drop_table("notifications")
    op.drop_table("comments")
    op.drop_table("comment_threads")

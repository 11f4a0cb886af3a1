"""The tables to begin with."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON().with_variant(JSONB(), "postgresql")

revision = "0001"
down_revision = None


def upgrade() -> None:
    op.create_table(
        "jobs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("payload", JSON, nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("run_after", sa.DateTime(timezone=True), nullable=False),
        sa.Column("owner", sa.String(), nullable=True),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("cancel", sa.Boolean(), nullable=False),
        sa.Column("error", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_jobs"),
    )
    op.create_index("ix_jobs_state_run_after", "jobs", ["state", "run_after"], unique=False)
    op.create_index("ix_jobs_subject", "jobs", ["subject"], unique=False)

    op.create_table(
        "meta",
        sa.Column("key", sa.String(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("key", name="pk_meta"),
    )
    op.create_table(
        "tenants",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_tenants"),
    )
    op.create_table(
        "spaces",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("sample", sa.Boolean(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(["tenant"], ["tenants.id"], name="fk_spaces_tenant"),
        sa.PrimaryKeyConstraint("id", name="pk_spaces"),
    )
    op.create_index("ix_spaces_tenant", "spaces", ["tenant"], unique=False)

    op.create_table(
        "answers",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("question", sa.Text(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("kind", sa.String(), nullable=False),
        sa.Column("model", sa.String(), nullable=False),
        sa.Column("prompt_hash", sa.String(), nullable=True),
        sa.Column("sentences", sa.Integer(), nullable=False),
        sa.Column("run", JSON, nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], name="fk_answers_space", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_answers"),
    )
    op.create_index("ix_answers_space_created_at", "answers", ["space", "created_at"], unique=False)
    op.create_index("ix_answers_tenant", "answers", ["tenant"], unique=False)

    op.create_table(
        "briefs",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("epoch", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], name="fk_briefs_space", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_briefs"),
    )
    op.create_index("ix_briefs_space", "briefs", ["space"], unique=False)
    op.create_index("ix_briefs_tenant", "briefs", ["tenant"], unique=False)

    op.create_table(
        "evidence",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("source_title", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("version_number", sa.Integer(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("quote", sa.Text(), nullable=False),
        sa.Column("quote_hash", sa.String(), nullable=False),
        sa.Column("answer", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], name="fk_evidence_space", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_evidence"),
    )
    op.create_index("ix_evidence_source", "evidence", ["source"], unique=False)
    op.create_index("ix_evidence_space", "evidence", ["space"], unique=False)
    op.create_index("ix_evidence_tenant", "evidence", ["tenant"], unique=False)

    op.create_table(
        "images",
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("digest", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], name="fk_images_space", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("space", "digest", name="pk_images"),
    )
    op.create_index("ix_images_tenant_digest", "images", ["tenant", "digest"], unique=False)

    op.create_table(
        "members",
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("subject", sa.String(), nullable=False),
        sa.Column("role", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], name="fk_members_space", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("space", "subject", name="pk_members"),
    )
    op.create_table(
        "sources",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("path", sa.String(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("state", sa.String(), nullable=False),
        sa.Column("searchable", sa.Boolean(), nullable=False),
        sa.Column("progress", JSON, nullable=True),
        sa.Column("error", JSON, nullable=True),
        sa.Column("version", sa.String(), nullable=True),
        sa.Column("pending", sa.String(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], name="fk_sources_space", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_sources"),
        sa.UniqueConstraint("space", "path", name="uq_sources_space_path"),
    )
    op.create_index("ix_sources_tenant", "sources", ["tenant"], unique=False)

    op.create_table(
        "brief_evidence",
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("evidence", sa.String(), nullable=False),
        sa.Column("block", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], name="fk_brief_evidence_brief", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("brief", "evidence", "block", name="pk_brief_evidence"),
    )
    op.create_index("ix_brief_evidence_evidence", "brief_evidence", ["evidence"], unique=False)

    op.create_table(
        "brief_snapshots",
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("through", sa.Integer(), nullable=False),
        sa.Column("update", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], name="fk_brief_snapshots_brief", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("brief", name="pk_brief_snapshots"),
    )
    op.create_table(
        "brief_updates",
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("seq", sa.Integer(), nullable=False),
        sa.Column("update", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("actor", sa.String(), nullable=True),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], name="fk_brief_updates_brief", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("brief", "seq", name="pk_brief_updates"),
    )
    op.create_table(
        "opinions",
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("claim_hash", sa.String(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_by", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], name="fk_opinions_brief", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("brief", "claim_hash", name="pk_opinions"),
    )
    op.create_table(
        "passages",
        sa.Column("id", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("space", sa.String(), nullable=False),
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("version", sa.String(), nullable=False),
        sa.Column("ordinal", sa.Integer(), nullable=False),
        sa.Column("title", sa.String(), nullable=False),
        sa.Column("headings", JSON, nullable=False),
        sa.Column("text", sa.Text(), nullable=False),
        sa.Column("start", sa.Integer(), nullable=False),
        sa.Column("end", sa.Integer(), nullable=False),
        sa.Column("page", sa.Integer(), nullable=True),
        sa.Column("last_page", sa.Integer(), nullable=True),
        sa.Column("language", sa.String(), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"], ["sources.id"], name="fk_passages_source", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_passages"),
    )
    op.create_index(
        "ix_passages_source_version_ordinal",
        "passages",
        ["source", "version", "ordinal"],
        unique=False,
    )
    op.create_index("ix_passages_space", "passages", ["space"], unique=False)

    op.create_table(
        "verdicts",
        sa.Column("brief", sa.String(), nullable=False),
        sa.Column("claim_hash", sa.String(), nullable=False),
        sa.Column("verdict", sa.String(), nullable=False),
        sa.Column("evidence_hash", sa.String(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("score", sa.Float(), nullable=True),
        sa.Column("detail", JSON, nullable=True),
        sa.Column("checked_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], name="fk_verdicts_brief", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("brief", "claim_hash", name="pk_verdicts"),
    )
    op.create_table(
        "versions",
        sa.Column("source", sa.String(), nullable=False),
        sa.Column("hash", sa.String(), nullable=False),
        sa.Column("tenant", sa.String(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("bytes", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(), nullable=False),
        sa.Column("media_type", sa.String(), nullable=False),
        sa.Column("read", sa.Boolean(), nullable=False),
        sa.Column("pages", sa.Integer(), nullable=True),
        sa.Column("characters", sa.Integer(), nullable=True),
        sa.Column("page_starts", JSON, nullable=True),
        sa.Column("receipt", JSON, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["source"], ["sources.id"], name="fk_versions_source", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("source", "hash", name="pk_versions"),
        sa.UniqueConstraint("source", "number", name="uq_versions_source_number"),
    )
    op.create_index("ix_versions_tenant_hash", "versions", ["tenant", "hash"], unique=False)


def downgrade() -> None:
    op.drop_index("ix_versions_tenant_hash", table_name="versions")

    op.drop_table("versions")
    op.drop_table("verdicts")
    op.drop_index("ix_passages_space", table_name="passages")
    op.drop_index("ix_passages_source_version_ordinal", table_name="passages")

    op.drop_table("passages")
    op.drop_table("opinions")
    op.drop_table("brief_updates")
    op.drop_table("brief_snapshots")
    op.drop_index("ix_brief_evidence_evidence", table_name="brief_evidence")

    op.drop_table("brief_evidence")
    op.drop_index("ix_sources_tenant", table_name="sources")

    op.drop_table("sources")
    op.drop_table("members")
    op.drop_index("ix_images_tenant_digest", table_name="images")

    op.drop_table("images")
    op.drop_index("ix_evidence_tenant", table_name="evidence")
    op.drop_index("ix_evidence_space", table_name="evidence")
    op.drop_index("ix_evidence_source", table_name="evidence")

    op.drop_table("evidence")
    op.drop_index("ix_briefs_tenant", table_name="briefs")
    op.drop_index("ix_briefs_space", table_name="briefs")

    op.drop_table("briefs")
    op.drop_index("ix_answers_tenant", table_name="answers")
    op.drop_index("ix_answers_space_created_at", table_name="answers")

    op.drop_table("answers")
    op.drop_index("ix_spaces_tenant", table_name="spaces")

    op.drop_table("spaces")
    op.drop_table("tenants")
    op.drop_table("meta")
    op.drop_index("ix_jobs_subject", table_name="jobs")
    op.drop_index("ix_jobs_state_run_after", table_name="jobs")

    op.drop_table("jobs")

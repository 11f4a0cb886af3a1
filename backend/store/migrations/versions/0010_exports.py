"""Where briefs are exported to, what was made there, and who approved it."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects.postgresql import JSONB

JSON = sa.JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")
MOMENT = sa.DateTime(timezone=True)

revision = "0010"
down_revision = "0009"

TABLES = (
    "export_entries",
    "export_intents",
    "export_runs",
    "export_decisions",
    "export_looks",
    "export_drift",
)


def _some(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=False)


def _maybe(name: str, kind: Any) -> sa.Column[Any]:
    return sa.Column(name, kind, nullable=True)


def _of_a_brief(name: str, *columns: Any, key: tuple[str, ...]) -> None:
    """A table about one brief in one target."""
    op.create_table(
        name,
        _some("target", sa.String()),
        _some("brief", sa.String()),
        *columns,
        sa.PrimaryKeyConstraint(*key, name=f"pk_{name}"),
        sa.ForeignKeyConstraint(
            ["target"], ["export_targets.id"], ondelete="CASCADE", name=f"fk_{name}_target"
        ),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], ondelete="CASCADE", name=f"fk_{name}_brief"
        ),
    )
    op.create_index(f"ix_{name}_brief", name, ["brief"])


def upgrade() -> None:
    op.create_table(
        "export_targets",
        _some("id", sa.String()),
        _some("tenant", sa.String()),
        _some("space", sa.String()),
        _maybe("brief", sa.String()),
        _maybe("connection", sa.String()),
        _some("kind", sa.String()),
        _some("name", sa.String()),
        _some("where", JSON),
        _some("mapping", JSON),
        _maybe("removed_at", MOMENT),
        _some("created_at", MOMENT),
        _some("created_by", sa.String()),
        sa.PrimaryKeyConstraint("id", name="pk_export_targets"),
        sa.ForeignKeyConstraint(
            ["space"], ["spaces.id"], ondelete="CASCADE", name="fk_export_targets_space"
        ),
        sa.ForeignKeyConstraint(
            ["brief"], ["briefs.id"], ondelete="CASCADE", name="fk_export_targets_brief"
        ),
    )
    for column in ("tenant", "space", "brief", "connection"):
        op.create_index(f"ix_export_targets_{column}", "export_targets", [column])
    _of_a_brief(
        "export_entries",
        _some("key", sa.String()),
        _some("ref", sa.String()),
        _some("position", sa.Integer()),
        _some("content", sa.Text()),
        key=("target", "brief", "key"),
    )
    _of_a_brief(
        "export_intents",
        _some("step", sa.String()),
        _some("content", sa.LargeBinary()),
        _some("since", MOMENT),
        _some("actor", sa.String()),
        _some("looks", sa.Integer()),
        key=("target", "brief", "step"),
    )
    _of_a_brief(
        "export_runs",
        _some("id", sa.String()),
        _some("tenant", sa.String()),
        _some("state", sa.String()),
        _some("turn", sa.Integer()),
        _some("checksum", sa.String()),
        _some("counts", JSON),
        _some("total", sa.Integer()),
        _some("done", sa.Integer()),
        _maybe("content", sa.LargeBinary()),
        _some("stop", sa.Boolean()),
        _maybe("wait_until", MOMENT),
        _maybe("error", JSON),
        _some("actor", sa.String()),
        _some("actor_name", sa.String()),
        _some("created_at", MOMENT),
        _maybe("ended_at", MOMENT),
        sa.UniqueConstraint("target", "brief", "turn", name="uq_export_runs_target_brief_turn"),
        key=("id",),
    )
    op.create_table(
        "export_outcomes",
        _some("run", sa.String()),
        _some("step", sa.String()),
        _some("position", sa.Integer()),
        _some("op", sa.String()),
        _some("keys", JSON),
        _some("outcome", sa.String()),
        _some("message", sa.Text()),
        _maybe("retry_at", MOMENT),
        _some("url", sa.Text()),
        sa.PrimaryKeyConstraint("run", "step", name="pk_export_outcomes"),
        sa.ForeignKeyConstraint(
            ["run"], ["export_runs.id"], ondelete="CASCADE", name="fk_export_outcomes_run"
        ),
    )
    _of_a_brief(
        "export_decisions",
        _some("key", sa.String()),
        _some("part", sa.String()),
        _some("choice", sa.String()),
        _some("seen", sa.Text()),
        _some("actor", sa.String()),
        _some("actor_name", sa.String()),
        _some("created_at", MOMENT),
        key=("target", "brief", "key", "part"),
    )
    _of_a_brief(
        "export_looks",
        _maybe("at", MOMENT),
        _some("asked_at", MOMENT),
        _maybe("known", sa.Text()),
        _maybe("error", JSON),
        key=("target", "brief"),
    )
    _of_a_brief(
        "export_drift",
        _some("key", sa.String()),
        _some("part", sa.String()),
        _some("theirs", sa.Text()),
        _some("place", sa.Text()),
        _some("found_at", MOMENT),
        key=("target", "brief", "key", "part"),
    )


def downgrade() -> None:
    op.drop_table("export_outcomes")
    for table in reversed(TABLES):
        op.drop_table(table)
    op.drop_table("export_targets")

"""Who is told of a comment is found by it: deleting one looked through all notifications."""

from __future__ import annotations

from alembic import op

revision = "0009"
down_revision = "0008"


def upgrade() -> None:
    op.create_index("ix_notifications_thread", "notifications", ["thread"])
    op.create_index("ix_notifications_comment", "notifications", ["comment"])


def downgrade() -> None:
    op.drop_index("ix_notifications_comment", "notifications")
    op.drop_index("ix_notifications_thread", "notifications")

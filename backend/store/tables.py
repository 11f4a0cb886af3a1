"""Every table of the application, for SQLite and PostgreSQL alike.

Ids are text, times are UTC, offsets count code points. Rows that a person can reach carry their
tenant, and every query names it.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    DateTime,
    Dialect,
    Float,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    Text,
    TypeDecorator,
    UniqueConstraint,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)


class Utc(TypeDecorator[datetime]):
    """An aware moment in UTC, also where the database forgets the zone."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"{value!r} has no time zone; use backend.clock.now()")
        return value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


Json: JSON = JSON(none_as_null=True).with_variant(JSONB(none_as_null=True), "postgresql")


def _created() -> Column[Any]:
    return Column("created_at", Utc, nullable=False)


# What has happened to this store once and never again, such as making the sample space.
meta = Table(
    "meta",
    metadata,
    Column("key", String, primary_key=True),
    Column("value", Text, nullable=False),
)

tenants = Table(
    "tenants",
    metadata,
    Column("id", String, primary_key=True),
    Column("name", String, nullable=False),
    _created(),
)

spaces = Table(
    "spaces",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", ForeignKey("tenants.id"), nullable=False, index=True),
    Column("name", String, nullable=False),
    Column("sample", Boolean, nullable=False, default=False),
    Column("fusion", Json),  # of what the legs find; null is the default
    _created(),
    Column("created_by", String, nullable=False),
)

members = Table(
    "members",
    metadata,
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("subject", String, nullable=False),
    Column("role", String, nullable=False),
    PrimaryKeyConstraint("space", "subject"),
)

# `version` is the current one, null until the first is searchable; `pending` is the one being
# read. The error is that of the last reading.
sources = Table(
    "sources",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False, index=True),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("path", String, nullable=False),
    Column("title", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("state", String, nullable=False),
    Column("searchable", Boolean, nullable=False, default=False),
    Column("progress", Json),
    Column("error", Json),
    Column("version", String),
    Column("pending", String),
    _created(),
    Column("updated_at", Utc, nullable=False),
    Column("created_by", String, nullable=False),
    UniqueConstraint("space", "path"),
)

# Rows of versions outlive being replaced, so that citations keep their text.
versions = Table(
    "versions",
    metadata,
    Column("source", ForeignKey("sources.id", ondelete="CASCADE"), nullable=False),
    Column("hash", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("number", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    Column("name", String, nullable=False),  # of the file as it came
    Column("media_type", String, nullable=False),
    Column("read", Boolean, nullable=False, default=False),  # its stored text exists
    Column("pages", Integer),
    Column("characters", Integer),
    Column("page_starts", Json),  # the offset in the stored text at which each page begins
    Column("receipt", Json),
    Column("chunker", String),  # what cut its passages; null before that was kept
    _created(),
    PrimaryKeyConstraint("source", "hash"),
    UniqueConstraint("source", "number"),
    Index(None, "tenant", "hash"),
)

passages = Table(
    "passages",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("space", String, nullable=False),
    Column("source", ForeignKey("sources.id", ondelete="CASCADE"), nullable=False),
    Column("version", String, nullable=False),
    Column("ordinal", Integer, nullable=False),
    Column("title", String, nullable=False),
    Column("headings", Json, nullable=False),
    Column("text", Text, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("last_page", Integer),
    Column("language", String, nullable=False),
    Index(None, "source", "version", "ordinal"),
    Index(None, "space"),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", String, primary_key=True),
    Column("kind", String, nullable=False),
    Column("subject", String, nullable=False),  # what it works on, such as a source's id
    Column("lane", String),  # what it goes through; of one lane one runs at a time
    Column("tenant", String, nullable=False),
    Column("payload", Json, nullable=False),
    Column("state", String, nullable=False),  # queued, running, done, failed, cancelled
    Column("attempts", Integer, nullable=False, default=0),
    Column("run_after", Utc, nullable=False),
    Column("owner", String),  # who holds the lease
    Column("lease_until", Utc),
    Column("cancel", Boolean, nullable=False, default=False),
    Column("error", Text),
    _created(),
    Column("updated_at", Utc, nullable=False),
    Index(None, "state", "run_after"),
    Index(None, "subject"),
)

# What a model said of a passage. It goes with the passage: text that is cut anew is read anew.
passage_facts = Table(
    "passage_facts",
    metadata,
    Column("passage", ForeignKey("passages.id", ondelete="CASCADE"), primary_key=True),
    Column("tenant", String, nullable=False),
    Column("space", String, nullable=False),
    Column("extraction", String, nullable=False, index=True),  # that asked for it
    Column("fingerprint", String, nullable=False),  # of the model and what it was asked
    Column("facts", Json, nullable=False),
    Column("dropped", Json, nullable=False),  # how many were not believed, by why
    Column("error", Text),
    Column("prompt_tokens", Integer, nullable=False),
    Column("completion_tokens", Integer, nullable=False),
    Column("cost_usd", Float),  # null where the price is not known
    Column("seconds", Float, nullable=False),
    _created(),
    Index(None, "space", "fingerprint"),
)

# Readings of a space by a model: what was asked for, and how far it is.
extractions = Table(
    "extractions",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("model", String, nullable=False),
    Column("fingerprint", String, nullable=False),
    Column("state", String, nullable=False),  # running, paused, done, cancelled
    Column("reason", Json),  # why it is paused: code, message, remedy
    Column("budget_usd", Float),
    Column("budget_tokens", Integer),
    # What it has come to; it stays when passages go, for they were paid for.
    Column("passages", Integer, nullable=False, default=0),
    Column("failed", Integer, nullable=False, default=0),
    Column("facts", Integer, nullable=False, default=0),
    Column("dropped", Integer, nullable=False, default=0),
    Column("prompt_tokens", Integer, nullable=False, default=0),
    Column("completion_tokens", Integer, nullable=False, default=0),
    Column("unpriced", Integer, nullable=False, default=0),
    Column("cost_usd", Float, nullable=False, default=0.0),
    Column("seconds", Float, nullable=False, default=0.0),
    _created(),
    Column("updated_at", Utc, nullable=False),
    Column("created_by", String, nullable=False),
)

briefs = Table(
    "briefs",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False, index=True),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("title", String, nullable=False),
    Column("epoch", String, nullable=False),
    _created(),
    Column("updated_at", Utc, nullable=False),
    Column("created_by", String, nullable=False),
)

brief_updates = Table(
    "brief_updates",
    metadata,
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column("seq", Integer, nullable=False),
    Column("update", LargeBinary, nullable=False),
    _created(),
    Column("actor", String),
    PrimaryKeyConstraint("brief", "seq"),
)

brief_snapshots = Table(
    "brief_snapshots",
    metadata,
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), primary_key=True),
    Column("through", Integer, nullable=False),
    Column("update", LargeBinary, nullable=False),
    _created(),
)

# A brief's versions: a chain in which each holds what came since the one before it.
brief_versions = Table(
    "brief_versions",
    metadata,
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("name", String),  # null for one that was saved by itself
    Column("restored", Integer),  # the version that this one brought back
    Column("editors", Json, nullable=False),
    Column("summary", Text, nullable=False),  # of what changed since the one before
    Column("epoch", String, nullable=False),
    Column("whole", Boolean, nullable=False),  # needs none before it
    Column("update", LargeBinary, nullable=False),  # compressed
    Column("bytes", Integer, nullable=False),
    _created(),
    PrimaryKeyConstraint("brief", "number"),
)

# Who has edited a brief since its last version.
brief_editors = Table(
    "brief_editors",
    metadata,
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column("subject", String, nullable=False),
    Column("name", String, nullable=False),
    Column("edited_at", Utc, nullable=False),
    PrimaryKeyConstraint("brief", "subject", "name"),
)

# Evidence outlives its source: the quote and the title it was cited under stay.
evidence = Table(
    "evidence",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False, index=True),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("source", String, nullable=False, index=True),
    Column("source_title", String, nullable=False),
    Column("version", String, nullable=False),
    Column("version_number", Integer, nullable=False),
    Column("start", Integer, nullable=False),
    Column("end", Integer, nullable=False),
    Column("page", Integer),
    Column("quote", Text, nullable=False),
    Column("quote_hash", String, nullable=False),
    Column("answer", String),
    _created(),
    Column("created_by", String, nullable=False),
)

# Which blocks of which briefs rest on a piece of evidence, as last projected.
brief_evidence = Table(
    "brief_evidence",
    metadata,
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column("evidence", String, nullable=False, index=True),
    Column("block", String, nullable=False),
    PrimaryKeyConstraint("brief", "evidence", "block"),
)

answers = Table(
    "answers",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False, index=True),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("question", Text, nullable=False),
    Column("state", String, nullable=False),  # running, finished, declined, failed, cancelled
    Column("kind", String, nullable=False),  # extractive, llm
    Column("model", String, nullable=False),
    Column("prompt_hash", String),
    Column("sentences", Integer, nullable=False, default=0),
    # What the model's call took; null where there was none, or where it was cut off.
    Column("prompt_tokens", Integer),
    Column("completion_tokens", Integer),
    Column("cost_usd", Float),  # also null where the price is not known
    Column("run", Json, nullable=False),
    _created(),
    Column("created_by", String, nullable=False),
    Index(None, "space", "created_at"),
)

verdicts = Table(
    "verdicts",
    metadata,
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column("claim_hash", String, nullable=False),
    Column("verdict", String, nullable=False),
    Column("evidence_hash", String, nullable=False),  # of what it was judged against
    Column("reason", Text, nullable=False),
    Column("score", Float),
    Column("detail", Json),
    Column("checked_at", Utc, nullable=False),
    PrimaryKeyConstraint("brief", "claim_hash"),
)

opinions = Table(
    "opinions",
    metadata,
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column("claim_hash", String, nullable=False),
    _created(),
    Column("created_by", String, nullable=False),
    PrimaryKeyConstraint("brief", "claim_hash"),
)

# Where a thread of comments hangs in a brief's text; the anchor is the page's to resolve.
comment_threads = Table(
    "comment_threads",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column("anchor", Json, nullable=False),
    Column("revision", Integer, nullable=False, default=1),  # of the anchor
    Column("quote", Text, nullable=False),  # the words as they were commented on
    Column("resolved_at", Utc),  # null while the thread is open
    Column("resolved_by", String),
    Column("resolved_name", String),
    _created(),
    Column("created_by", String, nullable=False),
    Index(None, "brief", "resolved_at"),
)

# The first of a thread opened it. A deleted one that others answered keeps its row without words.
comments = Table(
    "comments",
    metadata,
    Column("id", String, primary_key=True),
    Column("thread", ForeignKey("comment_threads.id", ondelete="CASCADE"), nullable=False),
    Column("number", Integer, nullable=False),
    Column("body", Text, nullable=False),
    Column("mentions", Json, nullable=False),
    Column("author", String, nullable=False),
    Column("author_name", String, nullable=False),
    Column("draft", String),  # what the page called it, so that sent twice is written once
    Column("edited_at", Utc),
    Column("deleted_at", Utc),
    _created(),
    UniqueConstraint("thread", "number"),
    Index(None, "author", "draft"),
)

notifications = Table(
    "notifications",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    Column("subject", String, nullable=False),  # who is told
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False),
    Column(
        "thread", ForeignKey("comment_threads.id", ondelete="CASCADE"), nullable=False, index=True
    ),
    Column("comment", ForeignKey("comments.id", ondelete="CASCADE"), index=True),
    Column("kind", String, nullable=False),  # mention, reply, resolved
    Column("by_name", String, nullable=False),
    Column("read_at", Utc),
    _created(),
    Index(None, "tenant", "subject", "created_at"),
)

# What was saved of briefs to begin others with.
templates = Table(
    "templates",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False, index=True),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("name", String, nullable=False),
    Column("blocks", Json, nullable=False),
    Column("preview", Json, nullable=False),
    _created(),
    Column("created_by", String, nullable=False),
    UniqueConstraint("space", "name"),
)

images = Table(
    "images",
    metadata,
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("digest", String, nullable=False),
    Column("tenant", String, nullable=False),
    Column("media_type", String, nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("bytes", Integer, nullable=False),
    _created(),
    PrimaryKeyConstraint("space", "digest"),
    Index(None, "tenant", "digest"),
)

# Where briefs are exported to; without a brief, all of the space's may go there. A target that was
# removed keeps its ledger: added again, it makes nothing twice.
export_targets = Table(
    "export_targets",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False, index=True),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), index=True),
    Column("connection", String, index=True),  # null where none is needed
    Column("kind", String, nullable=False),
    Column("name", String, nullable=False),
    Column("where", Json, nullable=False),
    Column("mapping", Json, nullable=False),
    Column("removed_at", Utc),
    _created(),
    Column("created_by", String, nullable=False),
)


def _exported() -> tuple[Column[Any], Column[Any]]:
    """One brief in one target: what everything below is about."""
    return (
        Column("target", ForeignKey("export_targets.id", ondelete="CASCADE"), nullable=False),
        Column("brief", ForeignKey("briefs.id", ondelete="CASCADE"), nullable=False, index=True),
    )


# The objects that were made over there.
export_entries = Table(
    "export_entries",
    metadata,
    *_exported(),
    Column("key", String, nullable=False),
    Column("ref", String, nullable=False),
    Column("position", Integer, nullable=False),
    # The entry as JSON in text: it comes back exactly, also where JSONB would not take it.
    Column("content", Text, nullable=False),
    PrimaryKeyConstraint("target", "brief", "key"),
)

# Steps that were begun and have no receipt. They outlive the run that began them.
export_intents = Table(
    "export_intents",
    metadata,
    *_exported(),
    Column("step", String, nullable=False),
    Column("content", LargeBinary, nullable=False),  # the step as compressed JSON
    Column("since", Utc, nullable=False),
    Column("actor", String, nullable=False),
    Column("looks", Integer, nullable=False),
    PrimaryKeyConstraint("target", "brief", "step"),
)

# What was approved, by whom, and how far it is.
export_runs = Table(
    "export_runs",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False),
    *_exported(),
    Column("state", String, nullable=False),
    Column("turn", Integer, nullable=False),  # which run of this brief there it is, from 1
    Column("checksum", String, nullable=False),  # of the plan that was approved
    Column("counts", Json, nullable=False),
    Column("total", Integer, nullable=False),
    Column("done", Integer, nullable=False, default=0),
    Column("content", LargeBinary),  # the approved plan, compressed; null once it is old
    Column("stop", Boolean, nullable=False, default=False),
    Column("wait_until", Utc),
    Column("error", Json),  # code, message, remedy
    Column("actor", String, nullable=False),
    Column("actor_name", String, nullable=False),
    _created(),
    Column("ended_at", Utc),
    UniqueConstraint("target", "brief", "turn"),
)

# A run's steps in order, and what became of each.
export_outcomes = Table(
    "export_outcomes",
    metadata,
    Column("run", ForeignKey("export_runs.id", ondelete="CASCADE"), nullable=False),
    Column("step", String, nullable=False),
    Column("position", Integer, nullable=False),
    Column("op", String, nullable=False),
    Column("keys", Json, nullable=False),
    Column("titles", Json),  # of the items that it makes or changes; null in runs of before
    Column("outcome", String, nullable=False),
    Column("message", Text, nullable=False),
    Column("retry_at", Utc),
    Column("url", Text, nullable=False),
    PrimaryKeyConstraint("run", "step"),
)

# What people decided about changes over there; without a part, about the whole object.
export_decisions = Table(
    "export_decisions",
    metadata,
    *_exported(),
    Column("key", String, nullable=False),
    Column("part", String, nullable=False),
    Column("choice", String, nullable=False),
    Column("seen", Text, nullable=False),  # what was decided about, as JSON
    Column("actor", String, nullable=False),
    Column("actor_name", String, nullable=False),
    _created(),
    PrimaryKeyConstraint("target", "brief", "key", "part"),
)

# When a place was last looked at, and what kept it from being so.
export_looks = Table(
    "export_looks",
    metadata,
    *_exported(),
    Column("at", Utc),  # null before the first that succeeded
    Column("asked_at", Utc, nullable=False),
    Column("known", Text),  # what of the target decides how a brief is shown there, as JSON
    Column("error", Json),
    PrimaryKeyConstraint("target", "brief"),
)

# What the last look found to differ from what was left; without a part, the object's standing.
export_drift = Table(
    "export_drift",
    metadata,
    *_exported(),
    Column("key", String, nullable=False),
    Column("part", String, nullable=False),
    Column("theirs", Text, nullable=False),  # JSON
    Column("place", Text, nullable=False, default=""),
    Column("found_at", Utc, nullable=False),
    PrimaryKeyConstraint("target", "brief", "key", "part"),
)

# Where briefs may be sent: whose token we hold there, sealed.
connections = Table(
    "connections",
    metadata,
    Column("id", String, primary_key=True),
    Column("tenant", String, nullable=False, index=True),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("kind", String, nullable=False),
    Column("method", String, nullable=False),  # token, sign_in
    Column("name", String, nullable=False),
    Column("account", Json, nullable=False),
    Column("site", String, nullable=False),
    Column("scopes", Json, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("generation", Integer, nullable=False, default=1),  # of what is sealed
    Column("renewing_until", Utc),  # while somebody asks for another token
    Column("state", String, nullable=False),  # ok, reconnect
    Column("trouble", Text, nullable=False, default=""),
    Column("hook", Json),
    Column("hook_sealed", LargeBinary),  # what signs the calls that come in
    _created(),
    Column("created_by", String, nullable=False),
)

# The pace of each connection, which all processes keep together: seconds since 1970.
connection_paces = Table(
    "connection_paces",
    metadata,
    Column("connection", ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("pace", String, nullable=False),  # which of its limits
    Column("until", Float, nullable=False),
    PrimaryKeyConstraint("connection", "pace"),
)

# The same for what the other side counts by: the key or token that several connections may have.
shared_paces = Table(
    "shared_paces",
    metadata,
    Column("counted", String, nullable=False),  # a name that tells nothing of it
    Column("pace", String, nullable=False),
    Column("until", Float, nullable=False),
    PrimaryKeyConstraint("counted", "pace"),
)

# Calls that came in and were heard, so that one sent twice is heard once.
webhook_seen = Table(
    "webhook_seen",
    metadata,
    Column("connection", ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("delivery", String, nullable=False),
    Column("seen_at", Utc, nullable=False),
    PrimaryKeyConstraint("connection", "delivery"),
    Index(None, "seen_at"),
)

# What we registered over there to call in, by its id there: calls of an application name no more.
webhook_ids = Table(
    "webhook_ids",
    metadata,
    Column("connection", ForeignKey("connections.id", ondelete="CASCADE"), nullable=False),
    Column("ref", String, nullable=False, index=True),
    PrimaryKeyConstraint("connection", "ref"),
)

# Sign-ins elsewhere that were begun and have not come back.
sign_ins = Table(
    "sign_ins",
    metadata,
    Column("state", String, primary_key=True),  # its hash
    Column("tenant", String, nullable=False),
    Column("space", ForeignKey("spaces.id", ondelete="CASCADE"), nullable=False),
    Column("subject", String, nullable=False),
    Column("kind", String, nullable=False),
    Column("redirect", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("connection", String),
    Column("site", String, nullable=False),
    Column("expires_at", Utc, nullable=False, index=True),
)

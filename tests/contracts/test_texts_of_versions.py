"""What evidence reads of stored versions, on SQLite and PostgreSQL alike."""

from pathlib import Path

import pytest
from sqlalchemy import insert

from backend.blobs.filesystem import FilesystemBlobs
from backend.clock import now
from backend.sources.texts import Texts
from backend.store.engine import Store
from backend.store.tables import sources, spaces, tenants, versions
from retrieval.blocks import Reading
from retrieval.model import Scope

MINE = Scope("t", frozenset({"spc_1"}))


@pytest.fixture
async def texts(store: Store, tmp_path: Path) -> Texts:
    """Two sources of two spaces; the first has versions v1 (older), v2 (current), v3 (unread)."""
    made = {"created_at": now()}
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id="t", name="T", **made))
        for space, source in (("spc_1", "src_a"), ("spc_2", "src_b")):
            await connection.execute(
                insert(spaces).values(id=space, tenant="t", name=space, created_by="you", **made)
            )
            await connection.execute(
                insert(sources).values(
                    id=source, tenant="t", space=space, path=source, title=f"Title of {source}",
                    media_type="text/plain", state="ready", searchable=True, version="v2",
                    updated_at=now(), created_by="you", **made,
                )
            )  # fmt: skip
            for number in (1, 2, 3):
                await connection.execute(
                    insert(versions).values(
                        source=source, hash=f"v{number}", tenant="t", number=number, bytes=1,
                        name=source, media_type="text/plain", read=number < 3,
                        page_starts=[0, 4], **made,
                    )
                )  # fmt: skip
    kept = Texts(store, FilesystemBlobs(tmp_path / "blobs"))
    for source in ("src_a", "src_b"):
        for version in ("v1", "v2"):
            reading = Reading(f"Text {version} of {source}", (), "text/plain")
            await kept.keep("t", source, version, reading)
    return kept


async def test_versions_come_with_their_own_texts(texts: Texts) -> None:
    """Of many asked for at once, those of another space, unread or unknown are not there."""
    wanted = [(s, v) for s in ("src_a", "src_b", "src_none") for v in ("v1", "v2", "v3", "v9")]
    found = await texts.versions(wanted, scope=MINE)
    assert {key: one.text for key, one in found.items()} == {
        ("src_a", "v1"): "Text v1 of src_a",
        ("src_a", "v2"): "Text v2 of src_a",
    }
    older = found["src_a", "v1"]
    assert (older.title, older.number, older.page_at(5)) == ("Title of src_a", 1, 2)
    assert await texts.versions([], scope=MINE) == {}


async def test_only_the_pairs_asked_for_come(texts: Texts) -> None:
    """One source's older version and another's newer one do not bring their counterparts."""
    both = Scope("t", frozenset({"spc_1", "spc_2"}))
    wanted = {("src_a", "v1"), ("src_b", "v2")}
    assert set(await texts.versions(wanted, scope=both)) == wanted


async def test_the_current_version_is_told_within_the_scope(texts: Texts) -> None:
    """Nothing of another tenant, of another space, or of a source left out."""
    asked = ["src_a", "src_b", "src_none"]
    assert await texts.current(asked, scope=MINE) == {"src_a": "v2"}
    for scope in (
        Scope("other", frozenset({"spc_1"})),
        Scope("t", frozenset()),
        Scope("t", frozenset({"spc_1"}), frozenset({"src_b"})),
    ):
        assert await texts.current(asked, scope=scope) == {}
        assert await texts.versions([("src_a", "v2")], scope=scope) == {}

"""What the store promises on SQLite and PostgreSQL alike."""

import asyncio
import os
import signal
import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from sqlalchemy import Connection, func, insert, select, text
from sqlalchemy.exc import DBAPIError, StatementError

from backend.answers.runs import AnswerRun, RunState, Spent
from backend.clock import now
from backend.comments.model import Anchor, Comment, Person, Place
from backend.ports import Usage
from backend.settings import UnknownScheme, Url
from backend.store.answers import StoredRuns
from backend.store.comments import StoredComments
from backend.store.engine import Store, open_store
from backend.store.history import StoredHistory
from backend.store.migrations import FOLDER, current, head, upgrade
from backend.store.passages import StoredPassages
from backend.store.tables import (
    briefs,
    members,
    meta,
    metadata,
    passages,
    sources,
    spaces,
    tenants,
)
from backend.store.updates import SqlUpdates, begin
from retrieval.model import Passage, Scope

ROOT = Path(__file__).parents[2]


async def test_the_migrations_make_exactly_the_tables_the_code_uses(store: Store) -> None:
    """Nothing in the models is missing from the database, and the other way round."""

    def differences(connection: Connection) -> list[object]:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        return list(compare_metadata(context, metadata))

    async with store.reading() as connection:
        assert await connection.run_sync(differences) == []


async def test_migrating_twice_changes_nothing(store: Store) -> None:
    """The second time it only looks."""
    async with store.writing() as connection:
        assert await connection.run_sync(current) == head()
        assert await connection.run_sync(upgrade) is False


def back(connection: Connection, revision: str) -> None:
    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(FOLDER))
    command.downgrade(config, revision)


async def test_a_store_of_the_first_shape_is_brought_up_with_what_it_holds(store: Store) -> None:
    """Every step from the first tables runs where there are rows, and takes none of them."""
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id="t", name="T", created_at=now()))
        await connection.run_sync(back, "0001")
        assert await connection.run_sync(current) == "0001"
        assert await connection.run_sync(upgrade) is True
        assert await connection.run_sync(current) == head()
        assert await connection.scalar(select(tenants.c.name)) == "T"


async def test_what_a_brief_says_is_kept_by_a_store_older_than_comments_and_versions(
    store: Store,
) -> None:
    """It is brought up with its text and its members, and can be written in and commented on."""
    made = {"created_at": now()}
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id="t", name="T", **made))
        await connection.execute(
            insert(spaces).values(id="spc_1", tenant="t", name="S", created_by="ann", **made)
        )
        await connection.execute(
            insert(members).values(space="spc_1", subject="ann", role="analyst")
        )
        await connection.execute(
            insert(briefs).values(
                id="brf_1", tenant="t", space="spc_1", title="B", epoch="e", updated_at=now(),
                created_by="ann", **made,
            )
        )  # fmt: skip
        await begin(connection, "brf_1", b"seed")
        await connection.run_sync(back, "0005")
        await connection.run_sync(upgrade)
    updates, comments = SqlUpdates(store), StoredComments(store)
    await updates.append("brf_1", [b"edit"], epoch="e")
    stored = await updates.load("brf_1")
    assert stored is not None
    assert stored.updates == (b"seed", b"edit")
    place, ann = Place("t", "spc_1", "brf_1"), Person("ann", "Ann")
    anchor, said = Anchor("AAEC", "AAED", "block00001", "words"), Comment("c", ann, "?", (), now())
    await comments.begin(place, anchor, said, draft=None, limit=1, tell={})
    assert await comments.people(place) == [ann]
    assert await StoredHistory(store).without() == ["brf_1"]


async def test_what_answers_took_is_read_out_of_runs_kept_before_it_had_columns(
    store: Store,
) -> None:
    """With a price, without one, and where no model was asked."""
    began = now()
    run = AnswerRun(
        id="ans_1", tenant="t", space="spc_1", question="How much?", sources=None, asked_by="you",
        kind="llm", model="m", state=RunState.FINISHED, created_at=began, prompt_hash="asked",
        usage=Usage("m", 1000, 200, 0.0123),
    )  # fmt: skip
    async with store.writing() as connection:
        made = {"created_at": began}
        await connection.execute(insert(tenants).values(id="t", name="T", **made))
        await connection.execute(
            insert(spaces).values(id="spc_1", tenant="t", name="S", created_by="you", **made)
        )
    runs, scope = StoredRuns(store), Scope("t", frozenset({"spc_1"}))
    await runs.put(run)
    await runs.put(replace(run, id="ans_2", usage=Usage("m", 10, 2, None)))
    await runs.put(replace(run, id="ans_3", usage=None, prompt_hash=None))
    async with store.writing() as connection:
        await connection.run_sync(back, "0002")
        await connection.run_sync(upgrade)
    assert await runs.spent(began, scope=scope) == Spent(3, 1010, 202, 0.0123, 1)


async def test_a_transaction_is_all_or_nothing(store: Store) -> None:
    """An error on the way leaves the first change undone too."""
    with pytest.raises(RuntimeError):
        async with store.writing() as connection:
            await connection.execute(insert(meta).values(key="a", value="1"))
            raise RuntimeError("half way")
    async with store.reading() as connection:
        assert (await connection.execute(select(meta))).all() == []


async def test_a_reader_sees_one_moment(store: Store) -> None:
    """What others commit between two of its statements is not in the second."""
    async with store.reading() as connection:
        before = (await connection.execute(select(meta))).all()
        async with store.writing() as other:
            await other.execute(insert(meta).values(key="a", value="1"))
        assert (await connection.execute(select(meta))).all() == before == []
    async with store.reading() as connection:
        assert len((await connection.execute(select(meta))).all()) == 1


async def test_writers_wait_for_each_other_and_none_is_lost(store: Store) -> None:
    """Forty read-and-add transactions at once count to forty."""
    async with store.writing() as connection:
        await connection.execute(insert(meta).values(key="n", value="0"))

    async def add() -> None:
        async with store.writing() as connection:
            row = select(meta.c.value).where(meta.c.key == "n").with_for_update()
            seen = await connection.scalar(row)
            await connection.execute(
                meta.update().where(meta.c.key == "n").values(value=str(int(seen or 0) + 1))
            )

    await asyncio.gather(*(add() for _ in range(40)))
    async with store.reading() as connection:
        assert await connection.scalar(select(meta.c.value)) == "40"


async def test_times_come_back_in_utc_whatever_zone_they_went_in(store: Store) -> None:
    """A moment is a moment; one without a zone is refused rather than guessed."""
    moment = datetime(2026, 11, 21, 14, 0, tzinfo=timezone(timedelta(hours=2)))
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id="t", name="T", created_at=moment))
        assert await connection.scalar(select(tenants.c.created_at)) == datetime(
            2026, 11, 21, 12, 0, tzinfo=UTC
        )
    with pytest.raises(StatementError):
        async with store.writing() as connection:
            await connection.execute(
                insert(tenants).values(id="u", name="U", created_at=moment.replace(tzinfo=None))
            )


async def test_deleting_a_space_takes_its_sources_and_passages(store: Store) -> None:
    """Foreign keys are enforced, and cascade."""
    await fill(store, count=3)
    async with store.writing() as connection:
        await connection.execute(spaces.delete())
        for table in (sources, passages):
            assert await connection.scalar(select(func.count()).select_from(table)) == 0


async def test_only_current_passages_inside_the_scope_are_seen(store: Store) -> None:
    """Not another tenant's, not another space's, not an old version's, not a source left out."""
    await fill(store, count=3)
    stored = StoredPassages(store)
    ids = [f"src_a.{version}.{n:05d}" for version in ("v1", "v2") for n in range(3)]
    mine = Scope("t", frozenset({"spc"}))
    assert {found.id for found in await stored.get(ids, scope=mine)} == set(ids[3:])
    for scope in (
        Scope("other", frozenset({"spc"})),
        Scope("t", frozenset({"elsewhere"})),
        Scope("t", frozenset()),
        Scope("t", frozenset({"spc"}), frozenset({"src_b"})),
    ):
        assert await stored.get(ids, scope=scope) == []


async def test_any_number_of_passages_can_be_asked_for(store: Store) -> None:
    """More ids than one statement may carry are asked for in turns."""
    await fill(store, count=1_201)
    ids = [f"src_a.v2.{n:05d}" for n in range(1_201)]
    found = await StoredPassages(store).get(ids, scope=Scope("t", frozenset({"spc"})))
    assert sorted(passage.id for passage in found) == ids
    assert found[0].headings == ("Chapter", "Section")


async def fill(store: Store, *, count: int) -> None:
    """A source whose second version is current, with this many passages in each."""
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id="t", name="T", created_at=now()))
        await connection.execute(
            insert(spaces).values(
                id="spc", tenant="t", name="S", created_at=now(), created_by="you"
            )
        )
        await connection.execute(
            insert(sources).values(
                id="src_a",
                tenant="t",
                space="spc",
                path="a.txt",
                title="a.txt",
                media_type="text/plain",
                state="ready",
                searchable=True,
                version="v2",
                created_at=now(),
                updated_at=now(),
                created_by="you",
            )
        )
        for version in ("v1", "v2"):
            await StoredPassages(store).replace(
                connection,
                "src_a",
                version,
                [
                    Passage(
                        id=f"src_a.{version}.{n:05d}",
                        tenant="t",
                        space="spc",
                        source="src_a",
                        version=version,
                        ordinal=n,
                        text=f"Passage {n}",
                        start=n,
                        end=n + 1,
                        title="a.txt",
                        headings=("Chapter", "Section"),
                    )
                    for n in range(count)
                ],
                chunker="blocks-1",
            )


async def test_readers_cannot_write_by_mistake(store: Store) -> None:
    """A reading transaction refuses a change instead of keeping it to itself."""
    with pytest.raises(DBAPIError, match=r"read-?only"):
        async with store.reading() as connection:
            await connection.execute(insert(meta).values(key="a", value="1"))


async def test_what_was_committed_survives_being_killed(tmp_path: Path) -> None:
    """Every value that a process said was stored is there after kill -9, and the file is sound."""
    program = """
import asyncio, sys
from pathlib import Path
from sqlalchemy import insert
from backend.settings import Url
from backend.store.answers import StoredRuns
from backend.store.engine import open_store
from backend.store.tables import meta

async def main():
    async with open_store(Url("sqlite:///app.db"), Path(sys.argv[1])) as store:
        for n in range(10_000):
            async with store.writing() as connection:
                await connection.execute(insert(meta).values(key=str(n), value="x"))
            print(n, flush=True)

asyncio.run(main())
"""
    victim = subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    )
    assert victim.stdout is not None
    for _ in range(25):
        await asyncio.to_thread(victim.stdout.readline)
    os.kill(victim.pid, signal.SIGKILL)
    said = 24 + len([line for line in victim.stdout.read().split("\n") if line])
    victim.wait()
    victim.stdout.close()
    async with (
        open_store(Url("sqlite:///app.db"), tmp_path) as store,
        store.reading() as connection,
    ):
        stored = {int(key) for key in (await connection.execute(select(meta.c.key))).scalars()}
        assert set(range(said + 1)) <= stored
        assert await connection.scalar(text("PRAGMA integrity_check")) == "ok"


async def test_an_unknown_database_is_refused_by_name(tmp_path: Path) -> None:
    """The message names the setting, the value and what would be known; never the password."""
    with pytest.raises(UnknownScheme) as refused:
        async with open_store(Url("oracle://me:hunter2@db/x"), tmp_path):
            pass
    message = str(refused.value)
    assert "STRATMASTER_DATABASE_URL=oracle://me:***@db/x" in message
    assert "sqlite:" in message
    assert "postgresql:" in message

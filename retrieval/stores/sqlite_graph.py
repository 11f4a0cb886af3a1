"""The graph in one SQLite file: rows by passage, so that a source taken away leaves no trace."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import threading
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Final

from retrieval.errors import IndexMismatch, RetrievalError
from retrieval.graph.model import (
    READ,
    Edge,
    Entity,
    EntityKey,
    Facts,
    Kind,
    Link,
    Mention,
    Relation,
    Subgraph,
    Surroundings,
    surrounding,
    written,
)
from retrieval.model import PassageId, Scope, SourceId, VersionHash

LAYOUT: Final = "1"
BUSY: Final = 30.0  # seconds to wait for another process's write
CACHE: Final = 64 * 1024  # KiB of pages for each connection, of which there are a handful

_SCHEMA: Final = """
CREATE TABLE made_by (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE place (no INTEGER PRIMARY KEY, tenant TEXT NOT NULL, space TEXT NOT NULL,
    UNIQUE (tenant, space));
CREATE TABLE passage (no INTEGER PRIMARY KEY, id TEXT NOT NULL UNIQUE, place INTEGER NOT NULL,
    source TEXT NOT NULL, version TEXT NOT NULL);
CREATE INDEX passage_of_source ON passage (source);
CREATE TABLE entity (no INTEGER PRIMARY KEY, key TEXT NOT NULL UNIQUE);
CREATE TABLE mention (entity INTEGER NOT NULL, place INTEGER NOT NULL, passage INTEGER NOT NULL,
    times INTEGER NOT NULL, subject INTEGER NOT NULL, name TEXT NOT NULL,
    PRIMARY KEY (entity, place, passage)) WITHOUT ROWID;
CREATE INDEX mention_of_passage ON mention (passage, entity);
CREATE TABLE relation (passage INTEGER NOT NULL, subject INTEGER NOT NULL, kind TEXT NOT NULL,
    object INTEGER NOT NULL, PRIMARY KEY (passage, subject, kind, object)) WITHOUT ROWID;
CREATE INDEX alias_of_subject ON relation (subject) WHERE kind = 'is short for';
CREATE INDEX alias_of_object ON relation (object) WHERE kind = 'is short for';
"""


class GraphUnavailable(RetrievalError):
    """The graph's file cannot be read or written."""


class SqliteGraph:
    """A graph in a file; other processes may read and write it at the same time.

    Each read sees one moment of it. A merge or a drop is one transaction.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._writing = threading.Lock()
        self._local = threading.local()
        self._open: list[sqlite3.Connection] = []
        self._closed = False

    @classmethod
    def open(cls, path: Path, *, fingerprint: str) -> SqliteGraph:
        """Open or begin the file. Raises IndexMismatch if another extraction made it."""
        path.parent.mkdir(parents=True, exist_ok=True)
        graph = cls(path)
        try:
            graph._prepare({"layout": LAYOUT, "extraction": fingerprint})
        except BaseException:
            graph.close()
            raise
        return graph

    def close(self) -> None:
        with self._writing:
            self._closed = True
            for connection in self._open:
                connection.close()
            self._open.clear()

    async def merge(self, facts: Sequence[Facts]) -> None:
        if facts:
            await asyncio.to_thread(self._merge, facts)

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await asyncio.to_thread(self._drop, source, keep)

    async def around(
        self,
        seeds: Sequence[EntityKey],
        *,
        scope: Scope,
        hops: int,
        limit: int,
        passages: Sequence[PassageId] = (),
        relations: bool = False,
    ) -> Subgraph:
        if scope.empty:
            return Subgraph()
        return await asyncio.to_thread(self._around, seeds, scope, hops, limit, passages, relations)

    async def stated(
        self, entities: Sequence[EntityKey], *, scope: Scope, limit: int, among: bool = False
    ) -> Surroundings:
        if scope.empty:
            return Surroundings()
        return await asyncio.to_thread(self._stated, entities, scope, limit, among)

    async def count(self) -> int:
        def counted() -> int:
            with self._read() as graph:
                return int(graph.execute("SELECT count(*) FROM passage").fetchone()[0])

        return await asyncio.to_thread(counted)

    async def dump(self) -> str:
        return await asyncio.to_thread(self._dump)

    # Below runs in worker threads.

    def _connection(self) -> sqlite3.Connection:
        held: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if held is None:
            held = sqlite3.connect(
                self._path, timeout=BUSY, isolation_level=None, check_same_thread=False
            )
            held.execute("PRAGMA journal_mode = WAL")
            held.execute("PRAGMA synchronous = FULL")
            held.execute(f"PRAGMA cache_size = -{CACHE}")
            self._local.connection = held
            with self._writing:
                self._open.append(held)
        return held

    @contextmanager
    def _transaction(self, begin: str) -> Iterator[sqlite3.Connection]:
        if self._closed:
            raise GraphUnavailable(f"the graph {self._path.name} is closed")
        try:
            graph = self._connection()
            graph.execute(begin)
            try:
                yield graph
                graph.execute("COMMIT")
            except BaseException:
                graph.execute("ROLLBACK")
                raise
        except sqlite3.Error as error:
            raise GraphUnavailable(
                f"the graph {self._path.name} cannot be used ({error}); delete the file and run "
                "`stratmaster reindex` if this stays"
            ) from error

    @contextmanager
    def _read(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("BEGIN") as graph:
            yield graph

    @contextmanager
    def _write(self) -> Iterator[sqlite3.Connection]:
        with self._transaction("BEGIN IMMEDIATE") as graph:
            yield graph

    def _prepare(self, made_by: dict[str, str]) -> None:
        with self._write() as graph:
            if not graph.execute("SELECT 1 FROM sqlite_master WHERE name = 'made_by'").fetchone():
                for statement in _SCHEMA.split(";"):
                    graph.execute(statement)
                graph.executemany("INSERT INTO made_by VALUES (?, ?)", made_by.items())
            held = dict(graph.execute("SELECT name, value FROM made_by"))
        for name, value in made_by.items():
            if held.get(name) != value:
                raise IndexMismatch(
                    f"the graph {self._path.name} was made by {name} {held.get(name)}, this is "
                    f"{value}; delete the file and run `stratmaster reindex`",
                    made=held.get(name),
                )

    def _merge(self, facts: Sequence[Facts]) -> None:
        latest = {one.passage: one for one in facts}
        with self._write() as graph:
            self._forget(
                graph,
                "SELECT no FROM passage WHERE id IN (SELECT value FROM json_each(?))",
                (json.dumps(list(latest)),),
            )
            places: dict[tuple[str, str], int] = {}
            for one in latest.values():
                where = (one.tenant, one.space)
                if where not in places:
                    graph.execute(
                        "INSERT OR IGNORE INTO place (tenant, space) VALUES (?, ?)", where
                    )
                    places[where] = graph.execute(
                        "SELECT no FROM place WHERE tenant = ? AND space = ?", where
                    ).fetchone()[0]
            keys = sorted({mention.entity for one in latest.values() for mention in one.mentions})
            graph.executemany(
                "INSERT OR IGNORE INTO entity (key) VALUES (?)", ((key,) for key in keys)
            )
            numbers = {
                key: no
                for no, key in graph.execute(
                    "SELECT no, key FROM entity WHERE key IN (SELECT value FROM json_each(?))",
                    (json.dumps(keys),),
                )
            }
            for one in latest.values():
                place = places[one.tenant, one.space]
                no = graph.execute(
                    "INSERT INTO passage (id, place, source, version) VALUES (?, ?, ?, ?)",
                    (one.passage, place, one.source, one.version),
                ).lastrowid
                graph.executemany(
                    "INSERT INTO mention VALUES (?, ?, ?, ?, ?, ?)",
                    (
                        (numbers[m.entity], place, no, m.times, int(m.subject), m.name)
                        for m in one.mentions
                    ),
                )
                graph.executemany(
                    "INSERT INTO relation VALUES (?, ?, ?, ?)",
                    ((no, numbers[r.subject], r.kind, numbers[r.object]) for r in one.relations),
                )

    def _drop(self, source: SourceId, keep: VersionHash | None) -> None:
        with self._write() as graph:
            self._forget(
                graph,
                "SELECT no FROM passage WHERE source = ?1 AND (?2 IS NULL OR version <> ?2)",
                (source, keep),
            )

    def _forget(self, graph: sqlite3.Connection, which: str, values: tuple[object, ...]) -> None:
        passages = json.dumps([no for (no,) in graph.execute(which, values)])
        named = json.dumps(
            [
                no
                for (no,) in graph.execute(
                    "SELECT DISTINCT entity FROM mention "
                    "WHERE passage IN (SELECT value FROM json_each(?))",
                    (passages,),
                )
            ]
        )
        for table, column in (("mention", "passage"), ("relation", "passage"), ("passage", "no")):
            graph.execute(
                f"DELETE FROM {table} WHERE {column} IN (SELECT value FROM json_each(?))",
                (passages,),
            )
        # What no passage names any more was supported by these alone.
        graph.execute(
            "DELETE FROM entity WHERE no IN (SELECT value FROM json_each(?)) "
            "AND NOT EXISTS (SELECT 1 FROM mention WHERE mention.entity = entity.no)",
            (named,),
        )

    def _around(
        self,
        seeds: Sequence[EntityKey],
        scope: Scope,
        hops: int,
        limit: int,
        passages: Sequence[PassageId],
        relations: bool,
    ) -> Subgraph:
        with self._read() as graph:
            seen = _Seen(graph, scope)
            given = seen.passages(passages)
            chosen = dict(list(given.items())[:limit])
            whole = len(given) <= limit
            frontier = seen.entities(seeds)
            tried: set[int] = set()
            naming: dict[int, list[tuple[int, int, bool, str]]] = {}
            fresh: Iterable[int] = list(chosen)
            for _ in range(hops):
                frontier |= seen.named_by(fresh)
                frontier |= seen.partners(frontier)
                untried = seen.supported(frontier - tried, most=limit)
                tried |= frontier
                before = set(chosen)
                reached = []
                # Those that alone are too many are not even fetched.
                fetched = seen.naming([no for no, _, count in untried if count <= limit])
                for no, _, _ in untried:
                    rows = fetched.get(no)
                    more = {row[0] for row in rows or ()} - chosen.keys()
                    if rows is None or len(chosen) + len(more) > limit:
                        whole = False
                        continue
                    naming[no] = rows
                    reached.append(no)
                    chosen.update(dict.fromkeys(more, ""))
                fresh, frontier = chosen.keys() - before, set()
            ids = seen.ids(chosen)
            keys = seen.keys(naming)
            edges = seen.edges(chosen, naming) if relations else []
        entities = sorted(
            (
                Entity(keys[no], _commonest(row[3] for row in rows), len(rows))
                for no, rows in naming.items()
            ),
            key=lambda entity: entity.key,
        )
        links = sorted(  # as they are: a passage names an entity once
            (ids[passage], keys[no], times, subject)
            for no, rows in naming.items()
            for passage, times, subject, _ in rows
        )
        return Subgraph(
            entities=tuple(entities),
            passages=tuple(sorted(ids.values())),
            links=tuple(Link(*link) for link in links),
            edges=tuple(
                Edge(*edge)
                for edge in sorted(
                    (keys[subject], kind, keys[object], times)
                    for subject, kind, object, times in edges
                )
            ),
            whole=whole,
        )

    def _stated(
        self, entities: Sequence[EntityKey], scope: Scope, limit: int, among: bool
    ) -> Surroundings:
        with self._read() as graph:
            seen = _Seen(graph, scope)
            asked = seen.entities(entities)
            naming = seen.that_name(asked, most=READ + 1)
            rows = seen.relations(naming[:READ], asked, among=among)
            ids = seen.ids({row[0] for row in rows})
            keys = seen.keys({no for row in rows for no in (row[1], row[3])} | asked)
            found: dict[tuple[str, str, str], set[PassageId]] = defaultdict(set)
            for passage, subject, kind, object in rows:
                found[keys[subject], kind, keys[object]].add(ids[passage])
            statements = surrounding(found, limit)
            shown = seen.entities([end for one in statements for end in (one.subject, one.object)])
            named = seen.naming(list(shown | asked))
        return Surroundings(
            tuple(
                sorted(
                    (
                        Entity(keys[no], _commonest(row[3] for row in of), len(of))
                        for no, of in named.items()
                    ),
                    key=lambda entity: entity.key,
                )
            ),
            statements,
            whole=len(naming) <= READ and len(found) <= limit,
        )

    def _dump(self) -> str:
        mentions: dict[int, list[Mention]] = defaultdict(list)
        relations: dict[int, list[Relation]] = defaultdict(list)
        with self._read() as graph:
            keys = dict(graph.execute("SELECT no, key FROM entity"))
            for passage, entity, name, times, subject in graph.execute(
                "SELECT passage, entity, name, times, subject FROM mention"
            ):
                mentions[passage].append(Mention(keys[entity], name, times, bool(subject)))
            for passage, subject, kind, object in graph.execute(
                "SELECT passage, subject, kind, object FROM relation"
            ):
                relations[passage].append(Relation(keys[subject], kind, keys[object]))
            rows = graph.execute(
                "SELECT passage.no, id, tenant, space, source, version "
                "FROM passage JOIN place ON place.no = passage.place"
            ).fetchall()
            orphans = keys.keys() - {
                no for (no,) in graph.execute("SELECT DISTINCT entity FROM mention")
            }
        facts = [
            Facts(
                id,
                tenant,
                space,
                source,
                version,
                tuple(sorted(mentions[no], key=lambda one: one.entity)),
                tuple(sorted(relations[no], key=lambda one: (one.subject, one.kind, one.object))),
            )
            for no, id, tenant, space, source, version in rows
        ]
        # Entities without support would be a trace of what was taken away; show them if ever.
        return written(facts) + "".join(f"{keys[no]}\n" for no in sorted(orphans))


class _Seen:
    """One read of the graph through one scope: every statement carries it."""

    def __init__(self, graph: sqlite3.Connection, scope: Scope) -> None:
        self._graph = graph
        self._places = json.dumps(
            [
                no
                for (no,) in graph.execute(
                    "SELECT no FROM place WHERE tenant = ? "
                    "AND space IN (SELECT value FROM json_each(?))",
                    (scope.tenant, json.dumps(sorted(scope.spaces))),
                )
            ]
        )
        self._sources = None if scope.sources is None else json.dumps(sorted(scope.sources))

    def _within(self, table: str) -> tuple[str, list[object]]:
        """A condition on a row of mention or passage, and its values."""
        condition = f"{table}.place IN (SELECT value FROM json_each(?))"
        values: list[object] = [self._places]
        if self._sources is not None:
            if table == "passage":
                condition += " AND source IN (SELECT value FROM json_each(?))"
            else:
                condition += (
                    f" AND (SELECT source FROM passage WHERE passage.no = {table}.passage) "
                    "IN (SELECT value FROM json_each(?))"
                )
            values.append(self._sources)
        return condition, values

    def _all(self, statement: str, values: Sequence[object]) -> list[Any]:
        return self._graph.execute(statement, values).fetchall()

    def passages(self, ids: Sequence[PassageId]) -> dict[int, str]:
        condition, values = self._within("passage")
        found = {
            id: no
            for no, id in self._all(
                "SELECT no, id FROM passage WHERE id IN (SELECT value FROM json_each(?)) "
                f"AND {condition}",
                [json.dumps(list(ids)), *values],
            )
        }
        return {found[id]: id for id in ids if id in found}

    def entities(self, keys: Sequence[EntityKey]) -> set[int]:
        return {
            no
            for (no,) in self._all(
                "SELECT no FROM entity WHERE key IN (SELECT value FROM json_each(?))",
                [json.dumps(list(keys))],
            )
        }

    def named_by(self, passages: Iterable[int]) -> set[int]:
        return {
            no
            for (no,) in self._all(
                "SELECT DISTINCT entity FROM mention "
                "WHERE passage IN (SELECT value FROM json_each(?))",
                [json.dumps(list(passages))],
            )
        }

    def partners(self, entities: Iterable[int]) -> set[int]:
        """Short and long forms, where a passage in scope says that they are one."""
        condition, values = self._within("passage")
        given = json.dumps(list(entities))
        found: set[int] = set()
        for one, other in (("subject", "object"), ("object", "subject")):
            found |= {
                no
                for (no,) in self._all(
                    f"SELECT DISTINCT {other} FROM relation "
                    "JOIN passage ON passage.no = relation.passage "
                    f"WHERE {one} IN (SELECT value FROM json_each(?)) "
                    f"AND kind = '{Kind.ALIAS}' AND {condition}",
                    [given, *values],
                )
            }
        return found

    def supported(self, entities: Iterable[int], *, most: int) -> list[tuple[int, EntityKey, int]]:
        """Number, key and passages of those that the scope names at all, rarest first.

        Counting stops past ``most``, so that a name in every passage costs no more than a rare one.
        """
        condition, values = self._within("mention")
        found = self._all(
            "SELECT no, key, (SELECT count(*) FROM (SELECT 1 FROM mention "
            f"WHERE mention.entity = entity.no AND {condition} LIMIT ?)) "
            "FROM entity WHERE no IN (SELECT value FROM json_each(?))",
            [*values, most + 1, json.dumps(list(entities))],
        )
        return sorted((row for row in found if row[2]), key=lambda row: (row[2], row[1]))

    def naming(self, entities: Sequence[int]) -> dict[int, list[tuple[int, int, bool, str]]]:
        """By entity, its passages with times, whether it is their subject, and the name used."""
        condition, values = self._within("mention")
        found: dict[int, list[tuple[int, int, bool, str]]] = defaultdict(list)
        for entity, passage, times, subject, name in self._all(
            "SELECT entity, passage, times, subject, name FROM mention "
            f"WHERE entity IN (SELECT value FROM json_each(?)) AND {condition}",
            [json.dumps(entities), *values],
        ):
            found[entity].append((passage, times, bool(subject), name))
        return found

    def that_name(self, entities: Iterable[int], *, most: int) -> list[int]:
        """Passages that name any of these, in order of their ids, no more than ``most``."""
        condition, values = self._within("passage")
        return [
            no
            for (no,) in self._all(
                "SELECT no FROM passage WHERE no IN (SELECT passage FROM mention "
                f"WHERE entity IN (SELECT value FROM json_each(?))) AND {condition} "
                "ORDER BY id LIMIT ?",
                [json.dumps(list(entities)), *values, most],
            )
        ]

    def relations(
        self, passages: Iterable[int], entities: Iterable[int], *, among: bool
    ) -> list[tuple[int, int, str, int]]:
        """What these passages state of the entities: of any, or with both ends ``among`` them."""
        named = json.dumps(list(entities))
        return self._all(
            "SELECT passage, subject, kind, object FROM relation "
            "WHERE passage IN (SELECT value FROM json_each(?)) "
            "AND (subject IN (SELECT value FROM json_each(?)) "
            f"{'AND' if among else 'OR'} object IN (SELECT value FROM json_each(?)))",
            [json.dumps(list(passages)), named, named],
        )

    def ids(self, passages: Iterable[int]) -> dict[int, PassageId]:
        return dict(
            self._all(
                "SELECT no, id FROM passage WHERE no IN (SELECT value FROM json_each(?))",
                [json.dumps(list(passages))],
            )
        )

    def keys(self, entities: Iterable[int]) -> dict[int, EntityKey]:
        return dict(
            self._all(
                "SELECT no, key FROM entity WHERE no IN (SELECT value FROM json_each(?))",
                [json.dumps(list(entities))],
            )
        )

    def edges(
        self, passages: Iterable[int], entities: Iterable[int]
    ) -> list[tuple[int, str, int, int]]:
        named = json.dumps(list(entities))
        # The pluses keep SQLite from looking up each passage with each entity: reading what the
        # passages relate and leaving out most of it takes a quarter of the time.
        return self._all(
            "SELECT subject, kind, object, count(*) FROM relation "
            "WHERE passage IN (SELECT value FROM json_each(?)) "
            "AND +subject IN (SELECT value FROM json_each(?)) "
            "AND +object IN (SELECT value FROM json_each(?)) GROUP BY subject, kind, object",
            [json.dumps(list(passages)), named, named],
        )


def _commonest(names: Iterable[str]) -> str:
    counted = Counter(names)
    return min(counted, key=lambda name: (-counted[name], name))

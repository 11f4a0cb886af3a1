"""The graph on a NebulaGraph server.

The only vertices written are passages. What a passage says are its outgoing edges, each carrying
whose it is and which reading of the passage it is of; an entity is where edges meet, under an
identity of its tenant and space. So a hop cannot leave a space, every statement also says the
scope, and a passage deleted with its edges has taken all its support along.

A passage's ``reading`` is written last, in one vertex, and an edge of any other reading is not
followed: a passage changes as a whole, and what a crash leaves behind is unseen and overwritten.
"""

from __future__ import annotations

import asyncio
import json
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import asdict
from itertools import islice
from typing import Final, TypeVar

from retrieval.errors import EngineUnavailable, IndexMismatch, RetrievalError
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
from retrieval.stores.nebula_client import (
    PASSWORD,
    PAUSE,
    SPACE,
    TIMEOUT,
    USER,
    Row,
    Sessions,
    SpaceGone,
    Unknown,
    digest,
    identity,
    quoted,
)
from retrieval.stores.nebula_generations import MADE_BY, lying, named, serving

LAYOUT: Final = "1"
THREADS: Final = 8
SETTLE: Final = 60.0  # seconds for a new schema to take effect; the server's heartbeat is 10
ROWS: Final = 256  # rows of an INSERT, vertices of a DELETE
BYTES: Final = 1 << 20  # of an INSERT
NAMED: Final = 1_000  # vertices that one reading statement begins at
LONGEST: Final = 32 << 10  # bytes of one name or id, so that a row fits into an INSERT
PENDING: Final = 32 * "0"  # the reading of a passage whose edges are still being written
PROBES: Final = 128  # vertices that meet every partition, all but surely

_SCHEMA: Final = (
    "CREATE TAG IF NOT EXISTS made_by(layout string, extraction string)",
    "CREATE TAG IF NOT EXISTS passage(id string, tenant string, space string, source string, "
    "version string, origin fixed_string(32), reading fixed_string(32))",
    "CREATE EDGE IF NOT EXISTS mention(tenant string, space string, source string, "
    "reading fixed_string(32), passage string, entity string, name string, times int64, "
    "subject bool)",
    "CREATE EDGE IF NOT EXISTS states(tenant string, space string, source string, "
    "reading fixed_string(32), subject string, kind string, object string)",
    "CREATE EDGE IF NOT EXISTS alias(tenant string, space string, source string, "
    "reading fixed_string(32), other string)",
    "CREATE TAG INDEX IF NOT EXISTS passage_by_origin ON passage(origin)",
)
_EDGES: Final = ("mention", "states", "alias")
_PASSAGE: Final = "passage(id, tenant, space, source, version, origin, reading)"
_MENTION: Final = "mention(tenant, space, source, reading, passage, entity, name, times, subject)"
_STATES: Final = "states(tenant, space, source, reading, subject, kind, object)"
_ALIAS: Final = "alias(tenant, space, source, reading, other)"

_T = TypeVar("_T")


class Nebula:
    """A graph in a space of a NebulaGraph server, which may be away when this is opened.

    In one process a reader sees a merge or a drop entirely or not at all. Of what another process
    writes it sees each passage entirely or not at all.
    """

    def __init__(
        self,
        sessions: Sessions,
        space: str,
        generation: str | None,
        made_by: dict[str, str],
        settle: float,
    ) -> None:
        self._sessions = sessions
        self._space = space
        self._generation = generation
        self._made_by = made_by
        self._settle = settle
        self._ready = False
        self._preparing = threading.Lock()
        self._turns = _Turns()
        self._threads = ThreadPoolExecutor(THREADS, "nebula")

    @classmethod
    def open(
        cls,
        address: str,
        space: str,
        *,
        generation: str | None = None,
        user: str = USER,
        password: str = PASSWORD,
        fingerprint: str,
        timeout: float = TIMEOUT,
        settle: float = SETTLE,
        pause: float = PAUSE,
    ) -> Nebula:
        """Begin a generation, or check who made it; without one it is that which serves.

        Raises IndexMismatch if another extraction made it.
        """
        if not SPACE.fullmatch(space):
            raise RetrievalError(
                f"the graph space {space!r} is no name: take up to 64 letters, digits and "
                "underscores, a letter first, as in nebula://host:9669/stratmaster"
            )
        sessions = Sessions(address, space, user, password, timeout, pause)
        made_by = {"layout": LAYOUT, "extraction": fingerprint}
        graph = cls(sessions, space, generation, made_by, settle)
        try:
            graph._asked(lambda: None)
        except EngineUnavailable:
            pass  # whoever asks next is told
        except BaseException:
            graph.close()
            raise
        return graph

    def close(self) -> None:
        self._threads.shutdown(wait=True)
        self._sessions.close()

    async def merge(self, facts: Sequence[Facts]) -> None:
        if facts:
            await self._run(lambda: self._merge(facts))

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        await self._run(lambda: self._drop(source, keep))

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
        return await self._run(lambda: self._around(seeds, scope, hops, limit, passages, relations))

    async def stated(
        self, entities: Sequence[EntityKey], *, scope: Scope, limit: int, among: bool = False
    ) -> Surroundings:
        if scope.empty:
            return Surroundings()
        return await self._run(lambda: self._stated(entities, scope, limit, among))

    async def count(self) -> int:
        return await self._run(self._count)

    async def dump(self) -> str:
        return await self._run(self._dump)

    async def _run(self, work: Callable[[], _T]) -> _T:
        return await asyncio.get_running_loop().run_in_executor(
            self._threads, lambda: self._asked(work)
        )

    # Below runs in worker threads.

    def _asked(self, work: Callable[[], _T]) -> _T:
        with self._preparing:
            if not self._ready:
                self._prepare()
                self._ready = True
        try:
            return work()
        except SpaceGone:
            self._ready = False
            raise

    def _ask(self, statement: str) -> list[Row]:
        return self._sessions.ask(statement)

    def _prepare(self) -> None:
        """Make what is missing, and wait until all of it has taken effect everywhere.

        A schema reaches the servers by their heartbeat. A storage server that does not know the
        index yet would take a vertex and leave it out of the index, for good: so before any is
        written in earnest, probes in all partitions must be found by it.
        """
        deadline = time.monotonic() + self._settle
        before = serving(self._sessions, self._space)
        generation = before if self._generation is None else self._generation
        self._sessions.go_to(named(self._space, generation))
        try:
            held = self._made()
        except SpaceGone:
            self._make_space(before)
            held = None
        except Unknown:
            held = None  # the space has no such tag yet
        probes = [identity("probe", str(n)) for n in range(PROBES)]
        while held is None:
            try:
                for statement in _SCHEMA:
                    self._sessions.ask_once(statement)
                if self._probed(probes):
                    self._delete(probes)
                    values = ", ".join(quoted(value) for value in self._made_by.values())
                    self._sessions.ask_once(
                        "INSERT VERTEX IF NOT EXISTS made_by(layout, extraction) "
                        f"VALUES {_named([MADE_BY])}:({values})"
                    )
                    held = self._made()
                    continue
                slow: RetrievalError | None = None
            except (Unknown, EngineUnavailable) as error:
                slow = error
            if time.monotonic() >= deadline:
                raise EngineUnavailable(
                    f"the graph space {self._sessions.where} is not ready after "
                    f"{self._settle:g} s ({slow or 'its index does not find all yet'}); see that "
                    "its storage servers are online (SHOW HOSTS), and ask again"
                ) from slow
            time.sleep(self._sessions.pause)
        for name, value in self._made_by.items():
            if held[name] != value:
                raise IndexMismatch(
                    f"the graph {self._sessions.where} was made by {name} {held[name]}, this is "
                    f"{value}; run `stratmaster reindex`, or name another space in GRAPH_URL",
                    made=held["extraction"],
                )

    def _make_space(self, before: str) -> None:
        """In as many parts and copies as the one that serves, if there is one."""
        held = before in lying(self._sessions, self._space)
        self._sessions.make_space(named(self._space, before) if held else None)

    def _made(self) -> dict[str, str] | None:
        rows = self._sessions.ask_once(
            f"FETCH PROP ON made_by {_named([MADE_BY])} "
            "YIELD made_by.layout AS layout, made_by.extraction AS extraction"
        )
        return dict(zip(("layout", "extraction"), rows[0], strict=True)) if rows else None

    def _probed(self, probes: Sequence[str]) -> bool:
        ask, origin = self._sessions.ask_once, identity("probe", "")
        rows = ", ".join(f'"{vid}":("", "", "", "", "", "{origin}", "{PENDING}")' for vid in probes)
        ask(f"INSERT VERTEX {_PASSAGE} VALUES {rows}")
        for edge in _EDGES:
            ask(f"GO FROM {_named(probes)} OVER {edge} YIELD {edge}.tenant AS tenant")
        found = ask(f'LOOKUP ON passage WHERE passage.origin == "{origin}" YIELD id(vertex) AS vid')
        return {vid for (vid,) in found} >= set(probes)

    def _merge(self, facts: Sequence[Facts]) -> None:
        latest = {one.passage: one for one in facts}
        for one in latest.values():
            _fits(one)
        # All that can be refused is refused, and all text is made, before anything is written.
        pending, rows, said = [], defaultdict[str, list[str]](list), []
        readings: dict[str, str] = {}
        for one in latest.values():
            vid = identity("passage", one.passage)
            readings[vid] = reading = _reading(one)
            pending.append(_passage_row(vid, one, PENDING))
            said.append(_passage_row(vid, one, reading))
            for into, row in _edge_rows(vid, one, reading):
                rows[into].append(row)
        with self._turns.writing():
            before = {
                vid: reading
                for some in _some(readings, ROWS)
                for vid, reading in self._ask(
                    f"FETCH PROP ON passage {_named(some)} "
                    "YIELD id(vertex) AS vid, passage.reading AS reading"
                )
            }
            # A vertex first: what a crash leaves can then be found and dropped.
            self._insert(f"VERTEX IF NOT EXISTS {_PASSAGE}", pending)
            for into, made in rows.items():
                self._insert(f"EDGE {into}", made)
            self._insert(f"VERTEX {_PASSAGE}", said)
            changed = [vid for vid, reading in before.items() if reading != readings[vid]]
            for some in _some(changed, ROWS):
                for edge in _EDGES:
                    self._ask(
                        f"GO FROM {_named(some)} OVER {edge} "
                        f"WHERE {edge}.reading != $^.passage.reading "
                        "YIELD src(edge) AS src, dst(edge) AS dst, rank(edge) AS rank "
                        f"| DELETE EDGE {edge} $-.src -> $-.dst @ $-.rank"
                    )

    def _insert(self, into: str, rows: Iterable[str]) -> None:
        for some in _batches(rows):
            self._ask(f"INSERT {into} VALUES {', '.join(some)}")

    def _delete(self, vids: Iterable[str]) -> None:
        for some in _some(vids, ROWS):
            self._ask(f"DELETE VERTEX {_named(some)} WITH EDGE")

    def _drop(self, source: SourceId, keep: VersionHash | None) -> None:
        kept = "" if keep is None else f" AND $-.version != {quoted(keep)}"
        with self._turns.writing():
            found = self._ask(
                f'LOOKUP ON passage WHERE passage.origin == "{identity("source", source)}" '
                "YIELD id(vertex) AS vid, passage.id AS id, passage.tenant AS tenant, "
                "passage.space AS space, passage.source AS source, passage.version AS version "
                "| YIELD $-.vid, $-.id, $-.tenant, $-.space, $-.source, $-.version "
                f"WHERE $-.source == {quoted(source)}{kept}"
            )
            # Out of sight as a whole, then away key by key.
            rows = (_passage_row(vid, Facts(*of), PENDING) for vid, *of in found)
            self._insert(f"VERTEX {_PASSAGE}", rows)
            self._delete(row[0] for row in found)

    def _count(self) -> int:
        rows = self._ask(
            "LOOKUP ON passage YIELD id(vertex) AS vid, passage.reading AS reading "
            f'| YIELD $-.vid AS vid WHERE $-.reading != "{PENDING}" | YIELD count(*) AS passages'
        )
        return int(rows[0][0]) if rows else 0

    def _around(
        self,
        seeds: Sequence[EntityKey],
        scope: Scope,
        hops: int,
        limit: int,
        passages: Sequence[PassageId],
        relations: bool,
    ) -> Subgraph:
        with self._turns.reading():
            seen = _Seen(self._ask, scope)
            held = seen.passages(passages)
            given = [id for id in dict.fromkeys(passages) if id in held]
            chosen = set(given[:limit])
            whole = len(given) <= limit
            frontier = {key for key in seeds if key}
            tried: set[EntityKey] = set()
            naming: dict[EntityKey, list[Row]] = {}
            fresh = set(chosen)
            for _ in range(hops):
                frontier |= seen.named_by(fresh)
                frontier |= seen.partners(frontier)
                counted = seen.supported(frontier - tried)
                tried |= frontier
                before = set(chosen)
                # Those that alone are too many are not even fetched.
                fetched = seen.naming([key for key, count in counted.items() if count <= limit])
                for key in sorted(counted, key=lambda key: (counted[key], key)):
                    rows = fetched.get(key)
                    if rows is None or len(chosen | {row[0] for row in rows}) > limit:
                        whole = False
                        continue
                    naming[key] = rows
                    chosen |= {row[0] for row in rows}
                fresh, frontier = chosen - before, set()
            edges = seen.edges(chosen, naming) if relations else Counter()
        return Subgraph(
            entities=tuple(
                Entity(key, _commonest(row[3] for row in rows), len(rows))
                for key, rows in sorted(naming.items())
            ),
            passages=tuple(sorted(chosen)),
            links=tuple(
                sorted(
                    (
                        Link(passage, key, times, subject)
                        for key, rows in naming.items()
                        for passage, times, subject, _ in rows
                    ),
                    key=lambda link: (link.passage, link.entity),
                )
            ),
            edges=tuple(Edge(*edge, times) for edge, times in sorted(edges.items())),
            whole=whole,
        )

    def _stated(
        self, entities: Sequence[EntityKey], scope: Scope, limit: int, among: bool
    ) -> Surroundings:
        wanted = all if among else any
        with self._turns.reading():
            seen = _Seen(self._ask, scope)
            asked = {key for key in entities if key}
            naming = sorted({row[0] for rows in seen.naming(asked).values() for row in rows})
            found: dict[tuple[str, str, str], set[PassageId]] = defaultdict(set)
            for subject, kind, object, passage in seen.relations(naming[:READ]):
                if wanted(end in asked for end in (subject, object)):
                    found[subject, kind, object].add(passage)
            statements = surrounding(found, limit)
            named = seen.naming(
                asked | {end for one in statements for end in (one.subject, one.object)}
            )
        return Surroundings(
            tuple(
                Entity(key, _commonest(row[3] for row in rows), len(rows))
                for key, rows in sorted(named.items())
            ),
            statements,
            whole=len(naming) <= READ and len(found) <= limit,
        )

    def _dump(self) -> str:
        mentions: dict[str, list[Mention]] = defaultdict(list)
        relations: dict[str, list[Relation]] = defaultdict(list)
        with self._turns.reading():
            held = self._ask(
                "LOOKUP ON passage YIELD id(vertex) AS vid, passage.id AS id, "
                "passage.tenant AS tenant, passage.space AS space, passage.source AS source, "
                "passage.version AS version, passage.reading AS reading "
                "| YIELD $-.vid, $-.id, $-.tenant, $-.space, $-.source, $-.version WHERE "
                f'$-.reading != "{PENDING}"'
            )
            for some in _some([row[0] for row in held], NAMED):
                for vid, *mention in self._ask(
                    f"GO FROM {_named(some)} OVER mention WHERE {_whole('mention', '$^')} "
                    "YIELD src(edge) AS vid, mention.entity AS entity, mention.name AS name, "
                    "mention.times AS times, mention.subject AS subject"
                ):
                    mentions[vid].append(Mention(*mention))
                for vid, *relation in self._ask(
                    f"GO FROM {_named(some)} OVER states WHERE {_whole('states', '$^')} "
                    "YIELD src(edge) AS vid, states.subject AS subject, states.kind AS kind, "
                    "states.object AS object"
                ):
                    relations[vid].append(Relation(*relation))
        return written(
            Facts(
                id,
                tenant,
                space,
                source,
                version,
                tuple(sorted(mentions[vid], key=lambda one: one.entity)),
                tuple(sorted(relations[vid], key=lambda one: (one.subject, one.kind, one.object))),
            )
            for vid, id, tenant, space, source, version in held
        )


class _Seen:
    """One read of the graph through one scope: every statement carries it."""

    def __init__(self, ask: Callable[[str], list[Row]], scope: Scope) -> None:
        self._ask = ask
        self._scope = scope

    def _within(self, of: str) -> str:
        """The scope, as a condition on an edge, or on what was piped in."""
        said = f"{of}.tenant == {quoted(self._scope.tenant)} AND {of}.space IN "
        said += _list(self._scope.spaces)
        if self._scope.sources is not None:
            said += f" AND {of}.source IN {_list(self._scope.sources)}"
        return said

    def _go(
        self, vids: Iterable[str], edge: str, rest: str, *, back: bool = False
    ) -> Iterator[Row]:
        """Follow an edge type from these, forwards from passages or back to them."""
        way, passage = (" REVERSELY", "$$") if back else ("", "$^")
        for some in _some(vids, NAMED):
            yield from self._ask(
                f"GO FROM {_named(some)} OVER {edge}{way} "
                f"WHERE {self._within(edge)} AND {_whole(edge, passage)} {rest}"
            )

    def _places(self, keys: Iterable[EntityKey]) -> Iterator[str]:
        """The vertices of these entities in the scope's spaces."""
        for key in keys:
            for space in sorted(self._scope.spaces):
                yield _entity(self._scope.tenant, space, key)

    def passages(self, ids: Sequence[PassageId]) -> set[PassageId]:
        return {
            id
            for some in _some([identity("passage", id) for id in dict.fromkeys(ids)], NAMED)
            for (id,) in self._ask(
                f"FETCH PROP ON passage {_named(some)} YIELD passage.id AS id, "
                "passage.tenant AS tenant, passage.space AS space, passage.source AS source, "
                "passage.reading AS reading | YIELD $-.id AS id "
                f'WHERE {self._within("$-")} AND $-.reading != "{PENDING}"'
            )
        }

    def named_by(self, passages: Iterable[PassageId]) -> set[EntityKey]:
        vids = [identity("passage", id) for id in sorted(passages)]
        rows = self._go(vids, "mention", "YIELD DISTINCT mention.entity AS entity")
        return {key for (key,) in rows}

    def partners(self, entities: Iterable[EntityKey]) -> set[EntityKey]:
        """Short and long forms, where a passage in scope says that they are one."""
        vids = self._places(sorted(entities))
        rows = self._go(vids, "alias", "YIELD DISTINCT alias.other AS other", back=True)
        return {key for (key,) in rows}

    def supported(self, entities: Iterable[EntityKey]) -> Counter[EntityKey]:
        """How many passages name each, of those that the scope names at all."""
        counted: Counter[EntityKey] = Counter()
        for key, times in self._go(
            self._places(sorted(entities)),
            "mention",
            "YIELD mention.entity AS entity "
            "| GROUP BY $-.entity YIELD $-.entity AS entity, count(*) AS passages",
            back=True,
        ):
            counted[key] += times
        return counted

    def naming(self, entities: Iterable[EntityKey]) -> dict[EntityKey, list[Row]]:
        """By entity, its passages with times, whether it is their subject, and the name used."""
        found: dict[EntityKey, list[Row]] = defaultdict(list)
        for key, *row in self._go(
            self._places(sorted(entities)),
            "mention",
            "YIELD mention.entity AS entity, mention.passage AS passage, mention.times AS times, "
            "mention.subject AS subject, mention.name AS name",
            back=True,
        ):
            found[key].append(row)
        return found

    def relations(self, passages: Iterable[PassageId]) -> Iterator[Row]:
        """What these passages state, each relation with its passage."""
        return self._go(
            [identity("passage", id) for id in passages],
            "states",
            "YIELD states.subject AS subject, states.kind AS kind, states.object AS object, "
            "$^.passage.id AS passage",
        )

    def edges(
        self, passages: Iterable[PassageId], entities: Iterable[EntityKey]
    ) -> Counter[tuple[str, str, str]]:
        named = set(entities)
        counted: Counter[tuple[str, str, str]] = Counter()
        for subject, kind, object, times in self._go(
            [identity("passage", id) for id in sorted(passages)],
            "states",
            "YIELD states.subject AS subject, states.kind AS kind, states.object AS object "
            "| GROUP BY $-.subject, $-.kind, $-.object YIELD $-.subject AS subject, "
            "$-.kind AS kind, $-.object AS object, count(*) AS passages",
        ):
            if subject in named and object in named:
                counted[subject, kind, object] += times
        return counted


class _Turns:
    """Readers together, a writer alone; who waits to write goes before who comes to read."""

    def __init__(self) -> None:
        self._changed = threading.Condition()
        self._readers = 0
        self._writers = 0
        self._busy = False

    @contextmanager
    def reading(self) -> Iterator[None]:
        with self._changed:
            self._changed.wait_for(lambda: not self._writers)
            self._readers += 1
        try:
            yield
        finally:
            with self._changed:
                self._readers -= 1
                self._changed.notify_all()

    @contextmanager
    def writing(self) -> Iterator[None]:
        with self._changed:
            self._writers += 1
            self._changed.wait_for(lambda: not self._readers and not self._busy)
            self._busy = True
        try:
            yield
        finally:
            with self._changed:
                self._writers -= 1
                self._busy = False
                self._changed.notify_all()


def _fits(facts: Facts) -> None:
    texts = [facts.passage, facts.tenant, facts.space, facts.source, facts.version]
    texts += [text for one in facts.mentions for text in (one.entity, one.name)]
    texts += [one.kind for one in facts.relations]
    for text in texts:
        if len(text) * 4 > LONGEST and (size := len(text.encode(errors="replace"))) > LONGEST:
            raise RetrievalError(
                f"passage {facts.passage[:80]} has a name of {size:,} bytes ({text[:40]!r}…); "
                f"the graph server is given {LONGEST:,} at most: shorten it"
            )


def _passage_row(vid: str, facts: Facts, reading: str) -> str:
    values = [facts.passage, facts.tenant, facts.space, facts.source, facts.version]
    values += [identity("source", facts.source), reading]
    return f'"{vid}":({", ".join(map(quoted, values))})'


def _edge_rows(vid: str, facts: Facts, reading: str) -> Iterator[tuple[str, str]]:
    """What a passage says, as rows of INSERT EDGE. The rank keeps one reading from another's."""
    shared = ", ".join(map(quoted, (facts.tenant, facts.space, facts.source, reading)))

    def edge(entity: EntityKey, *rank: str) -> str:
        at = _entity(facts.tenant, facts.space, entity)
        return f'"{vid}" -> "{at}" @ {_rank(reading, *rank)}:({shared}, '

    for one in facts.mentions:
        said = ", ".join(map(quoted, (facts.passage, one.entity, one.name)))
        subject = "true" if one.subject else "false"
        yield _MENTION, f"{edge(one.entity)}{said}, {one.times:d}, {subject})"
    for relation in facts.relations:
        said = ", ".join(map(quoted, (relation.subject, relation.kind, relation.object)))
        yield _STATES, f"{edge(relation.subject, relation.kind, relation.object)}{said})"
        if relation.kind == Kind.ALIAS:
            for end, other in (
                (relation.subject, relation.object),
                (relation.object, relation.subject),
            ):
                yield _ALIAS, f"{edge(end, other)}{quoted(other)})"


def _whole(edge: str, passage: str) -> str:
    """Of edges, those of the reading that their passage is known by."""
    return f"{edge}.reading == {passage}.passage.reading"


def _entity(tenant: str, space: str, key: EntityKey) -> str:
    return identity("entity", tenant, space, key)


def _rank(*parts: str) -> int:
    return int.from_bytes(digest(*parts, size=8), "big") >> 1


def _reading(facts: Facts) -> str:
    return identity("reading", json.dumps(asdict(facts), sort_keys=True))


def _named(vids: Iterable[str]) -> str:
    return ", ".join(f'"{vid}"' for vid in vids)


def _list(texts: Iterable[str]) -> str:
    return f"[{', '.join(map(quoted, sorted(texts)))}]"


def _some(of: Iterable[_T], most: int) -> Iterator[list[_T]]:
    rest = iter(of)
    while some := list(islice(rest, most)):
        yield some


def _batches(rows: Iterable[str]) -> Iterator[list[str]]:
    batch: list[str] = []
    size = 0
    for row in rows:
        bytes_ = len(row.encode()) + 2
        if batch and (len(batch) == ROWS or size + bytes_ > BYTES):
            yield batch
            batch, size = [], 0
        batch.append(row)
        size += bytes_
    if batch:
        yield batch


def _commonest(names: Iterable[str]) -> str:
    counted = Counter(names)
    return min(counted, key=lambda name: (-counted[name], name))

"""What a NebulaGraph does with the statements that ``ngql`` reads, in dictionaries.

It is as awkward as the real one where that may matter: a schema takes effect some statements after
it was made, later in some partitions than in others; a partition that does not know an index yet
leaves what it takes out of it for good; an edge is two keys, written one after the other; a fixed
string comes back padded; nothing is a transaction.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Any, Final, TypeAlias
from zlib import crc32

from nebula3.common.ttypes import ErrorCode  # type: ignore[import-untyped]

from tests.nebula import ngql
from tests.nebula.ngql import Column, Expression
from tests.nebula.published import published

STATEMENT: Final = 4_194_304  # max_allowed_query_size
SENTENCES: Final = 512  # max_allowed_statements

Table: TypeAlias = tuple[list[str], list[list[Any]]]


class Refused(Exception):
    """An answer that is an error."""

    def __init__(self, code: int, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


def semantic(message: str) -> Refused:
    return Refused(ErrorCode.E_SEMANTIC_ERROR, f"SemanticError: {message}")


def storage(message: str) -> Refused:
    return Refused(ErrorCode.E_EXECUTION_ERROR, f"Storage Error: {message}")


@dataclass
class Schema:
    what: str
    properties: dict[str, tuple[str, int]]
    born: int


@dataclass
class Index:
    tag: str
    properties: list[str]
    born: int
    held: dict[str, tuple[Any, ...]] = field(default_factory=dict)


_DESCRIBED = (
    "ID", "Name", "Partition Number", "Replica Factor", "Charset", "Collate", "Vid Type", "Comment"
)  # fmt: skip


@dataclass
class Space:
    partitions: int
    replicas: int
    vid: int
    born: int
    comment: str | None = None
    schemas: dict[str, Schema] = field(default_factory=dict)
    indexes: dict[str, Index] = field(default_factory=dict)
    vertices: dict[tuple[str, str], dict[str, Any]] = field(default_factory=dict)
    out: dict[tuple[str, str, int, str], dict[str, Any]] = field(default_factory=dict)
    back: dict[tuple[str, str, int, str], dict[str, Any]] = field(default_factory=dict)

    def partition(self, vid: str) -> int:
        return crc32(vid.encode()) % self.partitions


class Engine:
    """Spaces by name. ``lag`` is how many statements a heartbeat takes."""

    def __init__(self, *, lag: int = 0, hosts: int = 1) -> None:
        self.lag = lag
        self.hosts = hosts
        self.spaces: dict[str, Space] = {}
        self.said: list[bytes] = []
        self.before_write: Callable[[], None] = lambda: None
        self._clock = 0
        self._lock = threading.RLock()

    def execute(self, said: bytes, using: str | None) -> tuple[str | None, Table]:
        """The space used from now on, and the last sentence's rows."""
        with self._lock:
            self.said.append(said)
            self._clock += 1
            if len(said) > STATEMENT:
                raise Refused(ErrorCode.E_SYNTAX_ERROR, f"SyntaxError: Out of memory: {len(said)}")
            try:
                sentences = ngql.parsed(said)
            except ngql.SyntaxRefused as error:
                raise Refused(ErrorCode.E_SYNTAX_ERROR, f"SyntaxError: {error}") from error
            if (grammar := published()) is not None and (why := grammar.refuses(said)):
                raise Refused(ErrorCode.E_SYNTAX_ERROR, f"SyntaxError, as published: {why}")
            if not sentences:
                raise Refused(ErrorCode.E_STATEMENT_EMPTY, "StatementEmpty: ")
            if len(sentences) > SENTENCES:
                raise semantic("The maximum number of statements allowed has been exceeded")
            table: Table = ([], [])
            for sentence in sentences:
                table = ([], [])
                piped = False
                for part in sentence.parts:
                    using, table = _Run(self, using, table, piped).one(part)
                    piped = True
            return using, table

    def in_effect(self, born: int, partition: int | None = None, *, slower: int = 1) -> bool:
        """Whether a schema is known, by graphd or by the storage server of a partition.

        That of an index reaches it by a later heartbeat than its tag's does.
        """
        late = 0 if partition is None else (1 + partition % 3) * slower
        return self._clock - born >= self.lag * (1 + late)

    @property
    def now(self) -> int:
        return self._clock


class _Run:
    """One sentence, over what was piped into it."""

    def __init__(self, engine: Engine, using: str | None, piped: Table, is_piped: bool) -> None:
        self._engine = engine
        self._using = using
        self._columns, self._rows = piped
        self._is_piped = is_piped

    def one(self, sentence: Any) -> tuple[str | None, Table]:
        takes_pipe = isinstance(sentence, ngql.Yield | ngql.GroupBy | ngql.DeleteEdge)
        if self._is_piped and not takes_pipe:
            raise semantic("what is piped in is not used")
        if isinstance(sentence, ngql.CreateSpace):
            if sentence.replicas > self._engine.hosts:
                raise Refused(ErrorCode.E_EXECUTION_ERROR, "Host not enough!")
            held = Space(sentence.partitions, sentence.replicas, sentence.vid, self._engine.now)
            held.comment = sentence.comment
            self._engine.spaces.setdefault(sentence.space, held)
            return self._using, ([], [])
        if isinstance(sentence, ngql.DropSpace):
            gone = self._engine.spaces.pop(sentence.space, None)
            if gone is None and not sentence.if_there:
                raise Refused(ErrorCode.E_EXECUTION_ERROR, "Space not existed!")
            return self._using, ([], [])
        if isinstance(sentence, ngql.ShowSpaces):
            return self._using, (["Name"], [[name] for name in self._engine.spaces])
        if isinstance(sentence, ngql.DescribeSpace):
            described = self._engine.spaces.get(sentence.space)
            if described is None:
                raise Refused(ErrorCode.E_EXECUTION_ERROR, "SpaceNotFound: ")
            vid_type = f"FIXED_STRING({described.vid})"
            row = [1, sentence.space, described.partitions, described.replicas, "utf8", "utf8_bin"]
            return self._using, (list(_DESCRIBED), [[*row, vid_type, described.comment]])
        if isinstance(sentence, ngql.Use):
            space = self._engine.spaces.get(sentence.space)
            if space is None or not self._engine.in_effect(space.born):
                raise Refused(ErrorCode.E_EXECUTION_ERROR, "SpaceNotFound: ")
            return sentence.space, ([], [])
        if self._using is None or self._using not in self._engine.spaces:
            raise semantic("Space was not chosen.")
        self._space = self._engine.spaces[self._using]
        answer: Table = getattr(self, f"_{type(sentence).__name__.lower()}")(sentence)
        return self._using, answer

    # Schema.

    def _createschema(self, made: ngql.CreateSchema) -> Table:
        held = self._space.schemas.get(made.name)
        if held is not None and held.what != made.what:
            raise Refused(ErrorCode.E_EXECUTION_ERROR, "Schema with same name exists")
        fresh = Schema(made.what, made.properties, self._engine.now)
        self._space.schemas.setdefault(made.name, fresh)
        return [], []

    def _createindex(self, made: ngql.CreateIndex) -> Table:
        tag = self._space.schemas.get(made.tag)
        if tag is None or tag.what != "tag":
            raise Refused(ErrorCode.E_EXECUTION_ERROR, "TagNotFound: Tag not existed!")
        for name in made.properties:
            if tag.properties.get(name, ("STRING", 0))[0] == "STRING":
                raise Refused(ErrorCode.E_EXECUTION_ERROR, "Invalid param: no index length")
        fresh = Index(made.tag, made.properties, self._engine.now)
        self._space.indexes.setdefault(made.name, fresh)
        return [], []

    def _schema(self, what: str, name: str) -> Schema:
        """As graphd knows it."""
        held = self._space.schemas.get(name)
        if held is None or held.what != what or not self._engine.in_effect(held.born):
            raise semantic(f"No schema found for `{name}'")
        return held

    def _served(self, schema: Schema, vid: str) -> None:
        """As the storage server of a vertex knows it."""
        if len(vid.encode()) > self._space.vid:
            raise storage(
                "The VID must be a 64-bit integer or a string fitting space vertex id length limit."
            )
        if not self._engine.in_effect(schema.born, self._space.partition(vid)):
            raise storage(f"{schema.what.title()} not found.")

    # Writing.

    def _row(self, schema: Schema, names: list[str], values: list[Expression]) -> dict[str, Any]:
        if len(set(names)) != len(names) or not set(names) <= schema.properties.keys():
            raise semantic(f"Unknown or repeated column in {names}")
        if len(values) != len(names):
            raise semantic("Column count doesn't match value count.")
        row: dict[str, Any] = dict.fromkeys(schema.properties)
        for name, value in zip(names, values, strict=True):
            row[name] = _stored(schema.properties[name], _evaluated(value, {}))
        return row

    def _insertvertex(self, made: ngql.InsertVertex) -> Table:
        schema = self._schema("tag", made.tag)
        rows = [(vid, self._row(schema, made.properties, values)) for vid, values in made.rows]
        for vid, row in rows:
            self._served(schema, vid)
            if made.unless_held and (vid, made.tag) in self._space.vertices:
                continue
            self._engine.before_write()
            self._space.vertices[vid, made.tag] = row
            for index in self._space.indexes.values():
                knows = self._engine.in_effect(index.born, self._space.partition(vid), slower=3)
                if index.tag == made.tag and knows:
                    index.held[vid] = tuple(row[name] for name in index.properties)
        return [], []

    def _insertedge(self, made: ngql.InsertEdge) -> Table:
        schema = self._schema("edge", made.edge)
        rows = [(*at, self._row(schema, made.properties, values)) for *at, values in made.rows]
        for source, target, rank, row in rows:
            self._served(schema, source)
            self._served(schema, target)
            key = (source, made.edge, rank, target)
            self._engine.before_write()
            self._space.out[key] = row
            self._engine.before_write()
            self._space.back[key] = row
        return [], []

    def _deletevertex(self, made: ngql.DeleteVertex) -> Table:
        vids = set(made.vids)
        # As the real one: the edges that each end shows, then the vertices.
        shown = [key for key in self._space.out if key[0] in vids]
        shown += [key for key in self._space.back if key[3] in vids]
        self._forget(shown)
        for vid, tag in [key for key in self._space.vertices if key[0] in vids]:
            self._engine.before_write()
            del self._space.vertices[vid, tag]
            for index in self._space.indexes.values():
                if index.tag == tag:
                    index.held.pop(vid, None)
        return [], []

    def _forget(self, edges: list[tuple[str, str, int, str]]) -> None:
        for key in edges:
            for copies in (self._space.out, self._space.back):
                self._engine.before_write()
                copies.pop(key, None)

    def _deleteedge(self, made: ngql.DeleteEdge) -> Table:
        self._schema("edge", made.edge)
        columns = [
            self._columns.index(self._held(n)) for n in (made.source, made.target, made.rank)
        ]
        edges = []
        for row in self._rows:
            source, target, rank = (row[column] for column in columns)
            edges.append((source, made.edge, rank, target))
        self._forget(edges)
        return [], []

    # Reading.

    def _fetch(self, asked: ngql.Fetch) -> Table:
        schema = self._schema("tag", asked.tag)
        self._known(asked.columns, {asked.tag: schema}, {"id"})
        rows = []
        for vid in dict.fromkeys(asked.vids):
            self._served(schema, vid)
            held = self._space.vertices.get((vid, asked.tag))
            if held is not None:
                rows.append(self._yielded(asked.columns, {"id": vid, asked.tag: held}))
        return [column.name for column in asked.columns], rows

    def _lookup(self, asked: ngql.Lookup) -> Table:
        schema = self._schema("tag", asked.tag)
        self._known(asked.columns, {asked.tag: schema}, {"id"})
        if asked.where is not None:
            self._known([Column(asked.where, "")], {asked.tag: schema}, set())
        wanted = {of[2] for of in _within(asked.where) if of[0] == "property"}
        index = next(
            (
                index
                for index in self._space.indexes.values()
                if index.tag == asked.tag
                and self._engine.in_effect(index.born)
                and wanted <= set(index.properties)
            ),
            None,
        )
        if index is None:
            raise Refused(ErrorCode.E_EXECUTION_ERROR, "IndexNotFound: No valid index found")
        rows = []
        for vid in sorted(index.held):
            around = {"id": vid, asked.tag: self._space.vertices[vid, asked.tag]}
            if asked.where is None or _evaluated(asked.where, around) is True:
                rows.append(self._yielded(asked.columns, around))
        return [column.name for column in asked.columns], rows

    def _go(self, asked: ngql.Go) -> Table:
        schema = self._schema("edge", asked.edge)
        where = [] if asked.where is None else [Column(asked.where, "")]
        self._known([*asked.columns, *where], {asked.edge: schema}, {"src", "dst", "rank"})
        copies = self._space.back if asked.reversely else self._space.out
        vids = set(asked.vids)
        for vid in vids:
            self._served(schema, vid)
        rows = []
        for (source, edge, rank, target), held in sorted(copies.items(), key=lambda item: item[0]):
            begin, end = (target, source) if asked.reversely else (source, target)
            if edge != asked.edge or begin not in vids:
                continue
            around: dict[str, Any] = {edge: held, "$^": begin, "$$": end, "space": self._space}
            if not asked.reversely:
                around |= {"src": source, "dst": target, "rank": rank}
            if asked.where is None or _evaluated(asked.where, around) is True:
                rows.append(self._yielded(asked.columns, around))
        return [column.name for column in asked.columns], _once(rows) if asked.distinct else rows

    def _yield(self, asked: ngql.Yield) -> Table:
        counts = [column for column in asked.columns if column.of == ("call", "count")]
        where = [] if asked.where is None else [Column(asked.where, "")]
        self._known([*(c for c in asked.columns if c not in counts), *where], {}, set())
        arounds = [{"input": dict(zip(self._columns, row, strict=True))} for row in self._rows]
        kept = [
            one for one in arounds if asked.where is None or _evaluated(asked.where, one) is True
        ]
        names = [column.name for column in asked.columns]
        if counts:
            if len(counts) != len(asked.columns):
                raise semantic("an aggregate beside what is none")
            return names, [[len(kept) for _ in counts]]
        rows = [self._yielded(asked.columns, around) for around in kept]
        return names, _once(rows) if asked.distinct else rows

    def _groupby(self, asked: ngql.GroupBy) -> Table:
        plain = [column for column in asked.columns if column.of != ("call", "count")]
        self._known([*plain, *(Column(key, "") for key in asked.keys)], {}, set())
        if any(column.of not in asked.keys for column in plain):
            raise semantic("a column that is not grouped by")
        groups: dict[tuple[Any, ...], list[dict[str, Any]]] = {}
        for row in self._rows:
            around = {"input": dict(zip(self._columns, row, strict=True))}
            key = tuple(_evaluated(one, around) for one in asked.keys)
            groups.setdefault(key, []).append(around)
        return [column.name for column in asked.columns], [
            [
                len(held) if column.of == ("call", "count") else _evaluated(column.of, held[0])
                for column in asked.columns
            ]
            for held in groups.values()
        ]

    def _held(self, name: str) -> str:
        if name not in self._columns:
            raise semantic(f"`$-.{name}', not exist prop `{name}'")
        return name

    def _known(self, columns: list[Column], schemas: dict[str, Schema], calls: set[str]) -> None:
        """Refuse what a validator refuses: names from elsewhere, or that nothing has."""
        for column in columns:
            for of in _within(column.of):
                if of[0] == "input":
                    self._held(of[1])
                elif of[0] == "call" and of[1] not in calls:
                    raise semantic(f"{of[1]}() has no place here")
                elif of[0] == "property":
                    if of[1] not in schemas or of[2] not in schemas[of[1]].properties:
                        raise semantic(f"`{of[1]}.{of[2]}', not found")
                elif of[0] == "vertex":
                    if "src" not in calls:
                        raise semantic(f"{of[1]} has no place here")
                    if of[3] not in self._schema("tag", of[2]).properties:
                        raise semantic(f"`{of[1]}.{of[2]}.{of[3]}', not found the property")

    def _yielded(self, columns: list[Column], around: dict[str, Any]) -> list[Any]:
        return [_evaluated(column.of, around) for column in columns]


def _within(of: Expression | None) -> Iterator[Expression]:
    if of is None:
        return
    yield of
    if of[0] == "list":
        for item in of[1]:
            yield from _within(item)
    elif of[0] not in ("value", "input", "vertex", "property", "call"):
        for item in of[1:]:
            yield from _within(item)


def _evaluated(of: Expression, around: dict[str, Any]) -> Any:
    match of:
        case ("value", value):
            return value
        case ("list", items):
            return [_evaluated(item, around) for item in items]
        case ("input", name):
            return around["input"][name]
        case ("property", schema, name):
            return around[schema][name]
        case ("vertex", sign, tag, name):
            held = around["space"].vertices.get((around[sign], tag))
            return None if held is None else held[name]
        case ("call", name):
            return around[name]
        case ("and", left, right):
            return _evaluated(left, around) is True and _evaluated(right, around) is True
        case ("or", left, right):
            return _evaluated(left, around) is True or _evaluated(right, around) is True
        case ("not", one):
            return _evaluated(one, around) is False
    operator, left, right = of[0], _evaluated(of[1], around), _evaluated(of[2], around)
    if left is None or right is None:
        return None  # neither true nor false, so a filter drops it
    if operator == "IN":
        return left in right
    if type(left) is not type(right):
        return None if operator in ("<", ">", "<=", ">=") else operator == "!="
    return {
        "==": left == right,
        "!=": left != right,
        "<": left < right,
        "<=": left <= right,
        ">": left > right,
        ">=": left >= right,
    }[operator]


def _stored(kind: tuple[str, int], value: Any) -> Any:
    name, size = kind
    fits = {"STRING": str, "FIXED_STRING": str, "INT64": int, "BOOL": bool}[name]
    if type(value) is not fits:
        raise storage("The data type does not meet the requirements. Use the correct type of data.")
    if name == "FIXED_STRING":
        return value.encode()[:size].decode(errors="ignore").ljust(size, "\0")
    return value


def _once(rows: list[list[Any]]) -> list[list[Any]]:
    return [list(row) for row in dict.fromkeys(map(tuple, rows))]

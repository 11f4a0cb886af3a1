"""A strict reader of nGQL, for the part of the language that the graph store speaks.

Written after the grammar and scanner of NebulaGraph 3.8. What lies outside that part is refused,
even where a server takes it: a statement that is read here is one that a server reads the same.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from string import ascii_letters, digits, hexdigits
from typing import Any, Final, TypeAlias

LONGEST_LABEL: Final = 4096
# Words that cannot be names. The server's other keywords can, so they need no list.
RESERVED: Final = frozenset(
    """GO AS TO OR AND XOR USE SET LIST MAP FROM WHERE MATCH INSERT YIELD RETURN DESCRIBE DESC
    VERTEX VERTICES EDGE EDGES UPDATE UPSERT WHEN DELETE FIND PATH LOOKUP ALTER STEPS STEP OVER UPTO
    REVERSELY INDEX INDEXES REBUILD BOOL INT8 INT16 INT32 INT64 INT FLOAT DOUBLE STRING FIXED_STRING
    TIMESTAMP DATE TIME DATETIME TAG TAGS UNION INTERSECT MINUS NO OVERWRITE SHOW ADD CREATE DROP
    REMOVE IF NOT EXISTS IGNORE_EXISTED_INDEX WITH CHANGE GRANT REVOKE ON BY IN DOWNLOAD GET OF
    ORDER INGEST COMPACT FLUSH SUBMIT ASC ASCENDING DESCENDING DISTINCT FETCH PROP BALANCE STOP
    IS NULL RECOVER EXPLAIN CASE ACROSS JOIN LEFT RIGHT INNER OUTER SEMI ANTI UNWIND GEOGRAPHY
    DURATION TRUE FALSE""".split()  # noqa: SIM905
)
_NAMING: Final = frozenset(ascii_letters + digits + "_")
_BLANK: Final = " \t\r\n\u00a0"
_OPERATORS: Final = ("$$", "$^", "$-", "->", "==", "!=", "<=", ">=", *"(),:;@.|=<>[]*")
_ESCAPES: Final = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "f": "\f"}

Expression: TypeAlias = tuple[Any, ...]


class SyntaxRefused(Exception):
    """A statement that the grammar does not take."""


@dataclass(frozen=True)
class Token:
    kind: str  # word, text, number, operator, parameter, end
    value: Any
    at: int


@dataclass(frozen=True)
class Column:
    of: Expression
    name: str


@dataclass(frozen=True)
class Use:
    space: str


@dataclass(frozen=True)
class ShowSpaces:
    pass


@dataclass(frozen=True)
class DescribeSpace:
    space: str


@dataclass(frozen=True)
class DropSpace:
    space: str
    if_there: bool


@dataclass(frozen=True)
class CreateSpace:
    space: str
    partitions: int
    replicas: int
    vid: int
    comment: str | None


@dataclass(frozen=True)
class CreateSchema:
    what: str  # tag or edge
    name: str
    properties: dict[str, tuple[str, int]]


@dataclass(frozen=True)
class CreateIndex:
    name: str
    tag: str
    properties: list[str]


@dataclass(frozen=True)
class InsertVertex:
    tag: str
    properties: list[str]
    rows: list[tuple[str, list[Expression]]]
    unless_held: bool


@dataclass(frozen=True)
class InsertEdge:
    edge: str
    properties: list[str]
    rows: list[tuple[str, str, int, list[Expression]]]


@dataclass(frozen=True)
class DeleteVertex:
    vids: list[str]


@dataclass(frozen=True)
class DeleteEdge:
    """Of what is piped in."""

    edge: str
    source: str
    target: str
    rank: str


@dataclass(frozen=True)
class Fetch:
    tag: str
    vids: list[str]
    columns: list[Column]


@dataclass(frozen=True)
class Lookup:
    tag: str
    where: Expression | None
    columns: list[Column]


@dataclass(frozen=True)
class Go:
    vids: list[str]
    edge: str
    reversely: bool
    where: Expression | None
    columns: list[Column]
    distinct: bool


@dataclass(frozen=True)
class Yield:
    columns: list[Column]
    where: Expression | None
    distinct: bool


@dataclass(frozen=True)
class GroupBy:
    keys: list[Expression]
    columns: list[Column]


@dataclass(frozen=True)
class Pipe:
    parts: list[Any] = field(default_factory=list)


def scanned(said: bytes) -> list[Token]:
    try:
        text = said.decode()
    except UnicodeDecodeError as error:
        raise SyntaxRefused(f"not UTF-8: {error}") from None
    tokens: list[Token] = []
    at = 0
    while at < len(text):
        one = text[at]
        start = at
        if one in _BLANK:
            at += 1
        elif one in "\"'":
            value, at = _literal(text, at)
            tokens.append(Token("text", value, start))
        elif one.isascii() and one.isalpha():
            while at < len(text) and (
                (text[at].isascii() and text[at].isalnum()) or text[at] == "_"
            ):
                at += 1
            if at - start > LONGEST_LABEL:
                raise SyntaxRefused("Out of range of the LABEL length")
            tokens.append(Token("word", text[start:at], start))
        elif one.isascii() and one.isdigit():
            while at < len(text) and text[at].isascii() and text[at].isalnum():
                at += 1
            said_number = text[start:at]
            if not said_number.isdigit() or (len(said_number) > 1 and said_number[0] == "0"):
                raise SyntaxRefused(f"{said_number!r} is no plain decimal number")
            if int(said_number) > 2**63 - 1:
                raise SyntaxRefused(f"Out of range: {said_number}")
            tokens.append(Token("number", int(said_number), start))
        else:
            operator = next((op for op in _OPERATORS if text.startswith(op, at)), None)
            if operator is None:
                raise SyntaxRefused(f"syntax error near {text[at : at + 20]!r}")
            at += len(operator)
            tokens.append(Token("operator", operator, start))
    return [*tokens, Token("end", None, at)]


def _literal(text: str, at: int) -> tuple[str, int]:
    """A quoted string's meaning, and where it ends."""
    quote = text[at]
    at += 1
    made: list[str] = []
    while True:
        if at >= len(text):
            raise SyntaxRefused("Unterminated string")
        one = text[at]
        if one == quote:
            return "".join(made), at + 1
        if one == "\n":
            raise SyntaxRefused("a string ends the statement at a bare newline")
        if one == "\0":
            raise SyntaxRefused("a string loses what follows a bare NUL")
        if one != "\\":
            made.append(one)
            at += 1
            continue
        escaped = text[at + 1 : at + 2]
        if not escaped:
            raise SyntaxRefused("Unterminated string")
        if escaped.isascii() and escaped.isdigit():
            # Octal by default, verbatim by a server's flag: nothing to rely on.
            raise SyntaxRefused("an octal escape means what a flag says")
        code = text[at + 2 : at + 6]
        if escaped in "uUxX" and len(code) == 4 and all(d in hexdigits for d in code):
            made.append(chr(int(code, 16)))
            at += 6
            continue
        made.append(_ESCAPES.get(escaped, escaped))
        at += 2


def parsed(said: bytes) -> list[Pipe]:
    """The sentences of a statement. An empty one has none."""
    reader = _Reader(scanned(said))
    sentences: list[Pipe] = []
    while not reader.at_end():
        if reader.takes(";"):
            continue
        sentences.append(reader.piped())
        if not reader.at_end():
            reader.need(";")
    return sentences


class _Reader:
    def __init__(self, tokens: list[Token]) -> None:
        self._tokens = tokens
        self._at = 0

    def at_end(self) -> bool:
        return self._tokens[self._at].kind == "end"

    def _next(self) -> Token:
        token = self._tokens[self._at]
        self._at += 1
        return token

    def _is(self, what: str, ahead: int = 0) -> bool:
        token = self._tokens[min(self._at + ahead, len(self._tokens) - 1)]
        if token.kind == "operator":
            return bool(token.value == what)
        return token.kind == "word" and token.value.upper() == what

    def takes(self, *what: str) -> bool:
        """Whether these come next; if so they are behind us."""
        if all(self._is(one, ahead) for ahead, one in enumerate(what)):
            self._at += len(what)
            return True
        return False

    def need(self, *what: str) -> None:
        for one in what:
            if not self.takes(one):
                raise self._unexpected(one)

    def _unexpected(self, wanted: str) -> SyntaxRefused:
        token = self._tokens[self._at]
        return SyntaxRefused(f"syntax error near {token.value!r} at {token.at}: no {wanted}")

    def name(self) -> str:
        token = self._tokens[self._at]
        if token.kind != "word" or token.value.upper() in RESERVED:
            raise self._unexpected("name")
        self._at += 1
        return str(token.value)

    def number(self) -> int:
        if self._tokens[self._at].kind != "number":
            raise self._unexpected("number")
        return int(self._next().value)

    def vid(self) -> str:
        if self._tokens[self._at].kind != "text":
            raise self._unexpected("vertex (a string; parameters are none)")
        return str(self._next().value)

    def text(self) -> str:
        if self._tokens[self._at].kind != "text":
            raise self._unexpected("text")
        return str(self._next().value)

    def _listed(self, read: Any) -> list[Any]:
        found = [read()]
        while self.takes(","):
            found.append(read())
        return found

    def _in_parentheses(self, read: Any) -> list[Any]:
        self.need("(")
        found = self._listed(read)
        self.need(")")
        return found

    def piped(self) -> Pipe:
        parts = [self.sentence()]
        while self.takes("|"):
            if isinstance(parts[0], Use | CreateSpace | CreateSchema | InsertVertex | InsertEdge):
                raise SyntaxRefused("that gives nothing to pipe on")
            parts.append(self.sentence())
        return Pipe(parts)

    def sentence(self) -> Any:
        if self.takes("USE"):
            return Use(self.name())
        if self.takes("SHOW", "SPACES"):
            return ShowSpaces()
        if self.takes("DESCRIBE", "SPACE"):
            return DescribeSpace(self.name())
        if self.takes("DROP", "SPACE"):
            if_there = self.takes("IF", "EXISTS")
            return DropSpace(self.name(), if_there)
        if self.takes("CREATE"):
            return self._create()
        if self.takes("INSERT", "VERTEX"):
            unless = self.takes("IF", "NOT", "EXISTS")
            tag, properties = self.name(), self._in_parentheses(self.name)
            self.need("VALUES")
            return InsertVertex(tag, properties, self._listed(self._vertex_row), unless)
        if self.takes("INSERT", "EDGE"):
            edge, properties = self.name(), self._in_parentheses(self.name)
            self.need("VALUES")
            return InsertEdge(edge, properties, self._listed(self._edge_row))
        if self.takes("DELETE", "VERTEX"):
            vids = self._listed(self.vid)
            self.need("WITH", "EDGE")
            return DeleteVertex(vids)
        if self.takes("DELETE", "EDGE"):
            edge, source = self.name(), self._input()
            self.need("->")
            target = self._input()
            self.need("@")
            return DeleteEdge(edge, source, target, self._input())
        if self.takes("FETCH", "PROP", "ON"):
            tag, vids = self.name(), self._listed(self.vid)
            return Fetch(tag, vids, self._yielded()[0])
        if self.takes("LOOKUP", "ON"):
            tag, where = self.name(), self._where()
            return Lookup(tag, where, self._yielded()[0])
        if self.takes("GO", "FROM"):
            vids = self._listed(self.vid)
            self.need("OVER")
            edge, reversely, where = self.name(), self.takes("REVERSELY"), self._where()
            return Go(vids, edge, reversely, where, *self._yielded())
        if self._is("YIELD"):
            columns, distinct = self._yielded()
            return Yield(columns, self._where(), distinct)
        if self.takes("GROUP", "BY"):
            keys = self._listed(self.expression)
            return GroupBy(keys, self._yielded()[0])
        raise self._unexpected("sentence that the store may say")

    def _create(self) -> Any:
        if self.takes("SPACE", "IF", "NOT", "EXISTS"):
            space = self.name()
            self.need("(", "PARTITION_NUM", "=")
            partitions = self.number()
            self.need(",", "REPLICA_FACTOR", "=")
            replicas = self.number()
            self.need(",", "VID_TYPE", "=", "FIXED_STRING", "(")
            vid = self.number()
            self.need(")", ")")
            comment = self.text() if self.takes("COMMENT", "=") else None
            return CreateSpace(space, partitions, replicas, vid, comment)
        for what in ("TAG", "EDGE"):
            if self.takes(what, "IF", "NOT", "EXISTS"):
                name = self.name()
                columns = self._in_parentheses(self._column)
                if len(dict(columns)) != len(columns):
                    raise SyntaxRefused("a property twice")
                return CreateSchema(what.lower(), name, dict(columns))
        self.need("TAG", "INDEX", "IF", "NOT", "EXISTS")
        name = self.name()
        self.need("ON")
        tag = self.name()
        return CreateIndex(name, tag, self._in_parentheses(self.name))

    def _column(self) -> tuple[str, tuple[str, int]]:
        name = self.name()
        for plain in ("STRING", "INT64", "BOOL"):
            if self.takes(plain):
                return name, (plain, 0)
        self.need("FIXED_STRING", "(")
        size = self.number()
        self.need(")")
        if not 0 < size <= 32767:
            raise SyntaxRefused(f"fixed_string({size})")
        return name, ("FIXED_STRING", size)

    def _vertex_row(self) -> tuple[str, list[Expression]]:
        vid = self.vid()
        self.need(":")
        return vid, self._in_parentheses(self.expression)

    def _edge_row(self) -> tuple[str, str, int, list[Expression]]:
        source = self.vid()
        self.need("->")
        target = self.vid()
        self.need("@")
        rank = self.number()
        self.need(":")
        return source, target, rank, self._in_parentheses(self.expression)

    def _where(self) -> Expression | None:
        return self.expression() if self.takes("WHERE") else None

    def _yielded(self) -> tuple[list[Column], bool]:
        self.need("YIELD")
        distinct = self.takes("DISTINCT")
        return self._listed(self._yield_column), distinct

    def _yield_column(self) -> Column:
        of = self.expression()
        return Column(of, self.name() if self.takes("AS") else shown(of))

    def _input(self) -> str:
        self.need("$-", ".")
        return self.name()

    def expression(self) -> Expression:
        left = self._and()
        while self.takes("OR"):
            left = ("or", left, self._and())
        return left

    def _and(self) -> Expression:
        left = self._not()
        while self.takes("AND"):
            left = ("and", left, self._not())
        return left

    def _not(self) -> Expression:
        return ("not", self._not()) if self.takes("NOT") else self._compared()

    def _compared(self) -> Expression:
        left = self._single()
        for operator in ("==", "!=", "<=", ">=", "<", ">", "IN"):
            if self.takes(operator):
                return (operator, left, self._single())
        return left

    def _single(self) -> Expression:
        token = self._tokens[self._at]
        if token.kind in ("text", "number"):
            return ("value", self._next().value)
        if self.takes("TRUE"):
            return ("value", True)
        if self.takes("FALSE"):
            return ("value", False)
        if self.takes("("):
            inner = self.expression()
            self.need(")")
            return inner
        if self.takes("["):
            if self.takes("]"):
                return ("list", [])
            items = self._listed(self.expression)
            self.need("]")
            return ("list", items)
        if self._is("$-"):
            return ("input", self._input())
        for sign in ("$^", "$$"):
            if self.takes(sign, "."):
                tag = self.name()
                self.need(".")
                return ("vertex", sign, tag, self.name())
        name = self.name()
        if self.takes("("):
            argument = str(self._next().value).upper()
            self.need(")")
            if (name.lower(), argument) not in _CALLS:
                raise SyntaxRefused(f"{name}({argument}) is not for this store")
            return ("call", name.lower())
        self.need(".")
        return ("property", name, self.name())


_CALLS: Final = {("id", "VERTEX"), ("src", "EDGE"), ("dst", "EDGE"), ("rank", "EDGE")} | {
    ("count", "*")
}


def shown(of: Expression) -> str:
    """The name of a column that was given none."""
    return f"$-.{of[1]}" if of[0] == "input" else ".".join(map(str, of[1:]))

"""NebulaGraph's own grammar and scanner, read from its sources, where these are at hand.

``STRATMASTER_TEST_NEBULA_GRAMMAR`` names a folder with ``parser.yy`` and ``scanner.lex``, which is
``src/parser`` of the server's repository. Then each statement that the stand-in takes has to be a
sentence of that grammar, too. Earley's algorithm reads it, so what bison settles by precedence is
not seen; none of our statements has two readings.
"""

from __future__ import annotations

import os
import re
from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Final

SETTING: Final = "STRATMASTER_TEST_NEBULA_GRAMMAR"
_END: Final = "end of the statement"
# Its states of strings: a bare newline ends the statement, a backslash keeps what follows.
_STRING: Final = rb'"(?:[^\\\n"]|\\[\s\S])*"' + rb"|'(?:[^\\\n']|\\[\s\S])*'"
_BLANK: Final = re.compile(rb"(?:[ \t\r\n]|\xc2\xa0)+")
_RULE: Final = re.compile(r'((?:"(?:\\.|[^"])*"|\[(?:\\.|[^\]])*\]|\\.|[^\s"\[\\])+)\s+([{|].*)')
_KIND: Final = re.compile(r"TokenType::(\w+)|parse(Hex|Oct|Decimal|Double)\(")

Rule = tuple[str, ...]
Item = tuple[str, Rule, int, int]  # what is made, of what, how much of that is read, since where


@cache
def published() -> Grammar | None:
    """The grammar, or None where nobody says where it lies."""
    folder = os.environ.get(SETTING)
    return None if not folder else Grammar.read(Path(folder))


@dataclass(frozen=True, eq=False)
class Grammar:
    start: str
    rules: Mapping[str, Sequence[Rule]]
    empty: frozenset[str]  # what may be nothing
    first: Mapping[str, frozenset[str]]  # what each may begin with
    scanner: Sequence[tuple[re.Pattern[bytes], str]]

    @classmethod
    def read(cls, folder: Path) -> Grammar:
        head, said, _ = (folder / "parser.yy").read_text(encoding="utf-8").split("\n%%\n")
        start = re.search(r"^%start\s+(\w+)", head, re.MULTILINE)
        assert start is not None, "the grammar says where it starts"
        rules = dict(_rules(said))
        empty: set[str] = set()
        first: dict[str, set[str]] = {name: set() for name in rules}
        grew = True
        while grew:
            before = len(empty) + sum(map(len, first.values()))
            for name, alternatives in rules.items():
                for rule in alternatives:
                    for part in rule:
                        first[name] |= first.get(part, {part})
                        if part not in empty:
                            break
                    else:
                        empty.add(name)
            grew = len(empty) + sum(map(len, first.values())) > before
        scanner = list(_scanner((folder / "scanner.lex").read_text(encoding="utf-8")))
        return cls(
            start[1],
            rules,
            frozenset(empty),
            {name: frozenset(found) for name, found in first.items()},
            scanner,
        )

    def refuses(self, said: bytes) -> str:
        """Where the statement is none of the grammar's; nothing where it is one."""
        return self._unread(tuple(self.scanned(said)))

    def scanned(self, said: bytes) -> Iterator[str]:
        """The kinds of its tokens: the longest match, and of equals the first."""
        at = 0
        while at < len(said):
            if blank := _BLANK.match(said, at):
                at = blank.end()
                continue
            ends = [
                (match.end(), kind)
                for pattern, kind in self.scanner
                if (match := pattern.match(said, at)) is not None
            ]
            end, kind = max(ends, key=lambda one: one[0], default=(at, ""))
            if end == at:
                yield f"no token: {said[at : at + 20]!r}"
                return
            yield kind
            at = end

    @cache  # noqa: B019  # there is one grammar, and it stays
    def _unread(self, tokens: tuple[str, ...]) -> str:
        items: list[Item] = [(self.start, rule, 0, 0) for rule in self.rules[self.start]]
        # By place, what waits for a part to be read.
        waiting: list[dict[str, list[Item]]] = []
        for at, token in enumerate((*tokens, _END)):
            held, queue = set(items), items
            waiting.append(defaultdict(list))
            following: list[Item] = []

            def add(item: Item, held: set[Item] = held, queue: list[Item] = queue) -> None:
                if item not in held:
                    held.add(item)
                    queue.append(item)

            for name, rule, read, since in queue:
                if read == len(rule):
                    for outer, whole, before, began in waiting[since][name]:
                        add((outer, whole, before + 1, began))
                    continue
                part = rule[read]
                if part == token:
                    following.append((name, rule, read + 1, since))
                if part not in self.rules:
                    continue
                waiting[at][part].append((name, rule, read, since))
                if part in self.empty:
                    add((name, rule, read + 1, since))
                for inner in self.rules[part]:
                    if self._may_begin(inner, token):
                        add((part, inner, 0, at))
            if token == _END:
                whole_of_it = any(
                    name == self.start and read == len(rule) and not since
                    for name, rule, read, since in held
                )
                return "" if whole_of_it else "it ends too early"
            if not following:
                return f"{token} at token {at}"
            items = following
        raise AssertionError("the end is a token")

    def _may_begin(self, rule: Rule, token: str) -> bool:
        """Whether a rule may begin with a token; one that may be nothing, with any."""
        for part in rule:
            if token in self.first.get(part, {part}):
                return True
            if part not in self.empty:
                return False
        return True


def _rules(said: str) -> Iterator[tuple[str, Sequence[Rule]]]:
    """The productions of a bison file's second part, without what is done with them."""
    bare = re.sub(r"%prec\s+\w+|%empty|;", "", _without_actions(said))
    names = list(re.finditer(r"(\w+)\s*:", bare))  # not every production ends with a semicolon
    for found, following in zip(names, [*names[1:], None], strict=True):
        made = bare[found.end() : following.start() if following else None]
        yield found[1], [tuple(rule.split()) for rule in made.split("|")]


def _without_actions(said: str) -> str:
    kept, depth = [], 0
    for piece in re.finditer(
        r"""/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])*'|[{}]|.""", said, re.DOTALL
    ):
        one = piece.group()
        depth += (one == "{") - (one == "}")
        if not depth and one != "}" and not one.startswith(("/*", "//")):
            kept.append(one)
    return "".join(kept)


def _scanner(said: str) -> Iterator[tuple[re.Pattern[bytes], str]]:
    """The patterns of a flex file outside its states, in their order, with the tokens they make."""
    head, rules, _ = said.split("\n%%\n")
    named = dict(re.findall(r"^(\w+)[ \t]+(\S.*?)\s*$", head, re.MULTILINE))
    lines = rules.splitlines()
    for at, line in enumerate(lines):
        rule = _RULE.fullmatch(line)
        if rule is None or line[0] in " <":
            continue
        later = "\n".join([rule[2], *lines[at + 1 :]])
        kind = _KIND.search(later)
        if kind is None or rule[1] in ('\\"', "\\'", "\\`", "."):
            continue
        made = kind[1] or ("DOUBLE" if kind[2] == "Double" else "INTEGER")
        yield re.compile(_pattern(rule[1], named), re.IGNORECASE), made
    yield re.compile(_STRING), "STRING"


def _pattern(flex: str, named: Mapping[str, str]) -> bytes:
    """As Python writes it: names filled in, what is in quotes as it is."""

    def one(found: re.Match[str]) -> str:
        if found["quoted"] is not None:
            return re.escape(found["quoted"])
        if found["name"] is not None:
            return f"(?:{_pattern(named[found['name']], named).decode('latin-1')})"
        return found.group()

    parts = r'"(?P<quoted>[^"]*)"|\{(?P<name>[A-Za-z_]\w*)\}|\\.|\[(?:\\.|[^\]])*\]|.'
    return re.sub(parts, one, flex).encode("latin-1")

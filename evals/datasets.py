"""Test collections in BEIR layout: corpus.jsonl, queries.jsonl and qrels/test.tsv."""

from __future__ import annotations

import csv
import hashlib
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from retrieval.model import Passage, Scope

TENANT = "evals"


class Split(StrEnum):
    """Choose and tune on dev; report test."""

    DEV = "dev"
    TEST = "test"
    ALL = "all"

    def holds(self, query: str) -> bool:
        """A query is dev when the last hex digit of the SHA-1 of its id is even."""
        even = int(hashlib.sha1(query.encode()).hexdigest()[-1], 16) % 2 == 0
        return self is Split.ALL or even == (self is Split.DEV)


@dataclass(frozen=True, slots=True)
class Collection:
    name: str
    passages: Sequence[Passage]
    queries: Mapping[str, str]
    judged: Mapping[str, Mapping[str, int]]

    @property
    def scope(self) -> Scope:
        return Scope(TENANT, frozenset({self.name}))

    def of(self, split: Split) -> Sequence[str]:
        """The judged queries of a split, in the collection's order."""
        return [id for id in self.queries if id in self.judged and split.holds(id)]


def load(folder: Path) -> Collection:
    """Read a collection; a passage's id is its document's."""
    judged: dict[str, dict[str, int]] = {}
    path = folder / "qrels" / "test.tsv"
    if not path.is_file():
        raise FileNotFoundError(
            f"{folder} is no collection in BEIR layout: {path} is missing; name another with --data"
        )
    with path.open(encoding="utf-8", newline="") as file:
        for row in csv.DictReader(file, delimiter="\t"):
            judged.setdefault(row["query-id"], {})[row["corpus-id"]] = int(row["score"])
    passages = [
        Passage(
            id=line["_id"],
            tenant=TENANT,
            space=folder.name,
            source=line["_id"],
            version="0",
            ordinal=0,
            text=line["text"],
            start=0,
            end=len(line["text"]),
            title=line.get("title", ""),
        )
        for line in _lines(folder / "corpus.jsonl")
    ]
    queries = {line["_id"]: line["text"] for line in _lines(folder / "queries.jsonl")}
    return Collection(folder.name, passages, queries, judged)


def _lines(path: Path) -> Iterator[dict[str, Any]]:
    with path.open(encoding="utf-8") as file:
        for line in file:
            yield json.loads(line)

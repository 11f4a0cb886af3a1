"""BM25 on disk in this process, on tantivy (k1 1.2, b 0.75). One folder, one process.

Terms come from ``retrieval.terms`` and are stored as they are, so the question never meets
tantivy's query parser: its operators are plain words here. Two approximations are the engine's: a
passage's length is kept in one byte, as Lucene keeps it (exact up to 40 terms, then within 12 %:
of the ten best over Cranfield .990 are those of whole lengths), and replaced or dropped passages
count in the statistics until their segment is merged.
"""

from __future__ import annotations

import asyncio
import json
import os
from collections.abc import Callable, Mapping, Sequence, Set
from concurrent.futures import ThreadPoolExecutor
from functools import lru_cache, partial
from pathlib import Path
from typing import Final, Self

import tantivy
from tantivy import Occur
from tantivy import Query as Clause

from retrieval.errors import IndexInUse, IndexMismatch, RetrievalError, said
from retrieval.model import (
    Passage,
    PassageId,
    Query,
    Ranked,
    Run,
    Scope,
    SourceId,
    VersionHash,
)
from retrieval.spelling import MAX_UNKNOWN, forms, once, written
from retrieval.terms import ANALYZER, asked, indexed, phrased, words_of

FORMAT: Final = 3  # 2 keeps the order of a passage's words, 3 also the words as written
UNSPELT: Final = 2  # opened until one of FORMAT is built beside it: all of it but spelling
HEAP: Final = 64 << 20  # bytes a commit may gather before it is split over segments
SPARE: Final = 4  # asked for beyond the limit, so that ties at the cut go by passage id
FEW: Final = 32  # values of a field are terms to the engine; of more, it goes through all it holds
CLAUSES: Final = 16_384  # terms of questions, kept looked up until the next change; about 6 MB
# What is searched where it is asked: at most about a millisecond, and the way to a thread saved.
AT_ONCE: Final = 16_384  # passages; each a question's words may have to be looked for in
SHORT: Final = 256  # characters of a question; a longer one has more words
SHALLOW: Final = 128  # passages asked for; each is read from what is stored
_FILTERED: Final = ("tenant", "space", "source", "version")
_MANIFEST: Final = "manifest.json"
_BUSY: Final = "LockBusy"  # the binding raises ValueError with tantivy's own words


class _State:
    """The index between two changes: what is searched, and whose passages it holds."""

    def __init__(self, index: tantivy.Index, schema: tantivy.Schema) -> None:
        self.searcher = index.searcher()
        # Of passages that were dropped, too, until their segment is merged: at least everyone.
        tenants = dict(self.searcher.terms_with_prefix("tenant", ""))
        self.tenants = frozenset(tenants)
        self.spaces = frozenset(dict(self.searcher.terms_with_prefix("space", "")))
        self.whole = sum(tenants.values()) == self.searcher.num_docs
        """Whether nothing dropped is left in it."""
        self.passages = self.searcher.num_docs
        self.clause = lru_cache(CLAUSES)(partial(_clause, self.searcher, schema))


class Tantivy:
    """The lexical leg. Searches run beside one another, changes one after another."""

    name = "bm25"

    def __init__(
        self,
        index: tantivy.Index,
        schema: tantivy.Schema,
        writer: tantivy.IndexWriter,
        spells: bool,
    ) -> None:
        self._spells = spells
        self._index = index
        self._schema = schema
        self._writer = writer
        self._state = _State(index, schema)
        self._changes = ThreadPoolExecutor(1, "bm25-changes")
        self._searches = ThreadPoolExecutor(2, "bm25-searches")

    @classmethod
    def open(cls, folder: Path, *, spells: bool = True) -> Self:
        """Open the index in a folder, or begin one there. Blocking; then ``close``.

        One that does not spell is as they were made before words were kept as written. Raises
        IndexMismatch when the folder holds another analysis' terms or no index of ours, and
        IndexInUse when another process has it open.
        """
        wanted = {
            "format": FORMAT if spells else UNSPELT,
            "engine": "tantivy",
            "analyzer": ANALYZER,
        }
        described = folder / _MANIFEST
        place = folder / "index"
        if described.exists():
            try:
                found = json.loads(described.read_bytes())
            except ValueError as error:
                raise IndexMismatch(
                    f"{folder.name}/{_MANIFEST} cannot be read ({error}); run `stratmaster reindex`"
                ) from error
            if found != wanted:
                raise IndexMismatch(
                    f"the index {folder.name} was made as {found}, this program reads "
                    f"{wanted}; run `stratmaster reindex`",
                    made=str(found.get("analyzer")),
                )
        elif place.exists():
            raise IndexMismatch(
                f"the index {folder.name} does not say what made it ({_MANIFEST} is "
                "missing); run `stratmaster reindex`"
            )
        else:
            folder.mkdir(parents=True, exist_ok=True)
            _write(described, wanted)
        place.mkdir(exist_ok=True)
        schema = _schema(spells)
        try:
            index = tantivy.Index(schema, path=str(place))
            # One thread: segments stay few, and a commit stands or falls as a whole.
            writer = index.writer(HEAP, 1)
        except (ValueError, OSError) as error:
            if _BUSY in str(error):
                raise IndexInUse(
                    f"the index {folder.name} is open in another process; stop that one, or "
                    "give this one a data folder of its own"
                ) from error
            raise IndexMismatch(
                f"the index {folder.name} cannot be opened ({said(error, folder)}); "
                "run `stratmaster reindex`"
            ) from error
        index.config_reader("manual")
        index.reload()
        return cls(index, schema, writer, spells)

    async def put(self, passages: Sequence[Passage]) -> None:
        """All of them or none. A later passage of the same id in one call wins."""
        if passages:
            await self._change(lambda: self._add(passages))

    async def drop(self, source: SourceId, *, keep: VersionHash | None = None) -> None:
        clauses = [(Occur.Must, self._term("source", source))]
        if keep is not None:
            clauses.append((Occur.MustNot, self._term("version", keep)))
        await self._change(
            lambda: self._writer.delete_documents_by_query(Clause.boolean_query(clauses))
        )

    async def search(self, query: Query, *, scope: Scope, limit: int) -> Run:
        if scope.empty or limit < 1:
            return Run(self.name, ())
        if at_once(self._state.passages, query, scope, limit):
            run = self._search(query, scope, limit, once=True)
            if run is not None:
                await asyncio.sleep(0)  # who asks again and again lets others go on between
                return run
        loop = asyncio.get_running_loop()
        found = await loop.run_in_executor(self._searches, self._search, query, scope, limit)
        assert found is not None  # it may look as often as it has to
        return found

    async def holding(
        self, query: Query, phrases: Sequence[str], *, scope: Scope, limit: int
    ) -> Sequence[PassageId]:
        if scope.empty or limit < 1:
            return ()
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(
            self._searches, self._holding, query, phrases, scope, limit
        )

    async def near(self, words: Sequence[str], *, scope: Scope) -> Mapping[str, Mapping[str, int]]:
        if not self._spells:
            raise RetrievalError("the index of words is being rebuilt for it")
        if scope.empty or not words:
            return {}
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searches, self._near, words, scope)

    async def count(self) -> int:
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._searches, lambda: self._state.searcher.num_docs)

    def close(self) -> None:
        """Finish what was begun and let the folder go."""
        self._changes.shutdown(wait=True)
        self._searches.shutdown(wait=True)
        self._writer.wait_merging_threads()

    async def _change(self, work: Callable[[], object]) -> None:
        def transaction() -> None:
            try:
                work()
                self._writer.commit()
            except Exception as error:
                self._writer.rollback()
                if isinstance(error, ValueError | OSError):
                    raise RetrievalError(
                        f"the lexical index could not be changed ({error}); nothing of this change "
                        "was kept"
                    ) from error
                raise
            self._index.reload()
            self._state = _State(self._index, self._schema)

        await asyncio.get_running_loop().run_in_executor(self._changes, transaction)

    def _add(self, passages: Sequence[Passage]) -> None:
        for passage in passages:
            self._writer.delete_documents_by_term("id", passage.id)
            document = tantivy.Document()
            document.add_text("id", passage.id)
            for name in _FILTERED:
                document.add_text(name, getattr(passage, name))
            words = words_of(passage)
            document.add_text("terms", " ".join(indexed(passage, words)))
            if self._spells:
                document.add_text("words", " ".join(written(words)))
            self._writer.add_document(document)

    def _holding(
        self, query: Query, phrases: Sequence[str], scope: Scope, limit: int
    ) -> Sequence[PassageId]:
        state = self._state
        clauses = [*self._within(scope, state), *self._words(query, state)]
        for phrase in phrases:
            forms = [(Occur.Should, self._phrase(form)) for form in phrased(phrase)]
            if not forms:
                return ()
            clauses.append((Occur.Must, Clause.const_score_query(Clause.boolean_query(forms), 0.0)))
        hits = state.searcher.search(Clause.boolean_query(clauses), limit, count=False).hits
        return [str(state.searcher.doc(address).get_first("id")) for _, address in hits]

    def _phrase(self, terms: Sequence[str]) -> Clause:
        if len(terms) == 1:
            return self._term("terms", terms[0])
        return Clause.phrase_query(self._schema, "terms", list(terms))

    def _words(self, query: Query, state: _State) -> list[tuple[Occur, Clause]]:
        return [
            (Occur.Should, Clause.boost_query(clause, float(times)) if times > 1 else clause)
            for term, times in asked(query).items()
            if (clause := state.clause(term)) is not None
        ]

    def _within(self, scope: Scope, state: _State) -> list[tuple[Occur, Clause]]:
        """The scope as clauses of the query, so that it applies before ranking.

        Scored 0, so that it leaves BM25 as it is. What holds for every passage there is, is left
        out: with it the engine has to look at each passage that holds a word, and not only at
        those that may be among the best.
        """
        clauses = []
        if not state.tenants <= {scope.tenant}:
            clauses.append((Occur.Must, self._among("tenant", {scope.tenant})))
        if not state.spaces <= scope.spaces:
            clauses.append((Occur.Must, self._among("space", scope.spaces)))
        if scope.sources is not None:
            clauses.append((Occur.Must, self._among("source", scope.sources)))
        if scope.passages is not None:
            clauses.append((Occur.Must, self._among("id", scope.passages)))
        return clauses

    def _search(self, query: Query, scope: Scope, limit: int, *, once: bool = False) -> Run | None:
        """None where one look does not tell and there may be no second."""
        state = self._state
        words = self._words(query, state)
        if not words:
            return Run(self.name, ())
        wanted = Clause.boolean_query(words)
        if within := self._within(scope, state):
            wanted = Clause.boolean_query([*within, (Occur.Must, wanted)])
        depth = limit + SPARE
        while True:
            hits = state.searcher.search(wanted, depth, count=False).hits
            # A tie that reaches beyond what was asked for could hide the smaller id.
            if len(hits) < depth or hits[-1][0] < hits[limit - 1][0]:
                break
            if once:
                return None
            depth *= 4
        ranked = [
            Ranked(str(state.searcher.doc(address).get_first("id")), float(score))
            for score, address in hits
        ]
        ranked.sort(key=lambda line: (-line.score, line.passage))
        return Run(self.name, tuple(ranked[:limit]))

    def _near(self, words: Sequence[str], scope: Scope) -> Mapping[str, Mapping[str, int]]:
        state = self._state
        within = self._within(scope, state)

        def times(field: str, value: str) -> int:
            """How many passages of the scope hold it."""
            held = state.searcher.doc_freq(field, value)
            if not held or (state.whole and not within):
                return held
            wanted = Clause.boolean_query([*within, (Occur.Must, self._term(field, value))])
            found = state.searcher.search(wanted, 1)
            return found.count or 0  # type: ignore[attr-defined]  # its types leave it out

        unknown = [
            word
            for word in words
            if not times("words", word) and not any(times("terms", form) for form in forms(word))
        ]
        if len(unknown) > MAX_UNKNOWN:
            return {}
        return {
            word: {other: held for other in once(word) if (held := times("words", other))}
            for word in unknown
        }

    def _term(self, field: str, value: str) -> Clause:
        return Clause.term_query(self._schema, field, value, "basic")

    def _among(self, field: str, values: Set[str]) -> Clause:
        if len(values) == 1:
            return Clause.const_score_query(self._term(field, *values), 0.0)
        if len(values) <= FEW:
            terms = [(Occur.Should, self._term(field, value)) for value in sorted(values)]
            return Clause.const_score_query(Clause.boolean_query(terms), 0.0)
        many = Clause.term_set_query(self._schema, field, sorted(values))
        return Clause.const_score_query(many, 0.0)


def at_once(passages: int, query: Query, scope: Scope, limit: int) -> bool:
    """Whether a search is so short that it need not leave the event loop."""
    return (
        passages <= AT_ONCE
        and len(query.text) <= SHORT
        and limit <= SHALLOW
        and scope.sources is None
        and scope.passages is None
    )


def _clause(searcher: tantivy.Searcher, schema: tantivy.Schema, term: str) -> Clause | None:
    """The passages that hold a term, by BM25; None where none does.

    A question has a form for each language, and most of them are in no passage.
    """
    if not searcher.doc_freq("terms", term):
        return None
    return Clause.term_query(schema, "terms", term, "freq")


def _schema(spells: bool) -> tantivy.Schema:
    builder = tantivy.SchemaBuilder()
    builder.add_text_field("id", stored=True, tokenizer_name="raw", index_option="basic")
    for name in _FILTERED:
        builder.add_text_field(name, tokenizer_name="raw", index_option="basic")
    builder.add_text_field("terms", tokenizer_name="whitespace", index_option="position")
    if spells:
        builder.add_text_field("words", tokenizer_name="whitespace", index_option="basic")
    return builder.build()


def _write(path: Path, content: Mapping[str, object]) -> None:
    """Whole or not at all, also when the power goes."""
    unfinished = path.with_suffix(".tmp")
    with unfinished.open("w") as file:
        json.dump(content, file)
        file.flush()
        os.fsync(file.fileno())
    unfinished.replace(path)

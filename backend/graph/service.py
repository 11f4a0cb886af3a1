"""The graph as a person looks at it. All that is shown is made of the reader's scope alone."""

from __future__ import annotations

import asyncio
import hashlib
import re
from collections import OrderedDict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from backend.answers.answer import Search
from backend.answers.runs import AnswerRun
from backend.errors import Invalid, Unavailable
from backend.evidence.model import StoredVersion
from backend.graph.views import (
    About,
    Companies,
    Company,
    Node,
    Path,
    Quoted,
    Relation,
    View,
)
from backend.store.graph import Chosen, GraphRows
from retrieval.fusion import Fusion
from retrieval.graph import Kind, Statement, Step, Subgraph, Surroundings, Way, explain
from retrieval.graph.communities import Community, Quote, communities, summary
from retrieval.graph.cooccurrence import asked
from retrieval.graph.leg import linked
from retrieval.graph.model import Entity, EntityKey
from retrieval.graph.names import key
from retrieval.graph.paths import ASKED
from retrieval.graph.quotes import LONGEST, Span, Spoken
from retrieval.language import spoken
from retrieval.model import Passage, PassageId, Query, Scope
from retrieval.ports import GraphStore, Passages

ENTITIES = 24  # of a view, unless another number is asked for
MOST_ENTITIES = 100
RELATIONS_EACH = 3  # of a view for each entity it has: more is a ball of wool
FOCUS = 12  # passages of an answer, or of a question, that a view begins with
STARTS = 4  # of these a way may set out from
LOOKED_AT = 200  # ways to each
WAYS = 3  # told of each
REACHED = 300  # passages of the subgraph that is looked at
LONGEST_NAME = 200  # characters of an entity that is looked up
MOST_READ = 2_000  # passages that communities are found in; a few seconds of computing
SUMMARISED = 40  # passages of a community that its sentences are chosen from
KEPT = 16  # scopes whose communities are remembered
MOST_COMMUNITIES = 50  # of one page
_AMOUNT = re.compile(r"(?:eur|usd|gbp|chf|sek|nok|dkk|jpy)(?: [\d .,]+)?", re.IGNORECASE)


class Quotes(Protocol):
    """Where a model's words for its statements are kept."""

    async def quotes(
        self, wanted: Iterable[tuple[PassageId, Statement]], *, scope: Scope
    ) -> Mapping[tuple[PassageId, EntityKey, str, EntityKey], Span]:
        """The place in its passage of what each rests on, where a model named one."""
        ...

    async def stamp(self, *, scope: Scope) -> str:
        """Changes whenever what a model said of the scope does."""
        ...


@dataclass(frozen=True, slots=True)
class _Found:
    """The communities of one scope at one moment, and the graph they were found in."""

    chosen: Chosen
    graph: Subgraph
    communities: tuple[Community, ...]


class Graphs:
    """Reads the graph for the page. ``graph`` is the store, or why there is none."""

    def __init__(
        self,
        graph: GraphStore | Exception,
        *,
        rows: GraphRows,
        passages: Passages,
        searcher: Search,
        quotes: Quotes | None = None,
    ) -> None:
        self._graph = graph
        self._rows = rows
        self._passages = passages
        self._searcher = searcher
        self._quotes = quotes
        self._kept: OrderedDict[str, _Found] = OrderedDict()
        self._finding = asyncio.Lock()

    async def answer(self, run: AnswerRun, *, scope: Scope, limit: int = ENTITIES) -> View:
        """The ways from a question to what its answer cites, and the relations among the names."""
        cited = [id for line in run.sentences for id in line.passages]
        ids = cited or [hit.passage.id for hit in run.hits]
        return await self._behind(About.ANSWER, run.question, ids, scope=scope, limit=limit)

    async def question(
        self, text: str, *, fusion: Fusion, scope: Scope, limit: int = ENTITIES
    ) -> View:
        """The same for what a search finds."""
        found = await self._searcher.search(
            Query(text, spoken(text)), scope=scope, limit=FOCUS, fusion=fusion
        )
        ids = [hit.passage.id for hit in found.hits]
        understood = found.trace.understood
        said = text if understood is None else understood.text
        return await self._behind(About.QUESTION, said, ids, scope=scope, limit=limit)

    async def entity(self, name: str, *, scope: Scope, limit: int = ENTITIES) -> View:
        """What is stated of an entity, with whom. Empty where the scope names none so."""
        if not 0 < len(name.strip()) <= LONGEST_NAME:
            raise Invalid(
                f"The name to look up has {len(name)} characters.",
                f"Write 1 to {LONGEST_NAME} characters.",
            )
        store = self._store()
        meant = await self._meant(name, scope=scope)
        # Amounts say nothing of who stands to whom; asking for more leaves enough without them.
        found = _without_amounts(
            await store.stated(meant, scope=scope, limit=2 * limit), limit, keep=meant
        )
        return await self._view(About.ENTITY, name.strip(), found, meant, scope=scope)

    async def overview(self, *, scope: Scope, limit: int = ENTITIES) -> View:
        """The entities that most is stated of, and how they stand to one another."""
        found = await self._communities(scope)
        tied: dict[EntityKey, int] = {}
        for edge in found.graph.edges:
            for end in (edge.subject, edge.object):
                tied[end] = tied.get(end, 0) + edge.passages
        best = sorted(
            (one for one in found.graph.entities if _is_name(one.key)),
            key=lambda one: (-one.passages * tied.get(one.key, 0), one.key),
        )[:limit]
        return await self._among(About.SPACE, "", [one.key for one in best], (), (), scope=scope)

    async def communities(self, *, scope: Scope, offset: int = 0, limit: int = 10) -> Companies:
        """Who keeps company with whom, and sentences that say so, each at its place."""
        found = await self._communities(scope)
        page = found.communities[offset : offset + limit]
        wanted = [id for one in page for id in one.passages[:SUMMARISED]]
        held = {
            one.id: one
            for one in await self._passages.get(list(dict.fromkeys(wanted)), scope=scope)
        }

        def told() -> list[tuple[Community, Sequence[Quote]]]:
            return [(one, summary(one, held)) for one in page]

        summaries = await asyncio.to_thread(told)
        quoted = await self._quoted(
            [
                (held[quote.passage], Span(quote.start, quote.end))
                for _, quotes in summaries
                for quote in quotes
            ],
            scope=scope,
        )
        placed = iter(quoted)
        named = {one.key: one for one in found.graph.entities}
        return Companies(
            total=len(found.communities),
            offset=offset,
            page=tuple(
                Company(
                    _name_of(one),
                    tuple(named[key] for key in one.entities),
                    len(one.passages),
                    tuple(next(placed) for _ in quotes),
                )
                for one, quotes in summaries
            ),
            read=len(found.chosen.passages),
            of=found.chosen.of,
        )

    def _store(self) -> GraphStore:
        if isinstance(self._graph, Exception):
            raise self._graph
        return self._graph

    async def _meant(self, name: str, *, scope: Scope) -> tuple[EntityKey, ...]:
        store = self._store()
        keys = list(dict.fromkeys([key(name), *await asyncio.to_thread(asked, name)]))
        graph = await store.around([one for one in keys if one], scope=scope, hops=1, limit=REACHED)
        # One that too many passages name is left out of a subgraph, but what it is called is known.
        return linked(keys, graph) or tuple(one for one in keys[:1] if one)

    async def _behind(
        self, about: About, text: str, ids: Sequence[PassageId], *, scope: Scope, limit: int
    ) -> View:
        focus = list(dict.fromkeys(ids))[:FOCUS]
        keys = await asyncio.to_thread(asked, text)
        graph = await self._store().around(
            keys, scope=scope, hops=1, limit=REACHED, passages=focus, relations=True
        )
        named = linked(keys, graph)
        here = [id for id in focus if id in set(graph.passages)]

        def ways() -> list[_Way]:
            return [
                _Way(id, way.begins, str(way), way.about, way.steps)
                for id in here
                for way in sorted(
                    explain(graph, id, starts=here[:STARTS], asked=named, most=LOOKED_AT),
                    key=_detour,
                )[:WAYS]
            ]

        best = _central(graph, here, named)[:limit]
        return await self._among(
            about, text, best, named, await asyncio.to_thread(ways), scope=scope
        )

    async def _among(
        self,
        about: About,
        text: str,
        keys: Sequence[EntityKey],
        named: Sequence[EntityKey],
        ways: Sequence[_Way],
        *,
        scope: Scope,
    ) -> View:
        found = await self._store().stated(
            keys, scope=scope, limit=RELATIONS_EACH * len(keys), among=True
        )
        return await self._view(about, text, found, named, ways=ways, scope=scope)

    async def _view(
        self,
        about: About,
        text: str,
        found: Surroundings,
        named: Sequence[EntityKey],
        *,
        scope: Scope,
        ways: Sequence[_Way] = (),
    ) -> View:
        wanted = [id for one in found.statements for id in one.passages]
        wanted += [id for way in ways for id in (way.passage, way.begins) if id is not None]
        held = {
            one.id: one
            for one in await self._passages.get(list(dict.fromkeys(wanted)), scope=scope)
        }
        rests = [(id, one) for one in found.statements for id in one.passages if id in held]
        given = {} if self._quotes is None else await self._quotes.quotes(rests, scope=scope)

        def spans() -> list[tuple[Passage, Span]]:
            read: dict[PassageId, Spoken] = {}
            placed = []
            for id, one in rests:
                span = given.get((id, one.subject, one.kind, one.object))
                if span is None:
                    if id not in read:
                        read[id] = Spoken(held[id].text)
                    span = read[id].naming(one.subject, one.object)
                placed.append((held[id], span))
            return placed

        quoted = await self._quoted(await asyncio.to_thread(spans), scope=scope)
        support = {(id, one): place for (id, one), place in zip(rests, quoted, strict=True)}
        ends = list(dict.fromkeys(id for way in ways for id in (way.passage, way.begins) if id))
        opened = await self._quoted(
            [(held[id], _beginning(held[id])) for id in ends if id in held], scope=scope
        )
        whole = {one.passage: one for one in opened}
        names = {one.key: one.name for one in found.entities}
        return View(
            about,
            text,
            entities=tuple(Node(one, one.key in named) for one in _by_weight(found, named)),
            relations=tuple(
                Relation(
                    one,
                    str(Step(names[one.subject], one.kind, names[one.object], one.count)),
                    one.kind != Kind.CO_OCCURS,
                    tuple(support[id, one] for id in one.passages if (id, one) in support),
                )
                for one in found.statements
            ),
            paths=tuple(
                Path(
                    way.text,
                    way.about,
                    way.steps,
                    whole[way.passage],
                    whole.get(way.begins) if way.begins else None,
                )
                for way in ways
                if way.passage in whole
            ),
            whole=found.whole,
        )

    async def _quoted(self, spans: Sequence[tuple[Passage, Span]], *, scope: Scope) -> list[Quoted]:
        pages = await self._rows.page_starts(
            {(passage.source, passage.version) for passage, _ in spans if passage.page}, scope=scope
        )

        def page(passage: Passage, at: int) -> int | None:
            starts = pages.get((passage.source, passage.version), ())
            stored = StoredVersion(
                passage.source, passage.title, passage.space, passage.version, 0, "", starts
            )
            return stored.page_at(at) or passage.page

        return [
            Quoted(
                passage.id,
                passage.source,
                passage.title,
                passage.version,
                page(passage, passage.start + span.start),
                passage.start + span.start,
                passage.start + span.end,
                passage.text[span.start : span.end],
            )
            for passage, span in spans
        ]

    async def _communities(self, scope: Scope) -> _Found:
        store = self._store()
        chosen = await self._rows.chosen(scope=scope, most=MOST_READ)
        stamp = "" if self._quotes is None else await self._quotes.stamp(scope=scope)
        # Ids name versions and their pieces: the same ids, the same text.
        made_of = hashlib.sha256("\n".join((scope.tenant, stamp, *chosen.passages)).encode())
        name = made_of.hexdigest()
        async with self._finding:  # one at a time: it takes a core for seconds
            if name not in self._kept:
                self._kept[name] = await self._find(store, chosen, scope)
            self._kept.move_to_end(name)
            while len(self._kept) > KEPT:
                self._kept.popitem(last=False)
            return self._kept[name]

    async def _find(self, store: GraphStore, chosen: Chosen, scope: Scope) -> _Found:
        narrowed = Scope(scope.tenant, scope.spaces, frozenset(chosen.sources))
        graph = await store.around(
            [],
            scope=narrowed,
            hops=1,
            limit=MOST_READ,
            passages=chosen.passages,
            relations=True,
        )
        return _Found(chosen, graph, await asyncio.to_thread(lambda: communities(_named(graph))))


@dataclass(frozen=True, slots=True)
class _Way:
    passage: PassageId
    begins: PassageId | None
    text: str
    about: bool
    steps: tuple[Step, ...]


def graph_off() -> Unavailable:
    return Unavailable(
        "There is no graph here: it is off by its setting.",
        "Set STRATMASTER_GRAPH_URL=sqlite:///graph.db, start again and run `stratmaster reindex`.",
        code="graph_off",
    )


def _central(
    graph: Subgraph, focus: Sequence[PassageId], named: Sequence[EntityKey]
) -> list[EntityKey]:
    """The entities of the passages in focus: those asked for, then what most of these name."""
    within = set(focus)
    held: dict[EntityKey, set[PassageId]] = {key: set() for key in named}
    for link in graph.links:
        if link.passage in within:
            held.setdefault(link.entity, set()).add(link.passage)
    rare = {one.key: one.passages for one in graph.entities}
    names = [key for key in held if key in named or _is_name(key)]
    return sorted(names, key=lambda key: (key not in named, -len(held[key]), rare[key], key))


def _detour(way: Way) -> tuple[bool, bool]:
    """What a question names itself is told first, then what stands beside that."""
    return way.begins is not None, way.steps[0].kind != ASKED


def _is_name(key: EntityKey) -> bool:
    """Whether it is more than an amount: "eur 4" says nothing of who stands to whom."""
    return _AMOUNT.fullmatch(key) is None


def _without_amounts(found: Surroundings, limit: int, *, keep: Sequence[EntityKey]) -> Surroundings:
    told = [
        one
        for one in found.statements
        if all(end in keep or _is_name(end) for end in (one.subject, one.object))
    ]
    shown = {end for one in told[:limit] for end in (one.subject, one.object)}
    return Surroundings(
        tuple(one for one in found.entities if one.key in keep or one.key in shown),
        tuple(told[:limit]),
        whole=found.whole and len(told) <= limit,
    )


def _named(graph: Subgraph) -> Subgraph:
    """The graph without amounts."""
    return replace(
        graph,
        entities=tuple(one for one in graph.entities if _is_name(one.key)),
        links=tuple(one for one in graph.links if _is_name(one.entity)),
        edges=tuple(one for one in graph.edges if _is_name(one.subject) and _is_name(one.object)),
    )


def _by_weight(found: Surroundings, named: Sequence[EntityKey]) -> list[Entity]:
    tied: dict[EntityKey, int] = {}
    for one in found.statements:
        for end in (one.subject, one.object):
            tied[end] = tied.get(end, 0) + one.count
    return sorted(
        found.entities, key=lambda one: (one.key not in named, -tied.get(one.key, 0), one.key)
    )


def _beginning(passage: Passage) -> Span:
    return Span(0, min(len(passage.text), LONGEST))


def _name_of(community: Community) -> str:
    return hashlib.sha256("\n".join(sorted(community.entities)).encode()).hexdigest()[:16]

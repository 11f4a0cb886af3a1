"""The same passages for the same question, from embedded engines and from servers."""

from __future__ import annotations

import asyncio
import random
import secrets
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from retrieval.dense import DenseLeg, VectorIndex
from retrieval.encoders.hashing import HashingEncoder
from retrieval.graph.leg import FINGERPRINT, GraphLeg
from retrieval.language import guess, spoken
from retrieval.memory import MemoryLexical, MemoryPassages
from retrieval.model import Hit, Passage, Query, Scope
from retrieval.ports import Leg
from retrieval.search import Searcher
from retrieval.stores import qdrant_generations
from retrieval.stores.opensearch import OpenSearch, Server
from retrieval.stores.opensearch_generations import OpenSearchGenerations
from retrieval.stores.qdrant import Qdrant
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.stores.sqlite_graph import SqliteGraph
from retrieval.stores.tantivy import Tantivy

ALL = Scope("acme", frozenset({"spc_1"}))
ENCODER = HashingEncoder(64)

# Words that sentences are made of: what a language holds together by, and what it speaks of.
WORDS = {
    "en": (
        "the of and to in was with for on by",
        "prices markets companies harbours freight tariffs copper margins suppliers customers "
        "contracts revenues warehouses studies growing falling agreed decided policies energy",
    ),
    "de": (
        "der die das und von mit für auf bei wurde",
        "Preise Märkte Unternehmen Häfen Frachten Zölle Kupfer Gewinne Lieferanten Kunden Verträge "
        "Umsätze Lagerhäuser Studien wachsende gefallene vereinbarte Häuser Größe Energie",
    ),
    "fr": (
        "le la les et de des dans par pour avec",
        "prix marchés entreprises ports cargaisons tarifs cuivre marges fournisseurs clients "
        "contrats revenus entrepôts études croissantes l'énergie décidées accords forêts œuvres",
    ),
    "es": (
        "el la los y de del en por para con",
        "precios mercados empresas puertos cargas aranceles cobre márgenes proveedores clientes "
        "contratos ingresos almacenes estudios crecientes energía decididos acuerdos años niños",
    ),
    "ru": (
        "и в на с по для от из что как",
        "цены рынки компании порты грузы тарифы медь прибыли поставщики клиенты договоры доходы "
        "склады исследования растущие энергия решения соглашения ёлки объёмы",
    ),
    "tr": (
        "ve bir bu için ile de da çok daha en",
        "fiyatlar pazarlar şirketler limanlar yükler gümrük bakır kârlar tedarikçiler müşteriler "
        "sözleşmeler gelirler depolar çalışmalar enerji kararlar anlaşmalar İstanbul ılık ölçüler",
    ),
    "ja": (
        "は が を に で と の も から まで",
        "価格 市場 会社 港湾 貨物 関税 銅 利益 供給者 顧客 契約 収入 倉庫 研究 成長 "
        "エネルギー 決定 協定 東京都 カタカナ",
    ),
}
EACH = 40  # passages in a language
ASKED = 7  # questions in a language


def made(rng: random.Random) -> tuple[list[Passage], list[str]]:
    """Passages of 8 to 120 words and questions of 1 to 6; some of them say the very same."""
    passages: list[Passage] = []
    questions: list[str] = []
    for language, (small, large) in WORDS.items():
        gap = "" if language == "ja" else " "

        def said(count: int, small: str = small, large: str = large, gap: str = gap) -> str:
            # Common words are commoner, as in any text.
            choice = large.split()[: rng.choice([4, 10, 20])]
            return gap.join(
                rng.choice(small.split()) if rng.random() < 0.4 else rng.choice(choice)
                for _ in range(count)
            )

        for _ in range(EACH):
            number = len(passages)
            text = (
                f"{said(rng.choice([8, 20, 39, 40, 41, 60, 120]))} {rng.randrange(3)}.{number % 5}"
            )
            if rng.random() < 0.1 and passages:
                text = passages[-1].text
            source = f"src_{number % 9}"
            passages.append(
                Passage(
                    f"{source}.000000000000.{number:05d}", "acme", "spc_1", source, "v1", number,
                    text, 0, len(text), "", (), language=guess(text),
                )
            )  # fmt: skip
        questions += [said(rng.randrange(1, 7)) for _ in range(ASKED)]
    return passages, questions


@asynccontextmanager
async def laptop(folder: Path) -> AsyncIterator[tuple[Leg, VectorIndex]]:
    words = Tantivy.open(folder / "lexical")
    vectors = QdrantEdge.open_dense(folder / "dense", fingerprint="f", dimensions=64)
    try:
        yield words, vectors
    finally:
        words.close()
        vectors.close()


@asynccontextmanager
async def cluster(words_at: str, vectors_at: str) -> AsyncIterator[tuple[Leg, VectorIndex]]:
    name = f"parity-{secrets.token_hex(6)}"
    words = await asyncio.to_thread(lambda: OpenSearch.open(Server(words_at), name, refresh="20ms"))
    vectors = await Qdrant.open_dense(vectors_at, name, fingerprint="f", dimensions=64)
    try:
        yield words, vectors
    finally:
        await asyncio.to_thread(words.close)
        await vectors.close()
        await asyncio.to_thread(OpenSearchGenerations(Server(words_at), name).erase)
        await qdrant_generations.erase(vectors_at, name)


async def searcher(
    engines: tuple[Leg, VectorIndex], graph: SqliteGraph, held: Sequence[Passage]
) -> Searcher:
    words, vectors = engines
    dense = DenseLeg(ENCODER, vectors)
    await words.put(held)
    await dense.put(held)
    legs: list[Leg] = [words, dense, GraphLeg(graph, [words, dense], seeding_s=60)]
    return Searcher(legs, MemoryPassages(held), deadline_s=60)


def shown(hits: Sequence[Hit]) -> list[tuple[str, float, list[tuple[str, int]]]]:
    return [
        (
            hit.passage.id,
            round(hit.score, 9),
            [(part.leg, part.rank) for part in hit.contributions],
        )
        for hit in hits
    ]


@pytest.mark.parametrize("seed", [1, 2])
async def test_a_laptop_and_a_cluster_show_the_same_eight(
    tmp_path: Path, opensearch_address: str, qdrant_address: str, seed: int
) -> None:
    """In seven languages, two of them not ours: the same ids in the same order, by the same ranks.

    And the words' ten best are exact BM25's, lengths kept in a byte as both engines keep them.
    """
    held, questions = made(random.Random(seed))
    exact = MemoryLexical(length=remembered)
    await exact.put(held)
    graph = SqliteGraph.open(tmp_path / "graph.db", fingerprint=FINGERPRINT)
    async with (
        laptop(tmp_path) as embedded,
        cluster(opensearch_address, qdrant_address) as served,
    ):
        here, there = [await searcher(each, graph, held) for each in (embedded, served)]
        await GraphLeg(graph, ()).put(held)
        found = 0
        for text in questions:
            query = Query(text, spoken(text))
            ours = await here.search(query, scope=ALL)
            theirs = await there.search(query, scope=ALL)
            assert not ours.trace.degraded
            assert not theirs.trace.degraded
            assert shown(ours.hits) == shown(theirs.hits), text
            found += len(ours.hits)
            expected = (await exact.search(query, scope=ALL, limit=len(held))).ranked
            scores = {line.passage: line.score for line in expected}
            for engine in (embedded, served):
                ten = (await engine[0].search(query, scope=ALL, limit=10)).ranked
                assert len(ten) == min(10, len(expected)), text
                best = [line.score for line in expected[: len(ten)]]
                assert [scores[line.passage] for line in ten] == pytest.approx(best, rel=1e-5)
        assert found >= 7 * len(questions), "the questions find too little to compare"
    graph.close()


def remembered(length: int) -> int:
    """A length as Lucene and tantivy keep it in a byte: SmallFloat.intToByte4 and back."""
    if length < 40:
        return length
    rest = length - 24
    shift = rest.bit_length() - 4
    return 24 + (rest >> shift << shift)

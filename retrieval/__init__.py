"""Find the passages that answer: legs in parallel, fused by rank, inside a scope.

Engines and encoders are not here: whoever wires the product imports the ones it was told to.
"""

from retrieval.chunking import cut
from retrieval.fusion import min_max, rrf
from retrieval.ingest import Ingester, LegsFailed
from retrieval.model import Hit, Passage, Query, Scope, SearchResult
from retrieval.search import Searcher
from retrieval.sentences import sentences

__all__ = [
    "Hit",
    "Ingester",
    "LegsFailed",
    "Passage",
    "Query",
    "Scope",
    "SearchResult",
    "Searcher",
    "cut",
    "min_max",
    "rrf",
    "sentences",
]

"""Who is named where: read from passages, walked by a question, told as ways."""

from retrieval.graph.model import (
    Edge,
    Entity,
    EntityKey,
    Facts,
    Kind,
    Link,
    Mention,
    Relation,
    Subgraph,
)
from retrieval.graph.paths import Step, Way, explain

__all__ = [
    "Edge",
    "Entity",
    "EntityKey",
    "Facts",
    "Kind",
    "Link",
    "Mention",
    "Relation",
    "Step",
    "Subgraph",
    "Way",
    "explain",
]

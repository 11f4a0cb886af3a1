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
    Statement,
    Subgraph,
    Surroundings,
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
    "Statement",
    "Step",
    "Subgraph",
    "Surroundings",
    "Way",
    "explain",
]

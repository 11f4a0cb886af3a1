"""Everything the application is made of, as one value that routes are handed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

if TYPE_CHECKING:  # routes import this module, and the services import routes' neighbours
    from backend.answers.answer import Answers
    from backend.auth.principal import Principal
    from backend.briefs.images import Images
    from backend.briefs.service import Briefs
    from backend.bus.remote import RemoteBus
    from backend.claims.service import Claims
    from backend.comments.service import Comments
    from backend.connections.apis import ConnectionApis
    from backend.connections.hooks import Hooks
    from backend.connections.service import Connections
    from backend.documents.downloads import Downloads
    from backend.editing.routes import Door
    from backend.events import Hub
    from backend.evidence.service import EvidenceService
    from backend.exports.drifts import Drifts
    from backend.exports.service import Exports
    from backend.exports.targets import Targets
    from backend.graph.extraction import Extractions
    from backend.graph.service import Graphs
    from backend.health import Port
    from backend.history.service import History
    from backend.jobs import Worker
    from backend.members.service import Members
    from backend.members.watch import Watch
    from backend.ports import BlobStore
    from backend.rebuilding import Rebuilding
    from backend.settings import Settings
    from backend.sources.reader import SourceReader
    from backend.sources.service import Sources
    from backend.sources.texts import Texts
    from backend.spaces.service import Spaces
    from backend.store.engine import Store
    from backend.store.outbox import Outbox
    from backend.store.passages import StoredPassages
    from backend.templates.service import Templates
    from backend.wiring import OpenedLeg
    from collab import Rooms
    from retrieval.search import Searcher


class Authenticator(Protocol):
    @property
    def name(self) -> str: ...

    async def authenticate(
        self, *, method: str, headers: Mapping[str, str], client: str | None
    ) -> Principal:
        """Who is asking; raises NotSignedIn or Forbidden."""
        ...


@dataclass(frozen=True)
class Services:
    """Opened and ready; ``backend.wiring.open_services`` makes and closes them."""

    settings: Settings
    store: Store
    blobs: BlobStore
    hub: Hub
    bus: RemoteBus | None
    authenticator: Authenticator
    spaces: Spaces
    members: Members
    watch: Watch
    sources: Sources
    reader: SourceReader
    texts: Texts
    passages: StoredPassages
    legs: Sequence[OpenedLeg]
    searcher: Searcher
    outbox: Outbox
    worker: Worker
    rooms: Rooms
    door: Door
    briefs: Briefs
    images: Images
    templates: Templates
    evidence: EvidenceService
    claims: Claims
    history: History
    comments: Comments
    answers: Answers
    graphs: Graphs
    extractions: Extractions
    downloads: Downloads
    connections: Connections
    apis: ConnectionApis
    hooks: Hooks
    targets: Targets
    exports: Exports
    drifts: Drifts
    rebuilding: Rebuilding
    ports: Sequence[Port]
    warm: Callable[[], Awaitable[object]]
    """Opens what a start puts off, the encoder, and waits for it. Raises why it cannot be."""

"""A brief as it reads at this moment, ready to leave for elsewhere."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol
from urllib.parse import quote

from backend.auth.principal import Principal
from backend.briefs.images import Images
from backend.claims.claims import cites_of
from backend.documents.projection import image_sources, to_brief
from backend.errors import NotFound
from backend.evidence.model import Evidence
from backend.evidence.service import MOST_IDS, EvidenceService
from collab.model import DocumentId, Projection
from exporters import Brief, Image
from retrieval.model import Scope

_IMAGE = re.compile(r"/api/images/([0-9a-f]{64})")


class Documents(Protocol):
    async def projection(self, document: DocumentId) -> Projection: ...


@dataclass(frozen=True, slots=True)
class Reading:
    """``evidence`` is what the citations rest on, by their ids, as far as the reader may see it."""

    brief: Brief
    projection: Projection
    evidence: Mapping[str, Evidence]


class CurrentBriefs:
    """Reads what the room says now, or what is stored where no room is open."""

    def __init__(
        self, *, documents: Documents, evidence: EvidenceService, images: Images, public_url: str
    ) -> None:
        self._documents = documents
        self._evidence = evidence
        self._images = images
        self._root = public_url.rstrip("/")

    def link(self, space: str, brief: str) -> str:
        """The address of a brief's page; empty where nobody said where the product is reached."""
        if not self._root:
            return ""
        return f"{self._root}/s/{quote(space, safe='')}/b/{quote(brief, safe='')}"

    async def read(
        self,
        brief: str,
        space: str,
        *,
        scope: Scope,
        principal: Principal,
        pictures: bool = True,
    ) -> Reading:
        """With what lies outside the scope named by its number alone, as for any other reader.
        ``pictures``: with their bytes, which take a while to fetch."""
        projection = await self._documents.projection(brief)
        cites = tuple(dict.fromkeys(cite for cite, _ in cites_of(projection.blocks)))
        evidence: dict[str, Evidence] = {}
        for begin in range(0, len(cites), MOST_IDS):
            evidence |= await self._evidence.get(cites[begin : begin + MOST_IDS], scope=scope)
        images = await self._pictures(projection, space, principal) if pictures else {}
        made = await asyncio.to_thread(
            to_brief,
            brief,
            projection.title,
            projection.blocks,
            evidence=evidence,
            images=images,
            link=self.link(space, brief),
        )
        return Reading(made, projection, evidence)

    async def _pictures(
        self, projection: Projection, space: str, principal: Principal
    ) -> dict[str, Image]:
        """The space's own: what was pasted from another is not that space's to send anywhere."""
        found: dict[str, Image] = {}
        for source in image_sources(projection.blocks):
            match = _IMAGE.fullmatch(source)
            if match is None:
                continue  # only our own; a file must not fetch from elsewhere
            try:
                image = await self._images.get(principal, match[1], space)
            except NotFound:
                continue
            content = b"".join([piece async for piece in self._images.open(image)])
            found[source] = Image("", image.media_type, content)
        return found

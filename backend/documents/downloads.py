"""A brief as a file, as it reads at this moment."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol
from urllib.parse import quote

from backend.auth.principal import Principal
from backend.briefs.images import Images
from backend.claims.claims import cites_of
from backend.documents.projection import image_sources, to_brief
from backend.errors import Invalid, NotFound
from backend.evidence.model import Evidence
from backend.evidence.service import MOST_IDS, EvidenceService
from collab.model import DocumentId, Projection
from exporters import Image, TooDeep, markdown
from retrieval.model import Scope

_IMAGE = re.compile(r"/api/images/([0-9a-f]{64})")
_LONGEST_NAME = 120  # characters; some file systems end at 255 bytes


class Format(StrEnum):
    MARKDOWN = "md"
    WORD = "docx"

    @property
    def media_type(self) -> str:
        if self is Format.MARKDOWN:
            return "text/markdown; charset=utf-8"
        return "application/vnd.openxmlformats-officedocument.wordprocessingml.document"


@dataclass(frozen=True, slots=True)
class Download:
    name: str
    media_type: str
    content: bytes


class Documents(Protocol):
    async def projection(self, document: DocumentId) -> Projection: ...


class Downloads:
    """Renders what the room says now, or what is stored where no room is open."""

    def __init__(self, *, documents: Documents, evidence: EvidenceService, images: Images) -> None:
        self._documents = documents
        self._evidence = evidence
        self._images = images

    async def render(
        self, brief: str, format: Format, *, scope: Scope, principal: Principal
    ) -> Download:
        projection = await self._documents.projection(brief)
        cites = tuple(dict.fromkeys(cite for cite, _ in cites_of(projection.blocks)))
        evidence: dict[str, Evidence] = {}
        for begin in range(0, len(cites), MOST_IDS):
            evidence |= await self._evidence.get(cites[begin : begin + MOST_IDS], scope=scope)
        images = await self._pictures(projection, principal)
        try:
            content = await asyncio.to_thread(_render, brief, projection, format, evidence, images)
        except TooDeep as error:
            raise Invalid(
                str(error), "Lift the block out of its lists and download again."
            ) from None
        title = " ".join(projection.title.split()) or "Untitled"
        return Download(f"{file_name(title)}.{format}", format.media_type, content)

    async def _pictures(self, projection: Projection, principal: Principal) -> dict[str, Image]:
        found: dict[str, Image] = {}
        for source in image_sources(projection.blocks):
            match = _IMAGE.fullmatch(source)
            if match is None:
                continue  # only our own; a file must not fetch from elsewhere
            try:
                image = await self._images.get(principal, match[1])
            except NotFound:
                continue
            content = b"".join([piece async for piece in self._images.open(image)])
            found[source] = Image("", image.media_type, content)
        return found


def file_name(title: str) -> str:
    """A title as a name that every file system takes."""
    plain = unicodedata.normalize("NFC", title)
    plain = re.sub(r'[\\/:*?"<>|\x00-\x1f\x7f]+', "-", plain)
    # No format characters: a name must not read backwards.
    plain = "".join(one for one in plain if unicodedata.category(one) not in ("Cf", "Cs"))
    return plain.strip(" .-")[:_LONGEST_NAME].rstrip(" .") or "brief"


def disposition(name: str) -> str:
    """The header of RFC 6266: a plain name for old clients, the true one for the rest."""
    ascii_name = unicodedata.normalize("NFKD", name).encode("ascii", "ignore").decode()
    plain = re.sub(r'["\\;%]', "-", ascii_name)
    if not plain.rpartition(".")[0].strip():
        plain = f"brief.{name.rpartition('.')[2]}"
    return f"attachment; filename=\"{plain}\"; filename*=UTF-8''{quote(name, safe='')}"


def _render(
    brief: str,
    projection: Projection,
    format: Format,
    evidence: Mapping[str, Evidence],
    images: Mapping[str, Image],
) -> bytes:
    made = to_brief(brief, projection.title, projection.blocks, evidence=evidence, images=images)
    if format is Format.MARKDOWN:
        return markdown.render(made).encode()
    from exporters import docx  # its library is worth loading only for a download

    return docx.render(made)

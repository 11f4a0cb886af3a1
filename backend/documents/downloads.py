"""A brief as a file, as it reads at this moment."""

from __future__ import annotations

import asyncio
import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import quote

from backend.auth.principal import Principal
from backend.documents.current import CurrentBriefs
from backend.errors import Invalid
from exporters import Brief, TooDeep, markdown
from retrieval.model import Scope

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


class Downloads:
    """Renders a brief as it reads now."""

    def __init__(self, current: CurrentBriefs) -> None:
        self._current = current

    async def render(
        self, brief: str, space: str, format: Format, *, scope: Scope, principal: Principal
    ) -> Download:
        reading = await self._current.read(brief, space, scope=scope, principal=principal)
        try:
            content = await asyncio.to_thread(_render, reading.brief, format)
        except TooDeep as error:
            raise Invalid(
                str(error), "Lift the block out of its lists and download again."
            ) from None
        return Download(f"{file_name(reading.brief.title)}.{format}", format.media_type, content)


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


def _render(made: Brief, format: Format) -> bytes:
    if format is Format.MARKDOWN:
        return markdown.render(made).encode()
    from exporters import docx  # its library is worth loading only for a download

    return docx.render(made)

"""Images in briefs: known by their digest, and only what a browser draws without running it."""

from __future__ import annotations

import asyncio
import hashlib
import io
import logging
import warnings
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, Final, Protocol

from PIL import Image as Pillow
from sqlalchemy import Row, insert, select

from backend.auth.policy import Action
from backend.auth.principal import Principal
from backend.clock import now
from backend.errors import Invalid, NotFound, TooLarge
from backend.jobs import Lease
from backend.ports import BlobStore
from backend.spaces.service import Spaces
from backend.store.engine import Store
from backend.store.outbox import Job, JobState
from backend.store.tables import images

MAX_BYTES: Final = 10 * 1024 * 1024
MAX_PIXELS: Final = 50_000_000
log = logging.getLogger(__name__)

MEDIA_TYPES: Final = {
    "PNG": "image/png",
    "JPEG": "image/jpeg",
    "GIF": "image/gif",
    "WEBP": "image/webp",
}
_PIECE: Final = 256 * 1024


class Upload(Protocol):
    """A file as it arrives."""

    async def read(self, size: int = -1, /) -> bytes: ...


@dataclass(frozen=True, slots=True)
class Image:
    digest: str
    tenant: str
    media_type: str
    width: int
    height: int
    bytes: int


class Images:
    def __init__(self, store: Store, spaces: Spaces, blobs: BlobStore) -> None:
        self._store = store
        self._spaces = spaces
        self._blobs = blobs

    async def add(self, principal: Principal, space: str, upload: Upload) -> Image:
        """Keep an image for a space's briefs; the same bytes again are the same image."""
        opened = await self._spaces.open(principal, space, Action.EDIT)
        content = await _read(upload)
        image = await asyncio.to_thread(inspect, content, opened.tenant)
        key = _key(image)
        if not await self._blobs.exists(key):
            await self._blobs.put(key, _pieces(content))
        async with self._store.writing() as connection:
            held = await connection.scalar(
                select(images.c.digest).where(
                    images.c.space == opened.id, images.c.digest == image.digest
                )
            )
            if held is None:
                await connection.execute(
                    insert(images).values(
                        space=opened.id,
                        digest=image.digest,
                        tenant=opened.tenant,
                        media_type=image.media_type,
                        width=image.width,
                        height=image.height,
                        bytes=image.bytes,
                        created_at=now(),
                    )
                )
        if not await self._blobs.exists(key):  # the last space that had it was deleted just now
            await self._blobs.put(key, _pieces(content))
        return image

    async def get(self, principal: Principal, digest: str, space: str | None = None) -> Image:
        """An image of this space, or of any, that this person may read; NotFound otherwise."""
        wanted = select(images).where(
            images.c.tenant == principal.tenant, images.c.digest == digest
        )
        if space is not None:
            wanted = wanted.where(images.c.space == space)
        async with self._store.reading() as connection:
            rows = (await connection.execute(wanted)).all()
        for row in rows:
            try:
                await self._spaces.open(principal, row.space, Action.READ)
            except NotFound:
                continue
            return _image(row)
        raise NotFound("image", digest)

    def open(self, image: Image) -> AsyncIterator[bytes]:
        return self._blobs.open(_key(image))


class DropImages:
    """The job that clears away what a deleted space's images leave behind."""

    def __init__(self, store: Store, blobs: BlobStore) -> None:
        self._store = store
        self._blobs = blobs

    async def run(self, lease: Lease) -> None:
        tenant = lease.job.tenant
        digests = [str(digest) for digest in lease.job.payload["digests"]]
        # Within the writer's lock, so that nobody takes up the same image between look and delete.
        async with self._store.writing() as connection:
            used = set(
                (
                    await connection.execute(
                        select(images.c.digest).where(
                            images.c.tenant == tenant, images.c.digest.in_(digests)
                        )
                    )
                ).scalars()
            )
            await self._blobs.delete(
                [_place(tenant, digest) for digest in digests if digest not in used]
            )
            await lease.finish(connection)

    async def stopped(self, job: Job) -> None:
        """Deletions are not cancelled."""

    async def gave_up(self, lease: Lease, error: str) -> None:
        log.error("images of %s are not cleared: %s", lease.job.subject, error)
        async with self._store.writing() as connection:
            await lease.finish(connection, JobState.FAILED, error)


def inspect(content: bytes, tenant: str) -> Image:
    """What the header says it is, whatever its name says; Invalid or TooLarge if we can't use it.

    Only the header is decoded: the size is checked before any pixel is.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns of large images; the limit here is ours and is checked below.
            warnings.simplefilter("ignore", Pillow.DecompressionBombWarning)
            with Pillow.open(io.BytesIO(content), formats=tuple(MEDIA_TYPES)) as opened:
                name, (width, height) = opened.format, opened.size
    except Pillow.DecompressionBombError as error:
        raise _too_many_pixels("far more than") from error
    except Exception as error:  # a damaged header surfaces as almost any error
        raise Invalid(
            "This is no PNG, JPEG, GIF or WebP image that can be read.",
            "Save it as PNG or JPEG and add it again.",
            code="not_an_image",
        ) from error
    if width * height > MAX_PIXELS:
        raise _too_many_pixels(f"{width} × {height}, more than")
    return Image(
        hashlib.sha256(content).hexdigest(),
        tenant,
        MEDIA_TYPES[name or ""],
        width,
        height,
        len(content),
    )


def _too_many_pixels(size: str) -> TooLarge:
    return TooLarge(
        f"The image is {size} {MAX_PIXELS // 1_000_000} million pixels.",
        "Scale it down and add it again.",
    )


async def _read(upload: Upload) -> bytes:
    content = bytearray()
    while piece := await upload.read(_PIECE):
        content += piece
        if len(content) > MAX_BYTES:
            raise TooLarge(
                f"The image is larger than {MAX_BYTES // 1024 // 1024} MB.",
                "Scale it down, or save it as JPEG or WebP.",
            )
    return bytes(content)


async def _pieces(content: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(content), _PIECE):
        yield content[start : start + _PIECE]


def _key(image: Image) -> str:
    return _place(image.tenant, image.digest)


def _place(tenant: str, digest: str) -> str:
    return f"images/{tenant}/{digest}"


def _image(row: Row[Any]) -> Image:
    return Image(row.digest, row.tenant, row.media_type, row.width, row.height, row.bytes)

"""The generations of a collection on a Qdrant server, and which of them a leg's alias leads to.

The first is the collection itself, the others are its name with ``-g1``, ``-g2`` behind it. One
holds the vectors of every leg that was built in it; a leg leaves it alone.
"""

from __future__ import annotations

import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from qdrant_client import AsyncQdrantClient, models
from qdrant_client.http.exceptions import ResponseHandlingException, UnexpectedResponse

from retrieval.errors import EngineUnavailable, IndexMismatch
from retrieval.rebuild import age
from retrieval.stores.qdrant import LEGS, MARK, alias_of, client_of, forgetting, named


@dataclass(frozen=True, slots=True)
class QdrantGenerations:
    """Those of one leg, ``dense`` or ``sparse``."""

    address: str
    collection: str
    leg: str
    secure: bool = False
    api_key: str | None = None

    async def serving(self) -> str:
        async with self._asked() as client:
            return await self._serving(client, self.leg)

    async def held(self) -> Sequence[str]:
        async with self._asked() as client:
            return [
                generation
                for generation, name in (await _lying(client, self.collection)).items()
                if self.leg in await _legs(client, name)
            ]

    async def switch(self, generation: str) -> None:
        name, alias = named(self.collection, generation), alias_of(self.collection, self.leg)
        before = models.DeleteAliasOperation(delete_alias=models.DeleteAlias(alias_name=alias))
        after = models.CreateAliasOperation(
            create_alias=models.CreateAlias(collection_name=name, alias_name=alias)
        )
        async with self._asked() as client:
            await client.update_collection_aliases([before, after])  # both or neither

    async def remove(self, generation: str) -> None:
        name = named(self.collection, generation)
        async with self._asked() as client:
            if not await client.collection_exists(name):
                return
            held = await _legs(client, name)
            staying = [
                leg
                for leg in held
                if leg != self.leg and age(await self._serving(client, leg)) <= age(generation)
            ]
            if staying and self.leg in held:
                away = forgetting(self.leg, LEGS, models.Filter())
                # What is put after comes after, though this may take the server a while.
                await client.batch_update_points(name, away, wait=False)
                await client.update_collection(name, metadata={self.leg: None})
            elif held and not staying:
                await client.delete_collection(name)

    async def _serving(self, client: AsyncQdrantClient, leg: str) -> str:
        alias = alias_of(self.collection, leg)
        for one in (await client.get_aliases()).aliases:
            if one.alias_name == alias:
                return _generation(self.collection, one.collection_name) or ""
        return ""

    @asynccontextmanager
    async def _asked(self) -> AsyncIterator[AsyncQdrantClient]:
        async with _asking(self.address, self.collection, self.secure, self.api_key) as client:
            yield client


async def erase(
    address: str, collection: str, *, secure: bool = False, api_key: str | None = None
) -> None:
    """Remove a collection of ours and its generations; no one else's is touched."""
    async with _asking(address, collection, secure, api_key) as client:
        for name in (await _lying(client, collection)).values():
            if await _legs(client, name):
                await client.delete_collection(name)
            elif name == collection:
                raise IndexMismatch(
                    f"the collection {collection} on {address} is not ours: it stays"
                )


@asynccontextmanager
async def _asking(
    address: str, collection: str, secure: bool, api_key: str | None
) -> AsyncIterator[AsyncQdrantClient]:
    client = client_of(address, secure, api_key)
    try:
        yield client
    except (UnexpectedResponse, ResponseHandlingException, httpx.HTTPError) as error:
        raise EngineUnavailable(
            f"Qdrant at {address} did not do as it was asked with {collection} ({error})"
        ) from error
    finally:
        await client.close()


async def _lying(client: AsyncQdrantClient, collection: str) -> dict[str, str]:
    """Collections by the generation that their names say."""
    found = {}
    for one in (await client.get_collections()).collections:
        generation = _generation(collection, one.name)
        if generation is not None:
            found[generation] = one.name
    return dict(sorted(found.items()))


async def _legs(client: AsyncQdrantClient, name: str) -> list[str]:
    """The legs that have vectors in a collection of ours."""
    metadata = (await client.get_collection(name)).config.metadata or {}
    return [leg for leg in LEGS if leg in metadata] if MARK in metadata else []


def _generation(collection: str, name: str) -> str | None:
    found = re.fullmatch(rf"{re.escape(collection)}(?:-(g\d+))?", name)
    return None if found is None else found[1] or ""

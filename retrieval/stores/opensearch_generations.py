"""The generations of an index on an OpenSearch server, and which of them the bare name leads to.

The first is opened by the collection's name, the others with ``-g1``, ``-g2`` behind it; each is
an index behind an alias of that name.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from opensearchpy import OpenSearch as Client
from opensearchpy.exceptions import NotFoundError, OpenSearchException

from retrieval.errors import EngineUnavailable, IndexMismatch
from retrieval.stores.opensearch import MARK, Server

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class OpenSearchGenerations:
    """Those of one collection."""

    server: Server
    collection: str

    def named(self, generation: str | None) -> str:
        """The name that a generation is opened by; None is whichever serves."""
        return self.collection if generation is None else f"{self.collection}-{generation}"

    async def serving(self) -> str:
        def look(client: Client) -> str:
            try:
                (index,) = client.indices.get_mapping(index=self.collection)
            except (NotFoundError, ValueError):  # none yet, or several: opening says what is wrong
                return ""
            return self._of(index) or ""

        return await self._asked(look)

    async def held(self) -> Sequence[str]:
        return await self._asked(lambda client: sorted(self._indexes(client)))

    async def switch(self, generation: str) -> None:
        """In one step."""

        def point(client: Client) -> None:
            index = self._indexes(client)[generation]
            alias = self.collection
            actions: list[Mapping[str, Any]] = [{"add": {"index": index, "alias": alias}}]
            try:
                before = client.indices.get_mapping(index=alias)
            except NotFoundError:
                before = {}
            actions += [
                {"remove": {"index": other, "alias": alias}} for other in before if other != index
            ]
            client.indices.update_aliases(body={"actions": actions})

        await self._asked(point)

    async def remove(self, generation: str) -> None:
        def away(client: Client) -> None:
            index = self._indexes(client).get(generation)
            if index is not None:
                client.indices.delete(index=index)

        await self._asked(away)

    def erase(self) -> None:
        """Remove the index behind the name, unless it is someone else's. Blocking."""

        def away(client: Client) -> None:
            try:
                mappings = client.indices.get_mapping(index=self.collection)
            except NotFoundError:
                return
            for index, described in mappings.items():
                if MARK not in described["mappings"].get("_meta", {}):
                    raise IndexMismatch(
                        f"the index {index} on {self.server.address} is not ours: it stays"
                    )
            for index in mappings:
                client.indices.delete(index=index)

        self._with_client(away)

    async def _asked(self, work: Callable[[Client], _T]) -> _T:
        return await asyncio.to_thread(self._with_client, work)

    def _with_client(self, work: Callable[[Client], _T]) -> _T:
        client = self.server.client()
        try:
            return work(client)
        except (OpenSearchException, KeyError) as error:
            raise EngineUnavailable(
                f"OpenSearch at {self.server.address} did not do as it was asked with "
                f"{self.collection} ({error!r})"
            ) from error
        finally:
            client.close()

    def _indexes(self, client: Client) -> dict[str, str]:
        """The indexes of ours, by their generations."""
        mappings = client.indices.get_mapping(index=f"{self.collection}-*")
        found: dict[str, str] = {}
        for index, described in mappings.items():
            generation = self._of(index)
            if generation is not None and MARK in described["mappings"].get("_meta", {}):
                found[generation] = index
        return found

    def _of(self, index: str) -> str | None:
        """The generation that an index is, by its name; None for none of the collection's."""
        collection = re.escape(self.collection)
        found = re.fullmatch(rf"{collection}(?:-(g\d+))?-[0-9a-f]{{8}}", index)
        return None if found is None else found[1] or ""

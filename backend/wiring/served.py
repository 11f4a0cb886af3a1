"""Where on servers the indexes are, as the settings say it."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, TypedDict

from backend.settings import Settings, Url

if TYPE_CHECKING:  # its client is nothing to a laptop without that server
    from retrieval.stores.opensearch_generations import OpenSearchGenerations


class Place(TypedDict):
    """Where on a server an index is."""

    address: str
    collection: str
    secure: bool


class GraphSpace(TypedDict):
    """Where on a NebulaGraph server the graph is."""

    address: str
    space: str
    user: str
    password: str


def served(url: Url, port: int, suffix: str = "") -> Place:
    """``qdrant://HOST:PORT/COLLECTION?secure=true``, taken apart."""
    host = f"[{url.host}]" if ":" in url.host else url.host
    return Place(
        address=f"{host}:{url.port or port}",
        collection=(url.path.strip("/") or "passages") + suffix,
        secure=url.query.get("secure") == "true",
    )


def opensearch(url: Url, suffix: str = "") -> OpenSearchGenerations:
    """``opensearch://USER:PASSWORD@HOST:PORT/COLLECTION?secure=true``, taken apart."""
    from retrieval.stores.opensearch import Server
    from retrieval.stores.opensearch_generations import OpenSearchGenerations

    place = served(url, 9200, suffix)
    server = Server(place["address"], place["secure"], url.user, url.password)
    return OpenSearchGenerations(server, place["collection"])


def graph_space(url: Url) -> GraphSpace:
    """``nebula://USER:PASSWORD@HOST:PORT/SPACE``, taken apart."""
    place = served(url, 9669)
    return GraphSpace(
        address=place["address"],
        space=url.path.strip("/") or "stratmaster",
        user=url.user or "root",  # these two as a server is delivered
        password=url.password or "nebula",
    )


def vectors_setting(settings: Settings, name: str) -> str:
    """The setting that says where a leg's vectors are."""
    if name == "sparse" and settings.sparse_vectors_url is not None:
        return "SPARSE_VECTORS_URL"
    return "VECTORS_URL"


async def erase_served(settings: Settings) -> None:
    """Remove the indexes of ours that servers hold, so that opening makes them anew."""
    for setting, suffix in (
        ("LEXICAL_URL", ""),
        ("VECTORS_URL", "-sparse"),
        (vectors_setting(settings, "sparse"), "-sparse"),
        ("GRAPH_URL", ""),
    ):
        await erase(settings.url(setting), suffix)


async def erase(url: Url, suffix: str = "") -> None:
    """Remove an index of ours, if a server holds it."""
    match url.scheme:
        case "qdrant":
            from retrieval.stores import qdrant_generations

            await qdrant_generations.erase(**served(url, 6333), api_key=url.password)
        case "opensearch":
            await asyncio.to_thread(opensearch(url, suffix).erase)
        case "nebula":
            from retrieval.stores.nebula_generations import NebulaGenerations

            await asyncio.to_thread(NebulaGenerations(**graph_space(url)).erase)

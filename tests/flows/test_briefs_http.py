"""Briefs over HTTP: made, listed, opened, deleted; their images."""

from __future__ import annotations

import io
import zlib

import httpx
import pytest
from PIL import Image

from backend.briefs.images import MAX_BYTES
from backend.wiring import Services


@pytest.fixture
async def space(client: httpx.AsyncClient) -> str:
    response = await client.post("/api/spaces", json={"name": "Space"})
    assert response.is_success, response.text
    identity: str = response.json()["id"]
    return identity


async def make(client: httpx.AsyncClient, space: str, **fields: object) -> httpx.Response:
    return await client.post(f"/api/spaces/{space}/briefs", json={"title": "T", **fields})


def picture(kind: str = "PNG", size: tuple[int, int] = (3, 2)) -> bytes:
    out = io.BytesIO()
    Image.new("RGB", size, (200, 30, 30)).save(out, kind)
    return out.getvalue()


async def add_image(client: httpx.AsyncClient, space: str, content: bytes) -> httpx.Response:
    return await client.post(
        f"/api/spaces/{space}/images", files={"file": ("a.bin", content, "text/html")}
    )


async def test_a_brief_is_made_listed_opened_and_deleted(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """What is made is found again with its title, and is gone once deleted, text included."""
    made = await make(client, space, title="  Market \n entry ")
    assert made.status_code == 201
    brief = made.json()
    assert brief["title"] == "Market entry"
    assert brief["space"] == space
    assert brief["epoch"]
    assert (await client.get(f"/api/spaces/{space}/briefs")).json() == [brief]
    opened = (await client.get(f"/api/briefs/{brief['id']}")).json()
    assert opened == brief | {"access": "write"}
    assert await services.rooms.title(brief["id"]) == "Market entry"
    assert (await client.delete(f"/api/briefs/{brief['id']}")).status_code == 204
    for gone in (
        await client.get(f"/api/briefs/{brief['id']}"),
        await client.delete(f"/api/briefs/{brief['id']}"),
    ):
        assert gone.status_code == 404
        assert gone.json()["error"]["code"] == "not_found"
    assert (await client.get(f"/api/spaces/{space}/briefs")).json() == []


@pytest.mark.parametrize(
    "fields", [{"title": ""}, {"title": "   "}, {"title": "x" * 301}, {"template": "poem"}]
)
async def test_a_brief_that_cannot_be(
    client: httpx.AsyncClient, space: str, fields: dict[str, str]
) -> None:
    """No title, one past 300 characters, or a template that is none: refused with the way out."""
    response = await make(client, space, **fields)
    assert response.status_code == 422
    assert response.json()["error"]["remedy"]
    assert (await client.get(f"/api/spaces/{space}/briefs")).json() == []


async def test_a_title_of_exactly_the_limit(client: httpx.AsyncClient, space: str) -> None:
    """300 characters are kept as they are."""
    assert (await make(client, space, title="x" * 300)).json()["title"] == "x" * 300


async def test_a_brief_in_a_space_that_is_not_there(client: httpx.AsyncClient) -> None:
    """404 with our error, for reading and for making."""
    assert (await make(client, "spc_0")).status_code == 404
    assert (await client.get("/api/spaces/spc_0/briefs")).status_code == 404


@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "WEBP"])
async def test_images_are_what_their_bytes_say(
    client: httpx.AsyncClient, space: str, kind: str
) -> None:
    """Whatever the upload calls itself, the served type is that of its bytes, and not sniffed."""
    content = picture(kind)
    added = (await add_image(client, space, content)).json()
    assert (added["width"], added["height"]) == (3, 2)
    served = await client.get(added["src"])
    assert served.content == content
    assert served.headers["content-type"] == f"image/{kind.lower()}"
    assert served.headers["x-content-type-options"] == "nosniff"
    assert "immutable" in served.headers["cache-control"]
    assert (await add_image(client, space, content)).json() == added


@pytest.mark.parametrize(
    ("what", "content"),
    [
        ("nothing", b""),
        ("text", b"hello"),
        ("a page with script", b"<svg xmlns='http://www.w3.org/2000/svg'><script/></svg>"),
        ("half a header", picture()[:20]),
        ("a kind we do not show", picture("BMP")),
    ],
)
async def test_what_is_no_image_is_refused(
    client: httpx.AsyncClient, space: str, what: str, content: bytes
) -> None:
    """422, with what to do."""
    response = await add_image(client, space, content)
    assert response.status_code == 422
    assert response.json()["error"]["code"] == "not_an_image"


async def test_an_image_past_its_limits(client: httpx.AsyncClient, space: str) -> None:
    """More than 10 MB or 50 million pixels is refused before a pixel is decoded."""
    whole = picture() + bytes(MAX_BYTES - len(picture()))
    assert (await add_image(client, space, whole)).status_code == 201
    assert (await add_image(client, space, whole + b"\0")).status_code == 413
    assert (await add_image(client, space, claiming(10_000, 5_000))).status_code == 201
    assert (await add_image(client, space, claiming(10_000, 5_001))).status_code == 413
    assert (await add_image(client, space, claiming(1_000_000, 1_000_000))).status_code == 413


def claiming(width: int, height: int) -> bytes:
    """A PNG whose header claims a size it has no pixels for."""
    header = (
        b"IHDR" + width.to_bytes(4, "big") + height.to_bytes(4, "big") + b"\x08\x02\x00\x00\x00"
    )
    data = b"IDAT" + zlib.compress(b"\0")
    out = b"\x89PNG\r\n\x1a\n"
    for chunk in (header, data, b"IEND"):
        out += (len(chunk) - 4).to_bytes(4, "big") + chunk + zlib.crc32(chunk).to_bytes(4, "big")
    return out


async def test_an_image_that_is_not_there(client: httpx.AsyncClient) -> None:
    """404, also for what is no digest."""
    for name in ("0" * 64, "..%2f..%2fapp.db", "x"):
        assert (await client.get(f"/api/images/{name}")).status_code == 404

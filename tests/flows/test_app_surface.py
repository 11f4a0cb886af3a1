"""What every answer of the server has in common: headers, errors, limits, the page."""

import errno
import os
from pathlib import Path

import httpx
import pytest

from backend.first import first_start, sample
from backend.limits import SMALL
from backend.settings import Settings
from backend.wiring import Services
from retrieval.model import Passage
from retrieval.stores import edge_quantized


async def test_every_answer_carries_the_headers_against_misuse(client: httpx.AsyncClient) -> None:
    """The page, the API and errors alike."""
    for address in ("/", "/api/me", "/api/nothing", "/s/x/b/y"):
        headers = (await client.get(address)).headers
        assert "default-src 'self'" in headers["content-security-policy"]
        assert "frame-ancestors 'none'" in headers["content-security-policy"]
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["referrer-policy"] == "no-referrer"


@pytest.mark.parametrize(
    ("method", "address", "status", "code"),
    [
        ("GET", "/api/nothing", 404, "not_found"),
        ("PUT", "/api/me", 405, "method_not_allowed"),
        ("GET", "/api/spaces/spc_none", 404, "not_found"),
        ("POST", "/api/spaces", 422, "invalid"),
    ],
)
async def test_every_error_has_a_code_a_message_and_a_remedy(
    client: httpx.AsyncClient, method: str, address: str, status: int, code: str
) -> None:
    answer = await client.request(method, address)
    assert answer.status_code == status
    error = answer.json()["error"]
    assert error["code"] == code
    assert error["message"]
    assert error["remedy"]


async def test_a_foreign_page_cannot_use_the_api(client: httpx.AsyncClient) -> None:
    """Neither with its own origin nor under a name rebound to this machine."""
    for headers in (
        {"origin": "http://evil.example"},
        {"origin": "http://["},
        {"host": "evil.example"},
        {"host": "[::1"},
    ):
        answer = await client.post("/api/spaces", json={"name": "x"}, headers=headers)
        assert answer.status_code == 403
        assert answer.json()["error"]["code"] in {"foreign_origin", "foreign_host"}
    assert (await client.get("/api/spaces")).json() == []


@pytest.mark.parametrize("path", ["%00", "assets/%00", "a" * 5_000, "assets/" + "a" * 5_000])
async def test_an_address_no_file_can_have_is_no_fault_of_the_server(
    client: httpx.AsyncClient, services: Services, path: str
) -> None:
    """It is the page for the page's own addresses, and nothing below the build's files."""
    services.settings.frontend_dir.mkdir()
    (services.settings.frontend_dir / "index.html").write_text("the page")
    answer = await client.get(f"/{path}")
    assert answer.status_code == (404 if path.startswith("assets/") else 200)


async def test_half_a_character_and_nul_are_kept_out_of_what_is_stored(
    client: httpx.AsyncClient,
) -> None:
    """An emoji cut in two becomes U+FFFD; NUL, which not every store takes, is left out."""
    json = {"content-type": "application/json"}
    made = await client.post("/api/spaces", content=rb'{"name":"a\ud83d \u0000b"}', headers=json)
    assert (made.status_code, made.json()["name"]) == (201, "a\ufffd b")
    whole = await client.post("/api/spaces", content=rb'{"name":"\ud83d\ude00"}', headers=json)
    assert whole.json()["name"] == "\U0001f600"
    asked = await client.post(
        f"/api/spaces/{made.json()['id']}/answers",
        content=rb'{"question":"Who\ud800 is here?"}',
        headers=json,
    )
    assert "event: declined" in asked.text


async def test_a_body_past_its_limit_is_not_read_to_its_end(client: httpx.AsyncClient) -> None:
    """One byte past the limit is 413; at the limit it is judged for what it says."""
    at = await client.post("/api/spaces", content=b'"' + b"x" * (SMALL - 2) + b'"')
    assert at.status_code == 422
    past = await client.post("/api/spaces", content=b'"' + b"x" * (SMALL - 1) + b'"')
    assert (past.status_code, past.json()["error"]["code"]) == (413, "too_large")
    for path in ("/api/hooks/sources", "/api/hooks/images"):
        named = await client.post(path, content=b"x" * (SMALL + 1))  # like an upload, and none
        assert named.status_code == 413, path


async def test_before_the_front_end_is_built_the_page_says_how(client: httpx.AsyncClient) -> None:
    answer = await client.get("/")
    assert answer.status_code == 503
    assert "./stratmaster up" in answer.text


async def test_every_address_of_the_product_is_the_page_and_files_are_files(
    client: httpx.AsyncClient, settings: Settings
) -> None:
    """Deep links work; hashed files may be kept for ever; nothing outside the build is served."""
    build: Path = settings.frontend_dir
    (build / "assets").mkdir(parents=True)
    (build / "index.html").write_text("<h1>page</h1>")
    (build / "assets/app-1a2b.js").write_text("1")
    (build / "assets/app-1a2b.js.br").write_bytes(b"packed")
    (build.parent / "secret.txt").write_text("secret")
    for address in ("/", "/s/spc_1/b/brf_1", "/s/spc_1/b/brf_1?left=ask"):
        page = await client.get(address)
        assert (page.status_code, page.text) == (200, "<h1>page</h1>")
        assert page.headers["cache-control"] == "no-cache"
    script = await client.get("/assets/app-1a2b.js", headers={"accept-encoding": "gzip"})
    assert script.text == "1"
    assert "immutable" in script.headers["cache-control"]
    assert script.headers["content-type"].startswith("text/javascript")
    async with client.stream(
        "GET", "/assets/app-1a2b.js", headers={"accept-encoding": "br"}
    ) as packed:
        assert packed.headers["content-encoding"] == "br"
    assert (await client.get("/assets/gone.js")).status_code == 404
    for outside in ("/../secret.txt", "/..%2fsecret.txt", "/%2e%2e/secret.txt"):
        assert "secret" not in (await client.get(outside)).text


async def test_health_names_each_port_and_what_it_is_plugged_into(
    client: httpx.AsyncClient,
) -> None:
    """What is off, what is extractive and what is for development only is said, not hidden."""
    health = (await client.get("/api/health")).json()
    ports = {port["port"]: port for port in health["ports"]}
    assert health["status"] == "ok"
    assert set(ports) >= {"database", "bm25", "hashing", "sparse", "blobs", "model", "sign-in"}
    assert "off" in ports["sparse"]["detail"]
    assert "no model" in ports["model"]["detail"]
    assert "loopback" in ports["sign-in"]["detail"]


async def test_health_says_how_vectors_are_searched(
    client: httpx.AsyncClient, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Quantized from so many on; where the copy broke, why, and that is no failure of the leg."""
    monkeypatch.setattr(edge_quantized, "REPAYS", 32)
    (dense,) = (leg for leg in services.legs if leg.setting == "DENSE_URL")
    assert dense.standing.serving is not None
    index = dense.standing.serving.leg._index  # type: ignore[attr-defined]

    async def put(first: int, end: int) -> tuple[bool, str]:
        await dense.standing.put(
            [Passage(f"p{n}", "t", "s", "src", "v", n, f"tin {n}", 0, 5) for n in range(first, end)]
        )
        await index.quantized()
        ports = (await client.get("/api/health")).json()["ports"]
        (said,) = ((one["ok"], one["detail"]) for one in ports if one["port"] == "hashing")
        return said

    assert await put(0, 31) == (True, "31 passages")
    assert await put(31, 32) == (True, "32 passages; searched quantized")

    def full(*_: object) -> int:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "pwrite", full)
    assert await put(32, 33) == (
        True,
        "33 passages; compares every vector: its quantized copy broke "
        "([Errno 28] No space left on device)",
    )


async def test_the_sample_is_made_once_and_never_comes_back(
    client: httpx.AsyncClient, services: Services
) -> None:
    """A first start makes the space, its sources and its brief; deleting it is final."""
    wanted = services.settings.model_copy(update={"sample": True})
    from dataclasses import replace

    starting = replace(services, settings=wanted)
    await first_start(starting)
    (space,) = (await client.get("/api/spaces")).json()
    assert (space["name"], space["sample"], space["briefs"]) == (sample().name, True, 1)
    assert space["sources"] == len(sample().files)
    assert space["questions"] == list(sample().questions)
    await first_start(starting)
    assert len((await client.get("/api/spaces")).json()) == 1
    assert (await client.delete(f"/api/spaces/{space['id']}")).status_code == 204
    await first_start(starting)
    assert (await client.get("/api/spaces")).json() == []

"""Sources from upload to deletion, over HTTP, with the real engines and parsers."""

import asyncio
import io
import json
from collections.abc import Sequence
from typing import Any
from unittest.mock import AsyncMock

import httpx
import pytest
from PIL import Image as Pillow
from sqlalchemy import insert, select

from backend.app import create_app
from backend.auth.principal import Principal, Role
from backend.clock import now
from backend.settings import Settings
from backend.sources.service import ENCODE
from backend.sources.texts import original_key, text_key
from backend.store import outbox
from backend.store.tables import brief_evidence, members, tenants, versions
from backend.wiring import Services, open_services
from retrieval.errors import WeightsError
from retrieval.model import Passage, Query, Scope

MARKET = (
    b"# Market\n\nThe Austrian market grew 12.1 % in 2025.\n\n## Prices\n\nPrices fell in May.\n"
)
NEWER = b"# Market\n\nThe Austrian market shrank 3 % in 2026.\n"


@pytest.fixture
async def space(client: httpx.AsyncClient) -> str:
    answer = await client.post("/api/spaces", json={"name": "Papers"})
    assert answer.status_code == 201
    return str(answer.json()["id"])


async def upload(
    client: httpx.AsyncClient, space: str, name: str, content: bytes, path: str = ""
) -> httpx.Response:
    return await client.post(
        f"/api/spaces/{space}/sources",
        files={"file": (name, content)},
        data={"path": path} if path else {},
    )


async def settled(client: httpx.AsyncClient, source: str) -> dict[str, Any]:
    """The source once nothing more will happen to it."""
    async with asyncio.timeout(60):
        while True:
            found: dict[str, Any] = (await client.get(f"/api/sources/{source}")).json()
            if found["state"] not in {"queued", "reading", "indexing"}:
                return found
            await asyncio.sleep(0.02)


async def idle(services: Services) -> None:
    """Until every job is done."""
    async with asyncio.timeout(60):
        while await services.outbox.waiting():
            await asyncio.sleep(0.02)


async def found(client: httpx.AsyncClient, space: str, words: str) -> list[str]:
    answer = await client.get(f"/api/spaces/{space}/search", params={"q": words})
    assert answer.status_code == 200, answer.text
    return [hit["passage"]["text"] for hit in answer.json()["hits"]]


async def test_an_uploaded_file_becomes_searchable_with_a_receipt(
    client: httpx.AsyncClient, space: str
) -> None:
    """202, then ready: what was read, how long it took, and its words can be found."""
    answer = await upload(client, space, "market.md", MARKET, "q3/market.md")
    assert answer.status_code == 202
    source = await settled(client, answer.json()["id"])
    assert (source["state"], source["searchable"], source["path"]) == (
        "ready",
        True,
        "q3/market.md",
    )
    receipt = source["receipt"]
    assert (receipt["format"], receipt["pages"]) == ("markdown", None)
    assert receipt["passages"] >= 1
    assert receipt["characters"] > 0
    assert "The Austrian market grew 12.1 % in 2025." in (await found(client, space, "growth"))[0]


async def test_the_same_bytes_make_one_version_whatever_they_are_called(
    client: httpx.AsyncClient, space: str
) -> None:
    """The second upload is answered 200 with the first one's source."""
    first = await upload(client, space, "market.md", MARKET)
    again = await upload(client, space, "market.md", MARKET)
    renamed = await upload(client, space, "copy.md", MARKET)
    assert [first.status_code, again.status_code, renamed.status_code] == [202, 200, 200]
    assert {one.json()["id"] for one in (first, again, renamed)} == {first.json()["id"]}
    source = await settled(client, first.json()["id"])
    assert source["versions"] == 1
    assert (await upload(client, space, "market.md", MARKET)).status_code == 200


async def test_a_new_version_replaces_the_old_in_search_and_keeps_it_for_citations(
    client: httpx.AsyncClient, space: str, services: Services
) -> None:
    """The old text can still be read and quoted; nobody finds it any more."""
    old = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])
    answer = await upload(client, space, "m.md", NEWER)
    assert answer.status_code == 202
    new = await settled(client, old["id"])
    assert (new["versions"], new["version"]["number"]) == (2, 2)
    texts = " ".join(await found(client, space, "Austrian market"))
    assert "shrank" in texts
    assert "12.1" not in texts
    for leg in services.legs:
        assert await leg.leg.count() == new["receipt"]["passages"]
    listed = (await client.get(f"/api/sources/{old['id']}/versions")).json()
    assert [(one["number"], one["current"]) for one in listed] == [(2, True), (1, False)]
    reader = (
        await client.get(
            f"/api/sources/{old['id']}/versions/{old['version']['hash']}/reader?start=8&end=48"
        )
    ).json()
    assert reader["quote"] == "The Austrian market grew 12.1 % in 2025."
    assert (reader["placed"], reader["current"]) == (True, False)


async def test_going_back_to_earlier_bytes_makes_that_version_current_again(
    client: httpx.AsyncClient, space: str
) -> None:
    """No third version: the first is what it was."""
    source = (await upload(client, space, "m.md", MARKET)).json()["id"]
    await settled(client, source)
    await upload(client, space, "m.md", NEWER)
    await settled(client, source)
    assert (await upload(client, space, "m.md", MARKET)).status_code == 202
    back = await settled(client, source)
    assert (back["versions"], back["version"]["number"], back["state"]) == (2, 1, "ready")
    assert "12.1" in " ".join(await found(client, space, "market grew"))


async def test_deleting_says_who_cites_it_and_leaves_nothing_to_find(
    client: httpx.AsyncClient, space: str, services: Services
) -> None:
    """Indexes and blobs are cleared; the quote stays with its citation."""
    source = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])
    hash = source["version"]["hash"]
    cited = (
        await client.post(
            "/api/evidence",
            json={"source": source["id"], "version": hash, "start": 8, "end": 48},
        )
    ).json()
    brief = (await client.post(f"/api/spaces/{space}/briefs", json={"title": "Plan"})).json()
    async with services.store.writing() as connection:
        await connection.execute(
            insert(brief_evidence).values(brief=brief["id"], evidence=cited["id"], block="a" * 10)
        )
    uses = [{"brief": brief["id"], "title": "Plan", "claims": 1}]
    assert (await client.get(f"/api/sources/{source['id']}/uses")).json() == uses
    deleted = await client.delete(f"/api/sources/{source['id']}")
    assert deleted.json() == {"cited_in": uses}
    assert await found(client, space, "Austrian market") == []
    await idle(services)
    for leg in services.legs:
        assert await leg.leg.count() == 0
    assert not await services.blobs.exists(original_key("local", hash))
    assert not await services.blobs.exists(text_key("local", source["id"], hash))
    kept = (await client.get("/api/evidence", params={"ids": cited["id"]})).json()
    assert kept["evidence"][cited["id"]]["state"] == "deleted"
    assert kept["evidence"][cited["id"]]["quote"] == "The Austrian market grew 12.1 % in 2025."


async def test_bytes_that_two_spaces_share_outlive_one_of_them(
    client: httpx.AsyncClient, space: str, services: Services
) -> None:
    """Deleting a source takes a file only when nobody else has it."""
    other = (await client.post("/api/spaces", json={"name": "Other"})).json()["id"]
    mine = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])
    theirs = await settled(client, (await upload(client, other, "m.md", MARKET)).json()["id"])
    assert mine["id"] != theirs["id"]
    await client.delete(f"/api/sources/{mine['id']}")
    await idle(services)
    address = f"/api/sources/{theirs['id']}/versions/{theirs['version']['hash']}/file"
    assert (await client.get(address)).content == MARKET


@pytest.mark.parametrize(
    ("name", "content", "code"),
    [
        ("empty.txt", b"", "empty"),
        ("lying.pdf", bytes(range(256)) * 20, "unsupported_type"),
        ("cut.pdf", b"%PDF-1.7\n1 0 obj\n<<", None),
        ("blank.md", b"\n\n   \n", None),
    ],
)
async def test_a_file_that_cannot_be_read_is_a_named_row_and_others_go_on(
    client: httpx.AsyncClient, space: str, name: str, content: bytes, code: str | None
) -> None:
    """The row says what is wrong and what to do; the next file is read all the same."""
    bad = (await upload(client, space, name, content)).json()["id"]
    good = (await upload(client, space, "m.md", MARKET)).json()["id"]
    row = await settled(client, bad)
    assert row["state"] == "failed"
    assert row["searchable"] is False
    assert row["error"]["message"]
    assert row["error"]["remedy"]
    assert code is None or row["error"]["code"] == code
    assert (await settled(client, good))["state"] == "ready"


async def test_a_bad_new_version_leaves_the_good_old_one_in_place(
    client: httpx.AsyncClient, space: str
) -> None:
    """The row says that the last reading failed; search still answers from what was there."""
    source = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])
    await upload(client, space, "m.md", b"")
    row = await settled(client, source["id"])
    assert (row["state"], row["error"]["code"], row["searchable"]) == ("failed", "empty", True)
    assert row["version"]["hash"] == source["version"]["hash"]
    assert "12.1" in " ".join(await found(client, space, "Austrian market"))


async def test_what_failed_can_be_tried_again_and_what_is_ready_cannot(
    client: httpx.AsyncClient, space: str
) -> None:
    bad = (await settled(client, (await upload(client, space, "e.txt", b"")).json()["id"]))["id"]
    assert (await client.post(f"/api/sources/{bad}/retry")).status_code == 202
    assert (await settled(client, bad))["state"] == "failed"
    good = (await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"]))["id"]
    for verb in ("retry", "cancel"):
        refused = await client.post(f"/api/sources/{good}/{verb}")
        assert (refused.status_code, refused.json()["error"]["code"]) == (409, "conflict")


async def test_pasted_text_is_a_source_like_any_other(
    client: httpx.AsyncClient, space: str
) -> None:
    answer = await client.post(
        f"/api/spaces/{space}/sources/paste",
        json={"title": "A/B call", "text": "Freight cost 8 % more.", "format": "text"},
    )
    assert answer.status_code == 202
    assert (await settled(client, answer.json()["id"]))["path"] == "Pasted/A-B call.txt"
    assert await found(client, space, "freight cost")
    empty = await client.post(
        f"/api/spaces/{space}/sources/paste", json={"title": "x", "text": " ", "format": "text"}
    )
    assert (empty.status_code, empty.json()["error"]["code"]) == (422, "invalid")


async def test_the_file_comes_back_as_it_was_and_only_as_a_download(
    client: httpx.AsyncClient, space: str
) -> None:
    """Somebody else's HTML must never run as ours."""
    page = b"<html><script>alert(1)</script><p>Costs doubled in spring.</p></html>"
    source = await settled(client, (await upload(client, space, "pä ge.html", page)).json()["id"])
    answer = await client.get(
        f"/api/sources/{source['id']}/versions/{source['version']['hash']}/file"
    )
    assert answer.content == page
    assert answer.headers["content-disposition"] == (
        "attachment; filename*=UTF-8''p%C3%A4%20ge.html"
    )
    assert answer.headers["content-type"] == "application/octet-stream"
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert "sandbox" in answer.headers["content-security-policy"]


async def test_the_reader_shows_a_window_whose_offsets_are_those_of_the_text(
    client: httpx.AsyncClient, space: str
) -> None:
    """Every segment starts where it says; the quote lies inside; a long text is not sent whole."""
    lines = "\n\n".join(f"Paragraph {n} says é{n * 7} things." for n in range(3_000))
    source = await settled(
        client, (await upload(client, space, "long.txt", lines.encode())).json()["id"]
    )
    address = f"/api/sources/{source['id']}/versions/{source['version']['hash']}/reader"
    at = lines.index("Paragraph 1500 ")
    reader = (await client.get(address, params={"start": at, "end": at + 14})).json()
    assert reader["quote"] == "Paragraph 1500"
    window = reader["window"]
    assert window["start"] < at < window["end"]
    assert window["end"] - window["start"] < window["total"] / 2
    for segment in reader["segments"]:
        assert lines[segment["start"] :].startswith(segment["text"])
    nowhere = (await client.get(address, params={"start": 10**9, "end": 10**9 + 5})).json()
    assert (nowhere["placed"], nowhere["quote"]) == (False, "")


async def test_the_upload_limit_holds_at_the_limit_and_one_byte_past_it(
    settings: Settings,
) -> None:
    """413 by name, and nothing of the refused file is kept."""
    small = settings.model_copy(update={"max_upload_bytes": 1000})
    async with open_services(small) as services:
        transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            space = (await client.post("/api/spaces", json={"name": "S"})).json()["id"]
            assert (await upload(client, space, "at.txt", b"word " * 200)).status_code == 202
            over = await upload(client, space, "over.txt", b"word " * 200 + b"x")
            assert (over.status_code, over.json()["error"]["code"]) == (413, "too_large")
            huge = await upload(client, space, "huge.txt", b"x" * 300_000)
            assert (huge.status_code, huge.json()["error"]["code"]) == (413, "too_large")
            assert len((await client.get(f"/api/spaces/{space}/sources")).json()) == 1
            await idle(services)
    assert list((settings.data_dir / "tmp").iterdir()) == []


async def test_a_form_without_a_file_is_refused_in_words(
    client: httpx.AsyncClient, space: str
) -> None:
    for sent in ({"data": {"path": "x"}}, {"content": b"junk"}, {"json": {"file": "x"}}):
        answer = await client.post(f"/api/spaces/{space}/sources", **sent)  # type: ignore[arg-type]  # three shapes of a bad request
        assert (answer.status_code, answer.json()["error"]["code"]) == (422, "invalid")


async def test_the_space_hears_of_a_source_from_queued_to_deleted(
    client: httpx.AsyncClient, space: str, services: Services
) -> None:
    """Events in order: queued first, searchable before or with ready, and the deletion last."""
    with services.hub.listening(space) as heard:
        source = (await upload(client, space, "m.md", MARKET)).json()["id"]
        await settled(client, source)
        await client.delete(f"/api/sources/{source}")
        events = []
        async with asyncio.timeout(30):
            while not events or events[-1].name != "source_deleted":
                event = await heard.next()
                assert event is not None
                events.append(event)
    states = [event.data["state"] for event in events if event.name == "source"]
    assert states[0] == "queued"
    assert states[-1] == "ready"
    assert states.index("reading") < states.index("indexing") < states.index("ready")
    searchable = [event.data["searchable"] for event in events if event.name == "source"]
    assert searchable == sorted(searchable)
    json.dumps([dict(event.data) for event in events])


async def test_cancelling_leaves_no_half_read_source(
    client: httpx.AsyncClient, space: str, services: Services
) -> None:
    """Cancelled at once, found by nobody, and ready after a retry."""
    big = b"".join(b"# Part %d\n\n%s\n\n" % (n, b"Costs rose again. " * 200) for n in range(60))
    source = (await upload(client, space, "big.md", big)).json()["id"]
    answer = await client.post(f"/api/sources/{source}/cancel")
    assert answer.json()["state"] == "cancelled"
    await idle(services)
    assert (await client.get(f"/api/sources/{source}")).json()["state"] == "cancelled"
    assert await found(client, space, "costs rose") == []
    for leg in services.legs:
        assert await leg.leg.count() == 0
    assert (await client.post(f"/api/sources/{source}/retry")).status_code == 202
    assert (await settled(client, source))["state"] == "ready"
    assert await found(client, space, "costs rose")


async def test_reading_goes_on_after_the_server_was_stopped_in_the_middle(
    settings: Settings,
) -> None:
    """What was queued at the stop is ready after the next start, once."""
    async with open_services(settings.model_copy(update={"jobs_workers": 0})) as services:
        transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            space = (await client.post("/api/spaces", json={"name": "S"})).json()["id"]
            source = (await upload(client, space, "m.md", MARKET)).json()["id"]
    async with open_services(settings) as services:
        transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            row = await settled(client, source)
            assert row["state"] == "ready"
            assert len(await found(client, space, "Austrian market")) == row["receipt"]["passages"]
    async with open_services(settings) as services:  # and the indexes open again as they were
        result = await services.searcher.search(
            Query("Austrian market"), scope=Scope("local", frozenset({space}))
        )
        assert len(result.hits) == row["receipt"]["passages"]


class Someone:
    """Signs in whoever the test says."""

    name = "test"

    def __init__(self, principal: Principal) -> None:
        self.principal = principal

    async def authenticate(self, **_: object) -> Principal:
        return self.principal


@pytest.fixture
async def strangers(services: Services) -> Someone:
    """Someone whose identity a test can change, asking the same services."""
    async with services.store.writing() as connection:
        await connection.execute(insert(tenants).values(id="other", name="O", created_at=now()))
    return Someone(Principal("eve", "other", roles=frozenset({Role.ADMIN})))


async def test_another_tenant_finds_none_of_it_under_any_address(
    client: httpx.AsyncClient, space: str, services: Services, strangers: Someone
) -> None:
    """Every address that names an id answers 404, as for one that never was."""
    from dataclasses import replace

    source = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])
    at = f"/api/sources/{source['id']}"
    version = f"{at}/versions/{source['version']['hash']}"
    app = create_app(replace(services, authenticator=strangers))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as eve:
        for method, address in [
            ("GET", f"/api/spaces/{space}"),
            ("DELETE", f"/api/spaces/{space}"),
            ("GET", f"/api/spaces/{space}/sources"),
            ("GET", f"/api/spaces/{space}/search?q=market"),
            ("GET", f"/api/spaces/{space}/events"),
            ("GET", at),
            ("DELETE", at),
            ("GET", f"{at}/uses"),
            ("POST", f"{at}/cancel"),
            ("POST", f"{at}/retry"),
            ("GET", f"{at}/versions"),
            ("GET", f"{version}/reader"),
            ("GET", f"{version}/file"),
            ("GET", f"{version}/pages/1"),
            ("GET", f"{version}/pages/1.png"),
        ]:
            answer = await eve.request(method, address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (404, "not_found"), (
                method,
                address,
            )
        assert (await upload(eve, space, "m.md", MARKET)).status_code == 404
        assert (await eve.get("/api/spaces")).json() == []
    async with services.store.reading() as connection:
        assert len((await connection.execute(select(versions))).all()) == 1


async def test_a_viewer_reads_and_changes_nothing(
    client: httpx.AsyncClient, space: str, services: Services, strangers: Someone
) -> None:
    """What they see but may not do is 403, in words."""
    from dataclasses import replace

    source = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])
    strangers.principal = Principal("vic", "local")
    async with services.store.writing() as connection:
        await connection.execute(insert(members).values(space=space, subject="vic", role="viewer"))
    app = create_app(replace(services, authenticator=strangers))
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as vic:
        assert (await vic.get(f"/api/sources/{source['id']}")).status_code == 200
        for method, address in [
            ("DELETE", f"/api/sources/{source['id']}"),
            ("POST", f"/api/sources/{source['id']}/retry"),
            ("DELETE", f"/api/spaces/{space}"),
        ]:
            answer = await vic.request(method, address)
            assert (answer.status_code, answer.json()["error"]["code"]) == (403, "forbidden")
        assert (await upload(vic, space, "x.md", b"# x")).status_code == 403
        assert (await vic.post("/api/spaces", json={"name": "Mine"})).status_code == 403


async def test_a_leg_that_cannot_encode_leaves_the_source_found_by_its_words(
    client: httpx.AsyncClient, space: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The row says so with a way out, search finds it by words, and a retry heals it."""
    leg = next(one.leg for one in services.legs if one.leg.name != "bm25")
    with monkeypatch.context() as broken:

        async def fails(passages: object) -> None:
            raise WeightsError("the weights are spoiled")

        broken.setattr(leg, "put", fails)
        source = (await upload(client, space, "m.md", MARKET)).json()["id"]
        row = await settled(client, source)
        assert (row["state"], row["error"]["code"], row["searchable"]) == (
            "failed",
            "not_encoded",
            True,
        )
        assert "the weights are spoiled" in row["error"]["message"]
        assert row["error"]["message"] in row["receipt"]["warnings"]
        assert row["error"]["remedy"]
        assert "12.1" in " ".join(await found(client, space, "Austrian market"))
    assert (await client.post(f"/api/sources/{source}/retry")).status_code == 202
    row = await settled(client, source)
    assert (row["state"], row["error"], row["receipt"]["warnings"]) == ("ready", None, [])
    assert await leg.count() == row["receipt"]["passages"]


async def test_a_replacement_that_cannot_be_encoded_leaves_the_old_version_in_place(
    client: httpx.AsyncClient, space: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old version is known to every leg, so it goes on answering; nothing new is left."""
    leg = next(one.leg for one in services.legs if one.leg.name != "bm25")
    old = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])

    async def fails(passages: object) -> None:
        raise WeightsError("the weights are spoiled")

    monkeypatch.setattr(leg, "put", fails)
    await upload(client, space, "m.md", NEWER)
    row = await settled(client, old["id"])
    assert (row["state"], row["error"]["code"], row["searchable"]) == (
        "failed",
        "not_encoded",
        True,
    )
    assert row["version"]["hash"] == old["version"]["hash"]
    texts = " ".join(await found(client, space, "Austrian market"))
    assert "12.1" in texts
    assert "shrank" not in texts


async def test_files_that_wait_are_found_by_words_before_the_first_is_encoded(
    client: httpx.AsyncClient, space: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """However slow the encoder, every file that was added can be found while it works."""
    leg = next(one.leg for one in services.legs if one.leg.name != "bm25")
    gate = asyncio.Event()
    encode = leg.put

    async def waits(passages: Sequence[Passage]) -> None:
        await gate.wait()
        await encode(passages)

    monkeypatch.setattr(leg, "put", waits)
    added = [
        (await upload(client, space, f"{n}.md", f"Freight to port {n} rose.".encode())).json()["id"]
        for n in range(5)
    ]
    async with asyncio.timeout(60):
        while not all(
            one["searchable"] for one in (await client.get(f"/api/spaces/{space}/sources")).json()
        ):
            await asyncio.sleep(0.02)
    assert len(await found(client, space, "freight rose")) == len(added)
    states = {(await client.get(f"/api/sources/{one}")).json()["state"] for one in added}
    assert states == {"indexing"}
    gate.set()
    assert {(await settled(client, one))["state"] for one in added} == {"ready"}


async def test_what_is_being_encoded_can_be_cancelled_and_leaves_nothing(
    client: httpx.AsyncClient, space: str, services: Services, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Cancelling between the two halves takes the words out again as well."""
    leg = next(one.leg for one in services.legs if one.leg.name != "bm25")
    begun = asyncio.Event()

    async def hangs(passages: object) -> None:
        begun.set()
        await asyncio.Event().wait()

    monkeypatch.setattr(leg, "put", hangs)
    source = (await upload(client, space, "m.md", MARKET)).json()["id"]
    async with asyncio.timeout(60):
        await begun.wait()
    cancelled = await client.post(f"/api/sources/{source}/cancel")
    assert (cancelled.json()["state"], cancelled.json()["searchable"]) == ("cancelled", False)
    await idle(services)
    assert await found(client, space, "Austrian market") == []
    for one in services.legs:
        assert await one.leg.count() == 0


@pytest.mark.parametrize("away", [False, True])
async def test_what_waits_to_be_encoded_can_be_cancelled_and_leaves_nothing(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, away: bool
) -> None:
    """Its words are taken out again, also by the next start where an index was away meanwhile."""
    monkeypatch.setattr(outbox, "BACKOFF", (0,))
    idle_settings = settings.model_copy(update={"jobs_workers": 0})
    async with open_services(idle_settings) as services:
        transport = httpx.ASGITransport(create_app(services), client=("127.0.0.1", 1))
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1") as client:
            made = (await client.post("/api/spaces", json={"name": "Papers"})).json()["id"]
            source = (await upload(client, made, "m.md", MARKET)).json()["id"]
            assert await services.worker.once(without=[ENCODE])
            words = services.legs[0].leg
            assert await words.count()
            await client.post(f"/api/sources/{source}/cancel")
            if away:
                with monkeypatch.context() as patch:
                    patch.setattr(words, "drop", AsyncMock(side_effect=OSError("gone")))
                    await services.worker.once()
                assert await words.count()
    async with open_services(idle_settings) as services:
        await services.worker.drain()
        for one in services.legs:
            assert await one.leg.count() == 0


async def test_deleting_a_space_leaves_nothing_of_it_and_takes_nothing_from_others(
    client: httpx.AsyncClient, space: str, services: Services
) -> None:
    """Files, index entries and images go, all but what another space has as well."""
    drawn = [io.BytesIO() for _ in range(2)]
    for shade, into in enumerate(drawn):
        Pillow.new("L", (2, 2), shade).save(into, "PNG")
    other = (await client.post("/api/spaces", json={"name": "Other"})).json()["id"]

    async def draw(where: str, image: io.BytesIO) -> str:
        sent = await client.post(
            f"/api/spaces/{where}/images", files={"file": ("i.png", image.getvalue())}
        )
        return str(sent.json()["src"]).rpartition("/")[2]

    own, shared = [await draw(space, image) for image in drawn]
    assert await draw(other, drawn[1]) == shared
    source = await settled(client, (await upload(client, space, "m.md", MARKET)).json()["id"])
    assert (await client.delete(f"/api/spaces/{space}")).status_code == 204
    await idle(services)
    for leg in services.legs:
        assert await leg.leg.count() == 0
    assert not await services.blobs.exists(original_key("local", source["version"]["hash"]))
    assert not await services.blobs.exists(f"images/local/{own}")
    assert (await client.get(f"/api/images/{shared}")).content == drawn[1].getvalue()


@pytest.mark.parametrize(
    ("boundary", "body", "code"),
    [
        ("x" * 5_000, b"", "invalid"),
        (
            "x",
            b'--x\r\nContent-Disposition: form-data; name="file"; filename="a"\r\n\r\nhalf',
            "truncated",
        ),
    ],
)
async def test_a_form_that_cannot_be_read_to_its_end_adds_nothing(
    client: httpx.AsyncClient, space: str, boundary: str, body: bytes, code: str
) -> None:
    """Half a file is not taken for a whole one."""
    answer = await client.post(
        f"/api/spaces/{space}/sources",
        content=body,
        headers={"content-type": f"multipart/form-data; boundary={boundary}"},
    )
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, code)
    assert (await client.get(f"/api/spaces/{space}/sources")).json() == []

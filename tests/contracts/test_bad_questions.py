"""Questions nobody means well by, through the whole search and each leg, embedded and served."""

from __future__ import annotations

import secrets
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import quote_from_bytes

import httpx
import pytest

from backend.answers.answer import LONGEST_QUESTION
from backend.app import create_app
from backend.settings import Settings
from backend.store.engine import open_store
from backend.wiring import Services, open_services
from backend.wiring.served import erase_served
from retrieval.language import STOP_WORDS
from retrieval.model import Query, Scope

FILES = {
    "Fruit.md": "# Fruit\n\nAcme grows apples in Kent. The apples cost 12 % more than pears.\n",
    "Obst.md": "# Obst\n\nDie Firma Acme erntet die Äpfel und die Birnen in der Nähe von Kiel.\n",
}
OTHERS = "# Secret\n\nThe others keep apples, and the password of Acme is swordfish.\n"

# Each has "apples" as one word among signs that are operators somewhere.
WITH_APPLES = [
    "apples AND NOT pears",
    "+apples -pears !kent",
    "apples^5 apples~2 appl* app?es",
    "title:* OR apples",
    "_id:* _exists_:terms terms:apples apples",
    "apples [a TO z] {* TO *} /ap.*/",
    "apples && pears || (",
    "apples) OR (space:*",
    "tenant:other space:* apples",
    "terms: IN [a b apples]",
    "apples'; DROP TABLE passages; --",
    "apples' OR '1'='1",
    'apples" UNION SELECT * FROM passages --',
    'apples"; DROP SPACE stratmaster; YIELD 1',
    'GO FROM "a" OVER e YIELD e._dst | apples',
    "MATCH (v) RETURN v; apples",
    '{"query": {"match_all": {}}} apples',
    '"}}}, {"match_all": {}}, {"apples',
    '{"script": {"source": "apples"}}',
    "apples\\",
    "apples\\u0022\\x00",
    "apples ${jndi:ldap://127.0.0.1/a} {{7*7}} %s %n",
    "<script>apples</script>",
    '"apples',
    'apples"',
    "“apples",
    "apples „ «",
    '"" "apples" ""',
    "title: apples",
    "\x00apples\x00",
    "\x01\x02 apples \x1b[31m\x7f\x85",
    "apples\u2028\u2029",
    "\u202eapples\u202c",
    "ap\u200bp\u200dl\ufeffes",
    "🍎 apples 👩‍👩‍👧‍👦 🇩🇪",
    "ａｐｐｌｅｓ",
    "ÀPPLES apples a\u0301\u0301\u0301\u0301",
    "apples ß İ ﬀ ſ",
    "apples " + "(" * 1_000,
    "apples" + " " * 1_900,
    "apples " + "?" * 1_900,
    "what are apples " + "and what " * 200,
    "apples " + '"' * 1_001,
]
WITHOUT = [
    "!!! ??? ...",
    "\u200b\u202e\ufeff",
    "🍎",
    "\x00",
    '"the of and"',
    "title:nothing-is-called-so apples",
    "after:9999-12-31 apples",
    "before:0001 apples",
    "source:../../etc/passwd apples",
    *(" ".join(sorted(words)[:60]) for words in STOP_WORDS.values()),
]
REFUSED = [
    "",
    " ",
    "\t\r\n\u3000",
    "after:yesterday apples",
    "after:2024-02-30 apples",
    "before:2024",
    "a" * (LONGEST_QUESTION + 1),
    "apples " * 142_857,  # a megabyte
]
HALVES = [b"apples %ED%A0%80", b"%ED%B0%80 apples %ED%A0%BD", b"apples %FF%FE%80"]


@pytest.fixture(params=["embedded", "served"])
def settings(request: pytest.FixtureRequest, tmp_path: Path) -> Settings:
    made = Settings(
        _env_file=None, data_dir=tmp_path, dense_url="hashing:", sparse_url="off:", sample=False
    )
    if request.param == "embedded":
        return made
    if request.param == "postgresql":
        return made.model_copy(update={"database_url": request.getfixturevalue("postgres_url")})
    name = f"bad-{secrets.token_hex(6)}"
    return made.model_copy(
        update={
            "lexical_url": f"opensearch://{request.getfixturevalue('opensearch_address')}/{name}",
            "vectors_url": f"qdrant://{request.getfixturevalue('qdrant_address')}/{name}",
        }
    )


@asynccontextmanager
async def serving(settings: Settings) -> AsyncIterator[tuple[Services, httpx.AsyncClient]]:
    try:
        async with open_services(settings) as services:
            # A fault of ours is to be an answer, as it is for a browser.
            transport = httpx.ASGITransport(
                create_app(services), client=("127.0.0.1", 1), raise_app_exceptions=False
            )
            async with httpx.AsyncClient(
                transport=transport, base_url="http://127.0.0.1"
            ) as client:
                yield services, client
    finally:
        await erase_served(settings)


async def space_of(services: Services, client: httpx.AsyncClient, files: dict[str, str]) -> str:
    space = str((await client.post("/api/spaces", json={"name": "Orchard"})).json()["id"])
    for name, text in files.items():
        sent = await client.post(
            f"/api/spaces/{space}/sources", files={"file": (name, text.encode())}
        )
        assert sent.is_success, sent.text
    await services.worker.drain()
    return space


async def test_no_question_is_a_fault_or_finds_what_it_should_not(settings: Settings) -> None:
    """Answered by every leg, or refused in words; never a 500, and nothing of another space."""
    async with serving(settings) as (services, client):
        space = await space_of(services, client, FILES)
        other = await space_of(services, client, {"Secret.md": OTHERS})

        def encoded(text: str) -> bytes:
            return quote_from_bytes(text.encode()).encode()

        for asked in [*map(encoded, WITH_APPLES + WITHOUT), *HALVES]:
            address = f"/api/spaces/{space}/search?q={asked.decode()}"
            answer = await client.get(address)
            assert answer.status_code == 200, (asked, answer.text)
            found = answer.json()
            assert all(leg["state"] == "ok" for leg in found["trace"]["legs"]), (asked, found)
            assert all("swordfish" not in hit["passage"]["text"] for hit in found["hits"]), asked
            by_words = [
                hit["passage"]["source_title"]
                for hit in found["hits"]
                if any(part["leg"] == "bm25" for part in hit["contributions"])
            ]
            if asked in HALVES or asked in map(encoded, WITH_APPLES):
                assert "Fruit.md" in by_words, asked
            else:
                assert by_words == [], asked
        for text in REFUSED:
            refusals = [await client.post(f"/api/spaces/{space}/answers", json={"question": text})]
            if len(text) < 60_000:  # more is no address
                refusals.append(await client.get(f"/api/spaces/{space}/search", params={"q": text}))
            for answer in refusals:
                assert answer.status_code == 422, (text[:50], answer.text)
                error = answer.json()["error"]
                assert error["code"] in {"invalid", "bad_query"}, error
                assert error["message"], error
        # Nothing was dropped, changed or opened by any of them.
        for place, title in ((space, "Fruit.md"), (other, "Secret.md")):
            answer = await client.get(f"/api/spaces/{place}/search", params={"q": "apples"})
            assert answer.json()["hits"][0]["passage"]["source_title"] == title


async def test_an_id_that_is_none_is_no_fault_and_tells_nothing(settings: Settings) -> None:
    """Why-not and every address with an id take operators, signs and halves as unknown names."""
    async with serving(settings) as (services, client):
        space = await space_of(services, client, FILES)
        for id in [*(quote_from_bytes(text.encode()) for text in WITH_APPLES), "%ED%A0%80"]:
            answer = await client.get(
                f"/api/spaces/{space}/search/why-not?q=apples&passage={id}&limit=3"
            )
            assert answer.status_code == 200, (id, answer.text)
            assert answer.json()["reason"] == "not_indexed"
            for address in (f"/api/sources/{id}", f"/api/spaces/{id}/search?q=apples"):
                answer = await client.get(address.replace("%2F", "_"))
                assert answer.status_code == 404, (id, answer.text)
                assert answer.json()["error"]["code"] == "not_found"


@pytest.mark.parametrize("settings", ["postgresql"], indirect=True)
async def test_nor_on_postgresql_which_takes_no_nul(settings: Settings) -> None:
    async with open_store(settings.url("DATABASE_URL"), settings.data_dir, migrate=True):
        pass
    await test_an_id_that_is_none_is_no_fault_and_tells_nothing(settings)


async def test_each_leg_takes_every_text(settings: Settings) -> None:
    """Asked past the page's limits, also with half a pair: answers, within the scope."""
    async with serving(settings) as (services, client):
        space = await space_of(services, client, FILES)
        await space_of(services, client, {"Secret.md": OTHERS})
        scope = Scope("local", frozenset({space}))
        nobody = Scope("' OR '1'='1", frozenset({space, "*", '"}}', "\x00"}))
        here = {
            source["id"] for source in (await client.get(f"/api/spaces/{space}/sources")).json()
        }
        for text in ("apples \ud800", "\udfff\ud800 apples", "\ud83d"):
            found = await services.searcher.search(Query(text), scope=scope)
            assert not found.trace.degraded, found.trace
            assert {hit.passage.source for hit in found.hits} <= here, text
        for text in [*WITH_APPLES, *WITHOUT, *REFUSED]:
            for opened in services.legs:
                run = await opened.leg.search(Query(text), scope=scope, limit=5)
                assert {line.passage.partition(".")[0] for line in run.ranked} <= here, text
                if text in WITH_APPLES:
                    assert run.ranked, (opened.leg.name, text)
                run = await opened.leg.search(Query(text), scope=nobody, limit=5)
                assert run.ranked == (), (opened.leg.name, text)

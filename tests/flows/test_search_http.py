"""Search over HTTP: quoted words, field filters, and what the trace says of them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import httpx
import pytest

from backend.wiring import Services

FILES = {
    "board/Board minutes.md": "# Board\n\nNet retention of customers fell to 91 % in May.\n",
    "Market study.md": "# Market study\n\nRetention, net of churn, is low among customers.\n",
    "Prices.md": "# Prices\n\nCustomers pay 12 euros a month.\n",
}


@pytest.fixture
async def space(client: httpx.AsyncClient, services: Services) -> str:
    made = (await client.post("/api/spaces", json={"name": "Filters"})).json()
    for path, text in FILES.items():
        file = {"file": (path.rpartition("/")[2], text.encode(), "text/markdown")}
        sent = await client.post(
            f"/api/spaces/{made['id']}/sources", files=file, data={"path": path}
        )
        assert sent.is_success, sent.text
    await services.worker.drain()
    return str(made["id"])


async def search(client: httpx.AsyncClient, space: str, q: str) -> Mapping[str, Any]:
    response = await client.get(f"/api/spaces/{space}/search", params={"q": q})
    assert response.status_code == 200, response.text
    found: Mapping[str, Any] = response.json()
    return found


def titles(found: Mapping[str, Any]) -> set[str]:
    return {hit["passage"]["source_title"].removesuffix(".md") for hit in found["hits"]}


async def test_quoted_words_hold_in_every_leg(client: httpx.AsyncClient, space: str) -> None:
    """The dense leg ranks every passage; only the one that holds the words is found."""
    plain = await search(client, space, "net retention of customers")
    assert len(titles(plain)) == 3
    quoted = await search(client, space, '+"net retention" of customers')
    assert titles(quoted) == {"Board minutes"}
    assert {leg["found"] for leg in quoted["trace"]["legs"] if leg["state"] == "ok"} == {1}
    assert quoted["trace"]["understood"]["phrases"] == ["net retention"]


@pytest.mark.parametrize(
    ("filter", "left"),
    [
        ("title:minutes", {"Board minutes"}),
        ('title:"market studies"', {"Market study"}),
        ("title:prices title:study", {"Prices", "Market study"}),
        ("source:board/", {"Board minutes"}),
        ("source:.MD", {"Board minutes", "Market study", "Prices"}),
        ("after:2020-01-01 title:prices", {"Prices"}),
        ("note:prices", {"Board minutes", "Market study", "Prices"}),
    ],
)
async def test_filters_narrow_the_sources_before_ranking(
    client: httpx.AsyncClient, space: str, filter: str, left: set[str]
) -> None:
    found = await search(client, space, f"{filter} customers")
    assert titles(found) == left
    assert found["trace"]["understood"]["text"] == (
        f"{filter} customers" if filter.startswith("note") else "customers"
    )


@pytest.mark.parametrize(
    ("q", "note"),
    [
        ("customers before:2020", "No source fits before:2020."),
        ('customers "retention net"', ""),
        ('+"net retention" title:prices', "No passage holds “net retention”."),
    ],
)
async def test_when_nothing_can_fit_the_trace_says_what(
    client: httpx.AsyncClient, space: str, q: str, note: str
) -> None:
    found = await search(client, space, q)
    assert found["trace"]["understood"]["note"] == note
    assert bool(found["hits"]) is (not note)


async def test_a_date_that_is_none_is_refused_before_anything_is_searched(
    client: httpx.AsyncClient, space: str
) -> None:
    for answer in (
        await client.get(f"/api/spaces/{space}/search", params={"q": "x after:soon"}),
        await client.post(f"/api/spaces/{space}/answers", json={"question": "x after:soon"}),
    ):
        assert answer.status_code == 422
        assert answer.json()["error"]["code"] == "bad_query"
        assert "after:soon" in answer.json()["error"]["message"]


async def test_an_answer_is_declined_in_the_words_of_the_filter(
    client: httpx.AsyncClient, space: str
) -> None:
    """And one whose filter fits is made, though no passage says "title"."""
    asked = "How high is net retention of customers in May?"
    declined = await client.post(
        f"/api/spaces/{space}/answers", json={"question": f"{asked} before:2020"}
    )
    assert "No source fits before:2020." in declined.text
    answered = await client.post(
        f"/api/spaces/{space}/answers", json={"question": f"{asked} title:minutes"}
    )
    assert "event: finished" in answered.text
    assert "91 %" in answered.text


async def why_not(
    client: httpx.AsyncClient, space: str, passage: str, q: str = "customers"
) -> Mapping[str, Any]:
    response = await client.get(
        f"/api/spaces/{space}/search/why-not", params={"q": q, "passage": passage, "limit": 1}
    )
    assert response.status_code == 200, response.text
    found: Mapping[str, Any] = response.json()
    return found


async def test_why_a_passage_is_not_shown_is_told_of_any_id(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    """Shown, below the cut, filtered, replaced, deleted, of another space: each in its words."""
    found = await search(client, space, "customers")
    best, last = found["hits"][0]["passage"], found["hits"][-1]["passage"]
    assert (await why_not(client, space, best["id"]))["reason"] == "found"
    below = await why_not(client, space, last["id"])
    assert (below["reason"], below["rank"]) == ("below", len(found["hits"]))
    assert {leg["leg"] for leg in below["legs"] if leg["rank"]} >= {"bm25"}
    filtered = await why_not(client, space, last["id"], "customers before:2020")
    assert (filtered["reason"], filtered["message"]) == ("filtered", "No source fits before:2020.")

    # A place stands for the passage there; and only what was asked can be shown.
    place = "{source}.{version}.{start}-{end}".format(**last)
    where = f"/api/spaces/{space}/search/why-not"
    asked = {"q": "customers", "limit": 1}
    by_place = await client.get(where, params=asked | {"at": place})
    assert by_place.json() == below
    beyond_it = await client.get(
        where, params=asked | {"at": place.rpartition(".")[0] + ".9999-9999"}
    )
    assert "stands at this place" in beyond_it.json()["message"]
    for source, reason in ((best["source"], "filtered"), (last["source"], "found")):
        only = await client.get(where, params=asked | {"passage": last["id"], "source": source})
        assert only.json()["reason"] == reason
    for wrong in ({}, {"at": place, "passage": last["id"]}, {"at": "src_1.v.9-2"}):
        assert (await client.get(where, params=asked | wrong)).status_code == 422

    path = next(
        one["path"]
        for one in (await client.get(f"/api/spaces/{space}/sources")).json()
        if one["id"] == last["source"]
    )
    file = {
        "file": (path.rpartition("/")[2], b"# New\n\nNothing of it is left.\n", "text/markdown")
    }
    await client.post(f"/api/spaces/{space}/sources", files=file, data={"path": path})
    await services.worker.drain()
    replaced = await why_not(client, space, last["id"])
    assert (replaced["reason"], "a newer one has replaced" in replaced["message"]) == (
        "not_indexed",
        True,
    )
    beyond = f"{best['id'][:-5]}99999"
    assert "has no such passage" in (await why_not(client, space, beyond))["message"]
    other = (await client.post("/api/spaces", json={"name": "Other"})).json()["id"]
    for where, id in ((other, best["id"]), (space, "src_no.abc.00000"), (space, "%' OR 1=1")):
        assert "there never was" in (await why_not(client, where, id))["message"]
    await client.delete(f"/api/sources/{best['source']}")
    await services.worker.drain()
    assert "was deleted" in (await why_not(client, space, best["id"]))["message"]


async def test_the_same_wording_elsewhere_is_told_with_the_hit(
    client: httpx.AsyncClient, services: Services, space: str
) -> None:
    file = {"file": ("copy.md", FILES["Prices.md"].replace("12", " 12").encode(), "text/markdown")}
    await client.post(f"/api/spaces/{space}/sources", files=file)
    await services.worker.drain()
    found = await search(client, space, "euros a month")
    hit = found["hits"][0]
    assert {hit["passage"]["source_title"], *(one["source_title"] for one in hit["elsewhere"])} == {
        "Prices.md",
        "copy.md",
    }
    collapsed = await why_not(client, space, hit["elsewhere"][0]["passage"], "euros a month")
    assert (collapsed["reason"], collapsed["within"]) == ("collapsed", hit["passage"]["id"])


async def test_a_space_fuses_as_it_is_told_in_search_and_in_answers(
    client: httpx.AsyncClient, space: str
) -> None:
    """With only words weighed, the contributions of the others are 0; null is the default again."""
    where = f"/api/spaces/{space}/settings"
    default = (await client.get(where)).json()
    assert default["fusion"] == {"kind": "rrf", "k": 5, "weights": {}}
    others = {leg: 0.0 for leg in default["legs"] if leg != "bm25"}
    fusions: list[dict[str, Any]] = [
        {"kind": "rrf", "k": 60, "weights": {**others, "bm25": 2.0}},
        {"kind": "min_max", "k": 5, "weights": others},
    ]
    for fusion in fusions:
        put = await client.put(where, json={"fusion": fusion})
        assert put.json()["fusion"] == fusion
        found = await search(client, space, "net retention of customers")
        assert found["trace"]["fusion"].startswith(fusion["kind"].replace("_", "-"))
        for hit in found["hits"]:
            assert hit["score"] == pytest.approx(sum(one["amount"] for one in hit["contributions"]))
            assert all(one["leg"] == "bm25" or not one["amount"] for one in hit["contributions"])
        answered = await client.post(
            f"/api/spaces/{space}/answers", json={"question": "How high is net retention?"}
        )
        assert f'"fusion": "{found["trace"]["fusion"]}"' in answered.text
    assert (await client.put(where, json={"fusion": None})).json() == default
    assert (await client.get(where)).json() == default


@pytest.mark.parametrize(
    ("fusion", "named"),
    [
        ({"kind": "rrf", "weights": {"bm52": 1}}, "bm52"),
        ({"kind": "rrf", "k": 1001}, "1001"),
        ({"kind": "rrf", "weights": {"bm25": -1}}, "-1"),
        ({"kind": "rrf", "weights": {"bm25": 0, "hashing": 0, "graph": 0}}, "weight 0"),
        ({"kind": "borda"}, ""),
    ],
)
async def test_a_fusion_that_cannot_be_is_refused_and_changes_nothing(
    client: httpx.AsyncClient, space: str, fusion: Mapping[str, Any], named: str
) -> None:
    where = f"/api/spaces/{space}/settings"
    before = (await client.get(where)).json()
    answer = await client.put(where, json={"fusion": fusion})
    assert answer.status_code == 422
    assert named in answer.json()["error"]["message"]
    assert (await client.get(where)).json() == before


async def test_a_misspelt_word_finds_what_it_means_and_the_trace_says_so(
    client: httpx.AsyncClient, space: str
) -> None:
    """A word of another space is never offered, and quotes ask for what is written."""
    other = (await client.post("/api/spaces", json={"name": "Other"})).json()["id"]
    found = await search(client, space, "retentoin custmers")
    assert found["trace"]["understood"]["corrections"] == [
        {"written": "retentoin", "searched": "retention"},
        {"written": "custmers", "searched": "customers"},
    ]
    assert found["trace"]["understood"]["text"] == "retention retentoin customers custmers"
    assert titles(found) >= {"Board minutes", "Market study"}
    as_written = await search(client, space, '"retentoin" custmers')
    assert as_written["trace"]["understood"]["corrections"] == [
        {"written": "custmers", "searched": "customers"}
    ]
    elsewhere = await search(client, other, "retentoin")
    assert elsewhere["trace"]["understood"]["corrections"] == []

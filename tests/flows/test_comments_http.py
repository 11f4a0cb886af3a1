"""Comments over HTTP, by several people: who may, who is told, and what is too much."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from backend.comments import service
from backend.wiring import Services
from tests.flows.people import Ask, shared_space

ANCHOR = {
    "start": "AAEC",
    "end": "AAED",
    "block": "block00001",
    "text": "grew 12 %",
    "before": "Revenue ",
    "after": " in 2025",
}
ADA, ANN, CAL, VERA = "admin:ada", "analyst:ann", "commenter:cal", "viewer:vera"


@pytest.fixture
async def space(ask: Ask, services: Services) -> str:
    """Ada's, with an analyst, a commenter and a viewer."""
    return await shared_space(ask, services, ADA, (ANN, CAL, VERA))


@pytest.fixture
async def path(ask: Ask, space: str) -> str:
    """Where the comments of a brief are."""
    brief = await ask(ADA, "POST", f"/api/spaces/{space}/briefs", json={"title": "Q3"})
    return f"/api/briefs/{brief.json()['id']}/comments"


async def begin(ask: Ask, path: str, who: str = ANN, body: str = "So?", **rest: Any) -> Any:
    response = await ask(who, "POST", path, json={"anchor": ANCHOR, "body": body, **rest})
    assert response.status_code == 201, response.text
    return response.json()


async def told(ask: Ask, who: str) -> list[tuple[str, str, str]]:
    found = (await ask(who, "GET", "/api/notifications")).json()
    assert found["unread"] == sum(not one["read"] for one in found["notifications"])
    return [(one["kind"], one["by"], one["words"]) for one in found["notifications"]]


async def test_a_conversation(ask: Ask, path: str) -> None:
    """Opened by an analyst, answered by a commenter, edited, resolved, reopened: all read it."""
    thread = await begin(ask, path, ANN, "Where from?")
    at = f"{path}/{thread['id']}"
    assert thread["quote"] == "grew 12 %"
    assert thread["anchor"] == ANCHOR
    reply = (await ask(CAL, "POST", f"{at}/replies", json={"body": " The study. "})).json()
    assert [(one["author"]["name"], one["body"]) for one in reply["comments"]] == [
        ("ann", "Where from?"),
        ("cal", "The study."),
    ]
    edited = await ask(
        CAL, "PATCH", f"{at}/{reply['comments'][1]['id']}", json={"body": "The study, p. 14."}
    )
    assert edited.json()["comments"][1]["body"] == "The study, p. 14."
    assert edited.json()["comments"][1]["edited_at"]
    resolved = (await ask(ADA, "PATCH", at, json={"resolved": True})).json()
    assert resolved["resolved"]["by"] == {"subject": "ada", "name": "ada"}
    assert (await ask(VERA, "GET", path)).json()["threads"] == []
    listed = (await ask(VERA, "GET", f"{path}?resolved=true")).json()
    assert [one["id"] for one in listed["threads"]] == [thread["id"]]
    assert (await ask(VERA, "GET", at)).json() == listed["threads"][0]
    await ask(ANN, "PATCH", at, json={"resolved": False})
    (opened,) = (await ask(VERA, "GET", path)).json()["threads"]
    assert opened["resolved"] is None


async def test_who_may(ask: Ask, path: str) -> None:
    """A viewer reads and is told why they may not write; a stranger and another tenant's admin
    learn nothing, not even that there is such a brief."""
    thread = await begin(ask, path)
    first = thread["comments"][0]["id"]
    at = f"{path}/{thread['id']}"
    writing: list[tuple[str, str, dict[str, Any] | None]] = [
        ("POST", path, {"anchor": ANCHOR, "body": "x"}),
        ("POST", f"{at}/replies", {"body": "x"}),
        ("PATCH", at, {"resolved": True}),
        ("PATCH", at, {"anchor": ANCHOR}),
        ("PATCH", f"{at}/{first}", {"body": "x"}),
        ("DELETE", f"{at}/{first}", None),
    ]
    for method, where, sent in writing:
        refused = await ask(VERA, method, where, json=sent)
        assert refused.status_code == 403, (method, where)
        assert "viewer" in refused.json()["error"]["message"]
    for who in ("analyst:nobody", "elsewhere:ada"):
        for method, where, sent in [*writing, ("GET", path, None), ("GET", at, None)]:
            unseen = await ask(who, method, where, json=sent)
            assert unseen.status_code == 404, (who, method, where)
            assert "Q3" not in unseen.text
    rights = {who: (await ask(who, "GET", path)).json() for who in (ADA, CAL, VERA)}
    assert {who: (one["comments"], one["moderates"]) for who, one in rights.items()} == {
        ADA: (True, True),
        CAL: (True, False),
        VERA: (False, False),
    }
    assert len(rights[VERA]["threads"]) == 1


async def test_only_ones_own_words(ask: Ask, path: str) -> None:
    """Nobody edits another's comment; an admin may delete it; what was answered leaves
    its place."""
    thread = await begin(ask, path, ANN)
    at = f"{path}/{thread['id']}"
    first = f"{at}/{thread['comments'][0]['id']}"
    replied = (await ask(CAL, "POST", f"{at}/replies", json={"body": "No."})).json()
    second = f"{at}/{replied['comments'][1]['id']}"
    assert (await ask(ADA, "PATCH", first, json={"body": "x"})).status_code == 403
    assert (await ask(CAL, "DELETE", first)).status_code == 403
    assert (await ask(ADA, "DELETE", first)).status_code == 204
    left = (await ask(ANN, "GET", at)).json()["comments"]
    assert [(one["deleted"], one["body"]) for one in left] == [(True, ""), (False, "No.")]
    assert (await ask(ANN, "PATCH", first, json={"body": "x"})).status_code == 404
    assert (await ask(CAL, "DELETE", second)).status_code == 204
    assert (await ask(ANN, "GET", at)).status_code == 404


async def test_who_is_told(ask: Ask, path: str) -> None:
    """Whoever is mentioned, and whose thread is answered or resolved; never of one's own doing,
    and once of a reply that mentions them."""
    thread = await begin(ask, path, ANN, "@cal, so? @ann", mentions=["cal", "ann", "cal"])
    at = f"{path}/{thread['id']}"
    assert [one["subject"] for one in thread["comments"][0]["mentions"]] == ["cal", "ann"]
    assert await told(ask, CAL) == [("mention", "ann", "@cal, so? @ann")]
    assert await told(ask, ANN) == []
    await ask(CAL, "POST", f"{at}/replies", json={"body": "Yes."})
    replied = await ask(
        ADA, "POST", f"{at}/replies", json={"body": "@ann", "mentions": ["ann"], "draft": "d"}
    )
    await ask(ADA, "POST", f"{at}/replies", json={"body": "@ann", "draft": "d"})
    await ask(ANN, "POST", f"{at}/replies", json={"body": "I see."})
    await ask(
        ADA,
        "PATCH",
        f"{at}/{replied.json()['comments'][-1]['id']}",
        json={"body": "@ann @cal", "mentions": ["ann", "cal"]},
    )
    await ask(ADA, "PATCH", at, json={"resolved": True})
    await ask(ADA, "PATCH", at, json={"resolved": True})
    assert await told(ask, ANN) == [
        ("resolved", "ada", "grew 12 %"),
        ("mention", "ada", "@ann @cal"),
        ("reply", "cal", "Yes."),
    ]
    assert len(await told(ask, CAL)) == 2
    assert (await ask(ANN, "POST", "/api/notifications/read", json={})).status_code == 204
    assert (await ask(ANN, "GET", "/api/notifications")).json()["unread"] == 0
    assert (await ask(CAL, "GET", "/api/notifications")).json()["unread"] == 2


async def test_a_mention_must_reach(ask: Ask, path: str) -> None:
    """Somebody who is not in the space cannot be mentioned; twenty at once can, one more cannot."""
    people = (await ask(CAL, "GET", path)).json()["people"]
    assert {one["subject"] for one in people} == {"ada", "ann", "cal", "vera"}
    body = {"anchor": ANCHOR, "body": "@mal"}
    unknown = await ask(ANN, "POST", path, json={**body, "mentions": ["mal"]})
    assert unknown.status_code == 422
    assert "mal" in unknown.json()["error"]["message"]
    most = ["cal"] * service.MENTIONS
    assert (await ask(ANN, "POST", path, json={**body, "mentions": most})).status_code == 201
    more = await ask(ANN, "POST", path, json={**body, "mentions": [*most, "cal"]})
    assert more.status_code == 422


async def test_words_at_the_limit_and_past_it(ask: Ask, path: str) -> None:
    """10,000 characters are kept whole; one more and none at all are refused with the limit."""
    whole = "é" * service.BODY
    thread = await begin(ask, path, body=whole)
    assert thread["comments"][0]["body"] == whole
    for body in (whole + "é", " \n "):
        refused = await ask(ANN, "POST", path, json={"anchor": ANCHOR, "body": body})
        assert refused.status_code == 422
        assert "10,000" in refused.json()["error"]["remedy"]
    for field, most in (("start", 200), ("block", 40), ("text", 1_000), ("before", 64)):
        for length, status in ((most, 201), (most + 1, 422)):
            anchor = {**ANCHOR, field: "A" * length}
            sent = await ask(ANN, "POST", path, json={"anchor": anchor, "body": "x"})
            assert sent.status_code == status, (field, length)
    for anchor in ({**ANCHOR, "start": "<script>"}, {**ANCHOR, "text": ""}):
        sent = await ask(ANN, "POST", path, json={"anchor": anchor, "body": "x"})
        assert sent.status_code == 422


async def test_as_many_as_fit(ask: Ask, path: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """The last open thread and the last reply that fit are taken; the next is refused with the way
    out, and fits once a thread is resolved."""
    assert (service.THREADS, service.REPLIES) == (500, 200)
    monkeypatch.setattr(service, "THREADS", 3)
    monkeypatch.setattr(service, "REPLIES", 2)
    threads = [await begin(ask, path) for _ in range(3)]
    body = {"anchor": ANCHOR, "body": "one more"}
    refused = await ask(ANN, "POST", path, json=body)
    assert refused.status_code == 409
    assert refused.json()["error"]["code"] == "too_many_comments"
    at = f"{path}/{threads[0]['id']}"
    for status in (201, 201, 409):
        sent = await ask(CAL, "POST", f"{at}/replies", json={"body": "x"})
        assert sent.status_code == status
    await ask(ANN, "PATCH", at, json={"resolved": True})
    assert (await ask(ANN, "POST", path, json=body)).status_code == 201
    assert (await ask(ANN, "PATCH", at, json={"resolved": False})).status_code == 409


async def test_words_that_moved(ask: Ask, path: str) -> None:
    """A page says where the words went, against the revision it knew; the slower one hears 409."""
    thread = await begin(ask, path)
    at = f"{path}/{thread['id']}"
    moved = {**ANCHOR, "start": "BBBB", "text": "grew 14 %"}
    sent = {"anchor": moved, "revision": thread["revision"]}
    hung = (await ask(CAL, "PATCH", at, json=sent)).json()
    assert (hung["quote"], hung["anchor"], hung["revision"]) == ("grew 12 %", moved, 2)
    late = await ask(ANN, "PATCH", at, json=sent)
    assert (late.status_code, late.json()["error"]["code"]) == (409, "moved")
    chosen = (await ask(ANN, "PATCH", at, json={"anchor": moved})).json()
    assert chosen["quote"] == "grew 14 %"


async def test_other_pages_hear_of_it(ask: Ask, path: str, space: str, services: Services) -> None:
    """Each change is told once to the space, by the brief's id and nothing of its words."""
    brief = path.split("/")[3]
    with services.hub.listening(space) as events:
        thread = await begin(ask, path, ANN, "secret")
        await ask(ADA, "DELETE", f"{path}/{thread['id']}/{thread['comments'][0]['id']}")
        for _ in range(2):
            event = await events.next()
            assert event is not None
            assert (event.name, event.data) == ("comments", {"brief": brief})


async def test_guests_have_names_where_everyone_is_one_person(
    client: httpx.AsyncClient, ask: Ask
) -> None:
    """In development the browser says what a guest is called; with a real sign-in it does not."""
    space = (await client.post("/api/spaces", json={"name": "S"})).json()["id"]
    brief = (await client.post(f"/api/spaces/{space}/briefs", json={"title": "B"})).json()["id"]
    path = f"/api/briefs/{brief}/comments"
    body = {"anchor": ANCHOR, "body": "x", "name": "Guest  Heron"}
    named = (await client.post(path, json=body)).json()["comments"][0]["author"]
    assert named == {"subject": "you", "name": "Guest Heron"}
    real = (await ask("admin:ada", "POST", path, json=body)).json()["comments"][0]["author"]
    assert real == {"subject": "ada", "name": "ada"}


async def test_comments_go_with_their_brief(ask: Ask, path: str, services: Services) -> None:
    """And what people were told of them."""
    await begin(ask, path, ANN, "@cal", mentions=["cal"])
    assert (await ask(ADA, "DELETE", path.removesuffix("/comments"))).status_code == 204
    assert (await ask(ANN, "GET", path)).status_code == 404
    assert await told(ask, CAL) == []

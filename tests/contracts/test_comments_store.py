"""Threads of comments and who is told of them, on SQLite and PostgreSQL alike."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest
from sqlalchemy import delete, insert

from backend.auth.principal import Principal, Role
from backend.clock import new_id, now
from backend.comments.model import (
    Anchor,
    Comment,
    Full,
    Gone,
    Moved,
    Person,
    Place,
    Why,
)
from backend.store.comments import StoredComments
from backend.store.engine import Store
from backend.store.notifications import KEPT, StoredNotifications
from backend.store.tables import briefs, members, spaces, tenants

ANCHOR = Anchor("AAEC", "AAED", "block00001", "grew 12 %", "Revenue ", " in 2025")
PLACE = Place("t", "spc_1", "brf_1")
ANN, BO = Person("ann", "Ann"), Person("bo", "Bo")
AT_ONCE = 8


@pytest.fixture
async def kept(store: Store) -> StoredComments:
    """Of the briefs brf_1 and brf_2, in a space of Ann and Bo."""
    made = {"created_at": now()}
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id="t", name="T", **made))
        await connection.execute(
            insert(spaces).values(id="spc_1", tenant="t", name="S", created_by="ann", **made)
        )
        for subject in ("ann", "bo"):
            await connection.execute(
                insert(members).values(space="spc_1", subject=subject, role="analyst")
            )
        for brief in ("brf_1", "brf_2"):
            await connection.execute(
                insert(briefs).values(
                    id=brief, tenant="t", space="spc_1", title="B", epoch="e", updated_at=now(),
                    created_by="ann", **made,
                )
            )  # fmt: skip
    return StoredComments(store)


def said(by: Person = ANN, body: str = "Is that so?", *mentions: Person) -> Comment:
    return Comment(new_id("cmt"), by, body, mentions, now())


async def begin(
    kept: StoredComments, comment: Comment | None = None, draft: str | None = None
) -> str:
    return await kept.begin(PLACE, ANCHOR, comment or said(), draft=draft, limit=500, tell={})


async def reply(kept: StoredComments, thread: str, comment: Comment, limit: int = 200) -> None:
    await kept.reply(PLACE, thread, comment, draft=None, limit=limit, tell={})


async def test_a_thread_is_read_as_it_was_written(kept: StoredComments) -> None:
    """Anchor, words, mentions and their order come back the same, and only in their brief."""
    first, second = said(ANN, "Is that so?", BO), said(BO, "It is. 📈")
    thread = await begin(kept, first)
    await reply(kept, thread, second)
    found = await kept.thread("brf_1", thread)
    assert (found.anchor, found.revision, found.quote) == (ANCHOR, 1, "grew 12 %")
    assert [(one.id, one.author, one.body) for one in found.comments] == [
        (first.id, ANN, "Is that so?"),
        (second.id, BO, "It is. 📈"),
    ]
    assert list(found.comments[0].mentions) == [BO]
    assert await kept.standing("brf_1") == [found]
    assert await kept.standing("brf_2") == []
    with pytest.raises(Gone):
        await kept.thread("brf_2", thread)


async def test_a_draft_sent_twice_is_written_once(kept: StoredComments) -> None:
    """Also where both arrive at the same moment, as an opening and as a reply."""
    opened = await asyncio.gather(*(begin(kept, said(ANN), draft="one") for _ in range(AT_ONCE)))
    assert len(set(opened)) == 1
    await asyncio.gather(
        *(
            kept.reply(PLACE, opened[0], said(BO), draft="two", limit=200, tell={})
            for _ in range(AT_ONCE)
        )
    )
    (thread,) = await kept.standing("brf_1")
    assert len(thread.comments) == 2


async def test_of_many_at_once_as_many_fit_as_fit(kept: StoredComments) -> None:
    """The last thread and the last reply that fit are kept, the next are Full, whoever is first."""
    ends = await asyncio.gather(
        *(kept.begin(PLACE, ANCHOR, said(), draft=None, limit=3, tell={}) for _ in range(AT_ONCE)),
        return_exceptions=True,
    )
    threads = [end for end in ends if isinstance(end, str)]
    assert len(threads) == 3
    assert sum(isinstance(end, Full) for end in ends) == AT_ONCE - 3
    replies = await asyncio.gather(
        *(reply(kept, threads[0], said(BO), limit=2) for _ in range(AT_ONCE)),
        return_exceptions=True,
    )
    assert replies.count(None) == 2
    assert len((await kept.thread("brf_1", threads[0])).comments) == 3
    await kept.resolve(PLACE, threads[0], ANN, tell={})
    await kept.begin(PLACE, ANCHOR, said(), draft=None, limit=3, tell={})
    with pytest.raises(Full):
        await kept.reopen("brf_1", threads[0], limit=3)


async def test_resolved_threads_are_read_page_by_page(kept: StoredComments) -> None:
    """The latest resolved first, each once; an open one is not among them."""
    threads = [await begin(kept) for _ in range(5)]
    for thread in threads[:4]:
        await kept.resolve(PLACE, thread, BO, tell={})
    first = await kept.resolved("brf_1", limit=3, before=None)
    rest = await kept.resolved("brf_1", limit=3, before=first[-1].id)
    assert [one.id for one in (*first, *rest)] == threads[3::-1]
    assert first[0].resolved is not None
    assert first[0].resolved.by == BO
    await kept.reopen("brf_1", threads[0], limit=500)
    assert {one.id for one in await kept.standing("brf_1")} == {threads[0], threads[4]}


async def test_words_that_moved_keep_their_quote(kept: StoredComments) -> None:
    """Of two pages that say where they went the first is heard; a person's choice always is."""
    thread = await begin(kept)
    moved = replace(ANCHOR, start="BBBB", text="grew 14 %")
    await kept.hang("brf_1", thread, moved, revision=1)
    with pytest.raises(Moved):
        await kept.hang("brf_1", thread, ANCHOR, revision=1)
    found = await kept.thread("brf_1", thread)
    assert (found.anchor, found.revision, found.quote) == (moved, 2, "grew 12 %")
    await kept.hang("brf_1", thread, replace(ANCHOR, text="fell"), revision=None)
    assert (await kept.thread("brf_1", thread)).quote == "fell"


async def test_what_others_answered_leaves_its_place(kept: StoredComments) -> None:
    """The first comment goes with its thread, or without its words where others replied; a thread
    in which nothing is said any more goes as well."""
    alone = await begin(kept, first := said(ANN))
    await reply(kept, alone, said(ANN, "And here."))
    await kept.remove("brf_1", alone, first.id)
    with pytest.raises(Gone):
        await kept.thread("brf_1", alone)

    answered = await begin(kept, first := said(ANN, "Wrong."))
    await reply(kept, answered, second := said(BO, "Why?"))
    await kept.remove("brf_1", answered, first.id)
    left = (await kept.thread("brf_1", answered)).comments
    assert [(one.deleted, one.body) for one in left] == [(True, ""), (False, "Why?")]
    with pytest.raises(Gone):
        await kept.remove("brf_1", answered, first.id)
    with pytest.raises(Gone):
        await kept.edit(PLACE, answered, replace(first, body="Right."), tell={})
    await kept.remove("brf_1", answered, second.id)
    with pytest.raises(Gone):
        await kept.thread("brf_1", answered)


async def test_a_number_is_not_given_twice(kept: StoredComments) -> None:
    """A reply after one in the middle was deleted comes last, as before."""
    thread = await begin(kept)
    middle, last = said(BO, "2"), said(BO, "3")
    await reply(kept, thread, middle)
    await reply(kept, thread, last)
    await kept.remove("brf_1", thread, middle.id)
    await reply(kept, thread, said(ANN, "4"))
    found = await kept.thread("brf_1", thread)
    assert [one.body for one in found.comments] == ["Is that so?", "3", "4"]


async def test_people_are_members_and_those_who_wrote(kept: StoredComments) -> None:
    """By the name they last wrote under; who is neither is not among them."""
    await begin(kept, said(Person("you", "Guest Heron")))
    await begin(kept, said(Person("you", "Guest Jay")))
    assert await kept.people(PLACE) == [
        Person("ann", "ann"),
        Person("bo", "bo"),
        Person("you", "Guest Jay"),
    ]


async def test_told_with_the_change_and_only_of_what_one_may_read(
    kept: StoredComments, store: Store
) -> None:
    """Bo reads what he is told until he leaves the space; it goes with its thread."""
    told = StoredNotifications(store)
    bo = Principal("bo", "t", "Bo")
    thread = await kept.begin(
        PLACE,
        ANCHOR,
        said(ANN, "See @Bo", BO),
        draft=None,
        limit=500,
        tell={"bo": Why.MENTION},
    )
    await kept.resolve(PLACE, thread, ANN, tell={"bo": Why.RESOLVED})
    latest = await told.list(bo, limit=50)
    assert [(one.kind, one.by, one.words, one.read) for one in latest] == [
        (Why.RESOLVED, "Ann", "grew 12 %", False),
        (Why.MENTION, "Ann", "See @Bo", False),
    ]
    assert await told.unread(bo) == 2
    assert await told.unread(Principal("bo", "another", "Bo")) == 0
    assert await told.unread(Principal("ann", "t", "Ann")) == 0
    await told.read(bo, thread="thr_other")
    assert await told.unread(bo) == 2
    await told.read(bo, thread=thread)
    assert await told.unread(bo) == 0

    async with store.writing() as connection:
        await connection.execute(delete(members).where(members.c.subject == "bo"))
    assert await told.list(bo, limit=50) == []
    everywhere = replace(bo, roles=frozenset({Role.ADMIN}))
    assert len(await told.list(everywhere, limit=50)) == 2
    found = await kept.thread("brf_1", thread)
    await kept.remove("brf_1", thread, found.comments[0].id)
    assert await told.list(everywhere, limit=50) == []


async def test_the_oldest_notification_goes_when_one_too_many_comes(
    kept: StoredComments, store: Store
) -> None:
    """As many as are kept are kept, of each person."""
    told = StoredNotifications(store)
    ann, bo = Principal("ann", "t", "Ann"), Principal("bo", "t", "Bo")
    thread = await begin(kept)
    for n in range(KEPT + 1):
        await kept.edit(
            PLACE,
            thread,
            replace((await kept.thread("brf_1", thread)).comments[0], body=str(n)),
            tell={"bo": Why.MENTION} if n else {"ann": Why.REPLY, "bo": Why.REPLY},
        )
    kinds = [one.kind for one in await told.list(bo, limit=KEPT + 1)]
    assert kinds == [Why.MENTION] * KEPT
    assert await told.unread(ann) == 1

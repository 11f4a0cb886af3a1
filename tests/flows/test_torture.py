"""Many clients of all kinds edit one brief at random, over lines that stall and break, while its
servers are killed; `python -m tests.yjs.soak` does it for longer, and worse."""

from __future__ import annotations

import os
import random

import pytest

from backend.settings import Url
from backend.store.engine import open_store
from backend.store.updates import SqlUpdates
from collab import Stored
from tests.flows.test_several_processes import Place, place
from tests.servers.fixtures import redis_url
from tests.yjs.soak import one_round
from tests.yjs.torture import Torture, torture

__all__ = ["place", "redis_url"]  # fixtures, found by their names


def drawn() -> int:
    seed = int(os.environ.get("STRATMASTER_TEST_SEED") or random.SystemRandom().randrange(2**31))
    print(f"STRATMASTER_TEST_SEED={seed}")
    return seed


@pytest.mark.timeout(600)
async def test_ten_thousand_edits_while_the_server_is_killed() -> None:
    """10,000 edits by two clients each of y-websocket, Hocuspocus, the page's session and pycrdt,
    four kills: all end equal, the store with them; what was called saved is in the store at each
    kill; no word and no citation is lost or doubled."""
    outcome = await one_round(Torture(drawn(), edits=10_000))
    assert outcome.words > 1000
    assert outcome.saved


@pytest.mark.timeout(600)
async def test_pages_that_are_loaded_again() -> None:
    """1,000 edits in pages that are closed and opened again from the copy on their device."""
    await one_round(Torture(drawn(), edits=1000, plain=1, hocuspocus=0, session=3, reloads=True))


@pytest.mark.timeout(600)
async def test_messages_that_are_lost_doubled_and_overtaken() -> None:
    """1,000 edits, of which plain clients' messages travel as no WebSocket would have them: all end
    equal, and what pages, whose line keeps its order, were told is saved is in the store."""
    await one_round(Torture(drawn(), edits=1000, wild=True))


@pytest.mark.timeout(600)
async def test_edits_in_the_midst_of_emoji() -> None:
    """1,000 edits that part characters, some of which are lost on their way and come again: all end
    equal, each character that was parted as Yjs has it."""
    await one_round(Torture(drawn(), edits=1000, kills=1, halves=True, wild=True))


@pytest.mark.timeout(600)
@pytest.mark.services
async def test_edits_in_two_processes_that_are_killed(place: Place) -> None:
    """2,000 edits by clients that come to either of two processes, one or the other killed."""

    async def stored() -> Stored | None:
        async with open_store(Url(place.database), place.folder) as store:
            return await SqlUpdates(store).load(place.brief)

    await torture(Torture(drawn(), edits=2000), place.brief, place.servers, stored)

"""The torture of a brief, for as long as one likes: round after round, each on a brief of its own.

    python -m tests.yjs.soak --edits 1000000 --seed 7 --minutes 120

Ends at whichever limit comes first, or at the first broken promise, whose seed it prints.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import tempfile
import time
from pathlib import Path

from backend.settings import Url
from backend.store.engine import open_store
from backend.store.updates import SqlUpdates
from collab import Stored
from tests.flows.test_rooms_with_yjs import make_brief
from tests.yjs.peers import Server
from tests.yjs.torture import Outcome, Torture, torture

ROUND = 10_000  # edits of one brief


async def one_round(plan: Torture) -> Outcome:
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        brief = await make_brief(folder)
        server = Server(folder)
        await server.start()

        async def stored() -> Stored | None:
            async with open_store(Url("sqlite:///app.db"), folder) as store:
                return await SqlUpdates(store).load(brief)

        try:
            return await torture(plan, brief, [server], stored)
        finally:
            await server.kill()


def main() -> None:
    asking = argparse.ArgumentParser(prog="python -m tests.yjs.soak")
    asking.add_argument("--edits", type=int, default=1_000_000)
    asking.add_argument("--seed", type=int, default=random.SystemRandom().randrange(2**31))
    asking.add_argument("--minutes", type=float, default=60.0)
    asking.add_argument("--wild", action="store_true", help="drop, double and reorder messages")
    asking.add_argument("--reloads", action="store_true", help="close pages, and open them again")
    asking.add_argument("--halves", action="store_true", help="edit in the midst of emoji, too")
    given = asking.parse_args()
    end = time.monotonic() + 60 * given.minutes
    done = 0
    seed = given.seed
    while done < given.edits and time.monotonic() < end:
        edits = max(20, min(ROUND, given.edits - done))
        began = time.monotonic()
        plan = Torture(
            seed, edits=edits, halves=given.halves, reloads=given.reloads, wild=given.wild
        )
        try:
            outcome = asyncio.run(one_round(plan))
        except BaseException:
            print(f"after {done:,} edits; again: --seed {seed} --edits {edits}", flush=True)
            raise
        done += edits
        print(
            f"{done:,} edits, seed {seed}, {time.monotonic() - began:.0f} s: {outcome.words} words,"
            f" {outcome.saved} looked for after a kill; {dict(outcome.did)}",
            flush=True,
        )
        seed += 1


if __name__ == "__main__":
    main()

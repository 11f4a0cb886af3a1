"""Many more schedules than the ordinary tests: ``python -m tests.remotes.soak --kind toy``.

A schedule that failed runs alone with ``--seed N --count 1`` and tells what happened in it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import os
import sys
import time
from concurrent.futures import ProcessPoolExecutor, as_completed

from tests.remotes.schedules import run_schedules

WORLDS = {  # by kind: called with a source of chance, a new world
    "toy": "tests.remotes.toy:ToyWorld",
    "jira": "tests.remotes.jira_world:JiraWorld",
    "trello": "tests.remotes.trello_world:TrelloWorld",
    "notion": "tests.remotes.notion_world:NotionWorld",
    "folder": "tests.remotes.folder_world:FolderWorld",
}
AT_ONCE = 500  # schedules between two words


def run(kind: str, seed: int, count: int) -> int:
    """So many schedules of one kind, in this process; see ``run_schedules``."""
    module, _, name = WORLDS[kind].partition(":")
    world = importlib.import_module(module)
    asyncio.run(
        run_schedules(
            getattr(world, name),
            count,
            seed,
            draw=getattr(world, "draw_brief", None),
            revise=getattr(world, "revise_brief", None),
        )
    )
    return count


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kind", choices=WORLDS, required=True)
    parser.add_argument("--count", type=int, default=100_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    asked = parser.parse_args()
    last = asked.seed + asked.count
    started, done = time.monotonic(), 0
    with ProcessPoolExecutor(asked.jobs) as pool:
        parts = [
            pool.submit(run, asked.kind, seed, min(AT_ONCE, last - seed))
            for seed in range(asked.seed, last, AT_ONCE)
        ]
        for part in as_completed(parts):
            try:
                done += part.result()
            except AssertionError as error:
                pool.shutdown(cancel_futures=True)
                print(error)
                return 1
            print(f"{done} of {asked.count} in {time.monotonic() - started:.0f} s", flush=True)
    return 0


if __name__ == "__main__":
    sys.exit(main())

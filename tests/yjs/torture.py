"""Many clients edit one brief at random, over a bad network, and the servers are killed.

Real Yjs in Node (y-websocket, Hocuspocus' provider, the page's session) and pycrdt in Python. All
chance comes from one seed. After settling, all clients are the same, and the same as what the store
alone says; what was called saved is in the store at each kill; no word and no citation is lost or
there twice.
"""

from __future__ import annotations

import asyncio
import json
import random
from asyncio.subprocess import Process
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from collab import Stored, blocks
from tests.yjs.chaos import LINE, WILD, Chaos, network
from tests.yjs.model import Model, Saved, check, check_saved, held, placed, waiting
from tests.yjs.peers import Server, line, node, python

PATIENCE = 120.0  # seconds for all to be the same, once the network is good


@dataclass(frozen=True, slots=True)
class Torture:
    """What is done to one brief. ``halves`` are edits in the midst of emoji."""

    seed: int
    edits: int = 10_000
    plain: int = 2
    hocuspocus: int = 2
    session: int = 2
    pycrdt: int = 2  # none with ``halves``, of which it would keep one
    kills: int = 4
    halves: bool = False
    reloads: bool = False  # of the pages
    wild: bool = False  # whether messages are dropped, doubled and reordered


@dataclass
class Outcome:
    seed: int
    words: int = 0  # to be seen in the end
    saved: int = 0  # words called saved that were looked for after a kill
    did: Counter[str] = field(default_factory=Counter)  # what the network did


async def torture(
    plan: Torture,
    brief: str,
    servers: Sequence[Server],
    stored: Callable[[], Awaitable[Stored | None]],
) -> Outcome:
    """Do it; ``AssertionError`` where a promise is broken. The servers are running."""
    dice = random.Random(plan.seed)
    kills = set(dice.sample(range(1, 20), plan.kills))
    outcome = Outcome(plan.seed)
    homes = [server.url.removesuffix("/rooms") for server in servers]
    async with AsyncExitStack() as stack:
        wild = await stack.enter_async_context(network(homes, plan.seed))
        slow = await stack.enter_async_context(network(homes, plan.seed + 1))
        crowds = [
            Crowd(await stack.enter_async_context(process))
            for process in _processes(plan, brief, wild.url, slow.url)
        ]
        yjs, *others = crowds
        for crowd in crowds:
            await stack.enter_async_context(_running(crowd.listen()))
            assert await crowd.told.get() == {"ready": True}
        wild.weather, slow.weather = WILD if plan.wild else LINE, LINE
        for n in range(1, 21):
            for crowd in crowds:
                crowd.write()
            if n in kills:
                server = dice.choice(servers)
                await asyncio.sleep(dice.uniform(0, 0.3))
                await server.kill()
                outcome.saved += await _look(crowds, stored)
                await server.start()
            for crowd in crowds:
                assert await crowd.told.get() == {"done": n}
        await _settled(crowds, (wild, slow))
        for server in servers:  # asked to stop: not every client waited to be told "saved"
            await server.stop()
        final = await stored()
        assert final is not None
        differing = await yjs.ask("same", [_hex(final.updates)])
        assert differing is None, f"the store is not as the clients: {differing}"
        model = Model.told(*[await crowd.ask("model") for crowd in crowds])
        check(Counter(await yjs.ask("held")), model)
        projection = await asyncio.to_thread(blocks.project, final.updates)
        check(held(projection), model)
        said = [projection.title, [list(entry) for entry in placed(projection)]]
        for crowd in others:
            assert all(read == said for read in await crowd.ask("reads"))
        outcome.words = len(model.expected())
        outcome.did = wild.did + slow.did
    return outcome


def _processes(
    plan: Torture, brief: str, wild: str, line: str
) -> Iterator[AbstractAsyncContextManager[Process]]:
    """Those that edit: each kind of client in its own language."""
    common = {"wild": wild, "line": line, "brief": brief, "seed": plan.seed}
    in_node = plan.plain + plan.hocuspocus + plan.session
    in_python = 0 if plan.halves else plan.pycrdt
    edits = plan.edits * in_python // (in_node + in_python)
    yield node(
        "crowd.mjs",
        json.dumps(
            common
            | {"plain": plan.plain, "hocuspocus": plan.hocuspocus, "session": plan.session}
            | {"edits": plan.edits - edits, "halves": plan.halves, "reloads": plan.reloads}
        ),
    )
    if in_python:
        given = common | {"pycrdt": in_python, "first": in_node + 1, "edits": edits}
        yield python("tests.yjs.crowd", json.dumps(given))


class Crowd:
    """The clients of one process: they tell how far they are, and answer."""

    def __init__(self, process: Process) -> None:
        self.told: asyncio.Queue[Any] = asyncio.Queue()
        self._answers: asyncio.Queue[Any] = asyncio.Queue()
        self._process = process

    async def listen(self) -> None:
        try:
            while True:
                said = await line(self._process)
                (self._answers if "answer" in said else self.told).put_nowait(said)
        except AssertionError as ended:
            for queue in (self._answers, self.told):
                queue.put_nowait({"answer": ended, "ended": str(ended)})

    def write(self) -> None:
        assert self._process.stdin is not None
        self._process.stdin.write(b'["write"]\n')

    async def ask(self, *what: Any) -> Any:
        assert self._process.stdin is not None
        self._process.stdin.write(json.dumps(what).encode() + b"\n")
        answer = (await self._answers.get())["answer"]
        if isinstance(answer, AssertionError):
            raise answer
        return answer


async def _look(crowds: Sequence[Crowd], stored: Callable[[], Awaitable[Stored | None]]) -> int:
    # Others may go on in another process: what changed while the store was read is left out.
    before = await _saved(crowds)
    found = await stored()
    after = await _saved(crowds)
    model = Model.told(*[await crowd.ask("model") for crowd in crowds])
    assert found is not None
    return check_saved(
        placed(await asyncio.to_thread(blocks.project, found.updates)),
        await asyncio.to_thread(waiting, found.updates),
        model,
        before & after,
    )


async def _saved(crowds: Sequence[Crowd]) -> set[Saved]:
    return {tuple(entry) for crowd in crowds for entry in await crowd.ask("saved")}


async def _settled(crowds: Sequence[Crowd], networks: Sequence[Chaos]) -> None:
    differing: Any = "nobody was asked"
    try:
        async with asyncio.timeout(PATIENCE):
            while True:
                for network_ in networks:  # each connection is made anew, which heals what was lost
                    network_.calm()
                for _ in range(100):
                    await asyncio.sleep(0.1)
                    differing = await _differing(crowds)
                    if differing is None:
                        return
    except TimeoutError:
        raise AssertionError(f"after {PATIENCE:.0f} s they are not the same: {differing}") from None


async def _differing(crowds: Sequence[Crowd]) -> Any:
    for crowd in crowds:
        if told := await crowd.ask("settled"):
            return told
    yjs, *others = crowds
    documents = [[one] for crowd in others for one in await crowd.ask("documents")]
    return await yjs.ask("same", documents) if documents else None


def _hex(updates: Sequence[bytes]) -> list[str]:
    return [update.hex() for update in updates]


@asynccontextmanager
async def _running(work: Any) -> AsyncIterator[asyncio.Task[None]]:
    task: asyncio.Task[None] = asyncio.create_task(work)
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

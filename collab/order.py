"""What can be placed in a document now, and in which order.

The CRDT library (pycrdt 0.14) miscounts clocks once an update waits inside it for what it builds
on: what it then says of the document leaves words out, or names clocks past 2^32. So it is only
given what it can place at once. That is mostly each update as it came. Those that came too early,
that leave gaps, or that build on one another are taken apart into the runs of their structs.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from typing import TypeAlias

from collab.contents import Contents, Struct, structs_of
from collab.model import Update
from collab.wire import Reader, integer

Read: TypeAlias = tuple[Update, Contents]
Run: TypeAlias = tuple[int, int]


def placeable(waiting: Iterable[Read], known: Mapping[int, int]) -> list[Update]:
    """All of these updates that builds on nothing missing, as updates in an order to apply them.

    ``known`` is up to where each client's history is in the document. What is still missing of an
    update is in none of them, be it a deletion.
    """
    reached, left = dict(known), list(waiting)
    placed: list[Update] = []
    while left:
        late: list[Read] = []
        for update, contents in left:
            if contents.gaps or not contents.ready(reached):
                late.append((update, contents))
                continue
            placed.append(update)
            for client, end in contents.structs.items():
                reached[client] = max(end, reached.get(client, 0))
        if len(late) == len(left):
            return placed + list(_taken_apart(left, reached))
        left = late
    return placed


def _taken_apart(updates: list[Read], reached: dict[int, int]) -> Iterator[Update]:
    queues: defaultdict[int, list[Struct]] = defaultdict(list)
    deletions: list[Reader] = []
    for update, _ in updates:
        structs, at = structs_of(update)
        for struct in structs:
            queues[struct.client].append(struct)
        deletions.append(Reader(update[at:]))
    for queue in queues.values():
        queue.sort(key=lambda struct: -struct.clock)  # taken from the end
    placed = True
    while placed:
        placed = False
        for client, queue in queues.items():
            for run in _runs(client, queue, reached):
                placed = True
                yield b"".join((*map(integer, (1, len(run), client, run[0].clock)), *_bytes(run)))
    for deletion in deletions:
        count, clients = 0, b""
        for client, runs in _deleted(deletion, reached):
            count += 1
            clients += integer(client) + integer(len(runs))
            clients += b"".join(integer(begin) + integer(end - begin) for begin, end in runs)
        if count:
            yield b"\0" + integer(count) + clients


def _deleted(reader: Reader, reached: Mapping[int, int]) -> Iterator[tuple[int, list[Run]]]:
    """What is deleted of each client, as far as it is there."""
    for _ in range(reader.integer()):
        client, runs = reader.integer(), list[Run]()
        at = reached.get(client, 0)
        for _ in range(reader.integer()):
            begin = reader.integer()
            end = min(begin + reader.integer(), at)
            if begin < end:
                runs.append((begin, end))
        if runs:
            yield client, runs


def _runs(client: int, queue: list[Struct], reached: dict[int, int]) -> Iterator[list[Struct]]:
    """What can be placed of one client; a new run where a struct repeats a part of the last."""
    run: list[Struct] = []
    while queue:
        struct, at = queue[-1], reached.get(client, 0)
        if struct.end > at:
            if struct.clock > at or any(reached.get(other, 0) < n for other, n in struct.needs):
                break
            if run and struct.clock < at:
                yield run
                run = []
            run.append(struct)
            reached[client] = struct.end
        queue.pop()
    if run:
        yield run


def _bytes(run: Iterable[Struct]) -> Iterator[bytes]:
    for struct in run:
        yield struct.encoded
    yield b"\0"

"""Clients of pycrdt edit one brief at random, over whatever network they are given.

    python -m tests.yjs.crowd '{"wild": URL, "line": URL, "brief", "seed", "pycrdt": 2,
                                "first": 7, "edits": 2500}'

It is asked and answers as ``crowd.mjs``, whose clients it edits beside; ``first`` is the number of
its first writer. It moves no block and splits none: where a word is in the end, Node says.
"""

from __future__ import annotations

import asyncio
import json
import random
import re
import sys
from collections.abc import Callable
from typing import Any, TypeAlias

import pycrdt

from collab.blocks import read_document
from tests.yjs.model import WORD, placed
from tests.yjs.pycrdt_client import Client

Effect: TypeAlias = tuple[str, bool, str]  # a word, whether it was put or taken, in which place

MARKS = ("bold", "italic", "underline")
HOLD_WORDS = ("paragraph", "heading", "action")


class Writer:
    """One client's edits, and what is to be seen of them; see model.py."""

    def __init__(self, number: int, url: str, *, greets: bool, dice: random.Random) -> None:
        self.number = number
        self.client = Client(url, greets=greets, on_change=self._log_it)
        self.where: dict[str, str] = {}
        self.deleted: set[str] = set()
        self.removed: set[str] = set()
        self.within: dict[str, str] = {}
        self._dice = dice
        self._count = 0
        self._log: list[list[Effect]] = []
        self._effects: list[Effect] = []
        doc = self.client.doc
        self._title = doc.get("title", type=pycrdt.Text)
        self._body = doc.get("body", type=pycrdt.XmlFragment)
        self._undoing = pycrdt.UndoManager(scopes=[self._body], capture_timeout_millis=0)
        self._undoing.include_origin(self.number)
        self._undo: Callable[[], object] | None = None

    def saved(self) -> list[tuple[str, bool, str, int]]:
        """What became of each word by the last of this writer's changes to it that is durable."""
        last = {
            word: (there, place, at)
            for at, effects in enumerate(self._log)
            for word, there, place in effects
        }
        return [(word, *of) for word, of in last.items() if of[-1] < self.client.saved]

    def reads(self) -> list[Any]:
        """The title, and each word with its place, as pycrdt has it."""
        projection = read_document(self.client.doc)
        return [projection.title, placed(projection)]

    def edit(self) -> None:
        if self._undo is not None:
            undo, self._undo = self._undo, None
            if self._dice.random() < 0.7:
                undo()
                self._undoing.undo()
                self._effects = []
                return
        what = self._dice.choices(
            (
                self._block,
                self._type,
                self._erase,
                self._mark,
                self._remove,
                self._cite,
                self._name,
            ),
            (0.16, 0.36, 0.14, 0.08, 0.06, 0.06, 0.14),
        )[0]
        self._undoing.clear()  # in the midst of a transaction it would wait for ever
        with self.client.doc.transaction(origin=self.number):
            what()

    def _log_it(self) -> None:
        self._log.append(self._effects)
        self._effects = []

    def _added(self, word: str, place: str) -> None:
        self.where[word] = place
        self.deleted.discard(f"{word}@{place}")
        self._effects.append((word, True, place))

    def _gone(self, word: str, place: str) -> None:
        self.deleted.add(f"{word}@{place}")
        self._effects.append((word, False, place))

    def _new(self) -> str:
        self._count += 1
        return f"{self.number}.{self._count}"

    def _owns(self, node: pycrdt.XmlElement) -> bool:
        return _place(node).startswith(f"{self.number}.")

    def _holder(self) -> pycrdt.XmlElement | None:
        """Somewhere words can be."""
        children: Any = self._body.children
        while len(children):
            node = children[self._dice.randrange(len(children))]
            if not isinstance(node, pycrdt.XmlElement):
                return None
            if node.tag in HOLD_WORDS:
                return node
            children = node.children
        return None

    def _text(self) -> tuple[pycrdt.XmlElement, pycrdt.XmlText] | None:
        node = self._holder()
        texts = [each for each in node.children if isinstance(each, pycrdt.XmlText)] if node else []
        return (node, self._dice.choice(texts)) if node and texts else None

    # Each of these is one change, or none where there is nothing to do it to. pycrdt counts text in
    # bytes of UTF-8.

    def _block(self) -> None:
        tag = self._dice.choice(("paragraph", "paragraph", "heading", "action", "blockquote"))
        place = self._new()
        at = self._dice.randint(0, len(self._body.children))
        node = self._body.children.insert(at, _element(tag, place))
        if tag == "blockquote":
            around, place = place, self._new()
            self.within[place] = around
            node = node.children.append(_element("paragraph", place))
        word = f"{{{self._new()}}}"
        node.children.append(pycrdt.XmlText(word))
        self._added(word, place)
        if self._dice.random() < 0.5:
            self._cite_in(node)

    def _cite_in(self, node: pycrdt.XmlElement) -> None:
        cite = f"cit_{self._new()}"
        at = self._dice.randint(0, len(node.children))
        node.children.insert(at, pycrdt.XmlElement("citation", {"cite": cite}))
        self._added(cite, _place(node))
        if self._dice.random() < 0.5:
            node.children.append(pycrdt.XmlText(""))

    def _type(self) -> None:
        found = self._text()
        if found is None:
            return
        node, text = found
        place, now = _place(node), _said(text)
        words = [f"{{{self._new()}}}" for _ in range(self._dice.randint(1, 6))]
        emoji = "😀" if self._dice.random() < 0.4 else ""
        text.insert(_bytes(now[: self._between(now)]), "".join(words) + emoji)
        for word in words:
            self._added(word, place)
        if self._dice.random() < 0.5:
            self._undo = lambda: [self._gone(word, place) for word in words]

    def _between(self, text: str) -> int:
        """Somewhere, but not in the midst of a word."""
        at = self._dice.randint(0, len(text))
        return next((m.end() for m in re.finditer(WORD, text) if m.start() < at < m.end()), at)

    def _erase(self) -> None:
        """A word of one's own."""
        found = self._text()
        if found is None:
            return
        node, text = found
        place, now = _place(node), _said(text)
        own = [m for m in re.finditer(WORD, now) if m[0].startswith(f"{{{self.number}.")]
        if not own:
            return
        word = self._dice.choice(own)
        del text[_bytes(now[: word.start()]) : _bytes(now[: word.end()])]
        self._gone(word[0], place)
        if self._owns(node) and self._dice.random() < 0.5:
            self._undo = lambda: self._added(word[0], place)

    def _mark(self) -> None:
        found = self._text()
        now = _said(found[1]) if found else ""
        if found is None or not now:
            return
        at = self._dice.randrange(len(now))
        end = self._dice.randint(at + 1, len(now))
        how: dict[str, Any] = {self._dice.choice(MARKS): self._dice.choice([{}, {}, None])}
        found[1].format(_bytes(now[:at]), _bytes(now[:end]), how)

    def _remove(self) -> None:
        count = len(self._body.children)
        for at in self._dice.sample(range(count), min(count, 8)):
            node = self._body.children[at]
            if isinstance(node, pycrdt.XmlElement) and self._owns(node):
                self.removed.add(_place(node))
                del self._body.children[at]
                return

    def _cite(self) -> None:
        node = self._holder()
        if node is not None:
            self._cite_in(node)

    def _name(self) -> None:
        """The title is noise: it has only to be the same for all."""
        now = str(self._title)
        at = self._dice.randint(0, len(now))
        if len(now) > 200 or (len(now) > 4 and self._dice.random() < 0.4):
            end = min(len(now), at + self._dice.randint(1, 3))
            if at < end:
                del self._title[_bytes(now[:at]) : _bytes(now[:end])]
        else:
            self._title.insert(_bytes(now[:at]), self._dice.choice(("a", "ü", "😀", "😀😀")))


def _element(tag: str, place: str) -> pycrdt.XmlElement:
    return pycrdt.XmlElement(tag, {"made": place, "id": f"b{place}"})


def _place(node: pycrdt.XmlElement) -> str:
    return str(node.attributes.get("made") or "seed")


def _said(text: pycrdt.XmlText) -> str:
    return "".join(str(piece) for piece, _ in text.diff())


def _bytes(text: str) -> int:
    return len(text.encode())


class Crowd:
    """The writers of one process, and what they answer."""

    def __init__(self, given: dict[str, Any]) -> None:
        self._dice = random.Random(given["seed"])
        self._edits = given["edits"]
        self._done = 0
        self.writers = [
            Writer(
                given["first"] + n,
                f"{given['wild' if n % 2 else 'line']}/rooms/{given['brief']}",
                greets=n % 2 == 0,
                dice=self._dice,
            )
            for n in range(given["pycrdt"])
        ]

    async def write(self) -> None:
        """A twentieth of the edits."""
        self._done += 1
        while sum(w.client.changes for w in self.writers) < self._done * self._edits / 20:
            writer = self._dice.choice(self.writers)
            writer.edit()
            if self._dice.random() < 0.004:
                writer.client.leave(self._dice.uniform(0, 0.3))
            if self._dice.random() < 0.25:
                await asyncio.sleep(self._dice.uniform(0, 0.008))
        say({"done": self._done})

    def settled(self) -> str | None:
        waiting = [w.number for w in self.writers if not w.client.settled]
        return f"pycrdt's {waiting} lack something, or are not saved" if waiting else None

    def documents(self) -> list[str]:
        return [w.client.doc.get_update().hex() for w in self.writers]

    def reads(self) -> list[list[Any]]:
        return [w.reads() for w in self.writers]

    def saved(self) -> list[tuple[str, bool, str, int]]:
        return [entry for w in self.writers for entry in w.saved()]

    def model(self) -> dict[str, Any]:
        return {
            "where": {word: at for w in self.writers for word, at in w.where.items()},
            "deleted": [one for w in self.writers for one in w.deleted],
            "removed": [one for w in self.writers for one in w.removed],
            "within": {place: at for w in self.writers for place, at in w.within.items()},
        }


def say(what: Any) -> None:
    print(json.dumps(what), flush=True)


async def main(given: dict[str, Any]) -> None:
    crowd = Crowd(given)
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    async with asyncio.TaskGroup() as tasks:
        running = [tasks.create_task(writer.client.run()) for writer in crowd.writers]
        while not all(writer.client.synced for writer in crowd.writers):
            await asyncio.sleep(0.005)
        say({"ready": True})
        while line := await reader.readline():
            match json.loads(line)[0]:
                case "write":
                    running.append(tasks.create_task(crowd.write()))
                case question:
                    say({"answer": getattr(crowd, question)()})
        for task in running:
            task.cancel()


if __name__ == "__main__":
    asyncio.run(main(json.loads(sys.argv[1])))

"""A room's own copy of its document: what it takes in, and what others lack of it.

Nothing here waits or is told to anybody. The CRDT library is only given what it can place; what
builds on something that has not come is kept beside the document until it does.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping, Sequence
from enum import Enum
from typing import Any, Final, Literal, TypeAlias

import pycrdt

from collab.blocks import is_of_library, load_sound
from collab.contents import Contents, Place, clocks, mend, read
from collab.errors import Malformed
from collab.model import Update
from collab.order import placeable

log = logging.getLogger(__name__)

NOTHING: Final = b"\x00"  # the state vector of an empty document
LARGE: Final = 16 * 1024  # bytes of an update; from here on it is looked through in a thread
ENCODED_APART: Final = 128 * 1024  # bytes of a document; from here on it is encoded in one


class _Halved(Enum):
    HALVED = 0


HALVED: Final = _Halved.HALVED
"""An update was not taken, because it cuts a character in two. That is legal, but once applied the
library would not have what browsers have: the document has to be made again with it."""

News: TypeAlias = Update | Literal[_Halved.HALVED] | None


class Broken(Exception):
    """The library can no longer encode what it has; the document has to be made again."""


class Replica:
    """The document, and the updates of which it lacks what they build on.

    ``early`` are those: they are told after every first sync, and stay in the tail when it is
    compacted. ``broken`` says why what is in memory cannot be trusted any more.
    """

    def __init__(
        self, doc: pycrdt.Doc[Any], early: Mapping[Update, Contents], pairs: Iterable[Place]
    ) -> None:
        self.early = dict(early)
        self.broken: object = None
        self._doc = doc
        self._events: list[Update] = []
        doc.observe(lambda event: self._events.append(event.update))
        # Up to where each client's history is in the document without a gap.
        self._known = clocks(doc.get_state())
        # Where an edit would fall in the midst of a character, which the library cannot take.
        self._pairs = set(pairs)
        self._encoding: Update | None = None  # the document as one update, until the next edit
        self._bytes = 0  # about as large as that is

    @classmethod
    def of(cls, updates: Sequence[Update], *, last_is_new: bool = False) -> Replica:
        """The document of these updates, in a thread.

        Raises ``Malformed`` where the last is not stored yet and the library will not have it.
        """
        rows = {update: read(update) for update in mend(updates)}
        doc, refused = load_sound(list(rows))
        if last_is_new and next(reversed(rows)) in refused:
            raise Malformed("It would not be applied.")
        known = clocks(doc.get_state())
        early = {
            update: contents
            for update, contents in rows.items()
            if not contents.within(known) and not contents.refused(known)
        }
        made = cls(doc, early, set[Place]().union(*(each.pairs for each in rows.values())))
        made._bytes = sum(map(len, rows))
        return made

    # What others lack

    @property
    def state(self) -> bytes:
        """Its state vector."""
        return self._doc.get_state()

    def lacks(self, state: bytes) -> bool:
        """Whether whoever is at ``state`` has something that is not here."""
        return any(end > self._known.get(client, 0) for client, end in clocks(state).items())

    def slow_to_say(self, state: bytes) -> bool:
        """Whether ``beyond`` belongs in a thread."""
        return self._bytes >= ENCODED_APART and (state != NOTHING or self._encoding is None)

    def beyond(self, state: bytes) -> Update:
        """What it has beyond ``state``; ``Malformed`` for no state vector, or ``Broken``."""
        if state == NOTHING:
            return self.whole()
        try:
            return self._encode(state)
        except ValueError as error:
            raise Malformed(f"A state vector cannot be read: {error}") from error

    def whole(self) -> Update:
        """All of it as one update, or ``Broken``."""
        if self._encoding is None:
            self._encoding = self._encode(NOTHING)
            self._bytes = len(self._encoding)
        return self._encoding

    def _encode(self, state: bytes) -> Update:
        try:
            return self._doc.get_update(state)
        except ValueError:
            raise
        except BaseException as error:
            if not is_of_library(error):
                raise
            self._break(error)
            raise Broken from None

    def _break(self, why: object) -> None:
        self.broken = why
        self._encoding = None

    # Taking in

    def slow_to_take(self, update: Update, contents: Contents) -> bool:
        """Whether ``take`` belongs in a thread: the update is large, or what may follow on it."""
        return len(update) >= LARGE or (
            sum(map(len, self.early)) >= LARGE
            and any(kept.awaits(contents.structs) for kept in self.early.values())
        )

    def take(self, update: Update, contents: Contents) -> News:
        """Take an update in; what of it is to be stored and told, None if all was known.

        ``Malformed`` where it cannot be applied, or ``HALVED``.
        """
        if self._halves(contents):
            return HALVED
        if contents.gaps or not contents.ready(self._known):
            return self._take_early(update, contents)
        self._bytes += len(update)
        before = dict(self._known) if self.early else {}
        self._integrate((update,))
        if not self._events:
            return None
        self._pairs |= self._fresh_pairs(contents)
        event = self._events[0]
        brought = contents if event == update else None if len(event) >= LARGE else read(event)
        if brought is None:
            self._known = clocks(self._doc.get_state())
        else:
            for client, end in brought.structs.items():
                self._known[client] = max(end, self._known.get(client, 0))
        if not contents.within(self._known):
            # Its clocks cannot be trusted any more, while what it was given can.
            self._break("it keeps back what builds on nothing missing")
            return update
        if before:
            moved = [client for client, end in self._known.items() if end > before.get(client, 0)]
            if any(kept.awaits(moved) for kept in self.early.values()):
                self._place_early()
        # What was news, without the history that a returning client repeats.
        return event

    def _take_early(self, update: Update, contents: Contents) -> Update | None:
        """The same for one of which something waits for what has not come, or did."""
        if update in self.early:
            return None
        self._pairs |= self._fresh_pairs(contents)
        self.early[update] = contents
        self._events.clear()
        if contents.advances(self._known) or contents.within(self._known):
            self._place_early()
        return update if self._events or update in self.early else None

    def _place_early(self) -> None:
        """Take in what waited for what came now; it is stored and told as it came."""
        try:
            self._integrate(placeable(self.early.items(), self._known))
        except Malformed as error:
            # Forged, perhaps by somebody else and long ago: not the end of who brought the rest.
            log.info("What came early is refused: %s", error)
            return  # the document is made again, without it
        self._known = clocks(self._doc.get_state())
        self.early = {
            update: contents
            for update, contents in self.early.items()
            if not contents.within(self._known) and not contents.refused(self._known)
        }

    def _integrate(self, updates: Iterable[Update]) -> None:
        """Have the document take these in; what was news of them is one of the events."""
        self._events.clear()
        try:
            with self._doc.transaction():
                for update in updates:
                    self._doc.apply_update(update)
        except ValueError as error:  # not decoded, so nothing was applied
            raise Malformed(f"An update cannot be read: {error}") from error
        except BaseException as error:
            if not is_of_library(error):
                raise
            self._break(error)  # half of it may be applied
            raise Malformed(f"An update cannot be applied: {error}") from None
        if self._events:
            self._encoding = None

    def _halves(self, contents: Contents) -> bool:
        """Whether a character is cut in two: one that is here, or that the update brings."""
        if not self._pairs.isdisjoint(contents.cuts):
            return True
        pairs = self._fresh_pairs(contents)
        if not pairs:
            return False
        early = (kept.cuts for kept in self.early.values())
        return not pairs.isdisjoint(contents.cuts.union(self._known.items(), *early))

    def _fresh_pairs(self, contents: Contents) -> set[Place]:
        known = self._known
        return {place for place in contents.pairs if place[1] >= known.get(place[0], 0)}

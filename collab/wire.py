"""The bytes on a room's wire: the y-protocols, and two messages of our own.

This is the only module that knows them. A frame is one message; what is not exactly one message,
within the limits, is ``Malformed``.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final, TypeAlias

from collab.errors import Malformed
from collab.model import Access, Update

SYNC: Final = 0
AWARENESS: Final = 1
QUERY_AWARENESS: Final = 3
HELLO: Final = 100
SAVED: Final = 101

STEP_1: Final = 0
STEP_2: Final = 1
UPDATE: Final = 2

VERSION: Final = 1  # of HELLO and SAVED
MAX_INTEGER: Final = 2**53 - 1  # the largest a Yjs client can read back
MAX_EPOCH: Final = 64  # characters
MAX_PRESENCES: Final = 10_000  # in one frame; a client answers a query with all it has heard of


@dataclass(frozen=True, slots=True)
class Hello:
    """A client's opening: the epoch of the copy it holds, empty when it holds none."""

    version: int
    epoch: str


@dataclass(frozen=True, slots=True)
class StateVector:
    """Sync step 1: what the sender already has; it asks for the rest."""

    state: bytes


@dataclass(frozen=True, slots=True)
class Change:
    """Sync step 2 or an update: both bear an update, and both count towards SAVED."""

    update: Update


@dataclass(frozen=True, slots=True)
class Presence:
    """One client's awareness: ``state`` is JSON in UTF-8, ``null`` once it is gone."""

    client: int
    clock: int
    state: bytes

    @property
    def gone(self) -> bool:
        return self.state == b"null"

    def check(self) -> None:
        """Raise ``Malformed`` unless the state is JSON that a browser reads.

        Apart from decoding, because Yjs clients repeat what they hear of others: most states in
        a busy room are never looked at.
        """
        try:
            json.loads(self.state.decode(), parse_constant=_no_constant)
        except (ValueError, RecursionError) as error:
            raise Malformed("An awareness state is not JSON.") from error


@dataclass(frozen=True, slots=True)
class Presences:
    entries: tuple[Presence, ...]


@dataclass(frozen=True, slots=True)
class QueryPresences:
    """The sender asks for everybody's awareness."""


Message: TypeAlias = Hello | StateVector | Change | Presences | QueryPresences


class Reader:
    """Reads lib0's encoding strictly: nothing overlong, nothing past 53 bits, nothing missing."""

    __slots__ = ("_at", "_data")

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._at = 0

    @property
    def at(self) -> int:
        """How many bytes have been read."""
        return self._at

    @property
    def done(self) -> bool:
        return self._at == len(self._data)

    @property
    def next(self) -> int | None:
        """The byte that comes next, which stays where it is."""
        return self._data[self._at] if self._at < len(self._data) else None

    def byte(self) -> int:
        at = self._at
        if at >= len(self._data):
            raise Malformed(f"The message ends at byte {at}, where one more was expected.")
        self._at = at + 1
        return self._data[at]

    def integer(self) -> int:
        """An unsigned integer of variable length."""
        data, at = self._data, self._at
        # One byte is nearly every case.
        if at < len(data) and data[at] < 0x80:
            self._at = at + 1
            return data[at]
        number = shift = 0
        while True:
            if at >= len(data):
                raise Malformed(f"The message ends at byte {at}, inside an integer.")
            byte = data[at]
            at += 1
            number |= (byte & 0x7F) << shift
            if byte < 0x80:
                if byte == 0:
                    raise Malformed(f"The integer ending at byte {at} is longer than it need be.")
                break
            shift += 7
            if shift > 49:  # eight bytes carry 56 bits; a ninth can only be past 53
                raise Malformed(f"The integer at byte {at} is larger than 2^53-1.")
        if number > MAX_INTEGER:
            raise Malformed(f"The integer ending at byte {at} is larger than 2^53-1.")
        self._at = at
        return number

    def signed(self) -> None:
        """Pass over a signed integer of variable length."""
        for _ in range(10):
            if self.byte() < 0x80:
                return
        raise Malformed(f"The signed integer at byte {self._at} has no end.")

    def raw(self, length: int) -> bytes:
        at, end = self._at, self._at + length
        if end > len(self._data):
            raise Malformed(
                f"{length} bytes were announced at byte {at}, but {len(self._data) - at} follow."
            )
        self._at = end
        return self._data[at:end]

    def chunk(self) -> bytes:
        """Bytes led by their length."""
        return self.raw(self.integer())

    def text(self) -> str:
        """UTF-8 text led by its length in bytes."""
        try:
            return self.chunk().decode()
        except UnicodeDecodeError as error:
            raise Malformed(f"The text ending at byte {self._at} is not UTF-8.") from error

    def end(self) -> None:
        if not self.done:
            raise Malformed(f"{len(self._data) - self._at} bytes follow the end of the message.")


def decode(frame: bytes, *, max_awareness: int = 64 * 1024) -> Message:
    """The one message a client's frame holds; ``Malformed`` for anything else.

    ``max_awareness`` limits one client's state; a frame may carry the states of many.
    """
    reader = Reader(frame)
    kind = reader.integer()
    message: Message
    if kind == SYNC:
        step = reader.integer()
        if step == STEP_1:
            state = reader.chunk()
            _check_state_vector(state)
            message = StateVector(state)
        elif step in (STEP_2, UPDATE):
            message = Change(reader.chunk())
        else:
            raise Malformed(f"Sync message {step} is none of the y-protocol's (0, 1, 2).")
    elif kind == AWARENESS:
        message = Presences(_presences(reader.chunk(), max_awareness))
    elif kind == QUERY_AWARENESS:
        message = QueryPresences()
    elif kind == HELLO:
        version = reader.integer()
        epoch = reader.text()
        if version != VERSION:
            raise Malformed(f"Hello version {version} is not spoken here; version {VERSION} is.")
        if len(epoch) > MAX_EPOCH:
            raise Malformed(f"An epoch of {len(epoch)} characters is past {MAX_EPOCH}.")
        message = Hello(version, epoch)
    else:
        raise Malformed(f"Message type {kind} is not one a client sends here (0, 1, 3, 100).")
    reader.end()
    return message


def _check_state_vector(state: bytes) -> None:
    reader = Reader(state)
    for _ in range(reader.integer()):
        reader.integer()
        reader.integer()
    reader.end()


def _presences(payload: bytes, max_state: int) -> tuple[Presence, ...]:
    reader = Reader(payload)
    count = reader.integer()
    if count > MAX_PRESENCES:
        raise Malformed(f"An awareness update of {count} clients is past {MAX_PRESENCES}.")
    entries = []
    for _ in range(count):
        client, clock = reader.integer(), reader.integer()
        state = reader.chunk()
        if len(state) > max_state:
            raise Malformed(f"An awareness state of {len(state)} bytes is past {max_state}.")
        entries.append(Presence(client, clock, state))
    reader.end()
    return tuple(entries)


def _no_constant(name: str) -> None:
    """Python reads NaN and Infinity as JSON; a browser would fail on them."""
    raise ValueError(name)


def integer(number: int) -> bytes:
    """An unsigned integer of variable length."""
    if number < 0x80:
        return bytes((number,))
    out = bytearray()
    while number >= 0x80:
        out.append(number & 0x7F | 0x80)
        number >>= 7
    out.append(number)
    return bytes(out)


def chunk(data: bytes) -> bytes:
    """Bytes led by their length."""
    return integer(len(data)) + data


def step_1(state: bytes) -> bytes:
    return bytes((SYNC, STEP_1)) + chunk(state)


def step_2(update: Update) -> bytes:
    return bytes((SYNC, STEP_2)) + chunk(update)


def update(update: Update) -> bytes:
    return bytes((SYNC, UPDATE)) + chunk(update)


def presences(entries: Iterable[Presence]) -> bytes:
    listed = list(entries)
    body = integer(len(listed)) + b"".join(
        integer(entry.client) + integer(entry.clock) + chunk(entry.state) for entry in listed
    )
    return bytes((AWARENESS,)) + chunk(body)


def query_presences() -> bytes:
    return bytes((QUERY_AWARENESS,))


def hello(epoch: str) -> bytes:
    """The client's opening."""
    return integer(HELLO) + integer(VERSION) + chunk(epoch.encode())


def welcome(epoch: str, access: Access) -> bytes:
    """The server's reply to a hello."""
    return integer(HELLO) + integer(VERSION) + chunk(epoch.encode()) + chunk(access.encode())


def saved(count: int) -> bytes:
    """The first ``count`` update-bearing messages of this connection are durable."""
    return integer(SAVED) + integer(count)

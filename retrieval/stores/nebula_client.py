"""Connections to a NebulaGraph server, and how its statements say a text and an identity."""

from __future__ import annotations

import json
import logging
import queue
import re
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from hashlib import blake2b
from typing import Any, Final

from nebula3.common.ttypes import ErrorCode  # type: ignore[import-untyped]
from nebula3.Exception import AuthFailedException  # type: ignore[import-untyped]
from nebula3.gclient.net import Connection  # type: ignore[import-untyped]

from retrieval.errors import EngineUnavailable, RetrievalError

USER: Final = "root"  # as a server is delivered; without authorization it takes any
PASSWORD: Final = "nebula"
TIMEOUT: Final = 10.0  # seconds for a statement
TRIES: Final = 3  # of a statement; each can be said twice
PAUSE: Final = 0.2  # seconds before the second try, doubled for the next
STATEMENT: Final = 4 << 20  # bytes that a server takes by default (max_allowed_query_size)
PARTITIONS: Final = 10
OURS: Final = "made by stratmaster"  # a space's comment, there from its first moment

# A name that needs no quotes in any statement; the server allows more.
SPACE: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,63}")
_ESCAPES: Final = str.maketrans({"\\": "\\\\", '"': '\\"', "\n": "\\n", "\0": "\\u0000"})
_PASSING: Final = frozenset(
    {
        ErrorCode.E_DISCONNECTED,
        ErrorCode.E_FAIL_TO_CONNECT,
        ErrorCode.E_RPC_FAILURE,
        ErrorCode.E_LEADER_CHANGED,
        ErrorCode.E_SESSION_INVALID,
        ErrorCode.E_SESSION_TIMEOUT,
        ErrorCode.E_EXECUTION_ERROR,
        ErrorCode.E_TOO_MANY_CONNECTIONS,
        ErrorCode.E_PARTIAL_RESULT,
        ErrorCode.E_PARTIAL_SUCCEEDED,
    }
)
_OVER: Final = frozenset({ErrorCode.E_SESSION_INVALID, ErrorCode.E_SESSION_TIMEOUT})

Row = list[Any]

# The client logs each broken connection by itself; here it is an error that someone is told.
logging.getLogger("nebula3").setLevel(logging.CRITICAL)


class Unknown(RetrievalError):
    """A statement names what the server does not know, or not yet."""


class Broken(EngineUnavailable):
    """This connection or session is of no use any more."""


class SpaceGone(EngineUnavailable):
    """The space is not there: never made, not yet in effect, or dropped by someone."""


class Sessions:
    """Connections to one server, signed in and in the space, each lent to one thread at a time."""

    def __init__(
        self, address: str, space: str, user: str, password: str, timeout: float, pause: float
    ) -> None:
        host, _, port = address.rpartition(":")
        self._host = host.strip("[]")
        self._port = int(port)
        self.space = space
        self._user = user
        self._password = password
        self._timeout = timeout
        self.pause = pause
        self._address = address
        self._idle: queue.LifoQueue[tuple[Any, int]] = queue.LifoQueue()
        self._closed = False

    @property
    def where(self) -> str:
        return f"{self.space} on {self._address}"

    def close(self) -> None:
        self._closed = True
        self._hang_up_idle()

    def _hang_up_idle(self) -> None:
        while True:
            try:
                connection, session = self._idle.get_nowait()
            except queue.Empty:
                return
            _end(connection, session)

    def ask(self, statement: str) -> list[Row]:
        """The rows of an answer, tried again where that may help: no statement minds being said
        twice. Any connection that broke is replaced."""
        attempt = 1
        while True:
            try:
                return self.ask_once(statement)
            except EngineUnavailable:
                if attempt == TRIES or self._closed:
                    raise
            time.sleep(self.pause * 2 ** (attempt - 1))
            attempt += 1

    def ask_once(self, statement: str) -> list[Row]:
        with self._lent() as (connection, session):
            return self._answered(connection, session, statement)

    def outside(self, statement: str) -> list[Row]:
        """The rows of an answer that no space is needed for."""
        connection, session = self._signed_in()
        try:
            return self._answered(connection, session, statement)
        finally:
            _end(connection, session)

    def make_space(self, like: str | None = None) -> None:
        """Make the space, in as many parts and copies as another that is there."""
        parts, copies = PARTITIONS, 1
        if like is not None:
            _, _, parts, copies, *_ = self.outside(f"DESCRIBE SPACE {like}")[0]
        self.outside(
            f"CREATE SPACE IF NOT EXISTS {self.space}(partition_num = {parts:d}, "
            f"replica_factor = {copies:d}, vid_type = FIXED_STRING(32)) "
            f'COMMENT = "{OURS}"'
        )

    def made(self, space: str) -> bool:
        """Whether a space is one that was made here, whatever has come of it since."""
        (_, _, _, _, _, _, _, comment, *_), *_ = self.outside(f"DESCRIBE SPACE {space}")
        return bool(comment == OURS)

    def go_to(self, space: str) -> None:
        """From here on be in this space."""
        if space != self.space:
            self.space = space
            self._hang_up_idle()

    @contextmanager
    def in_space(self, space: str) -> Iterator[Sessions]:
        """Others, on the same server."""
        there = Sessions(
            self._address, space, self._user, self._password, self._timeout, self.pause
        )
        try:
            yield there
        finally:
            there.close()

    @contextmanager
    def _lent(self) -> Iterator[tuple[Any, int]]:
        if self._closed:
            raise EngineUnavailable(f"the graph {self.where} is closed")
        try:
            connection, session = self._idle.get_nowait()
        except queue.Empty:
            connection, session = self._signed_in()
            try:
                self._answered(connection, session, f"USE {self.space}")
            except RetrievalError as error:
                _end(connection, session)
                if isinstance(error, Broken):
                    raise
                raise SpaceGone(f"the graph space {self.where} cannot be used: {error}") from error
        try:
            yield connection, session
        except Broken:
            _hang_up(connection)
            raise
        except BaseException:
            self._back(connection, session)
            raise
        self._back(connection, session)

    def _back(self, connection: Any, session: int) -> None:
        self._idle.put((connection, session))
        if self._closed:
            self.close()

    def _signed_in(self) -> tuple[Any, int]:
        connection = Connection()
        try:
            connection.open(self._host, self._port, int(self._timeout * 1000))
            signed = connection.authenticate(self._user, self._password)
        except AuthFailedException as error:
            _hang_up(connection)
            raise RetrievalError(
                f"NebulaGraph at {self._address} refused the user {self._user!r} ({error}); "
                "set name and password in its URL: nebula://user:password@host:9669/space"
            ) from error
        except Exception as error:  # the client raises what its sockets and its decoder raise
            _hang_up(connection)
            raise Broken(f"NebulaGraph at {self._address} does not answer: {error!r}") from error
        return connection, signed.get_session_id()

    def _answered(self, connection: Any, session: int, statement: str) -> list[Row]:
        said = statement.encode()
        if len(said) > STATEMENT:
            raise RetrievalError(
                f"a statement of {len(said):,} bytes is more than the {STATEMENT:,} that "
                "NebulaGraph takes; narrow the scope"
            )
        try:
            answer = connection.execute(session, said)
            code, message = answer.error_code, answer.error_msg
            rows = [] if answer.data is None else answer.data.rows
            plain = [[_plain(value) for value in row.values] for row in rows]
        except Exception as error:  # as above; and an answer may be no answer of NebulaGraph's
            raise Broken(f"NebulaGraph at {self._address} broke off: {error!r}") from error
        if code == ErrorCode.SUCCEEDED:
            return plain
        told = message.decode(errors="replace") if isinstance(message, bytes) else str(message)
        text = f"NebulaGraph at {self._address} answered {code}: {told or 'no reason'}"
        if code in _OVER:
            raise Broken(text)
        if code in _PASSING:
            raise EngineUnavailable(text)
        raise (Unknown if code == ErrorCode.E_SEMANTIC_ERROR else RetrievalError)(text)


def identity(*parts: str) -> str:
    """The identity of a vertex."""
    return digest(*parts, size=16).hex()


def digest(*parts: str, size: int) -> bytes:
    return blake2b(json.dumps(parts).encode(), digest_size=size).digest()


def quoted(text: str) -> str:
    """A string literal of nGQL that means exactly this text.

    Parameters do not spare it: the grammar takes none as a vertex, and in INSERT only lately.
    """
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise RetrievalError(
            f"{text[:40]!r} is no Unicode text, so the graph server cannot hold it"
        ) from error
    return '"' + text.translate(_ESCAPES) + '"'


def _plain(value: Any) -> Any:
    held = value.value
    return held.decode() if isinstance(held, bytes) else held


def _end(connection: Any, session: int) -> None:
    with suppress(Exception):  # where it is broken the server forgets the session by itself
        connection.signout(session)
    _hang_up(connection)


def _hang_up(connection: Any) -> None:
    """The client's own ``close`` leaves the socket of a connection that failed as it opened."""
    with suppress(Exception):
        connection._connection._iprot.trans.close()

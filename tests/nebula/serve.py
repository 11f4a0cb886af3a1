"""A stand-in for a NebulaGraph: the real client talks to it over a socket, in the real protocol.

It reads each statement by a grammar as strict as the server's or stricter (``ngql``), by the
server's own where its sources are at hand (``published``), and runs it (``engine``). What it cannot
show is the real server's own faults and its speed.
"""

from __future__ import annotations

import atexit
import itertools
import json
import os
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from functools import cache
from typing import Any, Final
from urllib.parse import unquote, urlsplit

from nebula3.common.ttypes import (  # type: ignore[import-untyped]
    DataSet,
    ErrorCode,
    NullType,
    Row,
    Value,
)
from nebula3.fbthrift.protocol.THeaderProtocol import (  # type: ignore[import-untyped]
    THeaderProtocolFactory,
)
from nebula3.fbthrift.server.TServer import TRpcConnectionContext  # type: ignore[import-untyped]
from nebula3.fbthrift.transport import TSocket, TTransport  # type: ignore[import-untyped]
from nebula3.graph import GraphService  # type: ignore[import-untyped]
from nebula3.graph.ttypes import (  # type: ignore[import-untyped]
    AuthResponse,
    ExecutionResponse,
    VerifyClientVersionResp,
)

from retrieval.stores.nebula import Nebula
from tests.nebula.engine import Engine, Refused

USER: Final = "root"
PASSWORD: Final = "nebula"


class Gone(Exception):
    """The server died: whoever is connected hears no more."""


class StandIn:
    """A graphd on a free port of this machine. ``on_statement`` may stall, refuse or kill."""

    def __init__(self, engine: Engine) -> None:
        self.engine = engine
        self.on_statement: Callable[[bytes], None] = lambda said: None
        self.opened = 0
        self._sessions: dict[int, str | None] = {}
        self._ids = itertools.count(1)
        self._processor = GraphService.Processor(self)
        self._listening = socket.create_server(("127.0.0.1", 0))
        self._peers: set[socket.socket] = set()
        self._threads: list[threading.Thread] = []
        self._start(self._accept)

    @property
    def address(self) -> str:
        return f"127.0.0.1:{self._listening.getsockname()[1]}"

    def close(self) -> None:
        with suppress(OSError):
            self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self.disconnect()
        for thread in self._threads:
            thread.join(10)

    def disconnect(self) -> None:
        """Break every connection."""
        for peer in list(self._peers):
            with suppress(OSError):
                peer.shutdown(socket.SHUT_RDWR)

    def forget_sessions(self) -> None:
        """As after a restart, or an hour of rest."""
        self._sessions.clear()

    @property
    def sessions(self) -> int:
        return len(self._sessions)

    def _start(self, work: Callable[..., None], *args: Any) -> None:
        thread = threading.Thread(target=work, args=args, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _accept(self) -> None:
        while True:
            try:
                peer, _ = self._listening.accept()
            except OSError:
                return
            self.opened += 1
            self._peers.add(peer)
            self._start(self._serve, peer)

    def _serve(self, peer: socket.socket) -> None:
        handle = TSocket.TSocket()
        handle.setHandle(peer)
        protocol = THeaderProtocolFactory().getProtocol(TTransport.TBufferedTransport(handle))
        context = TRpcConnectionContext(handle, protocol, protocol)
        try:
            while True:
                self._processor.process(protocol, protocol, context)
        except (TTransport.TTransportException, OSError, Gone):
            pass
        finally:
            self._peers.discard(peer)
            peer.close()

    # The service, as the client's own interface has it.

    def verifyClientVersion(self, request: Any) -> Any:  # noqa: N802 - the protocol's name
        return VerifyClientVersionResp(error_code=ErrorCode.SUCCEEDED)

    def authenticate(self, user: bytes, password: bytes) -> Any:
        if (_text(user), _text(password)) != (USER, PASSWORD):
            return AuthResponse(
                error_code=ErrorCode.E_BAD_USERNAME_PASSWORD, error_msg=b"Bad username/password"
            )
        id = next(self._ids)
        self._sessions[id] = None
        return AuthResponse(error_code=ErrorCode.SUCCEEDED, session_id=id)

    def signout(self, session: int) -> None:
        self._sessions.pop(session, None)

    def execute(self, session: int, said: bytes | str) -> Any:
        return self.executeWithParameter(session, said, None)

    def executeWithParameter(  # noqa: N802 - the protocol's name
        self, session: int, said: bytes | str, parameters: Any
    ) -> Any:
        statement = said.encode() if isinstance(said, str) else said
        try:
            self.on_statement(statement)
            if session not in self._sessions:
                raise Refused(ErrorCode.E_SESSION_INVALID, f"Session `{session}' not found")
            using, (columns, rows) = self.engine.execute(statement, self._sessions[session])
        except Refused as refused:
            return ExecutionResponse(
                error_code=refused.code, error_msg=refused.message.encode(), latency_in_us=0
            )
        except Gone:
            self.disconnect()
            raise
        self._sessions[session] = using
        return ExecutionResponse(
            error_code=ErrorCode.SUCCEEDED,
            latency_in_us=0,
            data=DataSet(
                column_names=[column.encode() for column in columns],
                rows=[Row(values=[_value(value) for value in row]) for row in rows],
            ),
        )


def _text(said: bytes | str) -> str:
    return said.decode() if isinstance(said, bytes) else said


def _value(held: Any) -> Any:
    if isinstance(held, bool):
        return Value(bVal=held)
    if isinstance(held, int):
        return Value(iVal=held)
    if held is None:
        return Value(nVal=NullType.__NULL__)
    return Value(sVal=held.encode())


@contextmanager
def stand_in(*, lag: int = 0) -> Iterator[StandIn]:
    server = StandIn(Engine(lag=lag))
    try:
        yield server
    finally:
        server.close()


REAL: Final = os.environ.get("STRATMASTER_TEST_NEBULA_URL")
ENGINE: Final = "nebula" if REAL else "nebula-stand-in"  # the tests' names say which it was


@asynccontextmanager
async def empty_graph() -> AsyncIterator[Nebula]:
    """An emptied graph: in the space named in the environment, or on a stand-in for all suites."""
    url = urlsplit(REAL or _shared())
    with graph_at(
        f"{url.hostname}:{url.port or 9669}",
        url.path.strip("/"),
        user=unquote(url.username or USER),
        password=unquote(url.password or PASSWORD),
        pause=0.5 if REAL else 0.001,
    ) as graph:
        for source in {json.loads(line)["source"] for line in (await graph.dump()).splitlines()}:
            await graph.drop(source)
        yield graph


@cache
def _shared() -> str:
    server = StandIn(Engine(lag=7))
    atexit.register(server.close)
    return f"nebula://{server.address}/contract"


@contextmanager
def graph_at(
    address: str,
    space: str = "test",
    *,
    fingerprint: str = "test:1",
    pause: float = 0.001,
    **options: Any,
) -> Iterator[Nebula]:
    graph = Nebula.open(address, space, fingerprint=fingerprint, pause=pause, **options)
    try:
        yield graph
    finally:
        graph.close()

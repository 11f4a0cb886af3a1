"""Serves the application, and stops in good order."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import signal
import socket
from collections.abc import Callable, Iterator

import uvicorn
from fastapi import FastAPI

from backend.app import create_app
from backend.errors import Unavailable
from backend.first import first_start
from backend.services import Services
from backend.settings import Settings
from backend.sockets import Socket
from backend.wiring import open_services

log = logging.getLogger(__name__)

GRACE = 2  # seconds that open connections have to end by themselves
# Bytes. Twice what a room takes, so that it is the room that refuses what is too large and says
# so; past this the socket breaks off by itself, and not every browser is told why.
WS_MESSAGE = 32 * 1024 * 1024
# Seconds for an answer to a ping, which waits behind what is being sent: a large document on a
# slow line. Who takes nothing at all is noticed by the room.
WS_PONG = 120.0


class Server(uvicorn.Server):
    """uvicorn, but open streams and rooms end when stopping begins instead of holding it up."""

    def __init__(
        self, config: uvicorn.Config, services: Services, ready: Callable[[], None]
    ) -> None:
        super().__init__(config)
        self._services = services
        self._ready = ready

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self.started:
            self._ready()

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        self._services.hub.close()
        await self._services.answers.close()
        await self._services.rooms.close(within=1.0)
        await super().shutdown(sockets)

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        """As uvicorn's, but a signal is not raised again at the end.

        That would end the process before the services have closed.
        """
        loop = asyncio.get_running_loop()
        caught = (signal.SIGINT, signal.SIGTERM)
        for number in caught:
            loop.add_signal_handler(number, self.handle_exit, number, None)
        try:
            yield
        finally:
            for number in caught:
                loop.remove_signal_handler(number)


def bound(settings: Settings) -> socket.socket:
    """The socket to serve on, held before anything else is opened."""
    family = socket.AF_INET6 if ":" in settings.host else socket.AF_INET
    listening = socket.socket(family, socket.SOCK_STREAM)
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((settings.host, settings.port))
    except OSError as error:
        listening.close()
        raise Unavailable(
            f"Port {settings.port} of {settings.host} cannot be had: {error.strerror}.",
            "Stop what uses it, or choose another with --port or STRATMASTER_PORT.",
            code="port_taken",
        ) from error
    return listening


def configured(app: FastAPI) -> uvicorn.Config:
    """How HTTP and WebSockets are spoken."""
    return uvicorn.Config(
        app,
        lifespan="off",
        log_level="warning",
        access_log=False,
        server_header=False,
        timeout_graceful_shutdown=GRACE,
        # Reads on only when the message before was taken; others keep 32 messages for each socket.
        ws=Socket,
        ws_max_size=WS_MESSAGE,
        ws_ping_timeout=WS_PONG,
        # A room's messages are a few bytes each: zlib would keep 300 KB for every visitor
        # and let a small frame grow to a large one before the room can refuse it.
        ws_per_message_deflate=False,
    )


async def serve(settings: Settings, ready: Callable[[str], None]) -> None:
    """Serve until told to stop; ``ready`` is given the address once it answers."""
    with bound(settings) as listening:
        port = listening.getsockname()[1]
        host = f"[{settings.host}]" if ":" in settings.host else settings.host
        async with open_services(settings) as services:
            beginning = asyncio.create_task(first_start(services), name="first start")
            tasks = {beginning}

            def answers() -> None:
                ready(f"http://{host}:{port}")
                # Only now: opening the encoder takes as long as all the rest of a start.
                tasks.add(asyncio.create_task(warm_up(services), name="warm up"))

            server = Server(configured(create_app(services)), services, answers)
            try:
                await server.serve(sockets=[listening])
            finally:
                for task in tasks:
                    task.cancel()
                await asyncio.wait(tasks)


async def warm_up(services: Services) -> None:
    try:
        await services.warm()
    except Exception as error:  # health and every search's trace go on saying so
        log.error("the encoder cannot be opened: %s", error)


async def work(settings: Settings, ready: Callable[[], None]) -> None:
    """Do background jobs until told to stop, serving nothing."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with open_services(settings) as services:
        ready()
        warming = asyncio.create_task(warm_up(services), name="warm up")
        await stop.wait()
        warming.cancel()
        await asyncio.wait({warming})

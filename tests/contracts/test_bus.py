"""What processes are promised by the bus between them, whichever it is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass

import pytest

from backend.bus.postgresql import PART
from backend.bus.remote import ORIGIN, RemoteBus
from backend.settings import Settings
from backend.wiring.bus import open_bus
from collab import Limits, Rooms, seed, wire
from collab.memory import MemoryBus, MemoryExchange, MemoryStore
from collab.ports import Bus
from tests.ports import free_port
from tests.servers import serve
from tests.unit.collab.test_room import BRIEF, Guest

LARGEST = Limits().awareness_bytes + 64  # bytes that every bus carries: one client's presence


@dataclass
class Buses:
    """Those of three processes, and how all their connections are cut off for a moment."""

    each: list[Bus]
    cut: Callable[[], Awaitable[None]]


class Heard:
    """What came, in order; None where something may have been missed."""

    def __init__(self) -> None:
        self.messages: list[bytes | None] = []
        self._came = asyncio.Event()

    def __call__(self, message: bytes | None) -> None:
        self.messages.append(message)
        self._came.set()

    @property
    def said(self) -> list[bytes]:
        return [message for message in self.messages if message is not None]

    async def until(self, test: Callable[[], object]) -> None:
        async with asyncio.timeout(15):
            while not test():
                self._came.clear()
                await self._came.wait()


@asynccontextmanager
async def connected(url: str) -> AsyncIterator[list[Bus]]:
    async with AsyncExitStack() as stack:
        each: list[Bus] = []
        for _ in range(3):
            settings = Settings(_env_file=None, bus_url=url)
            bus = await stack.enter_async_context(open_bus(settings))
            assert bus is not None
            assert not bus.away, bus.why
            each.append(bus)
        yield each


@pytest.fixture(
    params=[
        "memory",
        pytest.param("redis", marks=pytest.mark.services),
        pytest.param("postgresql", marks=pytest.mark.services),
    ]
)
async def buses(request: pytest.FixtureRequest) -> AsyncIterator[Buses]:
    match request.param:
        case "memory":
            exchange = MemoryExchange()

            async def cut() -> None:
                exchange.cut()
                exchange.mend()

            yield Buses([MemoryBus(exchange) for _ in range(3)], cut)
        case "redis":
            url = request.getfixturevalue("redis_url")

            async def cut() -> None:
                from redis.asyncio import Redis

                client = Redis.from_url(url)
                for kind in ("pubsub", "normal"):
                    await client.client_kill_filter(_type=kind, skipme=True)
                await client.aclose()

            async with connected(url) as each:
                yield Buses(each, cut)
        case _:
            url = request.getfixturevalue("postgres_url")

            async def cut() -> None:
                import asyncpg

                connection = await asyncpg.connect(url)
                await connection.execute(
                    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
                    "WHERE pid <> pg_backend_pid() AND datname = current_database()"
                )
                await connection.close()

            async with connected(url) as each:
                yield Buses(each, cut)


async def test_the_others_hear_it_and_oneself_does_not(buses: Buses) -> None:
    """Every process that listens to a topic hears it, in order; who said it hears nothing."""
    ann, bob, eve = buses.each
    heard = [Heard() for _ in buses.each]
    for bus, hears in zip(buses.each, heard, strict=True):
        await bus.subscribe("a", hears)
    said = [f"{number}".encode() * number for number in range(1, 60)]
    for message in said:
        ann.publish("a", message)
    bob.publish("a", b"from bob")
    await heard[1].until(lambda: len(heard[1].said) == len(said))
    await heard[2].until(lambda: len(heard[2].said) == len(said) + 1)
    assert heard[1].said == said
    assert [message for message in heard[2].said if message != b"from bob"] == said
    await heard[0].until(lambda: heard[0].said)
    assert heard[0].said == [b"from bob"]
    eve.publish("a", b"end")
    await heard[0].until(lambda: heard[0].said == [b"from bob", b"end"])


async def test_only_the_topic_that_is_listened_to(buses: Buses) -> None:
    """Nothing of other topics, and nothing more after the end of listening."""
    ann, bob, _ = buses.each
    one, other, late = Heard(), Heard(), Heard()
    await bob.subscribe("one", one)
    end = await bob.subscribe("other", other)
    ann.publish("third", b"x")
    ann.publish("other", b"o")
    ann.publish("one", b"1")
    await one.until(lambda: one.said == [b"1"])
    await other.until(lambda: other.said == [b"o"])
    await end()
    await bob.subscribe("last", late)
    ann.publish("other", b"p")
    ann.publish("last", b"l")
    await late.until(lambda: late.said == [b"l"])
    assert other.said == [b"o"]


async def test_once_listening_nothing_is_missed(buses: Buses) -> None:
    """What is said after subscribing has returned is heard, however soon; by each who listens."""
    ann, bob, _ = buses.each
    for number in range(30):
        first, second = Heard(), Heard()
        ends = [await bob.subscribe(f"t{number}", hears) for hears in (first, second)]
        ann.publish(f"t{number}", b"at once")
        await first.until(lambda first=first: first.said)
        await second.until(lambda second=second: second.said)
        await ends[0]()
        ann.publish(f"t{number}", b"again")
        await second.until(lambda second=second: len(second.said) == 2)
        assert first.said == [b"at once"]
        await ends[1]()


async def test_the_largest_message_and_one_byte_more(buses: Buses) -> None:
    """Any bytes, up to the limit; past it the sender is told."""
    ann, bob, _ = buses.each
    heard = Heard()
    await bob.subscribe("a", heard)
    assert ann.payload_bytes >= LARGEST
    largest = bytes(number % 256 for number in range(ann.payload_bytes))
    ann.publish("a", largest)
    with pytest.raises(ValueError):
        ann.publish("a", largest + b"x")
    await heard.until(lambda: heard.said)
    assert heard.said == [largest]


@pytest.mark.parametrize(
    "size", [0, 1, PART - ORIGIN, PART - ORIGIN + 1, 2 * PART - ORIGIN, LARGEST]
)
async def test_messages_of_one_part_and_of_several(buses: Buses, size: int) -> None:
    """Where PostgreSQL's notifications end, one byte past it and far beyond: each arrives as often
    as it was said, as it was said, although two say it at once."""
    ann, bob, eve = buses.each
    heard = Heard()
    await bob.subscribe("a", heard)
    message = bytes(size)
    for _ in range(3):
        ann.publish("a", message)
        eve.publish("a", message + b"!")
    await heard.until(lambda: len(heard.said) == 6)
    assert sorted(heard.said) == [message] * 3 + [message + b"!"] * 3


async def test_a_presence_at_its_limit_is_seen_in_another_process(buses: Buses) -> None:
    """The largest that a room takes is told to rooms elsewhere, whichever bus there is."""
    store = MemoryStore()
    await store.create(BRIEF, epoch="e1", seed=seed("T", ()))
    here, elsewhere = [Rooms(store, bus=bus) for bus in buses.each[:2]]
    try:
        ann, bob = await Guest(here).join(), await Guest(elsewhere, subject="bob").join()
        state = b'"' + b"a" * (Limits().awareness_bytes - 2) + b'"'
        ann.send(wire.presences([wire.Presence(7, 1, state)]))
        await bob.until(lambda: 7 in bob.presences)
        assert bob.presences[7].state == state
    finally:
        await here.close()
        await elsewhere.close()


async def test_after_an_outage_it_says_so_and_goes_on(buses: Buses) -> None:
    """Who listens learns that something may be lost, and hears what is said from then on."""
    ann, bob, _ = buses.each
    heard, answers = Heard(), Heard()
    await bob.subscribe("a", heard)
    await ann.subscribe("b", answers)
    before = heard.messages.count(None)
    await buses.cut()
    await heard.until(lambda: heard.messages.count(None) > before)
    async with asyncio.timeout(15):
        while b"again" not in heard.said:  # the sender's own connection may take a moment more
            ann.publish("a", b"again")
            await asyncio.sleep(0.02)
        while not answers.said:
            bob.publish("b", b"so it is")
            await asyncio.sleep(0.02)


@pytest.mark.services
@pytest.mark.parametrize("engine", ["redis_url", "postgres_url"])
async def test_the_last_words_of_a_process_are_sent(
    engine: str, request: pytest.FixtureRequest
) -> None:
    """What is published just before a process stops in good order is heard by the others."""
    settings = Settings(_env_file=None, bus_url=request.getfixturevalue(engine))
    heard = Heard()
    async with open_bus(settings) as bob:
        assert bob is not None
        await bob.subscribe("a", heard)
        async with open_bus(settings) as ann:
            assert ann is not None
            for number in range(500):
                ann.publish("a", str(number).encode())
        await heard.until(lambda: len(heard.said) == 500)


@pytest.mark.services
async def test_a_server_that_comes_late_and_goes() -> None:
    """Without its server a bus is away, loses what is said, and lets rooms open at once; it
    connects by itself when the server comes, and again when that was killed and came back."""
    port = free_port()
    url = f"redis://127.0.0.1:{port}/0"
    async with AsyncExitStack() as stack:
        both: list[RemoteBus] = []
        for _ in range(2):
            bus = await stack.enter_async_context(open_bus(Settings(_env_file=None, bus_url=url)))
            assert bus is not None
            both.append(bus)
        ann, bob = both
        assert ann.away
        heard = Heard()
        await bob.subscribe("a", heard)
        ann.publish("a", b"lost")
        for _ in range(2):
            heard.messages.clear()
            with serve.redis(port):
                await heard.until(lambda: None in heard.messages)
                async with asyncio.timeout(15):
                    while not heard.said:
                        ann.publish("a", b"back")
                        await asyncio.sleep(0.02)
                assert set(heard.said) == {b"back"}
            async with asyncio.timeout(15):
                while not (ann.away and bob.away):
                    await asyncio.sleep(0.02)


async def test_a_bus_that_is_none_of_these() -> None:
    """The error names the setting and what it may be; no bus at all is what there is by default."""
    async with open_bus(Settings(_env_file=None)) as bus:
        assert bus is None
    with pytest.raises(Exception, match=r"STRATMASTER_BUS_URL=amqp:.*redis:"):
        async with open_bus(Settings(_env_file=None, bus_url="amqp://x")):
            pass

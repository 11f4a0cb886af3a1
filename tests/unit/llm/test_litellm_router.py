"""LiteLLM against a server that streams, stalls, cuts and fails, over real HTTP."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import pytest

from backend.answers import prompt as prompts
from backend.llm.errors import ModelFailed
from backend.llm.litellm_router import LiteLLM
from backend.ports import Delta, Message, Prompt, Usage
from backend.settings import Misconfigured, Url

# The library leaves sockets and coroutines of its own to the garbage collector.
pytestmark = [
    pytest.mark.filterwarnings("ignore::ResourceWarning"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning"),
    pytest.mark.filterwarnings("ignore::UserWarning"),
    pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning"),
]

Script = Callable[[asyncio.StreamWriter], Awaitable[None]]
PROMPT = prompts.sealed(Prompt((Message("user", "Say it."),), max_tokens=32))


def chunk(text: str | None, finish: str | None = None) -> bytes:
    delta = {} if text is None else {"content": text}
    body = {
        "id": "c1",
        "object": "chat.completion.chunk",
        "created": 1,
        "model": "tiny",
        "choices": [{"index": 0, "delta": delta, "finish_reason": finish}],
    }
    return f"data: {json.dumps(body, ensure_ascii=False)}\n\n".encode()


USAGE = (
    b'data: {"id":"c1","object":"chat.completion.chunk","created":1,"model":"tiny","choices":[],'
    b'"usage":{"prompt_tokens":11,"completion_tokens":7,"total_tokens":18}}\n\n'
)
DONE = b"data: [DONE]\n\n"
STREAM = b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"


async def send(writer: asyncio.StreamWriter, *pieces: bytes, end: bool = True) -> None:
    writer.write(STREAM)
    for piece in pieces:
        writer.write(f"{len(piece):x}\r\n".encode() + piece + b"\r\n")
        await writer.drain()
    if end:
        writer.write(b"0\r\n\r\n")
        await writer.drain()


def reply(status: str, body: object, *headers: str) -> Script:
    async def script(writer: asyncio.StreamWriter) -> None:
        content = json.dumps(body).encode()
        head = [f"HTTP/1.1 {status}", "Content-Type: application/json",
                f"Content-Length: {len(content)}", *headers]  # fmt: skip
        writer.write("\r\n".join(head).encode() + b"\r\n\r\n" + content)
        await writer.drain()

    return script


@asynccontextmanager
async def serving(script: Script) -> AsyncIterator[tuple[str, list[bytes]]]:
    """An OpenAI-compatible address that does what the script says, and what it was asked."""
    asked: list[bytes] = []

    async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            head = await reader.readuntil(b"\r\n\r\n")
            lengths = [
                int(line.split(b":")[1])
                for line in head.split(b"\r\n")
                if line.lower().startswith(b"content-length")
            ]
            asked.append(head + await reader.readexactly(lengths[0] if lengths else 0))
            await script(writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            writer.close()

    server = await asyncio.start_server(handle, "127.0.0.1", 0)
    try:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}/v1", asked
    finally:
        server.close()


async def read(
    script: Script, *, first: float = 20.0, between: float = 20.0
) -> tuple[str, Usage | None, list[bytes]]:
    async with serving(script) as (base, asked):
        model = LiteLLM.at(
            Url(f"openai+{base}?model=tiny"),
            first_token_seconds=first,
            between_tokens_seconds=between,
        )
        text, usage = "", None
        async for piece in model.stream(PROMPT):
            if isinstance(piece, Delta):
                text += piece.text
            else:
                usage = piece
        return text, usage, asked


async def test_it_streams_and_then_says_what_was_used() -> None:
    """Text arrives as sent, usage once at the end, and a model on this machine costs nothing."""

    async def script(writer: asyncio.StreamWriter) -> None:
        await send(writer, chunk("Grew "), chunk("12 % [1]."), chunk(None, "stop"), USAGE, DONE)

    text, usage, asked = await read(script)
    assert text == "Grew 12 % [1]."
    assert usage == Usage("tiny", 11, 7, 0.0)
    body = json.loads(asked[0].partition(b"\r\n\r\n")[2])
    assert body["messages"] == [{"role": "user", "content": "Say it."}]
    assert body["temperature"] == 0.0
    assert len(asked) == 1


async def test_a_character_cut_in_two_and_a_second_done_are_no_fault() -> None:
    """Bytes of one character may come apart, and [DONE] may come twice."""

    async def script(writer: asyncio.StreamWriter) -> None:
        whole = chunk("5 € für größere") + chunk(None, "stop")
        half = whole.index("€".encode()) + 1
        await send(writer, whole[:half], whole[half:], DONE, DONE)

    text, usage, _ = await read(script)
    assert text == "5 € für größere"
    assert usage is not None  # counted by the library where the server said none


async def stall(writer: asyncio.StreamWriter) -> None:
    await send(writer, end=False)
    await asyncio.Event().wait()


async def stall_later(writer: asyncio.StreamWriter) -> None:
    await send(writer, chunk("Grew"), end=False)
    await asyncio.Event().wait()


async def cut(writer: asyncio.StreamWriter) -> None:
    await send(writer, chunk("Grew 12"), 'data: {"cho€'.encode()[:-1], end=False)


async def nothing(writer: asyncio.StreamWriter) -> None:
    await send(writer, DONE)


async def hang_up(writer: asyncio.StreamWriter) -> None:
    return


@pytest.mark.parametrize(
    ("script", "code"),
    [
        (reply("429 Too Many Requests", {"error": {"message": "slow"}}, "Retry-After: 315360000"),
         "model_busy"),
        (reply("401 Unauthorized", {"error": {"message": "key"}}), "model_refused_key"),
        (reply("404 Not Found", {"error": {"message": "no model"}}), "model_unknown"),
        (reply("500 Internal Server Error", {"error": {"message": "oops"}}), "model_failed"),
        (reply("503 Service Unavailable", {}), "model_failed"),
        (hang_up, "model_failed"),
        (nothing, "model_empty"),
        (cut, "model_cut"),
    ],
)  # fmt: skip
async def test_each_failure_has_its_name(script: Script, code: str) -> None:
    """And none is tried again, however long the server says to wait."""
    with pytest.raises(ModelFailed) as failed:
        await read(script)
    assert failed.value.code == code
    assert failed.value.remedy


async def test_an_error_in_a_good_reply_is_a_failure() -> None:
    """A status of 200 does not make an error an answer."""
    with pytest.raises(ModelFailed):
        await read(reply("200 OK", {"error": {"message": "overloaded", "code": 529}}))


@pytest.mark.parametrize("script", [stall, stall_later])
async def test_silence_ends_the_answer(script: Script) -> None:
    """Before the first word and between two, each by its own limit."""
    with pytest.raises(ModelFailed) as failed:
        await read(script, first=3.0, between=0.2)
    assert failed.value.code == "model_timeout"


@pytest.mark.parametrize("url", ["openai+http://127.0.0.1:1/v1", "openai+ftp://h/v1?model=a"])
def test_an_address_without_a_model_is_refused(url: str) -> None:
    with pytest.raises(Misconfigured):
        LiteLLM.at(Url(url))

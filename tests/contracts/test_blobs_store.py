"""What a blob store promises."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from backend.blobs.filesystem import FilesystemBlobs
from backend.ports import BlobStore


@pytest.fixture
def blobs(tmp_path: Path) -> BlobStore:
    return FilesystemBlobs(tmp_path / "blobs")


async def pieces(*content: bytes) -> AsyncIterator[bytes]:
    for piece in content:
        yield piece


async def broken() -> AsyncIterator[bytes]:
    yield b"half of it"
    raise ConnectionError("the sender went away")


async def test_what_was_put_comes_back(blobs: BlobStore) -> None:
    """Whole, in pieces, and counted."""
    assert await blobs.put("t/originals/a", pieces(b"one ", b"", b"two")) == 7
    assert await blobs.read("t/originals/a") == b"one two"
    assert b"".join([piece async for piece in blobs.open("t/originals/a")]) == b"one two"
    assert await blobs.exists("t/originals/a")


async def test_a_put_that_breaks_leaves_what_was_there(blobs: BlobStore) -> None:
    """A sender that goes away half way replaces nothing, and leaves nothing behind."""
    await blobs.put("t/a", pieces(b"before"))
    with pytest.raises(ConnectionError):
        await blobs.put("t/a", broken())
    with pytest.raises(ConnectionError):
        await blobs.put("t/b", broken())
    assert await blobs.read("t/a") == b"before"
    assert not await blobs.exists("t/b")


async def test_deleting_is_safe_to_repeat(blobs: BlobStore) -> None:
    """One that is not there is no error, and others stay."""
    await blobs.put("t/a", pieces(b"1"))
    await blobs.put("t/b", pieces(b"2"))
    await blobs.delete(["t/a", "t/never"])
    await blobs.delete(["t/a"])
    assert not await blobs.exists("t/a")
    assert await blobs.read("t/b") == b"2"


async def test_reading_what_is_not_there_says_so(blobs: BlobStore) -> None:
    with pytest.raises(FileNotFoundError):
        await blobs.read("t/nothing")


async def test_writers_of_one_key_do_not_mix(blobs: BlobStore) -> None:
    """Whoever is last, what is stored is one writer's bytes."""
    contents = [bytes([65 + n]) * 4096 for n in range(8)]
    await asyncio.gather(*(blobs.put("t/a", pieces(one[:2048], one[2048:])) for one in contents))
    assert await blobs.read("t/a") in contents


@pytest.mark.parametrize(
    "key",
    ["a", "", "/etc/passwd", "t/../u/secret", "t//a", "t/.hidden", "t/a\x00b", "t/a/", "../t/a",
     "t/" + "x" * 129, "/".join("a" * 9), "t/a b", "t\\a/b"],
)  # fmt: skip
async def test_a_key_cannot_leave_the_store(blobs: BlobStore, key: str) -> None:
    """Keys are plain names; anything else is refused before the disk is touched."""
    with pytest.raises(ValueError, match="no blob key"):
        await blobs.put(key, pieces(b"x"))


async def test_a_process_that_died_while_writing_leaves_no_blob(tmp_path: Path) -> None:
    """What was being written lies aside under another name, never under the key."""
    blobs = FilesystemBlobs(tmp_path)
    arrived = asyncio.Event()

    async def slow() -> AsyncIterator[bytes]:
        yield b"half"
        arrived.set()
        await asyncio.Event().wait()

    writing = asyncio.create_task(blobs.put("t/a", slow()))
    await arrived.wait()
    assert not await blobs.exists("t/a")
    writing.cancel()
    with pytest.raises(asyncio.CancelledError):
        await writing
    assert list(tmp_path.rglob("*.part")) == []

"""What a blob store promises."""

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from backend.blobs.filesystem import FilesystemBlobs
from backend.blobs.s3 import IN_MEMORY, PART, S3Blobs
from backend.clock import now
from backend.errors import Unavailable
from backend.ports import BlobStore
from backend.settings import Url


def bucket_of(url: str) -> S3Blobs:
    """A new bucket at the server of ``s3_url``."""
    at = Url(url.format(bucket=f"blobs-{secrets.token_hex(6)}"))
    return S3Blobs.connect(
        at.query["endpoint"],
        at.host,
        access_key=at.user or "",
        secret_key=at.password or "",
        secure=at.query.get("secure") != "false",
    )


@pytest.fixture(params=["filesystem", "s3"])
def blobs(request: pytest.FixtureRequest, tmp_path: Path) -> BlobStore:
    if request.param == "filesystem":
        return FilesystemBlobs(tmp_path / "blobs")
    return bucket_of(request.getfixturevalue("s3_url"))


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


async def test_what_was_stored_before_a_moment_is_listed(blobs: BlobStore) -> None:
    """Every key, whatever its depth; none before there was one, nor one that was deleted."""
    for key in ("t/originals/a", "t/texts/s/v.txt", "images/t/b"):
        await blobs.put(key, pieces(b"x"))
    await blobs.delete(["images/t/b"])
    moment = now() + timedelta(minutes=1)
    assert {key async for key in blobs.stored_before(moment)} == {
        "t/originals/a",
        "t/texts/s/v.txt",
    }
    earlier = now() - timedelta(hours=1)
    assert [key async for key in blobs.stored_before(earlier)] == []


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


@pytest.mark.parametrize("size", [0, IN_MEMORY, IN_MEMORY + 1, PART, PART + 1])
async def test_any_size_comes_back_byte_for_byte(blobs: BlobStore, size: int) -> None:
    """Nothing, what just fits in memory or in one part, and one byte more."""
    content = hashlib.shake_128(b"seed").digest(size)
    step = 1024 * 1024 + 7
    sent = pieces(*(content[at : at + step] for at in range(0, size, step)))
    assert await blobs.put("t/large", sent) == size
    assert await blobs.read("t/large") == content


async def test_a_reader_that_stops_early_leaves_the_store_as_it_was(blobs: BlobStore) -> None:
    """As when a page is closed during a download; more often than there are connections."""
    await blobs.put("t/a", pieces(b"x" * 3_000_000))
    for _ in range(20):
        reading = blobs.open("t/a")
        assert await anext(reading)
        await reading.aclose()  # type: ignore[attr-defined]  # every store's is a generator
    assert len(await blobs.read("t/a")) == 3_000_000


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


# Of S3 alone: what a network adds.


async def test_wrong_keys_are_told(s3_url: str) -> None:
    """With the place and the way out, and never the key."""
    at = Url(s3_url)
    with pytest.raises(Unavailable, match=r"s3://bucket at .* refused") as refused:
        S3Blobs.connect(
            at.query["endpoint"], "bucket", access_key="x", secret_key="hidden", secure=False
        )
    assert "STRATMASTER_BLOBS_URL" in refused.value.remedy
    assert "hidden" not in str(refused.value)


async def test_a_bucket_that_has_gone_is_no_missing_blob(s3_url: str) -> None:
    """ "Not there" would be taken for an answer, and what is kept would be thought lost."""
    blobs = bucket_of(s3_url)
    blobs._client.remove_bucket(blobs._bucket)
    for asked in (blobs.read("t/a"), blobs.exists("t/a"), blobs.put("t/a", pieces(b"1"))):
        with pytest.raises(Unavailable):
            await asked


def test_a_server_that_is_away_is_told(unused_tcp_port: int) -> None:
    with pytest.raises(Unavailable, match=f"127.0.0.1:{unused_tcp_port} does not answer"):
        S3Blobs.connect(
            f"127.0.0.1:{unused_tcp_port}", "bucket", access_key="x", secret_key="y", secure=False
        )

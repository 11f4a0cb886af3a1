"""Blobs as objects in a bucket, on anything that speaks S3."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Callable, Sequence
from datetime import datetime
from itertools import islice
from typing import BinaryIO, Self, TypeVar, cast

import certifi
import urllib3
from minio import Minio
from minio.deleteobjects import DeleteObject
from minio.error import MinioException, S3Error

from backend.blobs.keys import checked
from backend.errors import Unavailable

IN_MEMORY = 8 * 1024 * 1024  # bytes of a put; what is larger waits in a temporary file
CHUNK = 1024 * 1024  # bytes read at once
PART = 16 * 1024 * 1024  # bytes sent at once, and held in memory; what is larger goes in parts
LISTED = 1_000  # keys fetched at once
_GONE = {"NoSuchKey", "NoSuchObject"}

_T = TypeVar("_T")


class S3Blobs:
    """A put is gathered first and sent when its end is known, so that half of one is never stored.

    A process that dies while sending a large one leaves unfinished parts in the bucket; no key
    names them, and a lifecycle rule for incomplete uploads removes them.
    """

    def __init__(self, client: Minio, endpoint: str, bucket: str) -> None:
        self._client = client
        self._place = f"s3://{bucket} at {endpoint}"
        self._bucket = bucket

    @classmethod
    def connect(
        cls,
        endpoint: str,
        bucket: str,
        *,
        access_key: str,
        secret_key: str,
        secure: bool = True,
        region: str | None = None,
    ) -> Self:
        """Open a bucket at ``host:port``, made where it is missing. Blocking.

        Raises Unavailable when the server does not answer or refuses the keys.
        """
        http = urllib3.PoolManager(
            timeout=urllib3.Timeout(connect=5, read=60),
            maxsize=16,
            cert_reqs="CERT_REQUIRED",
            ca_certs=certifi.where(),
            retries=urllib3.Retry(
                total=2, backoff_factor=0.2, status_forcelist=[500, 502, 503, 504]
            ),
        )
        blobs = cls(
            Minio(
                endpoint,
                access_key=access_key,
                secret_key=secret_key,
                secure=secure,
                region=region,
                http_client=http,
            ),
            endpoint,
            bucket,
        )
        blobs._asked(blobs._make_bucket)
        return blobs

    def _make_bucket(self) -> None:
        if self._client.bucket_exists(self._bucket):
            return
        try:
            self._client.make_bucket(self._bucket)
        except S3Error as error:
            if error.code != "BucketAlreadyOwnedByYou":  # by another process, just now
                raise

    async def put(self, key: str, content: AsyncIterator[bytes]) -> int:
        checked(key)
        # Whoever sends it closes it: a thread may still read when we are cancelled.
        gathered = tempfile.SpooledTemporaryFile(max_size=IN_MEMORY)  # noqa: SIM115
        size = 0
        try:
            async for chunk in content:
                await asyncio.to_thread(gathered.write, chunk)
                size += len(chunk)
        except BaseException:
            gathered.close()
            raise

        def send() -> None:
            with gathered:
                gathered.seek(0)
                # It is one in all but name.
                data = cast(BinaryIO, gathered)
                self._client.put_object(
                    self._bucket, key, data, size, part_size=PART, num_parallel_uploads=1
                )

        await asyncio.to_thread(self._asked, send)
        return size

    async def open(self, key: str) -> AsyncIterator[bytes]:
        checked(key)
        answer = await asyncio.to_thread(
            self._asked, lambda: self._client.get_object(self._bucket, key)
        )
        try:
            while chunk := await asyncio.to_thread(self._asked, lambda: answer.read(CHUNK)):
                yield chunk
        finally:
            answer.close()
            answer.release_conn()

    async def read(self, key: str) -> bytes:
        return b"".join([chunk async for chunk in self.open(key)])

    async def exists(self, key: str) -> bool:
        checked(key)
        try:
            await asyncio.to_thread(
                self._asked, lambda: self._client.stat_object(self._bucket, key)
            )
        except FileNotFoundError:
            return False
        return True

    async def delete(self, keys: Sequence[str]) -> None:
        asked = [DeleteObject(checked(key)) for key in keys]

        def work() -> None:
            for error in self._client.remove_objects(self._bucket, asked):
                if error.code not in _GONE:
                    raise Unavailable(
                        f"{error.name} could not be deleted from {self._place}: {error.message}",
                        "Look at the bucket's policy, and try again.",
                    )

        await asyncio.to_thread(self._asked, work)

    async def stored_before(self, moment: datetime) -> AsyncIterator[str]:
        found = (
            str(one.object_name)
            for one in self._client.list_objects(self._bucket, recursive=True)
            if one.last_modified is not None and one.last_modified < moment
        )
        while some := await asyncio.to_thread(self._asked, lambda: list(islice(found, LISTED))):
            for key in some:
                yield key

    def _asked(self, work: Callable[[], _T]) -> _T:
        """What the server says, in our own words. Blocking."""
        try:
            return work()
        except S3Error as error:
            if error.code in _GONE:
                raise FileNotFoundError(f"{self._place} holds no {error.object_name}") from error
            raise Unavailable(
                f"{self._place} refused: {error.code}, {error.message}",
                "Check the bucket, its policy and the keys in STRATMASTER_BLOBS_URL.",
            ) from error
        except (MinioException, urllib3.exceptions.HTTPError, ConnectionError) as error:
            raise Unavailable(
                f"{self._place} does not answer: {error}",
                "Start it, or change STRATMASTER_BLOBS_URL.",
            ) from error

"""Blobs as files in a folder."""

from __future__ import annotations

import asyncio
import contextlib
import os
import secrets
from collections.abc import AsyncIterator, Iterator, Sequence
from datetime import datetime
from itertools import islice
from pathlib import Path
from typing import BinaryIO

from backend.blobs.keys import checked

CHUNK = 1024 * 1024  # bytes read at once
LISTED = 1_000  # files looked at before others have their turn
PART = ".part"  # ends the names of what is still being written


class FilesystemBlobs:
    """A put is whole and on the disk when it returns: written aside, synced, then renamed."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()
        self._folder.mkdir(parents=True, exist_ok=True)

    @property
    def folder(self) -> Path:
        return self._folder

    def path(self, key: str) -> Path:
        """Where a blob lies, for readers that need a file; it must not be changed."""
        return self._folder / checked(key)

    async def put(self, key: str, content: AsyncIterator[bytes]) -> int:
        path = self.path(key)
        temporary = path.with_name(f"{path.name}.{secrets.token_hex(4)}{PART}")
        written = 0
        file = await asyncio.to_thread(_create, temporary)
        try:
            async for chunk in content:
                await asyncio.to_thread(file.write, chunk)
                written += len(chunk)
            await asyncio.to_thread(_commit, file, temporary, path)
        except BaseException:
            file.close()
            temporary.unlink(missing_ok=True)
            raise
        return written

    async def open(self, key: str) -> AsyncIterator[bytes]:
        file = await asyncio.to_thread(self.path(key).open, "rb")
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk

    async def read(self, key: str) -> bytes:
        return await asyncio.to_thread(self.path(key).read_bytes)

    async def exists(self, key: str) -> bool:
        return await asyncio.to_thread(self.path(key).is_file)

    async def delete(self, keys: Sequence[str]) -> None:
        await asyncio.to_thread(self._delete, [self.path(key) for key in keys])

    async def stored_before(self, moment: datetime) -> AsyncIterator[str]:
        """As the port says; what was cut off while it was written before then is removed here."""
        found = self._stored_before(moment.timestamp())
        while some := await asyncio.to_thread(lambda: list(islice(found, LISTED))):
            for key in some:
                yield key

    def _stored_before(self, moment: float) -> Iterator[str]:
        for folder, _, names in os.walk(self._folder):
            for name in names:
                path = Path(folder, name)
                with contextlib.suppress(FileNotFoundError):  # removed meanwhile
                    if path.stat().st_mtime >= moment:
                        continue
                    if name.endswith(PART):
                        path.unlink()
                    else:
                        yield path.relative_to(self._folder).as_posix()

    def _delete(self, paths: Sequence[Path]) -> None:
        for path in paths:
            path.unlink(missing_ok=True)
            for parent in path.parents:
                if parent == self._folder:
                    break
                try:
                    parent.rmdir()
                except OSError:
                    break  # still in use


def _create(path: Path) -> BinaryIO:
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        try:
            return path.open("xb")
        except FileNotFoundError:
            continue  # the folder was emptied and removed just now


def _commit(file: BinaryIO, temporary: Path, path: Path) -> None:
    file.flush()
    os.fsync(file.fileno())
    file.close()
    temporary.replace(path)
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)  # or the new name may be gone after a power cut
    finally:
        os.close(folder)

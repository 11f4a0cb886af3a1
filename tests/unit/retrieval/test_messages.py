"""What readers are told of an index that cannot be used, in traces and by health."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from retrieval.encoders.splade import SpladeEncoder
from retrieval.errors import RetrievalError
from retrieval.stores.qdrant_edge import QdrantEdge
from retrieval.stores.tantivy import Tantivy


def damaged(folder: Path) -> None:
    (folder / "manifest.json").write_text("{")


def unnamed(folder: Path) -> None:
    (folder / "manifest.json").unlink()


def of_another(folder: Path) -> None:
    (folder / "manifest.json").write_text("{}")


def hollow(folder: Path) -> None:
    """Its own description stands, and what it describes does not."""
    for path in folder.rglob("*"):
        if path.is_file() and path.name != "manifest.json":
            path.write_bytes(b"nothing of the kind")


@pytest.mark.parametrize("spoil", [damaged, unnamed, of_another, hollow])
@pytest.mark.parametrize(
    "opening",
    [
        Tantivy.open,
        lambda folder: QdrantEdge.open_dense(folder, fingerprint="f", dimensions=4),
    ],
)
def test_the_index_is_named_and_not_where_it_lies(
    tmp_path: Path, opening: Callable[[Path], Tantivy | QdrantEdge], spoil: Callable[[Path], None]
) -> None:
    folder = tmp_path / "index.g2"
    opening(folder).close()
    spoil(folder)
    with pytest.raises(RetrievalError, match=r"index\.g2") as raised:
        opening(folder)
    assert str(tmp_path) not in str(raised.value)


def test_an_index_that_is_open_is_named_and_not_where_it_lies(tmp_path: Path) -> None:
    opened = Tantivy.open(tmp_path / "words")
    try:
        with pytest.raises(RetrievalError, match="words is open in another process") as raised:
            Tantivy.open(tmp_path / "words")
        assert str(tmp_path) not in str(raised.value)
    finally:
        opened.close()


def test_weights_that_are_none_are_named_and_not_where_they_lie(tmp_path: Path) -> None:
    with pytest.raises(RetrievalError, match=r"^splade holds no weights") as raised:
        SpladeEncoder.open(tmp_path / "splade")
    assert str(tmp_path) not in str(raised.value)

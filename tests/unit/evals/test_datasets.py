"""Collections are read as they are, and dev and test never meet."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

import pytest

from evals.datasets import Split, load


def write(folder: Path) -> Path:
    folder.mkdir()
    corpus = [{"_id": "d1", "title": "Copper", "text": "It rose."}, {"_id": "d2", "text": "Zinc"}]
    queries = [{"_id": str(number), "text": f"question {number}"} for number in range(1, 9)]
    for name, lines in (("corpus", corpus), ("queries", queries)):
        text = "".join(json.dumps(line) + "\n" for line in lines)
        (folder / f"{name}.jsonl").write_text(text, encoding="utf-8")
    (folder / "qrels").mkdir()
    judged = "query-id\tcorpus-id\tscore\n" + "".join(f"{n}\td1\t{n % 2}\n" for n in range(1, 8))
    (folder / "qrels" / "test.tsv").write_text(judged, encoding="utf-8")
    return folder


def test_reads_passages_queries_and_grades(tmp_path: Path) -> None:
    """Ids, titles and grades come through; a passage without a title has none."""
    collection = load(write(tmp_path / "tiny"))
    assert [passage.id for passage in collection.passages] == ["d1", "d2"]
    assert [passage.context for passage in collection.passages] == ["Copper", ""]
    assert collection.judged["2"] == {"d1": 0}
    assert collection.scope.admits(tenant="evals", space="tiny", source="d1")


def test_split_is_a_partition_of_the_judged_queries(tmp_path: Path) -> None:
    """Each judged query is in exactly one half, by the parity of its id's SHA-1."""
    collection = load(write(tmp_path / "tiny"))
    dev, test = set(collection.of(Split.DEV)), set(collection.of(Split.TEST))
    assert dev | test == set(collection.of(Split.ALL)) == {str(n) for n in range(1, 8)}
    assert not dev & test
    for query in dev:
        assert hashlib.sha1(query.encode()).hexdigest()[-1] in "02468ace"


def test_published_halves(shared_data: Path) -> None:
    """The halves of the real collections are those of every earlier measurement."""
    halves = {
        name: [len(load(shared_data / name).of(split)) for split in (Split.DEV, Split.TEST)]
        for name in ("scifact", "cranfield")
    }
    assert halves == {"scifact": [149, 151], "cranfield": [108, 117]}


def test_a_folder_of_something_else_is_named(tmp_path: Path) -> None:
    """A missing file is told with its path and the option to change."""
    with pytest.raises(FileNotFoundError, match=r"qrels.*--data"):
        load(tmp_path)

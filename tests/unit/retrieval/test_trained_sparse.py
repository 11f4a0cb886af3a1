"""The trained sparse encoder, on tables small enough to reckon by hand."""

from __future__ import annotations

import json
import math
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from retrieval.encoders import inference_free
from retrieval.encoders.inference_free import (
    MAX_TERMS,
    TRAINED,
    UNSEEN,
    InferenceFreeEncoder,
    Tables,
    TrainedEncoder,
    unseen,
    write,
)
from retrieval.errors import EncodingFailed, WeightsError
from retrieval.model import Side, SparseVector
from retrieval.terms import ANALYZER
from retrieval.weights import GRANITE, manifest

TERMS = ["copper", "price", "zinc"]


class Body:
    """Two dimensions: metals, and all else."""

    dimensions = 2
    fingerprint = "metals:1"
    closed = False

    async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
        return np.array([[1, 0] if "copper" in t else [0, 1] for t in texts], np.float32)

    def close(self) -> None:
        self.closed = True


def tables() -> Tables:
    return Tables(
        query=np.array([2.0, 1.0, 3.0], np.float32),
        bias=np.zeros(3, np.float32),
        words=np.array([[1, 0], [0, 1], [1, 0]], np.float16),
        centre=np.zeros(3, np.float32),
        turn=np.eye(2, dtype=np.float32),
        base=0.0,
        gain=1.0,
        near=1.0,
        far=1.0,
        threshold=0.5,
        usual=2.0,
        unseen=4.0,
    )


ABOUT = {
    "name": "metals",
    "licence": "Apache-2.0",
    "language": "en",
    "body": "metals-body",
    "body_fingerprint": Body.fingerprint,
    "trained_on": "two lines",
    "passages": 2,
    "passages_sha256": "0" * 64,
    "training": {"seed": 1},
}


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "metals"
    write(made, terms=TERMS, tables=tables(), about=ABOUT)
    return made


def opened(folder: Path) -> TrainedEncoder:
    return TrainedEncoder.open(folder, body=Body)


async def test_a_passage_has_its_words_and_those_it_might_have_had(folder: Path) -> None:
    """Held words count as in BM25 and by affinity, others by affinity above the threshold."""
    (vector,) = await opened(folder).encode(["copper prices"], side=Side.PASSAGE)
    held = dict(zip(vector.indices, vector.values, strict=True))
    count = 2.2 / (1 + 1.2)  # saturated, at the usual length
    assert held == pytest.approx(
        {0: math.log1p(count + 1), 1: math.log1p(count), 2: math.log1p(0.5)}
    )


async def test_a_question_is_looked_up(folder: Path) -> None:
    """Words weigh what the table says times their count; stop words and no words weigh nothing."""
    one, empty = await opened(folder).encode(
        ["the zinc, zinc and copper", "of the?"], side=Side.QUERY
    )
    assert one == SparseVector((0, 2), (2.0, 6.0))
    assert empty == SparseVector((), ())


async def test_a_word_never_trained_on_still_matches(folder: Path) -> None:
    """A term outside the vocabulary stands at the same place on both sides, beyond all others."""
    encoder = opened(folder)
    (asked,) = await encoder.encode(["vanadium"], side=Side.QUERY)
    (passage,) = await encoder.encode(["vanadium"], side=Side.PASSAGE)
    assert asked.indices == (unseen("vanadium"),)
    assert asked.indices[0] >= UNSEEN
    assert asked.values == (4.0,)
    assert set(asked.indices) <= set(passage.indices)


async def test_what_was_written_is_what_is_opened(folder: Path, tmp_path: Path) -> None:
    """Opened twice, and written again from what was read, the vectors are the same to the bit."""
    texts = ["copper and zinc", "", "prices fell " * 30]
    first, second = opened(folder), opened(folder)
    again = tmp_path / "again"
    write(again, terms=TERMS, tables=first._tables, about=ABOUT)
    third = opened(again)
    for side in Side:
        one = await first.encode(texts, side=side)
        assert one == await second.encode(texts, side=side) == await third.encode(texts, side=side)
    assert first.fingerprint == second.fingerprint == third.fingerprint


def test_other_numbers_have_another_fingerprint(folder: Path, tmp_path: Path) -> None:
    """An index made with other tables is told apart; a name alone changes nothing."""
    other = tmp_path / "other"
    write(other, terms=TERMS, tables=replace(tables(), gain=2.0), about=ABOUT)
    renamed = tmp_path / "renamed"
    write(renamed, terms=TERMS, tables=tables(), about={**ABOUT, "name": "other"})
    assert opened(folder).fingerprint != opened(other).fingerprint
    assert opened(folder).fingerprint == opened(renamed).fingerprint


async def test_only_the_heaviest_terms_are_kept(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """At the limit a passage keeps every term; one below it the lightest falls away."""
    assert MAX_TERMS >= 256
    encoder = opened(folder)
    (whole,) = await encoder.encode(["copper prices"], side=Side.PASSAGE)
    monkeypatch.setattr(inference_free, "MAX_TERMS", 3)
    assert await encoder.encode(["copper prices"], side=Side.PASSAGE) == [whole]
    monkeypatch.setattr(inference_free, "MAX_TERMS", 2)
    (cut,) = await encoder.encode(["copper prices"], side=Side.PASSAGE)
    assert cut.indices == (0, 1)


async def test_the_body_is_opened_for_the_first_passage_only(folder: Path) -> None:
    """Asking never loads the dense model; closing lets it go."""
    bodies: list[Body] = []

    def body() -> Body:
        bodies.append(Body())
        return bodies[-1]

    encoder = TrainedEncoder.open(folder, body=body)
    await encoder.encode(["copper"], side=Side.QUERY)
    assert await encoder.encode([], side=Side.PASSAGE) == []
    assert not bodies
    await encoder.encode(["copper"], side=Side.PASSAGE)
    await encoder.encode(["zinc"], side=Side.PASSAGE)
    encoder.close()
    encoder.close()
    assert [body.closed for body in bodies] == [True]


async def test_a_body_that_is_open_already_is_lent(folder: Path) -> None:
    """The dense model it was trained on is asked and not closed; another one is not asked."""
    dense = Body()
    encoder = InferenceFreeEncoder.open(folder, dense=dense)
    (vector,) = await encoder.encode(["copper prices"], side=Side.PASSAGE)
    (own,) = await opened(folder).encode(["copper prices"], side=Side.PASSAGE)
    assert vector == own
    encoder.close()
    assert not dense.closed
    dense.fingerprint = "metals:2"
    with pytest.raises(WeightsError, match="metals-body"):
        InferenceFreeEncoder.open(folder, dense=dense)


async def test_a_body_that_gives_no_number_is_refused(folder: Path) -> None:
    """NaN never reaches an index: the encoder and the text are named."""

    class Broken(Body):
        async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
            return np.full((len(texts), 2), np.nan, np.float32)

    encoder = TrainedEncoder.open(folder, body=Broken)
    with pytest.raises(EncodingFailed, match=r"metals.*'copper'"):
        await encoder.encode(["copper"], side=Side.PASSAGE)


async def test_a_trained_folder_is_told_from_a_model(folder: Path, models_dir: Path) -> None:
    """The one setting opens both kinds."""
    body = manifest(models_dir / GRANITE)
    place = models_dir / GRANITE
    assert isinstance(InferenceFreeEncoder.open(place), InferenceFreeEncoder)
    beside = folder.parent / GRANITE
    beside.symlink_to(place, target_is_directory=True)
    write(
        folder,
        terms=TERMS,
        tables=tables(),
        about={**ABOUT, "body": GRANITE, "body_fingerprint": body.fingerprint},
    )
    assert isinstance(InferenceFreeEncoder.open(folder), TrainedEncoder)
    write(
        folder,
        terms=TERMS,
        tables=tables(),
        about={**ABOUT, "body": GRANITE, "body_fingerprint": "another:1"},
    )
    with pytest.raises(WeightsError, match=r"trained on another:1, and .* holds weights:"):
        InferenceFreeEncoder.open(folder)


def test_a_missing_body_names_where_it_should_be(folder: Path) -> None:
    with pytest.raises(WeightsError, match="metals-body"):
        InferenceFreeEncoder.open(folder)


@pytest.mark.parametrize("name", ["terms.txt", "tables.npz"])
def test_bad_files_are_named(folder: Path, name: str) -> None:
    """A file that is missing or not the one that was written says which, and what to do."""
    path = folder / name
    path.write_bytes(path.read_bytes()[:-1])
    # From its beginning: everyone reads this in traces, so it tells no path of the server's disk.
    with pytest.raises(WeightsError, match=f"^metals/{name} has SHA-256 .*evals train"):
        opened(folder)
    path.unlink()
    with pytest.raises(WeightsError, match=f"^metals/{name} is missing.*evals train"):
        opened(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"format": 99}, "is of format 99, this version reads 1"),
        ({"analyzer": "words-0"}, f"words of words-0, this version reads {ANALYZER}"),
        ({"dimensions": 4}, "names 3 terms, its manifest 4"),
        ({"surprise": 1}, "cannot be read"),
    ],
)
def test_a_manifest_that_does_not_fit_is_refused(
    folder: Path, change: dict[str, object], said: str
) -> None:
    path = folder / TRAINED
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(WeightsError, match=said):
        opened(folder)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"query": np.zeros(2, np.float32)}, r"'query' .* of shape \(2,\), expected \(3,\)"),
        ({"bias": np.full(3, np.inf, np.float32)}, "'bias' .* holds no number"),
        ({"usual": 0.0}, "numbers that cannot be"),
    ],
)
def test_tables_that_cannot_be_are_not_written(
    tmp_path: Path, change: dict[str, Any], said: str
) -> None:
    """What could not be opened is refused when it is made, and leaves no encoder behind."""
    with pytest.raises(WeightsError, match=said):
        write(tmp_path / "bad", terms=TERMS, tables=replace(tables(), **change), about=ABOUT)
    with pytest.raises(WeightsError, match="is no trained encoder"):
        opened(tmp_path / "bad")

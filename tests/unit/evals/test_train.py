"""Training a sparse encoder, on two dozen passages and the real dense model."""

from __future__ import annotations

import asyncio
import hashlib
import json
import signal
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest

from evals import train_command
from evals.__main__ import main
from evals.datasets import Collection, Split
from evals.train import (
    CHUNK,
    Encode,
    Settings,
    Stopped,
    TrainingError,
    kept_vectors,
    questions,
    train,
    work_of,
)
from evals.train_report import judge, markdown
from retrieval.dense import passage_text
from retrieval.encoders.inference_free import TrainedEncoder, TrainedManifest
from retrieval.encoders.onnx import OnnxEncoder
from retrieval.model import Passage, Ranked, Run, Side, SparseVector
from retrieval.weights import GRANITE, manifest

SMALL = Settings(steps=12, batch=6, vocabulary=200)
SUBJECTS = {
    "copper": "The smelter sells copper cathodes. Copper prices rose when the mine was flooded.",
    "wheat": "Farmers sow wheat in autumn. A dry spring cut the wheat harvest by a third.",
    "lift": "The wing gives more lift at a higher angle. Beyond the stall the lift is lost.",
    "fever": "The child had a fever for three days. Paracetamol brought the fever down at night.",
    "court": "The court heard the appeal in May. Its judges sent the case back to a lower court.",
    "bridge": "Engineers closed the bridge for repairs. Traffic over the bridge had doubled.",
    "vote": "Members cast their vote by post. The vote on the budget passed with a small majority.",
    "ship": "The ship left port with grain. Storms kept the ship from the strait for a week.",
}


@pytest.fixture(scope="module")
def passages() -> list[Passage]:
    texts = [
        (subject, f"{text} This is what the {year} report on the {subject} says.")
        for year in ("first", "second", "third")
        for subject, text in SUBJECTS.items()
    ]
    return [
        Passage(
            id=f"{place}", tenant="t", space="s", source=f"{place}", version="0", ordinal=0,
            text=text, start=0, end=len(text), title=f"report {place} on the {subject}",
        )
        for place, (subject, text) in enumerate(texts)
    ]  # fmt: skip


@pytest.fixture(scope="module")
def body(models_dir: Path) -> Iterator[OnnxEncoder]:
    opened = OnnxEncoder.open(models_dir / GRANITE, passage_threads=1, query_threads=1)
    yield opened
    opened.close()


@pytest.fixture(scope="module")
def encode(body: OnnxEncoder) -> Encode:
    return lambda texts: asyncio.run(body.encode(texts, side=Side.PASSAGE))


@pytest.fixture
def trained(
    passages: list[Passage], body: OnnxEncoder, encode: Encode
) -> Callable[..., TrainedManifest]:
    def run(into: Path, **changes: object) -> TrainedManifest:
        given = {
            "source": "toy",
            "body": GRANITE,
            "body_fingerprint": body.fingerprint,
            "licence": "Apache-2.0",
            "encode": encode,
            "settings": SMALL,
            **changes,
        }
        return train(given.pop("passages", passages), into=into, **given)  # type: ignore[arg-type]

    return run


def product(one: SparseVector, other: SparseVector) -> float:
    held = dict(zip(other.indices, other.values, strict=True))
    pairs = zip(one.indices, one.values, strict=True)
    return sum(value * held.get(index, 0.0) for index, value in pairs)


def test_the_right_passage_is_found(
    trained: Callable[..., TrainedManifest],
    passages: list[Passage],
    body: OnnxEncoder,
    tmp_path: Path,
) -> None:
    """A question finds the passages of its subject, by their words and by words they lack."""
    trained(tmp_path / "toy")
    encoder = TrainedEncoder.open(tmp_path / "toy", body=lambda: body)

    async def best(question: str) -> str:
        vectors = await encoder.encode([passage_text(one) for one in passages], side=Side.PASSAGE)
        (asked,) = await encoder.encode([question], side=Side.QUERY)
        scores = [product(asked, vector) for vector in vectors]
        return passages[int(np.argmax(scores))].title.split()[-1]

    assert asyncio.run(best("Why did copper prices rise?")) == "copper"
    assert asyncio.run(best("Which judges heard the appeal?")) == "court"
    texts = ["Heavy seas delayed the vessel", "Judges decided"]
    sea, law = asyncio.run(encoder.encode(texts, side=Side.PASSAGE))
    ship, court = asyncio.run(encoder.encode(["ship", "court"], side=Side.QUERY))
    assert product(ship, sea) > 0 == product(ship, law)  # neither holds the word
    assert product(court, law) > 0 == product(court, sea)


def test_training_twice_gives_the_same_encoder(
    trained: Callable[..., TrainedManifest], tmp_path: Path
) -> None:
    """Seeded: the files are the same to the byte; another seed gives others."""
    one, other = trained(tmp_path / "one"), trained(tmp_path / "other")
    assert one.fingerprint == other.fingerprint
    again = trained(tmp_path / "seed", settings=Settings(seed=2, steps=12, batch=6, vocabulary=200))
    assert again.fingerprint != one.fingerprint


@pytest.mark.parametrize("calls", [1, 2, 5, 12])
def test_a_resumed_run_equals_an_uninterrupted_one(
    trained: Callable[..., TrainedManifest], encode: Encode, tmp_path: Path, calls: int
) -> None:
    """Stopped while encoding or between any two steps, the same call goes on and ends the same."""
    whole = trained(tmp_path / "whole")
    asked = iter(range(calls))

    def stopping() -> bool:
        return next(asked, None) is None

    with pytest.raises(Stopped):
        trained(tmp_path / "parts", stopping=stopping)
    assert not (tmp_path / "parts").exists()
    encoded: list[str] = []

    def counting(texts: list[str]) -> np.ndarray:
        encoded.extend(texts)
        return encode(texts)

    said: list[str] = []
    assert trained(tmp_path / "parts", encode=counting, say=said.append).files == whole.files
    if calls > 3:  # the encodings were done and are not done again, but for their width
        assert len(encoded) == 3
        assert said[0].startswith("going on after step")


def test_a_reranker_is_a_second_teacher(
    trained: Callable[..., TrainedManifest], tmp_path: Path
) -> None:
    """It is asked once for each question, of its own passage first; resumed, nothing is lost."""
    shown: list[int] = []

    def rerank(question: str, texts: list[str]) -> np.ndarray:
        shown.append(len(texts))
        return np.array([len(text) % 7 for text in texts], np.float32)

    alone = trained(tmp_path / "alone")
    second = {"rerank": rerank, "reranker": "lengths:1"}
    whole = trained(tmp_path / "whole", **second)
    assert whole.files != alone.files
    assert whole.training["reranker"] == "lengths:1"
    assert set(shown) == {SMALL.reranked + 1}
    asked = iter(range(6))
    with pytest.raises(Stopped):
        trained(tmp_path / "parts", stopping=lambda: next(asked, None) is None, **second)
    assert trained(tmp_path / "parts", **second).files == whole.files
    # What was learnt with one teacher is not gone on with under another.
    assert trained(tmp_path / "parts").files == alone.files


def test_other_passages_begin_anew(
    trained: Callable[..., TrainedManifest], passages: list[Passage], tmp_path: Path
) -> None:
    """What was kept of other passages is not mistaken for these; vectors are kept for these."""
    first = trained(tmp_path / "toy")
    second = trained(tmp_path / "toy", passages=passages[:-1])
    assert first.passages_sha256 != second.passages_sha256
    assert kept_vectors(tmp_path / "toy", passages, 384) == {}
    assert len(kept_vectors(tmp_path / "toy", passages[:-1], 384)) == len(passages) - 1


def test_a_broken_checkpoint_is_named(
    trained: Callable[..., TrainedManifest], tmp_path: Path
) -> None:
    trained(tmp_path / "toy")
    checkpoint = work_of(tmp_path / "toy") / "checkpoint.pt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:100])
    with pytest.raises(TrainingError, match=r"checkpoint\.pt cannot be read .* delete it"):
        trained(tmp_path / "toy")


def test_a_torn_write_of_vectors_is_mended(
    trained: Callable[..., TrainedManifest], tmp_path: Path
) -> None:
    """Half a vector at the file's end, as a power cut leaves it, is encoded again."""
    first = trained(tmp_path / "toy")
    path = work_of(tmp_path / "toy") / "passages.f32"
    before = hashlib.sha256(path.read_bytes()).hexdigest()
    path.write_bytes(path.read_bytes()[:-700])
    assert trained(tmp_path / "toy").files == first.files
    assert hashlib.sha256(path.read_bytes()).hexdigest() == before


def test_nothing_to_learn_from(
    trained: Callable[..., TrainedManifest], passages: list[Passage], tmp_path: Path
) -> None:
    for few in ([], passages[:1]):
        with pytest.raises(TrainingError, match="at least two passages"):
            trained(tmp_path / "toy", passages=few)


def test_questions_are_titles_of_one_passage_and_sentences(passages: list[Passage]) -> None:
    """No more than the limit; a title that two passages share could ask for either."""
    made = questions(passages, limit=1_000, seed=1)
    assert {question.passage for question in made} == set(range(len(passages)))
    assert sum(question.text.startswith("report") for question in made) == len(passages)
    shared = questions([passages[0], passages[0]], limit=1_000, seed=1)
    assert not any(question.text.startswith("report") for question in shared)
    assert len(questions(passages, limit=5, seed=1)) == 5


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"steps": -1}, "steps is -1"),
        ({"masked": 1.1}, "masked is 1.1"),
        ({"rate": 0.0}, "above 0"),
    ],
)
def test_settings_have_limits(change: dict[str, float], said: str) -> None:
    with pytest.raises(ValueError, match=said):
        Settings(**change)  # type: ignore[arg-type]


def test_the_gate_is_the_ratio_of_three_legs_to_two() -> None:
    """Both fusions are judged against the same two legs, and the verdict is counted."""

    def run(leg: str, *ids: str) -> Run:
        return Run(leg, tuple(Ranked(id, 1 / place) for place, id in enumerate(ids, 1)))

    collection = Collection("tiny", [], {"a": "?"}, {"a": {"a1": 1}})
    worth = judge(
        collection,
        Split.ALL,
        {
            "bm25": {"a": run("bm25", "d1", "a1")},
            "dense": {"a": run("dense", "d2", "a1")},
            "sparse": {"a": run("sparse", "a1", "d8")},
        },
        encoder="toy",
    )
    by = {gain.fusion: gain for gain in worth.gains}
    assert worth.alone["sparse"] == 1.0
    assert by["rrf"].three == 1.0
    assert by["min_max"].two < by["min_max"].three == 1.0
    assert by["min_max"].passes
    assert f"met {sum(gain.passes for gain in worth.gains)} of 2 times" in markdown([worth], [])


def test_nothing_else_is_written_over(
    trained: Callable[..., TrainedManifest], tmp_path: Path
) -> None:
    """A folder that holds another model is left alone; an encoder of that name is replaced."""
    (tmp_path / "model").mkdir()
    (tmp_path / "model" / "model.onnx").write_bytes(b"weights")
    with pytest.raises(TrainingError, match=r"holds model\.onnx, .* another name"):
        trained(tmp_path / "model")
    assert [path.name for path in (tmp_path / "model").iterdir()] == ["model.onnx"]
    whole = trained(tmp_path / "toy")
    (tmp_path / "toy" / "sparse.json").unlink()  # as a crash while writing leaves it
    assert trained(tmp_path / "toy") == whole


def test_an_interrupted_command_goes_on(
    models_dir: Path, passages: list[Passage], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Ctrl-C ends with the status of an interrupt and no encoder; the same command ends it."""
    (tmp_path / GRANITE).symlink_to(models_dir / GRANITE, target_is_directory=True)
    lines = tmp_path / "own.jsonl"
    lines.write_text("\n".join(json.dumps({"text": one.text}) for one in passages))
    given = ["train", "--passages", str(lines), "--models", str(tmp_path), "--steps", "2"]
    said: list[str] = []

    def interrupted(line: str) -> None:
        said.append(line)
        if len(said) == 1:
            signal.raise_signal(signal.SIGINT)

    before = signal.getsignal(signal.SIGINT)
    monkeypatch.setattr(train_command, "progress", interrupted)
    assert main(given) == train_command.STOPPED
    assert "the same command goes on" in said[-1]
    assert signal.getsignal(signal.SIGINT) is before
    assert not (tmp_path / "sparse-own").exists()
    said.append("once is enough")
    assert main(given) == 0
    assert not any(line.startswith("passages") for line in said[2:])  # they were encoded already


def test_the_command_makes_an_encoder_of_a_file(
    models_dir: Path, passages: list[Passage], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """From lines of JSON to a folder that the product opens by name."""
    (tmp_path / GRANITE).symlink_to(models_dir / GRANITE, target_is_directory=True)
    lines = tmp_path / "own.jsonl"
    lines.write_text("\n".join(json.dumps({"text": one.text}) for one in passages))
    given = ["train", "--passages", str(lines), "--models", str(tmp_path), "--steps", "2"]
    assert main([*given, "--batch", "4"]) == 0
    assert "SPARSE_URL=inference-free:sparse-own" in capsys.readouterr().out
    encoder = TrainedEncoder.open(tmp_path / "sparse-own")
    assert encoder.manifest.licence == manifest(models_dir / GRANITE).licence
    encoder.close()
    lines.write_text('{"title": "no text"}')
    assert main(given) == 1
    assert "line 1 of" in capsys.readouterr().err


assert len(SUBJECTS) * 3 < CHUNK  # so that each file is one chunk, and calls can be counted

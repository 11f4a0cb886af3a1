"""Makes a sparse encoder that runs no model for a query, from a dense encoder and plain passages.

    python -m evals train --data PATH --collection NAME

No judgement is read. Questions are made of the passages themselves: titles that only one passage
has, and sentences. The teacher is the dense model, by its scores of passages for those questions;
a reranker, where one is given, is a second one for the passages nearest to each question.
The student is ``retrieval.encoders.inference_free.TrainedEncoder``, whose tables are learnt here:
what a word weighs in a question, how much a passage is about each of its words, and which words it
might have held.

What is slow, encoding, is kept in a folder beside the result and never done twice. A run that was
stopped goes on where it was, and ends with the same tables as one that was not.

Only this module needs torch, and only while it trains.
"""

from __future__ import annotations

import hashlib
import json
import random
import shutil
import signal
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from functools import partial
from importlib import import_module
from pathlib import Path
from typing import Any, Final, TypeVar

import numpy as np
from numpy.typing import NDArray

from retrieval.dense import passage_text
from retrieval.encoders.inference_free import (
    FILES,
    LENGTH,
    SATURATION,
    Tables,
    TrainedManifest,
    read_manifest,
    write,
)
from retrieval.errors import RetrievalError
from retrieval.model import Passage
from retrieval.sentences import sentences
from retrieval.terms import ANALYZER, analyze, words

FORMAT: Final = 1  # of the kept work; raised when another meaning of it would mislead
CHUNK: Final = 256  # texts encoded between two writes: a stop loses at most these
SENTENCE: Final = (5, 40)  # words a sentence must have to pass for a question
TITLE: Final = 3  # and a title, at least
SAMPLE: Final = 1_500  # passages that a word's usual affinity is taken from

Floats = NDArray[np.float32]
Encode = Callable[[Sequence[str]], Floats]
Rerank = Callable[[str, Sequence[str]], Floats]  # a question and passages to as many scores
Say = Callable[[str], None]
T = TypeVar("T")


class TrainingError(RetrievalError):
    """There is nothing to learn from, or what was kept of an earlier run does not fit."""


class Stopped(Exception):
    """The run was asked to stop and has kept its work."""


@dataclass(frozen=True, slots=True)
class Settings:
    """How to train. The defaults were chosen on dev halves; see evals/README.md."""

    seed: int = 20260101
    steps: int = 300
    questions: int = 3_000  # made of the passages, at most
    vocabulary: int = 10_000  # terms with weights of their own, most widespread first
    batch: int = 32  # questions to a step
    near: int = 2  # passages near to a question that stand beside its own
    reranked: int = 4  # as many instead, where there is a reranker to score them
    temperature: float = 0.03  # of the teacher's cosines
    own: float = 0.5  # weight of finding a question's own passage, beside the teacher's scores
    sparsity: float = 5e-3  # weight of the FLOPS regulariser
    anchor: float = 0.0  # how strongly weights hold to where they began
    masked: float = 0.5  # share of questions whose own words are taken out of their passage
    rate: float = 3e-3
    average: float = 0.98  # decay of the running mean of the weights, which is what is kept

    def __post_init__(self) -> None:
        for name in ("questions", "vocabulary", "batch", "near", "reranked"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} is {getattr(self, name)}; it must be at least 1")
        if self.steps < 0:
            raise ValueError(f"steps is {self.steps}; it must be 0 or more")
        if not 0 <= self.masked <= 1:
            raise ValueError(f"masked is {self.masked}; it is a share between 0 and 1")
        if self.temperature <= 0 or self.rate <= 0:
            raise ValueError("temperature and rate must be above 0")


@dataclass(frozen=True, slots=True)
class Question:
    """Made of a passage; ``passage`` is its place in the collection."""

    text: str
    passage: int


@dataclass(frozen=True, slots=True)
class Rows:
    """Term counts of many texts, kept sparse; ``total`` counts terms outside the vocabulary too."""

    starts: NDArray[np.int64]
    terms: NDArray[np.int64]
    counts: Floats
    total: Floats
    width: int

    @classmethod
    def of(cls, texts: Sequence[Counter[str]], places: Mapping[str, int]) -> Rows:
        held = [[(places[t], n) for t, n in text.items() if t in places] for text in texts]
        return cls(
            np.cumsum([0, *map(len, held)]),
            np.array([place for row in held for place, _ in row], np.int64),
            np.array([count for row in held for _, count in row], np.float32),
            np.array([text.total() for text in texts], np.float32),
            len(places),
        )

    def __getitem__(self, rows: Sequence[int]) -> Floats:
        dense = np.zeros((len(rows), self.width), np.float32)
        for place, row in enumerate(rows):
            span = slice(self.starts[row], self.starts[row + 1])
            dense[place, self.terms[span]] = self.counts[span]
        return dense

    def spread(self) -> NDArray[np.int64]:
        """In how many texts each term stands."""
        return np.bincount(self.terms, minlength=self.width)


@dataclass(frozen=True, slots=True)
class Material:
    """What is learnt from, encoded."""

    terms: Sequence[str]
    passages: Rows
    asked: Rows
    places: Sequence[int]  # of each question's own passage
    passage_vectors: Floats
    question_vectors: Floats
    word_vectors: Floats
    # A reranker's: a row to a question of passages' places, its own first, and of their scores.
    groups: NDArray[np.int64] | None = None
    fits: Floats | None = None


def questions(passages: Sequence[Passage], *, limit: int, seed: int) -> list[Question]:
    """Titles that are one passage's alone, and a sentence of each; mixed, and cut at the limit."""
    titles = Counter(passage.title for passage in passages)
    random_ = random.Random(seed)
    made = []
    for place, passage in enumerate(passages):
        if titles[passage.title] == 1 and len(passage.title.split()) >= TITLE:
            made.append(Question(passage.title, place))
        spans = [passage.text[start:end].strip() for start, end in sentences(passage.text)]
        fit = [span for span in spans if SENTENCE[0] <= len(span.split()) <= SENTENCE[1]]
        if fit:
            made.append(Question(random_.choice(fit), place))
    random_.shuffle(made)
    return made[:limit]


def prepare(
    passages: Sequence[Passage],
    *,
    language: str,
    settings: Settings,
    encode: Encode,
    work: Path,
    stopping: Callable[[], bool],
    say: Say,
    rerank: Rerank | None = None,
    reranker: str = "",
) -> Material:
    """Terms, questions and every vector; what ``work`` holds already is not encoded again."""
    texts = [passage_text(passage) for passage in passages]
    made = questions(passages, limit=settings.questions, seed=settings.seed)
    counted = [Counter(analyze(text, language)) for text in texts]
    held = Counter(term for counts in counted for term in counts)
    # By spread, equal ones by name: the same passages have the same vocabulary everywhere.
    chosen = sorted((term for term, n in held.items() if n > 1), key=lambda t: (-held[t], t))
    terms = chosen[: settings.vocabulary]
    if len(passages) < 2 or not made or not terms:
        raise TrainingError(
            f"{len(passages)} passages gave {len(made)} questions and {len(terms)} terms that two "
            "passages share; there must be at least two passages, with sentences or titles"
        )
    places = {term: place for place, term in enumerate(terms)}
    said = _surfaces(texts, language, places)
    keep = partial(_encoded, encode=encode, stopping=stopping, say=say)
    material = Material(
        terms,
        Rows.of(counted, places),
        Rows.of([Counter(analyze(question.text, language)) for question in made], places),
        [question.passage for question in made],
        keep(work / "passages.f32", texts),
        keep(work / "questions.f32", [question.text for question in made]),
        keep(work / "words.f32", [said[term] for term in terms]),
    )
    if rerank is None:
        return material
    groups = _groups(material, settings.reranked)

    def fit(rows: Sequence[int]) -> Floats:
        return np.stack(
            [rerank(made[row].text, [texts[place] for place in groups[row]]) for row in rows]
        )

    # Named by what made it: another reranker, or another number of passages, begins anew.
    name = hashlib.sha256(f"{reranker} {groups.shape[1]}".encode()).hexdigest()[:16]
    fits = _encoded(
        work / f"reranked-{name}.f32", range(len(made)), encode=fit, stopping=stopping, say=say
    )
    return replace(material, groups=groups, fits=fits)


def learn(
    material: Material,
    *,
    settings: Settings,
    checkpoint: Path,
    stopping: Callable[[], bool],
    say: Say,
    reranker: str = "",
    every: int = 25,
) -> Tables:
    """Train from the checkpoint on, if there is one. Raises Stopped once the work is kept."""
    torch: Any = import_module("torch")  # by name: the type checker need not read all of it
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")

    def tensor(values: NDArray[Any]) -> Any:
        return torch.as_tensor(values, device=device)

    count = len(material.passage_vectors)
    passage_vectors = tensor(material.passage_vectors)
    word_vectors = tensor(material.word_vectors)
    sample = np.random.default_rng(settings.seed).permutation(count)[:SAMPLE]
    affinity = material.passage_vectors[sample] @ material.word_vectors.T
    mean = affinity.mean(axis=0)
    deviation = np.maximum(affinity.std(axis=0), 1e-3)
    means, deviations = tensor(mean), tensor(deviation)
    usual = float(material.passages.total.mean())
    spread = material.passages.spread()
    rarity = np.log1p((count - spread + 0.5) / (spread + 0.5)).astype(np.float32)
    rarity /= rarity.mean()

    width = material.passage_vectors.shape[1]
    begun = {
        "turn": torch.eye(width),
        "bias": torch.zeros(len(material.terms)),
        # softplus of it is the rarity
        "query": torch.as_tensor(np.log(np.expm1(np.maximum(rarity, 0.05)))),
        # base, gain, near, far, threshold: with none of it learnt, already better than BM25 alone
        "form": torch.tensor([0.0, 1.0, 0.3, 0.4, 2.0]),
        "sharpness": torch.tensor(0.0),  # of the student's scores, as a logarithm
    }
    begun = {name: value.to(device) for name, value in begun.items()}
    weights = {name: value.clone().requires_grad_() for name, value in begun.items()}
    mean_weights = {name: value.clone() for name, value in begun.items()}
    optimiser = torch.optim.Adam(
        [
            # Adam moves each number by about its rate, whatever the gradient's size: at one rate
            # for all, the 147,000 of the turn buried the little that is to be learnt in 75 steps.
            {"params": [weights["turn"]], "lr": settings.rate / 100},
            {"params": [weights[name] for name in ("bias", "query", "form")], "lr": settings.rate},
            {"params": [weights["sharpness"]], "lr": settings.rate * 3},
        ]
    )
    done = 0
    made_by = json.dumps({**asdict(settings), "reranker": reranker}, sort_keys=True)
    if checkpoint.exists():
        held = _held(torch, checkpoint, made_by, device)
        if held is not None:
            done = held["step"]
            optimiser.load_state_dict(held["optimiser"])
            with torch.no_grad():
                for name, value in weights.items():
                    value.copy_(held["weights"][name])
                    mean_weights[name].copy_(held["mean"][name])
            say(f"going on after step {done} of {settings.steps}")

    def save(step: int) -> None:
        scratch = checkpoint.with_suffix(".new")
        torch.save(
            {
                "made_by": made_by,
                "step": step,
                "weights": {name: value.detach() for name, value in weights.items()},
                "mean": mean_weights,
                "optimiser": optimiser.state_dict(),
            },
            scratch,
        )
        scratch.replace(checkpoint)

    def passages(vectors: Any, counts: Floats, totals: Floats) -> Any:
        norm = SATURATION * (1 - LENGTH + LENGTH * totals[:, None] / usual)
        saturated = tensor((counts * (SATURATION + 1) / (counts + norm)).astype(np.float32))
        base, gain, near, far, threshold = weights["form"]
        turned = (vectors @ weights["turn"]) @ word_vectors.T
        closeness = (turned - means) / deviations
        held = base + gain * saturated + near * closeness + weights["bias"]
        other = far * (closeness - threshold) + weights["bias"]
        return torch.log1p(torch.relu(torch.where(saturated > 0, held, other)))

    began = time.monotonic()
    for step in range(done + 1, settings.steps + 1):
        if stopping():
            save(step - 1)
            raise Stopped(f"stopped before step {step} of {settings.steps}")
        # From the seed and the step alone, so that a resumed run draws what it would have drawn.
        random_ = np.random.default_rng([settings.seed, step])
        asked = random_.choice(
            len(material.places), min(settings.batch, len(material.places)), replace=False
        )
        own = [material.places[question] for question in asked]
        scored = material.question_vectors[asked] @ material.passage_vectors.T
        if material.groups is None:
            closest = np.argsort(-scored, axis=1, kind="stable")[:, :32]
            beside = random_.permuted(closest, axis=1)[:, : settings.near]
        else:
            beside = material.groups[asked, 1:]
        shown = list(dict.fromkeys([*own, *beside.ravel().tolist()]))
        at = {place: row for row, place in enumerate(shown)}
        positive = tensor(np.array([at[place] for place in own]))
        rows = tensor(np.arange(len(own)))

        counts = material.passages[shown]
        asking = material.asked[asked.tolist()]
        wanted = tensor(asking) * torch.nn.functional.softplus(weights["query"])
        vectors = passages(
            passage_vectors[tensor(np.array(shown))], counts, material.passages.total[shown]
        )
        scores = wanted @ vectors.T
        if settings.masked:
            # A question cut out of its passage is found by its words alone; without them, what
            # the rest of the passage says has to find it.
            rest = np.maximum(material.passages[own] - asking, 0)
            bare = passages(
                passage_vectors[tensor(np.array(own))], rest, material.passages.total[own]
            )
            masked = tensor(random_.random(len(own)) < settings.masked)
            alone = (wanted * bare).sum(1)
            scores = scores.clone()
            scores[rows, positive] = torch.where(masked, alone, scores[rows, positive])
        student = torch.log_softmax(scores * torch.exp(weights["sharpness"]), 1)
        teacher = torch.log_softmax(tensor(scored[:, shown]) / settings.temperature, 1)
        loss = (teacher.exp() * (teacher - student)).sum(1).mean()
        loss = loss - settings.own * student[rows, positive].mean()
        if material.groups is not None and material.fits is not None:
            group = np.array([[at[place] for place in material.groups[row]] for row in asked])
            chosen = torch.log_softmax(student.gather(1, tensor(group)), 1)
            fits = torch.log_softmax(tensor(material.fits[asked]), 1)
            loss = loss + (fits.exp() * (fits - chosen)).sum(1).mean()
        loss = loss + settings.sparsity * (vectors.mean(0) ** 2).sum()
        for name in ("turn", "bias", "query"):
            loss = loss + settings.anchor * ((weights[name] - begun[name]) ** 2).sum()
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        with torch.no_grad():
            decay = min(settings.average, step / (step + 10))
            for name, value in weights.items():
                mean_weights[name].mul_(decay).add_(value, alpha=1 - decay)
        lost = float(loss.detach())
        if not np.isfinite(lost):
            raise TrainingError(f"the loss is {lost} at step {step}; lower the rate")
        if step % every == 0 or step == settings.steps:
            save(step)
            terms = float((vectors.detach() > 0).sum(1).float().mean())
            say(
                f"step {step} of {settings.steps}: loss {lost:.3f}, "
                f"{terms:.0f} terms to a passage, {time.monotonic() - began:.0f} s"
            )

    kept = {name: value.cpu().numpy().astype(np.float32) for name, value in mean_weights.items()}
    base, gain, near, far, threshold = kept["form"].tolist()
    query = np.logaddexp(0, kept["query"]).astype(np.float32)
    # The rarest tenth stands for what is rarer still.
    rare = max(1, len(query) // 10)
    return Tables(
        query=query,
        bias=kept["bias"],
        words=(material.word_vectors / deviation[:, None]).astype(np.float16),
        centre=(mean / deviation).astype(np.float32),
        turn=kept["turn"],
        base=base,
        gain=gain,
        near=near,
        far=far,
        threshold=threshold,
        usual=usual,
        unseen=float(query[-rare:].mean()),
    )


def train(
    passages: Sequence[Passage],
    *,
    into: Path,
    source: str,
    body: str,
    body_fingerprint: str,
    licence: str,
    encode: Encode,
    settings: Settings,
    language: str = "en",
    rerank: Rerank | None = None,
    reranker: str = "",
    stopping: Callable[[], bool] = lambda: False,
    say: Say = lambda _: None,
) -> TrainedManifest:
    """Train on the passages and write the encoder to ``into``. Blocking (minutes).

    ``source`` says where the passages came from, ``reranker`` is the fingerprint of what ``rerank``
    asks. Stopped, it goes on where it was when it is called
    again with the same passages and settings.
    """
    strangers = {path.name for path in into.iterdir()} - FILES if into.exists() else set()
    if strangers:
        raise TrainingError(
            f"{into} holds {', '.join(sorted(strangers)[:3])}, which no training wrote; "
            "choose another name"
        )
    digest = digest_of(passages)
    told = {
        "format": FORMAT,
        "analyzer": ANALYZER,
        "language": language,
        "body": body_fingerprint,
        "passages": digest,
        **{name: getattr(settings, name) for name in ("seed", "questions", "vocabulary")},
    }
    work = work_of(into)
    _begin(work, told)
    material = prepare(
        passages,
        language=language,
        settings=settings,
        encode=encode,
        work=work,
        stopping=stopping,
        say=say,
        rerank=rerank,
        reranker=reranker,
    )
    tables = learn(
        material,
        settings=settings,
        checkpoint=work / "checkpoint.pt",
        stopping=stopping,
        say=say,
        reranker=reranker,
    )
    return write(
        into,
        terms=material.terms,
        tables=tables,
        about={
            "name": into.name,
            "licence": licence,
            "language": language,
            "body": body,
            "body_fingerprint": body_fingerprint,
            "trained_on": source,
            "passages": len(passages),
            "passages_sha256": digest,
            "training": {**asdict(settings), "reranker": reranker},
        },
    )


def work_of(folder: Path) -> Path:
    """Where the encodings and the checkpoint of an encoder's training are kept."""
    return folder.parent / f".{folder.name}-training"


def kept_vectors(folder: Path, passages: Sequence[Passage], width: int) -> Mapping[str, Floats]:
    """The passages' dense vectors by text, where training on these very passages left them."""
    path = work_of(folder) / "passages.f32"
    if read_manifest(folder).passages_sha256 != digest_of(passages) or not path.is_file():
        return {}
    held = np.fromfile(path, "<f4").reshape(-1, width)
    return dict(zip(map(passage_text, passages), held, strict=True))


def digest_of(passages: Sequence[Passage]) -> str:
    digest = hashlib.sha256()
    for passage in passages:
        digest.update(json.dumps(passage_text(passage)).encode() + b"\n")
    return digest.hexdigest()


@contextmanager
def interruptible() -> Iterator[Callable[[], bool]]:
    """Turns Ctrl-C and SIGTERM into a stop at the next step; a second Ctrl-C ends at once."""
    asked = threading.Event()
    before: dict[int, Any] = {}
    numbers: tuple[int, ...] = (signal.SIGINT, signal.SIGTERM)

    def stop(number: int, _: Any) -> None:
        asked.set()
        signal.signal(number, before[number])

    for number in numbers:
        before[number] = signal.signal(number, stop)
    try:
        yield asked.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def progress(line: str) -> None:
    sys.stderr.write(f"{line}\n")
    sys.stderr.flush()


def _begin(work: Path, told: Mapping[str, Any]) -> None:
    """Make the folder, or empty it where it holds the work of other passages or another body."""
    described = work / "work.json"
    wanted = json.dumps(told, sort_keys=True)
    if described.is_file() and described.read_text(encoding="utf-8") == wanted:
        return
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir(parents=True)
    described.write_text(wanted, encoding="utf-8")


def _held(torch: Any, checkpoint: Path, made_by: str, device: Any) -> Any:
    """What the checkpoint holds, or None where other settings or another reranker made it."""
    try:
        held = torch.load(checkpoint, map_location=device, weights_only=True)
        same = held["made_by"] == made_by
    except Exception as error:  # unpickling raises whatever it meets
        raise TrainingError(
            f"the checkpoint {checkpoint} cannot be read ({error}); delete it to begin anew"
        ) from error
    return held if same else None


def _groups(material: Material, near: int) -> NDArray[np.int64]:
    """Each question's own passage, and those nearest to the question beside it."""
    groups = []
    for vector, own in zip(material.question_vectors, material.places, strict=True):
        order = np.argsort(-(material.passage_vectors @ vector), kind="stable")[: near + 1]
        groups.append([own, *(place for place in order.tolist() if place != own)][: near + 1])
    return np.array(groups, np.int64)


def _encoded(
    path: Path,
    texts: Sequence[T],
    *,
    encode: Callable[[Sequence[T]], Floats],
    stopping: Callable[[], bool],
    say: Say,
) -> Floats:
    """A row of numbers to each; the file grows by chunks, and its size tells how far it is."""
    width = encode(texts[:1]).shape[1]
    row = width * 4
    done = path.stat().st_size // row if path.exists() else 0
    with path.open("ab") as file:
        file.truncate(done * row)  # a chunk that was cut off by a crash
        for at in range(done, len(texts), CHUNK):
            if stopping():
                raise Stopped(f"stopped with {at} of {len(texts)} {path.stem} encoded")
            file.write(encode(texts[at : at + CHUNK]).astype("<f4").tobytes())
            file.flush()
            say(f"{path.stem}: {min(at + CHUNK, len(texts)):,} of {len(texts):,} encoded")
    return np.fromfile(path, "<f4").reshape(-1, width)[: len(texts)]


def _surfaces(texts: Sequence[str], language: str, places: Mapping[str, int]) -> Mapping[str, str]:
    """How each term is most often written: a stem alone means little to the dense model."""
    seen: Counter[str] = Counter(word for text in texts for word in words(text))
    best: dict[str, str] = {}
    for word, _ in sorted(seen.items(), key=lambda item: (-item[1], item[0])):
        for term in analyze(word, language):
            if term in places:
                best.setdefault(term, word)
    return {term: best.get(term, term) for term in places}

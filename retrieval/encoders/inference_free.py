"""Sparse encoders that run no model for a query: an analysis, a count and a table.

There are two, told apart by the folder that is opened. Over a dense model's own folder,
``InferenceFreeEncoder`` takes the model's sub-words for terms, with case and leading space folded
away. On the passage side a term weighs its BM25-saturated count; on the query side its rarity in
English, read from its place in the vocabulary: byte-pair merges were learnt most frequent first,
so the id is a frequency rank. No statistics of the indexed passages enter, so a vector never goes
stale.

Over a folder that ``python -m evals train`` made, ``TrainedEncoder`` has words for terms and
weights learnt from a dense model's scores. On the passage side it asks that model once for each
passage: its vector says how much the passage is about each word it holds, and which words it
might have held.

What each adds as a third leg is in evals/README.md; both are off unless a setting names one.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import math
import threading
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Final, Protocol, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from retrieval.errors import EncodingFailed, WeightsError
from retrieval.model import Side, SparseVector
from retrieval.ports import DenseEncoder
from retrieval.terms import ANALYZER, analyze
from retrieval.weights import manifest as body_manifest

FORMAT = 1
SATURATION = 1.2  # BM25's k1
LENGTH = 0.75  # BM25's b
USUAL_TOKENS = 200  # the length at which a passage is neither favoured nor penalised
AT_ONCE = 1_000  # code points of questions that need no thread: handing them over takes longer
STEEPNESS = 3  # of rarity over the logarithm of the rank; chosen on dev halves
_COMMON = (
    "a an and are as at be but by for if in into is it no not of on or such that the their then "
    "there these they this to was will with what which who how when where does do did"
)
COMMON = frozenset(_COMMON.split(" "))


class InferenceFreeEncoder:
    """Satisfies ``SparseEncoder``. A query costs a tokenizer call (well under 0.1 ms)."""

    def __init__(self, tokenizer: Tokenizer, fingerprint: str) -> None:
        tokenizer.no_truncation()
        self._tokenizer = tokenizer
        self._fingerprint = fingerprint
        self._terms, self._rarity = _tables(tokenizer)

    @classmethod
    def open(cls, folder: Path, *, dense: DenseEncoder | None = None) -> Self | TrainedEncoder:
        """Open over a dense model's tokenizer, or what was trained. Blocking (about 0.2 s).

        ``dense`` is a dense encoder that is open already: what was trained on the same one asks it
        instead of loading its weights a second time.
        """
        if (folder / TRAINED).exists():
            if dense is None or dense.fingerprint != read_manifest(folder).body_fingerprint:
                return TrainedEncoder.open(folder)
            lent = Lent(dense)
            return TrainedEncoder.open(folder, body=lambda: lent)
        path = folder / "tokenizer.json"
        try:
            content = path.read_bytes()
        except FileNotFoundError:
            raise WeightsError(
                f"{folder.name}/{path.name} is missing; run `./stratmaster setup`"
            ) from None
        digest = hashlib.sha256(content).hexdigest()[:16]
        return cls(Tokenizer.from_buffer(content), f"inference-free:{FORMAT}:{digest}")

    @property
    def fingerprint(self) -> str:
        return self._fingerprint

    async def encode(self, texts: Sequence[str], *, side: Side) -> Sequence[SparseVector]:
        if _short(texts, side):
            return [self._one(text, side) for text in texts]
        return await asyncio.to_thread(lambda: [self._one(text, side) for text in texts])

    def close(self) -> None:
        """Nothing is held; what was trained, which may be opened in its place, has a model."""

    def _one(self, text: str, side: Side) -> SparseVector:
        ids = self._tokenizer.encode(text, add_special_tokens=False).ids
        counts = Counter(term for term in map(self._terms.get, ids) if term is not None)
        length = counts.total()
        if side is Side.QUERY:
            weights = {
                term: count * self._rarity[term]
                for term, count in counts.items()
                if self._rarity[term] > 0
            }
        else:
            norm = SATURATION * (1 - LENGTH + LENGTH * length / USUAL_TOKENS)
            weights = {
                term: count * (SATURATION + 1) / (count + norm) for term, count in counts.items()
            }
        indices = sorted(weights)
        return SparseVector(tuple(indices), tuple(weights[index] for index in indices))


def _short(texts: Sequence[str], side: Side) -> bool:
    """Whether to encode on the event loop, which takes half a millisecond at AT_ONCE."""
    return side is Side.QUERY and sum(map(len, texts)) <= AT_ONCE


def _tables(tokenizer: Tokenizer) -> tuple[Mapping[int, int], Mapping[int, float]]:
    """From token id to term, and from term to rarity between 0 and 1."""
    terms: dict[int, int] = {}
    rarity: dict[int, float] = {}
    first: dict[str, int] = {}
    vocabulary = tokenizer.get_vocab()
    most = math.log1p(max(vocabulary.values()))
    for token, id in sorted(vocabulary.items(), key=lambda item: item[1]):
        word = tokenizer.decode([id]).strip().lower()
        if "\N{REPLACEMENT CHARACTER}" in word:
            word = token  # part of a character of another script: a term as it is
        elif not any(letter.isalnum() for letter in word) or token.startswith("<"):
            continue
        term = first.setdefault(word, id)
        terms[id] = term
        if term == id:
            rarity[term] = 0.0 if word in COMMON else (math.log1p(id) / most) ** STEEPNESS
    return terms, rarity


TRAINED: Final = "sparse.json"  # its presence makes a folder a trained encoder's
TRAINED_FORMAT: Final = 1
MAX_TERMS: Final = 512  # heaviest terms of a passage that are kept
UNSEEN: Final = 1 << 24  # terms outside the vocabulary are hashed from here up
_TERMS = "terms.txt"
_TABLES = "tables.npz"
FILES: Final = frozenset({TRAINED, f"{TRAINED}.new", _TERMS, _TABLES})  # all that is written
_NUMBERS = ("base", "gain", "near", "far", "threshold", "usual", "unseen")
_REMEDY = "train it again with `python -m evals train`"


class Body(DenseEncoder, Protocol):
    """The dense model that a trained encoder was built on."""

    def close(self) -> None: ...


@dataclass(frozen=True, slots=True)
class Lent:
    """A body that is another's, who closes it."""

    encoder: DenseEncoder

    @property
    def dimensions(self) -> int:
        return self.encoder.dimensions

    @property
    def fingerprint(self) -> str:
        return self.encoder.fingerprint

    async def encode(self, texts: Sequence[str], *, side: Side) -> NDArray[np.float32]:
        return await self.encoder.encode(texts, side=side)

    def close(self) -> None:
        """Not ours to close."""


@dataclass(frozen=True, slots=True)
class TrainedManifest:
    """What lies in a trained encoder's folder. ``files`` maps each file to its SHA-256.

    The body is the dense model by the name of its folder beside this one, and its fingerprint.
    Its licence is this one's too, as far as the passages trained on do not say otherwise.
    """

    format: int
    name: str
    licence: str
    analyzer: str
    language: str
    dimensions: int
    body: str
    body_fingerprint: str
    trained_on: str
    passages: int
    passages_sha256: str
    training: Mapping[str, float | int | str]
    files: Mapping[str, str]

    @property
    def fingerprint(self) -> str:
        """Changes when anything does that could change a vector."""
        parts = {key: value for key, value in asdict(self).items() if key not in ("name",)}
        digest = hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]
        return f"inference-free-trained:{TRAINED_FORMAT}:{digest}"


@dataclass(frozen=True, slots=True)
class Tables:
    """A trained encoder's numbers; V terms, D dimensions of the body.

    With ``s`` the affinity of a term to a passage, ``vector @ turn @ words[term] - centre[term]``,
    a term that the passage holds weighs log(1 + relu(base + gain * count + near * s + bias)), its
    count saturated as in BM25, and one that it does not hold log(1 + relu(far * (s - threshold) +
    bias)).
    """

    query: NDArray[np.float32]  # (V,) weight of a term once in a query
    bias: NDArray[np.float32]  # (V,)
    words: NDArray[np.float16]  # (V, D)
    centre: NDArray[np.float32]  # (V,)
    turn: NDArray[np.float32]  # (D, D)
    base: float
    gain: float
    near: float
    far: float
    threshold: float
    usual: float  # terms of a passage of usual length
    unseen: float  # query weight of a term outside the vocabulary


class TrainedEncoder:
    """Satisfies ``SparseEncoder``. A query costs an analysis and a lookup; a passage its body.

    The body is opened for the first passage, so that a process that only asks never loads it.
    """

    def __init__(
        self,
        manifest: TrainedManifest,
        terms: Sequence[str],
        tables: Tables,
        open_body: Callable[[], Body],
    ) -> None:
        self.manifest = manifest
        self._places = {term: place for place, term in enumerate(terms)}
        self._tables = tables
        self._words = tables.words.astype(np.float32)
        self._open_body = open_body
        self._body: Body | None = None
        self._opening = threading.Lock()

    @classmethod
    def open(cls, folder: Path, *, body: Callable[[], Body] | None = None) -> Self:
        """Open a folder as training wrote it, checking every hash. Blocking; then ``close``.

        ``body`` opens the dense model otherwise than from the folder beside this one.
        """
        manifest = read_manifest(folder)
        for name, expected in manifest.files.items():
            try:
                found = hashlib.sha256((folder / name).read_bytes()).hexdigest()
            except FileNotFoundError:
                raise WeightsError(f"{folder.name}/{name} is missing; {_REMEDY}") from None
            if found != expected:
                raise WeightsError(
                    f"{folder.name}/{name} has SHA-256 {found}, expected {expected}; {_REMEDY}"
                )
        try:
            terms = (folder / _TERMS).read_text(encoding="utf-8").split("\n")
            with np.load(folder / _TABLES, allow_pickle=False) as held:
                tables = Tables(
                    query=held["query"],
                    bias=held["bias"],
                    words=held["words"],
                    centre=held["centre"],
                    turn=held["turn"],
                    **{name: float(held[name]) for name in _NUMBERS},
                )
        except (OSError, ValueError, KeyError, zipfile.BadZipFile) as error:
            raise WeightsError(f"{folder.name} cannot be read ({error}); {_REMEDY}") from None
        _check(folder, manifest, terms, tables)
        return cls(manifest, terms, tables, body or _beside(folder, manifest))

    @property
    def fingerprint(self) -> str:
        return self.manifest.fingerprint

    async def encode(self, texts: Sequence[str], *, side: Side) -> Sequence[SparseVector]:
        if side is Side.QUERY:
            if _short(texts, side):
                return [self.weigh(text) for text in texts]
            return await asyncio.to_thread(lambda: [self.weigh(text) for text in texts])
        if not texts:
            return []
        body = await asyncio.to_thread(self._opened)
        vectors = await body.encode(texts, side=Side.PASSAGE)
        return await asyncio.to_thread(
            lambda: [self._passage(*pair) for pair in zip(texts, vectors, strict=True)]
        )

    def close(self) -> None:
        """Let the body go, if it was opened. Safe to repeat."""
        with self._opening:
            if self._body is not None:
                self._body.close()
                self._body = None

    def _opened(self) -> Body:
        with self._opening:
            if self._body is None:
                self._body = self._open_body()
            return self._body

    def weigh(self, text: str) -> SparseVector:
        """A question's terms, in the thread that calls."""
        weights: dict[int, float] = {}
        for term, count in Counter(analyze(text, self.manifest.language)).items():
            place = self._places.get(term)
            weight = self._tables.unseen if place is None else float(self._tables.query[place])
            if weight > 0:
                at = unseen(term) if place is None else place
                weights[at] = weights.get(at, 0.0) + count * weight
        return _vector(weights)

    def _passage(self, text: str, vector: NDArray[np.float32]) -> SparseVector:
        tables = self._tables
        counts = Counter(analyze(text, self.manifest.language))
        norm = SATURATION * (1 - LENGTH + LENGTH * counts.total() / tables.usual)
        affinity = self._words @ (vector @ tables.turn) - tables.centre
        scores = tables.far * (affinity - tables.threshold) + tables.bias
        weights: dict[int, float] = {}
        for term, count in counts.items():
            held = tables.base + tables.gain * count * (SATURATION + 1) / (count + norm)
            place = self._places.get(term)
            if place is None:
                weights[unseen(term)] = math.log1p(max(held, 0.0))
            else:
                scores[place] = held + tables.near * affinity[place] + tables.bias[place]
        if not np.isfinite(scores).all():
            raise EncodingFailed(
                f"{self.manifest.name} gave {text[:80]!r} a weight that is no number; {_REMEDY}"
            )
        (kept,) = np.nonzero(scores > 0)
        weights.update(zip(kept.tolist(), np.log1p(scores[kept]).tolist(), strict=True))
        if len(weights) > MAX_TERMS:
            # By weight, equal ones by index: the same text has the same vector everywhere.
            heaviest = sorted(weights.items(), key=lambda item: (-item[1], item[0]))
            weights = dict(heaviest[:MAX_TERMS])
        return _vector(weights)


def unseen(term: str) -> int:
    """Where a term outside the vocabulary stands: the same place on every machine."""
    digest = hashlib.blake2b(term.encode(), digest_size=4).digest()
    return UNSEEN + int.from_bytes(digest, "little") % ((1 << 32) - UNSEEN)


def read_manifest(folder: Path) -> TrainedManifest:
    """What a trained encoder's folder says of itself, without reading the tables."""
    path = folder / TRAINED
    try:
        manifest = TrainedManifest(**json.loads(path.read_bytes()))
    except FileNotFoundError:
        raise WeightsError(
            f"{folder.name}/{TRAINED} is missing, so it is no trained encoder"
        ) from None
    except (ValueError, TypeError) as error:
        raise WeightsError(f"{folder.name}/{TRAINED} cannot be read ({error}); {_REMEDY}") from None
    if manifest.format != TRAINED_FORMAT:
        raise WeightsError(
            f"{folder.name}/{TRAINED} is of format {manifest.format}, this version reads "
            f"{TRAINED_FORMAT}; {_REMEDY}"
        )
    if manifest.analyzer != ANALYZER:
        raise WeightsError(
            f"{folder.name} was trained on the words of {manifest.analyzer}, this version reads "
            f"{ANALYZER}; {_REMEDY}"
        )
    return manifest


def write(
    folder: Path, *, terms: Sequence[str], tables: Tables, about: Mapping[str, Any]
) -> TrainedManifest:
    """Write a trained encoder. ``about`` gives the manifest's fields that nothing here knows.

    The manifest is written last: a folder without one is not taken for an encoder.
    """
    folder.mkdir(parents=True, exist_ok=True)
    (folder / TRAINED).unlink(missing_ok=True)
    (folder / _TERMS).write_text("\n".join(terms), encoding="utf-8")
    np.savez(
        folder / _TABLES,
        allow_pickle=False,
        query=tables.query,
        bias=tables.bias,
        words=tables.words,
        centre=tables.centre,
        turn=tables.turn,
        **{name: np.float64(getattr(tables, name)) for name in _NUMBERS},
    )
    made = TrainedManifest(
        format=TRAINED_FORMAT,
        analyzer=ANALYZER,
        dimensions=len(terms),
        files={
            name: hashlib.sha256((folder / name).read_bytes()).hexdigest()
            for name in (_TERMS, _TABLES)
        },
        **about,
    )
    _check(folder, made, terms, tables)
    scratch = folder / f"{TRAINED}.new"
    scratch.write_text(json.dumps(asdict(made), indent=2) + "\n", encoding="utf-8")
    scratch.replace(folder / TRAINED)
    return made


def _check(folder: Path, manifest: TrainedManifest, terms: Sequence[str], tables: Tables) -> None:
    size = manifest.dimensions
    width = tables.turn.shape[0] if tables.turn.ndim else 0
    shapes = {
        "query": (size,),
        "bias": (size,),
        "centre": (size,),
        "words": (size, width),
        "turn": (width, width),
    }
    if len(terms) != size or len(set(terms)) != size or not 0 < size <= UNSEEN:
        raise WeightsError(
            f"{folder.name} names {len(set(terms))} terms, its manifest {size}; {_REMEDY}"
        )
    for name, shape in shapes.items():
        table = getattr(tables, name)
        if table.shape != shape:
            raise WeightsError(
                f"the table {name!r} in {folder.name} is of shape {table.shape}, expected {shape}; "
                f"{_REMEDY}"
            )
        if not np.isfinite(table).all():
            raise WeightsError(f"the table {name!r} in {folder.name} holds no number; {_REMEDY}")
    numbers = {name: getattr(tables, name) for name in _NUMBERS}
    if not all(math.isfinite(value) for value in numbers.values()) or tables.usual <= 0:
        raise WeightsError(f"{folder.name} holds numbers that cannot be: {numbers}; {_REMEDY}")


def _beside(folder: Path, manifest: TrainedManifest) -> Callable[[], Body]:
    body = folder.parent / manifest.body
    found = body_manifest(body)
    if not found.made(manifest.body_fingerprint):
        raise WeightsError(
            f"{folder.name} was trained on {manifest.body_fingerprint}, and {body.name} holds "
            f"{found.fingerprint}; {_REMEDY}"
        )

    def opening() -> Body:
        from retrieval.encoders.onnx import OnnxEncoder

        return OnnxEncoder.open(body)

    return opening


def _vector(weights: Mapping[int, float]) -> SparseVector:
    indices = sorted(index for index, weight in weights.items() if weight > 0)
    return SparseVector(tuple(indices), tuple(weights[index] for index in indices))

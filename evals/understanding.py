"""python -m evals.understanding --data PATH: what reading a question is worth, step by step.

Each step is judged twice on the dev halves, BM25 and dense fused as shipped: on the questions as
they are, where it must not hurt, and on questions made for it from the same ones (seed 7):

- quotes: the longest run of words that a passage answering it holds, put in quotes;
- parts: two questions, "A? B?", judged by what either wants (each question is in one pair);
- spelling: a letter of one longer word wrong, missing, doubled or swapped with the next, each
  question so in DRAWS ways; its correction added, as the product does, and in its place;
- short forms: what the collection itself gives a short form for, replaced by it.
"""

from __future__ import annotations

import argparse
import asyncio
import random
import re
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from statistics import fmean, median
from typing import TypeAlias

from evals.__main__ import ROOT
from evals.datasets import Collection, Split, load
from evals.metrics import bootstrap, ndcg
from evals.systems import open_encoder, open_legs
from evals.vocabulary import Vocabulary, short_forms
from retrieval.fusion import rrf
from retrieval.model import Correction, Query, Run, Scope
from retrieval.ports import Retriever
from retrieval.query import read, split
from retrieval.search import HOLDERS, POOL, HoldsPhrases, Quotes
from retrieval.spelling import Spells, checked, chosen, corrected
from retrieval.terms import words

SEED = 7
DRAWS = 5
MISSPELT = 6  # letters at least of a word that is made wrong

Way: TypeAlias = Callable[[str], Awaitable[list[str]]]


@dataclass(frozen=True, slots=True)
class Asked:
    """``number`` is of the dev question it was made of: what was made of one is one sample."""

    text: str
    judged: Mapping[str, int]
    number: int


async def runs(legs: Sequence[Retriever], text: str, scope: Scope, part: int = 0) -> list[Run]:
    found = [await leg.search(Query(text), scope=scope, limit=POOL) for leg in legs]
    return [replace(run, part=part) for run in found]


def top(found: Sequence[Run]) -> list[str]:
    return [line.passage for line in rrf(found)]


async def measure(data: Path, name: str, models: Path, out: Path, only: str) -> None:
    collection = load(data / name)
    scope = collection.scope
    natural = [
        Asked(collection.queries[id], collection.judged[id], number)
        for number, id in enumerate(collection.of(Split.DEV))
    ]
    vocabulary = Vocabulary()
    vocabulary.add(collection.passages)
    chance = random.Random(SEED)
    async with (
        open_encoder(models) as encoder,
        open_legs(collection, encoder=encoder, models=models, out=out) as opened,
    ):
        legs = list(opened.values())

        async def plain(text: str) -> list[str]:
            return top(await runs(legs, text, scope))

        index = next(leg for leg in legs if isinstance(leg, HoldsPhrases))

        async def holders(text: str) -> Sequence[str]:
            return await index.holding(Query(text), quoted(text), scope=scope, limit=HOLDERS)

        async def required(text: str) -> list[str]:
            held = frozenset(await holders(text))
            return top(await runs(legs, text, replace(scope, passages=held)))

        async def required_where_held(text: str) -> list[str]:
            return await (required(text) if await holders(text) else plain(text))

        async def beside(text: str) -> list[str]:
            lifted = Quotes(index, quoted(text))
            return top(await runs([*legs, lifted], text, scope))

        async def in_parts(text: str) -> list[str]:
            found = await runs(legs, text, scope)
            for number, part in enumerate(split(text), 1):
                found += await runs(legs, part, scope, number)
            return top(found)

        async def parts_alone(text: str) -> list[str]:
            found: list[Run] = []
            for number, part in enumerate(split(text), 1):
                found += await runs(legs, part, scope, number)
            return top(found)

        spelling = next(leg for leg in legs if isinstance(leg, Spells))
        corrections: dict[str, tuple[Correction, ...]] = {}

        async def spelt(text: str) -> list[str]:
            return await plain(corrected(text, corrections[text]))

        async def spelt_instead(text: str) -> list[str]:
            for one in corrections[text]:
                text = re.sub(rf"\b{one.written}\b", one.searched, text)
            return await plain(text)

        async def expanded(text: str) -> list[str]:
            return await plain(vocabulary.expanded(text)[0])

        pairs = list(natural)
        chance.shuffle(pairs)
        joined = [
            Asked(
                f"{_asks(one.text)} {_asks(other.text)}", {**one.judged, **other.judged}, one.number
            )
            for one, other in zip(pairs[::2], pairs[1::2], strict=False)
        ]
        wrong = [
            replace(one, text=misspelt(one.text, chance)) for _ in range(DRAWS) for one in natural
        ]
        shortened = [
            one
            for one in (replace(one, text=shorten(one.text, collection)) for one in natural)
            if one.text not in {other.text for other in natural}
        ]
        in_quotes = [
            one
            for one in (replace(one, text=quote(one, collection)) for one in natural)
            if quoted(one.text)
        ]
        steps: Sequence[tuple[str, Way, Callable[[str], bool], Sequence[Asked]]] = (
            ("quotes required", required, lambda text: bool(quoted(text)), in_quotes),
            (
                "quotes required where held",
                required_where_held,
                lambda text: bool(quoted(text)),
                in_quotes,
            ),
            ("quotes beside the rest", beside, lambda text: bool(quoted(text)), in_quotes),
            ("parts beside the whole", in_parts, lambda text: bool(split(text)), joined),
            ("parts alone", parts_alone, lambda text: bool(split(text)), joined),
            ("spelling", spelt, lambda text: bool(corrections[text]), wrong),
            ("spelling instead", spelt_instead, lambda text: bool(corrections[text]), wrong),
            ("short forms", expanded, lambda text: bool(vocabulary.expanded(text)[1]), shortened),
        )
        for kind, ours in (("as they are", natural), ("misspelt", wrong)):
            spent = []
            for one in ours:
                began = time.perf_counter()
                typed = checked(one.text)
                near = await spelling.near(list(typed), scope=scope)
                corrections[one.text] = chosen(near, typed)
                spent.append((time.perf_counter() - began) * 1000)
            late = sorted(spent)[len(spent) * 95 // 100]
            print(f"{name}, {kind}: spelling takes {median(spent):.2f} ms, p95 {late:.2f}")
        for step, way, changes, made in steps:
            if not step.startswith(only):
                continue
            for kind, questions in (("as they are", natural), ("made for it", made)):
                changed = [one for one in questions if changes(one.text)]
                if not changed:
                    print(f"| {name} | {step} | {kind} | {len(questions)} | 0 | | | |")
                    continue
                before = [ndcg(await plain(one.text), one.judged) for one in changed]
                after = [ndcg(await way(one.text), one.judged) for one in changed]
                gains: dict[int, list[float]] = {}
                for one, a, b in zip(changed, before, after, strict=True):
                    gains.setdefault(one.number, []).append(b - a)
                gain = bootstrap([fmean(drawn) for drawn in gains.values()])
                print(
                    f"| {name} | {step} | {kind} | {len(questions)} | {len(changed)} "
                    f"| {sum(before) / len(before):.3f} | {sum(after) / len(after):.3f} "
                    f"| {gain.mean:+.3f} ({gain.low:+.3f} to {gain.high:+.3f}) |",
                    flush=True,
                )


def _asks(text: str) -> str:
    return f"{text.strip().rstrip('.?! ')}?"


def quoted(text: str) -> tuple[str, ...]:
    reading = read(text)
    return reading.required + reading.preferred


def quote(asked: Asked, collection: Collection) -> str:
    """With its longest run of two words or more in quotes that a passage it wants holds."""
    wanted = [
        f" {' '.join(words(passage.text))} "
        for passage in collection.passages
        if asked.judged.get(passage.id, 0) > 0
    ]
    said = list(re.finditer(r"[^\W_]+", asked.text))
    for length in range(len(said), 1, -1):
        for first in range(len(said) - length + 1):
            start, end = said[first].start(), said[first + length - 1].end()
            run = asked.text[start:end]
            held = any(f" {' '.join(words(run))} " in text for text in wanted)
            if held and '"' not in asked.text and quoted(f'"{run}"'):
                return f'{asked.text[:start]}"{run}"{asked.text[end:]}'
    return asked.text


def misspelt(text: str, chance: random.Random) -> str:
    """One letter of one word of MISSPELT letters or more made wrong, not its first."""
    found = [match for match in re.finditer(r"[a-z]+", text) if len(match.group()) >= MISSPELT]
    if not found:
        return text
    match = chance.choice(found)
    word = match.group()
    at = chance.randrange(1, len(word) - 1)
    wrong = chance.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
            word[:at] + chance.choice("aeinrst") + word[at + 1 :],
        ]
    )
    return text[: match.start()] + wrong + text[match.end() :]


def shorten(text: str, collection: Collection) -> str:
    """The first long form in a question that the collection gives a short one for, by that."""
    for short, long in _given(collection):
        at = text.casefold().find(long.casefold())
        if at >= 0:
            return text[:at] + short + text[at + len(long) :]
    return text


_FORMS: dict[str, Sequence[tuple[str, str]]] = {}


def _given(collection: Collection) -> Sequence[tuple[str, str]]:
    if collection.name not in _FORMS:
        found = {
            pair
            for passage in collection.passages
            for pair in short_forms(passage.text)
            if len(pair[1]) > 6
        }
        _FORMS[collection.name] = sorted(found, key=lambda pair: (-len(pair[1]), pair))
    return _FORMS[collection.name]


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m evals.understanding", description=__doc__)
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--collections", default="scifact,cranfield,musique")
    parser.add_argument("--models", type=Path, default=ROOT / "var" / "models")
    parser.add_argument("--out", type=Path, default=ROOT / "evals" / "out")
    parser.add_argument("--only", default="", help="steps whose names begin so")
    wanted = parser.parse_args()
    for name in wanted.collections.split(","):
        asyncio.run(measure(wanted.data, name, wanted.models, wanted.out, wanted.only))


if __name__ == "__main__":
    main()

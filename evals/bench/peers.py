"""What the programs that measure us beside others share: turns, rates, ratios, and who is there.

Every system answers the same questions in the same process, in turns: one round asks each system
all of them, and who begins moves on by one from round to round. A ratio is formed within a round,
so that what else the machine did in that minute falls on both sides of it.
"""

from __future__ import annotations

import argparse
import asyncio
import importlib
import importlib.util
import inspect
import os
import statistics
import sys
import time
from collections.abc import Awaitable, Callable, Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any, TypeVar, cast

import psutil

from evals.datasets import Collection, load
from evals.metrics import ndcg
from evals.report import machine

ROOT = Path(__file__).parents[2]
DATA = ROOT.parent / "shared" / "data"
MODELS = ROOT / "var" / "models"
OUT = ROOT / "evals" / "out"
AT_ONCE = (1, 8)
TOP = 10
RECALL = 0.99  # of what is right; who finds less is not compared
INSTALL = (
    ".venv/bin/uv venv --python 3.11 var/peers && .venv/bin/uv pip install "
    "--python var/peers/bin/python --no-deps --require-hashes -r requirements/peers.txt"
)

E = TypeVar("E")
Ask = Callable[[int], Sequence[str]]
AskLater = Callable[[int], Awaitable[Sequence[str]]]


@dataclass(frozen=True)
class System:
    """Something that answers question number n with passage ids, best first.

    ``ask`` blocks or is a coroutine function; what blocks is asked from threads, as many as ask at
    once. ``remote`` says that the work is done in another process, whose time is not seen here.
    """

    name: str
    ask: Ask | AskLater
    ours: bool = False
    remote: bool = False


@dataclass(frozen=True)
class Turn:
    """One system's turn in one round."""

    per_second: float
    cpu_ms: float  # of this process, all threads, to a question


@dataclass(frozen=True)
class Ratio:
    """The median over rounds, with the lowest and the highest."""

    median: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:.2f} ({self.low:.2f}–{self.high:.2f})"


def ratio(ours: Sequence[float], theirs: Sequence[float]) -> Ratio:
    """Ours over theirs, round by round."""
    if not ours or len(ours) != len(theirs):
        raise ValueError(f"{len(ours)} rounds of ours beside {len(theirs)} of theirs")
    return spread([own / other for own, other in zip(ours, theirs, strict=True)])


def spread(values: Sequence[float]) -> Ratio:
    return Ratio(statistics.median(values), min(values), max(values))


def order(count: int, round_: int) -> Sequence[int]:
    """Who asks when: everyone once a round, and everyone first equally often."""
    return [(place + round_) % count for place in range(count)]


async def turn(system: System, questions: int, at_once: int) -> tuple[Turn, list[Sequence[str]]]:
    """Ask everything once, so many at a time."""
    answers: list[Sequence[str]] = [()] * questions
    waiting = iter(range(questions))
    cpu, began = time.process_time(), time.perf_counter()
    if inspect.iscoroutinefunction(system.ask):
        later = cast(AskLater, system.ask)

        async def visitor() -> None:
            for number in waiting:
                answers[number] = await later(number)

        await asyncio.gather(*(visitor() for _ in range(at_once)))
    else:
        now = cast(Ask, system.ask)

        def caller(first: int) -> None:
            for number in range(first, questions, at_once):
                answers[number] = now(number)

        # Off the event loop, which a system may need for its encoder.
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(at_once, "asking") as threads:
            await asyncio.gather(
                *(loop.run_in_executor(threads, caller, first) for first in range(at_once))
            )
    took = time.perf_counter() - began
    return Turn(questions / took, (time.process_time() - cpu) * 1000 / questions), answers


@dataclass(frozen=True)
class Raced:
    """Every system's turns by how many asked at once, and what it answered the first time."""

    turns: Mapping[int, Mapping[str, Sequence[Turn]]]
    answers: Mapping[str, Sequence[Sequence[str]]]
    load: tuple[float, float]  # average over a minute, when it began and when it ended


async def race(
    systems: Sequence[System], *, questions: int, rounds: int, at_once: Sequence[int] = AT_ONCE
) -> Raced:
    """Answers first, which also warms everyone up; then the rounds."""
    begun = psutil.getloadavg()[0]
    answers = {}
    for system in systems:
        _, answers[system.name] = await turn(system, questions, 1)
        _progress(f"{system.name} answered")
    turns: dict[int, dict[str, list[Turn]]] = {
        many: {system.name: [] for system in systems} for many in at_once
    }
    for round_ in range(rounds):
        for many in at_once:
            for place in order(len(systems), round_):
                system = systems[place]
                taken, _ = await turn(system, questions, many)
                turns[many][system.name].append(taken)
        _progress(f"round {round_ + 1} of {rounds}")
    return Raced(turns, answers, (begun, psutil.getloadavg()[0]))


def table(
    systems: Sequence[System], raced: Raced, quality: Mapping[str, Mapping[str, float]]
) -> str:
    """Markdown: what each finds, how fast, and ours over theirs.

    ``quality`` is by column, then by system; only rows that agree in it are fairly compared.
    """
    ours = next(system for system in systems if system.ours)
    head = ["system", *quality]
    for many in raced.turns:
        head += [f"q/s, {many} at once", f"ours ÷ it, {many}", f"CPU ms, {many}"]
    lines = ["| " + " | ".join(head) + " |", "|---|" + "---:|" * (len(head) - 1)]
    for system in systems:
        cells = [f"**{system.name}**" if system.ours else system.name]
        cells += [
            f"{column[system.name]:.3f}" if system.name in column else "–"
            for column in quality.values()
        ]
        for by_system in raced.turns.values():
            its = by_system[system.name]
            rates = [one.per_second for one in its]
            own = [one.per_second for one in by_system[ours.name]]
            cpu = statistics.median(one.cpu_ms for one in its)
            cells += [
                f"{statistics.median(rates):,.0f}",
                "" if system is ours else str(ratio(own, rates)),
                "elsewhere" if system.remote else f"{cpu:.2f}",
            ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "Medians over the rounds; ratios with their lowest and highest round."]
    lines.append(f"Load average {raced.load[0]:.1f} before, {raced.load[1]:.1f} after.")
    return "\n".join(lines)


def options(
    program: str, described: str | None, *, questions: int = 200, rounds: int = 7
) -> argparse.ArgumentParser:
    """What every one of these programs can be told."""
    parser = argparse.ArgumentParser(
        prog=f"python -m evals.bench.{program}",
        description=described,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--data", type=Path, default=DATA)
    parser.add_argument("--collection", default="musique")
    parser.add_argument("--questions", type=int, default=questions)
    parser.add_argument("--rounds", type=int, default=rounds)
    return parser


def compare(
    parser: argparse.ArgumentParser,
    packages: Sequence[str],
    measure: Callable[[Collection, argparse.Namespace], Coroutine[Any, Any, str]],
) -> None:
    """Print what was run, and what came of it."""
    chosen = parser.parse_args()
    begin_alone()
    print(heading(" ".join([parser.prog, *sys.argv[1:]]), packages))
    print(asyncio.run(measure(load(chosen.data / chosen.collection), chosen)))


def heading(command: str, packages: Sequence[str]) -> str:
    """What was run, on what, with which versions."""
    versions = ", ".join(f"{name} {version(name)}" for name in packages if installed(name))
    load = ", ".join(f"{one:.1f}" for one in psutil.getloadavg())
    return f"`{command}`, {machine()}; load average {load}\n{versions}\n"


def begin_alone() -> None:
    """Start this program again with what has to be set before a library is loaded.

    One thread to a matrix product, since everyone's rate is told by how many ask at once, and no
    word to the makers of the peers.
    """
    wanted = {
        "OMP_NUM_THREADS": "1",
        "OPENBLAS_NUM_THREADS": "1",
        "NUMBA_NUM_THREADS": "1",
        "HAYSTACK_TELEMETRY_ENABLED": "False",
        "DO_NOT_TRACK": "1",
        "TOKENIZERS_PARALLELISM": "false",
    }
    if any(os.environ.get(name) != value for name, value in wanted.items()):
        os.environ.update(wanted)
        sys.stdout.flush()
        os.execv(sys.executable, sys.orig_argv)


def installed(package: str) -> bool:
    try:
        version(package)
    except importlib.metadata.PackageNotFoundError:
        return False
    return True


def peer(module: str, package: str) -> Any | None:
    """A peer's module, or None after saying how to get it.

    Typed Any: peers are in no lock of the product's or the tests', so there is nothing to check
    their use against.
    """
    top = module.partition(".")[0]
    if importlib.util.find_spec(top) is None:
        print(f"{package} is not installed and was left out; to have it: {INSTALL}\n")
        return None
    return importlib.import_module(module)


def mean_ndcg(
    collection: Collection, ids: Sequence[str], answers: Sequence[Sequence[str]]
) -> float:
    """nDCG@10 over the judged questions among those asked."""
    judged = [
        ndcg(answer, collection.judged[id], k=TOP)
        for id, answer in zip(ids, answers, strict=True)
        if id in collection.judged
    ]
    return statistics.fmean(judged) if judged else 0.0


def overlap(answers: Sequence[Sequence[str]], right: Sequence[frozenset[str]]) -> float:
    """The mean share of the top ten that is among the right ones.

    A question's right ones are its exact top ten and all that tie with the tenth. Where fewer than
    ten are right, so many are asked for.
    """
    shares = [
        len(set(answer[:TOP]) & accepted) / min(TOP, len(accepted))
        for answer, accepted in zip(answers, right, strict=True)
        if accepted
    ]
    return statistics.fmean(shares) if shares else 1.0


def enough(
    asked: Callable[[E], Ask], efforts: Sequence[E], right: Sequence[frozenset[str]]
) -> tuple[E, Ask]:
    """The least effort that finds RECALL of what is right, or the most there is."""
    for effort in efforts[:-1]:
        ask = asked(effort)
        if overlap([ask(number) for number in range(len(right))], right) >= RECALL:
            return effort, ask
    return efforts[-1], asked(efforts[-1])


def tied(scores: Sequence[tuple[str, float]], *, within: float = 1e-5) -> frozenset[str]:
    """The ids of the ten best and of all that tie with the tenth, given every score above zero."""
    best = sorted(scores, key=lambda pair: -pair[1])
    if not best:
        return frozenset()
    least = best[min(TOP, len(best)) - 1][1]
    return frozenset(id for id, score in best if score >= least - within * abs(least))


def _progress(said: str) -> None:
    sys.stderr.write(f"{time.strftime('%H:%M:%S')} {said}\n")

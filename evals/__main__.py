"""python -m evals retrieval --data PATH: what each leg and the fusion are worth."""

from __future__ import annotations

import argparse
import asyncio
import os
import sys
from pathlib import Path

from evals import margin, multihop, train_command
from evals.datasets import Split
from evals.report import machine, markdown, save
from evals.run import measure
from evals.systems import opened_reranker
from retrieval.errors import RetrievalError

ROOT = Path(__file__).parents[1]


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m evals", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    common = argparse.ArgumentParser(add_help=False)
    common.add_argument(
        "--data", type=Path, required=True, help="a folder of collections in BEIR layout"
    )
    common.add_argument("--split", type=Split, choices=tuple(Split), default=Split.DEV)
    common.add_argument("--models", type=Path, default=ROOT / "var" / "models")
    common.add_argument(
        "--out", type=Path, default=ROOT / "evals" / "out", help="keeps indexes between runs"
    )
    kept = argparse.ArgumentParser(add_help=False)
    kept.add_argument("--json", type=Path, help="write the numbers here too")
    retrieval = commands.add_parser(
        "retrieval", parents=[common, kept], help="nDCG@10, recall@100, MRR@10 and latency"
    )
    retrieval.add_argument("--collections", default="scifact,cranfield", help="names, by comma")
    retrieval.add_argument(
        "--legs", default="bm25,dense", help="of bm25, dense, sparse and, after these, graph"
    )
    retrieval.add_argument(
        "--reranker", type=Path, help="a cross-encoder's folder: judged beside the fusion"
    )
    hops = commands.add_parser(
        "multihop",
        parents=[common, kept],
        help="recall@2, @5 and @10 with and without the graph",
    )
    hops.add_argument("--collections", default="musique", help="names, by comma")
    room = commands.add_parser(
        "margin", parents=[common], help="how much a reranker could add, by the gate's margin"
    )
    room.add_argument("--collections", default="scifact,cranfield,musique", help="names, by comma")
    room.add_argument("--legs", default="bm25,dense,graph")
    train_command.describe(
        commands.add_parser("train", help="a sparse encoder of a collection's own passages")
    )
    chosen = parser.parse_args(arguments)
    given = sys.argv[1:] if arguments is None else arguments
    command = " ".join(["python -m evals", *given])
    try:
        if chosen.command == "train":
            return train_command.run(chosen, command=command)
        if chosen.command == "multihop":
            measured = asyncio.run(
                multihop.measure(
                    chosen.data,
                    collections=chosen.collections.split(","),
                    split=chosen.split,
                    models=chosen.models,
                    out=chosen.out,
                )
            )
            print(f"`{command}`, {machine()}\n")
            print(multihop.markdown(measured))
            if chosen.json:
                save(measured, chosen.json, command=command)
            return 0
        if chosen.command == "margin":
            rooms = asyncio.run(
                margin.measure(
                    chosen.data,
                    collections=chosen.collections.split(","),
                    split=chosen.split,
                    models=chosen.models,
                    out=chosen.out,
                    legs=chosen.legs.split(","),
                )
            )
            print(f"`{command}`, {machine()}\n")
            print(margin.markdown(rooms))
            return 0
        with opened_reranker(chosen.reranker) as reranker:
            results = asyncio.run(
                measure(
                    chosen.data,
                    collections=chosen.collections.split(","),
                    split=chosen.split,
                    models=chosen.models,
                    out=chosen.out,
                    legs=chosen.legs.split(","),
                    reranker=reranker,
                )
            )
    except (RetrievalError, OSError, ValueError) as error:
        sys.stderr.write(f"{error}\n")
        return 1
    print(f"`{command}`, {machine()}, load {os.getloadavg()[0]:.1f}\n")
    print(markdown(results))
    if chosen.json:
        save(results, chosen.json, command=command)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

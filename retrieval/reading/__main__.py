"""The process apart: takes its orders as JSON on the command line, and limits itself first.

Progress goes to standard output as lines of "done total"; the outcome into a file. Exit status 3
says that memory ran out, 4 that the outcome was too large: neither leaves room to say more.
"""

from __future__ import annotations

import ctypes
import errno
import json
import os
import resource
import signal
import sys
from pathlib import Path
from typing import Any

from retrieval.blocks import to_json
from retrieval.errors import Unreadable
from retrieval.reading.limits import Limits

OUT_OF_MEMORY = 3
TOO_LARGE = 4
_PR_SET_PDEATHSIG = 1


def confine(limits: Limits) -> None:
    """Give up what a parser does not need, before any of the file is seen."""
    # Linux only: when the server is killed, so are its readers.
    ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
    os.nice(10)
    for what, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_FSIZE, limits.result_bytes),
        (resource.RLIMIT_NOFILE, 64),
        (resource.RLIMIT_CORE, 0),
    ):
        hard = resource.getrlimit(what)[1]
        most = most if hard == resource.RLIM_INFINITY else min(most, hard)
        resource.setrlimit(what, (most, most))
    # Beyond the soft limit SIGXCPU tells what happened; beyond the hard one SIGKILL would not.
    resource.setrlimit(resource.RLIMIT_CPU, (limits.cpu_seconds, limits.cpu_seconds + 5))
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)  # becomes an OSError we can name


def report(done: int, total: int | None) -> None:
    sys.stdout.write(f"{done} {'' if total is None else total}\n")
    sys.stdout.flush()


def work(order: dict[str, Any], limits: Limits) -> bytes:
    path = Path(order["path"])
    if order["task"] == "read":
        from retrieval.reading.read import read

        name = order["declared_name"]
        reading = read(path, declared_name=name, limits=limits, progress=report)
        return to_json(reading).encode()
    from retrieval.reading import view

    if order["task"] == "render":
        return view.render(path, order["page"], scale=order["scale"], limits=limits)
    found = view.find(path, order["page"], order["quote"])
    return json.dumps(
        {
            "width": found.width,
            "height": found.height,
            "boxes": [[box.x, box.y, box.w, box.h] for box in found.boxes],
        }
    ).encode()


def main() -> int:
    order: dict[str, Any] = json.loads(sys.argv[1])
    limits = Limits(**order["limits"])
    confine(limits)
    outcome = Path(order["outcome"])
    try:
        try:
            result = b"+" + work(order, limits)
        except Unreadable as refusal:
            said = {"code": refusal.code, "message": refusal.message, "remedy": refusal.remedy}
            result = b"-" + json.dumps(said).encode()
        try:
            outcome.write_bytes(result)
        except OSError as error:
            if error.errno != errno.EFBIG:
                raise
            return TOO_LARGE
    except MemoryError:
        return OUT_OF_MEMORY
    return 0


if __name__ == "__main__":
    # Without the interpreter's tidying: a parser's destructors have nothing left to save.
    status = main()
    sys.stdout.flush()
    os._exit(status)

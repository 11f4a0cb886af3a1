"""Ports that nothing listens on now."""

from __future__ import annotations

import os
import random
import socket
from typing import Final

# Below those that systems give to whoever asks for any, and each worker's its own: what is free
# when it is drawn is still free when it is taken.
FIRST: Final = 10_000
EACH: Final = 5_000
_chance = random.SystemRandom()


def free_ports(count: int) -> list[int]:
    """So many different ones, each free until something takes it."""
    worker = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0").removeprefix("gw"))
    found: list[int] = []
    for port in _chance.sample(range(FIRST + worker * EACH, FIRST + (worker + 1) * EACH), EACH):
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        found.append(port)
        if len(found) == count:
            return found
    raise OSError(f"no {count} free ports from {FIRST + worker * EACH}, {EACH} looked at")


def free_port() -> int:
    (port,) = free_ports(1)
    return port

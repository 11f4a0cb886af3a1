"""From a fresh clone to the first cited answer, set-up included.

    python -m evals.bench.cold [--rounds 1]

Clones this checkout's last commit into an empty folder, runs its `./stratmaster up` there on a free
port, and asks the sample space's first question until it is answered. Prints the seconds to ready,
to the first answer and to the whole sample being read, then the same for a second start. What
package clients have cached on this machine stays cached; what `up` said is shown where it fails.
"""

from __future__ import annotations

import argparse
import asyncio
import contextlib
import os
import signal
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import httpx

from evals.bench.product import ask, free_port

ROOT = Path(__file__).parents[2]
LIMIT_S = 900


@dataclass(frozen=True)
class Start:
    """Seconds from the command to each moment."""

    ready: float
    answered: float
    read: float


@contextlib.contextmanager
def up(checkout: Path, port: int) -> Iterator[float]:
    """`./stratmaster up` in a checkout; yields the moment it was typed."""
    environment = {
        name: value for name, value in os.environ.items() if not name.startswith("STRATMASTER_")
    }
    with (checkout / "up.log").open("wb") as log:
        began = time.perf_counter()
        process = subprocess.Popen(
            ["./stratmaster", "up"],
            cwd=checkout,
            env=environment | {"STRATMASTER_PORT": str(port)},
            stdout=log,
            stderr=subprocess.STDOUT,
            start_new_session=True,
        )
        try:
            yield began
        finally:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGTERM)
            process.wait(timeout=30)


def start(checkout: Path) -> Start:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with up(checkout, port) as began:

        def until(happened: object) -> float:
            while time.perf_counter() - began < LIMIT_S:
                with contextlib.suppress(httpx.TransportError):
                    if callable(happened) and happened():
                        return time.perf_counter() - began
                time.sleep(0.05)
            raise TimeoutError((checkout / "up.log").read_text())

        client = httpx.Client(base_url=url, timeout=10)
        ready = until(lambda: client.get("/api/me").status_code == 200)
        until(lambda: client.get("/api/spaces").json())
        space = client.get("/api/spaces").json()[0]

        async def first_answer() -> bool:
            async with httpx.AsyncClient(
                base_url=url, timeout=60, headers={"Origin": url}
            ) as asking:
                asked = await ask(asking, space["id"], space["questions"][0])
                return asked.first_sentence is not None

        answered = until(lambda: asyncio.run(first_answer()))

        def all_read() -> bool:
            sources = client.get(f"/api/spaces/{space['id']}/sources").json()
            return bool(sources) and all(one["state"] == "ready" for one in sources)

        return Start(ready, answered, until(all_read))


def report(name: str, starts: Sequence[Start]) -> None:
    for moment in ("ready", "answered", "read"):
        seconds = [getattr(one, moment) for one in starts]
        spread = f"{min(seconds):.1f} to {max(seconds):.1f}"
        print(f"{name} to {moment:<9} {statistics.median(seconds):6.1f} s  ({spread})")


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawTextHelpFormatter
    )
    parser.add_argument("--rounds", type=int, default=1)
    chosen = parser.parse_args()
    first, second = [], []
    for _ in range(chosen.rounds):
        with tempfile.TemporaryDirectory() as folder:
            checkout = Path(folder) / "stratmaster"
            subprocess.run(["git", "clone", "-q", ROOT, checkout], check=True)
            first.append(start(checkout))
            second.append(start(checkout))
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    report("first start", first)
    report("second start", second)


if __name__ == "__main__":
    main()

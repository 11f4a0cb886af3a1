"""What was measured, as Markdown for a reader and as JSON for the next run to compare with."""

from __future__ import annotations

import json
import os
import platform
from collections.abc import Sequence
from dataclasses import asdict
from importlib.metadata import version
from pathlib import Path

from evals.metrics import SAMPLES, SEED, Interval
from evals.multihop import Hops
from evals.run import PAPERS_K, Result


def markdown(results: Sequence[Result]) -> str:
    lines = []
    for result in results:
        lines += [
            f"### {result.collection}, {result.split}: "
            f"{result.queries} queries, {result.passages:,} passages",
            "",
            "| system | nDCG@10 | 95 % | recall@100 | MRR@10 | against the others (paired 95 %) |",
            "|---|---:|---:|---:|---:|---|",
        ]
        for row in result.rows:
            # A leg's differences are in the JSON; here they would only repeat the fusion's.
            fused = "(" in row.system and not row.system.endswith(f"k = {PAPERS_K}")
            against = "; ".join(f"{other} {_signed(by)}" for other, by in row.against.items())
            lines.append(
                f"| {row.system} | {row.ndcg_10.mean:.3f} "
                f"| {row.ndcg_10.low:.3f}–{row.ndcg_10.high:.3f} "
                f"| {row.recall_100:.3f} | {row.mrr_10:.3f} | {against if fused else ''} |"
            )
        lines.append("")
        if result.stages:
            lines += ["| stage of a whole search | p50, ms | p95, ms | searches |"]
            lines += ["|---|---:|---:|---:|"]
            lines += [
                f"| {stage} | {took.p50:.1f} | {took.p95:.1f} | {took.searches} |"
                for stage, took in result.stages.items()
            ]
            lines.append("")
    return "\n".join(lines)


def save(results: Sequence[Result | Hops], path: Path, *, command: str) -> None:
    held = {
        "command": command,
        "machine": machine(),
        "load": round(os.getloadavg()[0], 1),
        "versions": {
            name: version(name)
            for name in ("numpy", "onnxruntime", "qdrant-edge-py", "tantivy", "tokenizers")
        },
        "bootstrap": {"samples": SAMPLES, "seed": SEED, "interval": 0.95},
        "results": [asdict(result) for result in results],
    }
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(held, indent=1) + "\n", encoding="utf-8")


def machine() -> str:
    """Cores and processor, as far as the system says."""
    name = platform.processor() or platform.machine()
    cpuinfo = Path("/proc/cpuinfo")
    if cpuinfo.is_file():
        for line in cpuinfo.read_text(encoding="utf-8").splitlines():
            if line.startswith("model name"):
                name = line.partition(":")[2].strip()
                break
    return (
        f"{os.cpu_count()} cores, {name}, {platform.system()}, Python {platform.python_version()}"
    )


def _signed(by: Interval) -> str:
    return f"{by.mean:+.3f} ({by.low:+.3f} to {by.high:+.3f})"

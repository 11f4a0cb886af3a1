"""How everything is, and what to do about what is not well."""

from __future__ import annotations

import asyncio
import contextlib
import platform
import shutil
import sqlite3
import sys
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

from backend.commands.client import serving
from backend.health import PortStatus
from backend.health import examine as examine_ports
from backend.settings import Settings
from backend.version import product_version
from retrieval.errors import IndexInUse, RetrievalError

SPACE = 2 * 1024**3  # bytes that should be free
PACKAGES = ("fastapi", "sqlalchemy", "tantivy", "qdrant-edge-py", "onnxruntime", "pycrdt")


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing looked at beside the ports."""

    name: str
    ok: bool
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Report:
    server: str | None
    ports: list[PortStatus]
    findings: list[Finding] = field(default_factory=list)

    @property
    def ok(self) -> bool:
        return all(port.ok for port in self.ports) and all(one.ok for one in self.findings)

    def json(self) -> dict[str, Any]:
        return {
            "ok": self.ok,
            "version": product_version(),
            "server": self.server,
            "ports": [port.model_dump() for port in self.ports],
            "findings": [
                {"name": one.name, "ok": one.ok, "detail": one.detail, "remedy": one.remedy}
                for one in self.findings
            ],
        }

    def text(self) -> str:
        lines = [
            f"StratMaster {product_version()}: "
            + (f"a server runs on {self.server}" if self.server else "no server runs")
        ]
        for port in self.ports:
            lines.append(_line(port.ok, port.port, f"{port.implementation}: {port.detail}"))
            lines.append(f"{'':17}{port.setting}={port.url}")
            if port.remedy:
                lines.append(f"{'':17}-> {port.remedy}")
        for one in self.findings:
            lines.append(_line(one.ok, one.name, one.detail))
            if one.remedy:
                lines.append(f"{'':17}-> {one.remedy}")
        return "\n".join(lines)


def _line(ok: bool, name: str, detail: str) -> str:
    return f"{'ok  ' if ok else 'LOOK'} {name:<11} {detail}"


async def examine(settings: Settings) -> Report:
    """Ask the server that runs; without one, open everything here and ask it."""
    running = await serving(settings)
    if running is not None:
        import httpx

        async with httpx.AsyncClient(timeout=30, trust_env=False) as client:
            health = (await client.get(f"{running}/api/health")).json()
        ports = [PortStatus(**port) for port in health["ports"]]
    else:
        ports = await _open_and_examine(settings)
    findings = await asyncio.to_thread(_around, settings)
    return Report(running, ports, findings)


async def _open_and_examine(settings: Settings) -> list[PortStatus]:
    from backend.wiring import open_services

    try:
        async with open_services(settings.model_copy(update={"jobs_workers": 0})) as services:
            with contextlib.suppress(Exception):  # the port that needs it says what is wrong
                await services.warm()
            return await examine_ports(services.ports)
    except IndexInUse as error:
        return [
            PortStatus(
                port="indexes",
                setting="DATA_DIR",
                url=str(settings.data_dir),
                implementation="embedded",
                ok=False,
                detail=str(error),
                remedy="Another process uses this data folder; stop it, or set STRATMASTER_PORT "
                "to the port it serves on.",
            )
        ]


def _around(settings: Settings) -> list[Finding]:
    return [_models(settings), _page(settings), _disk(settings), _versions()]


def _models(settings: Settings) -> Finding:
    from retrieval.weights import manifest, verify

    url = settings.url("DENSE_URL")
    if url.scheme != "onnx":
        return Finding("models", True, f"none needed for {url}")
    folder = settings.models / url.rest
    try:
        made = verify(folder)
    except RetrievalError as error:
        return Finding("models", False, str(error), "Run `./stratmaster setup`.")
    digest = manifest(folder).pack_sha256[:16]
    return Finding(
        "models",
        True,
        f"{made.name}, licence {made.licence}, weights {digest}…, every file's hash checked",
    )


def _page(settings: Settings) -> Finding:
    index = settings.frontend_dir / "index.html"
    if index.is_file():
        return Finding("front end", True, f"built in {settings.frontend_dir}")
    return Finding(
        "front end", False, f"not built in {settings.frontend_dir}", "Run `./stratmaster up`."
    )


def _disk(settings: Settings) -> Finding:
    folder = settings.data_dir.resolve()
    while not folder.exists():
        folder = folder.parent
    free = shutil.disk_usage(folder).free
    detail = f"{free / 1024**3:.1f} GiB free for {settings.data_dir}"
    if free >= SPACE:
        return Finding("disk", True, detail)
    return Finding("disk", False, detail, "Make room, or set STRATMASTER_DATA_DIR elsewhere.")


def _versions() -> Finding:
    found = []
    for package in PACKAGES:
        try:
            found.append(f"{package} {version(package)}")
        except PackageNotFoundError:
            found.append(f"{package} missing")
    python = platform.python_version()
    right = sys.version_info[:2] == (3, 11)
    return Finding(
        "versions",
        right,
        f"Python {python} in {Path(sys.prefix)}, SQLite {sqlite3.sqlite_version}, "
        + ", ".join(found),
        "" if right else "Run it with Python 3.11, as ./stratmaster does.",
    )

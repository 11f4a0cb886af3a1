"""What each port is plugged into, whether it answers, and what to do when it does not."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass

from fastapi import APIRouter
from pydantic import BaseModel

from backend.errors import describe
from backend.http import Asking, Wired
from backend.version import product_version

router = APIRouter(tags=["health"])

PATIENCE = 3.0  # seconds for one port to answer


@dataclass(frozen=True, slots=True)
class Port:
    """One thing the product asks of the world, and what gives it here.

    ``check`` says in a few words how it is, or raises what is wrong with it.
    """

    port: str
    setting: str
    url: str
    implementation: str
    check: Callable[[], Awaitable[str]]


class PortStatus(BaseModel):
    port: str
    setting: str
    url: str
    implementation: str
    ok: bool
    detail: str
    remedy: str


class Health(BaseModel):
    status: str
    version: str
    ports: list[PortStatus]


async def examine(ports: Sequence[Port]) -> list[PortStatus]:
    """Ask every port at once."""
    return list(await asyncio.gather(*(_examine(port) for port in ports)))


async def _examine(port: Port) -> PortStatus:
    ok, remedy = True, ""
    try:
        async with asyncio.timeout(PATIENCE):
            detail = await port.check()
    except TimeoutError:
        ok, detail = False, f"did not answer within {PATIENCE:.0f} s"
        remedy = f"Look at {port.url} and at STRATMASTER_{port.setting}."
    except Exception as error:  # whatever is wrong with it is what is to be told
        said = describe(error)
        ok, detail = False, str(error) or type(error).__name__
        remedy = said.remedy if said.code != "internal" else f"Check STRATMASTER_{port.setting}."
    return PortStatus(
        port=port.port,
        setting=port.setting,
        url=port.url,
        implementation=port.implementation,
        ok=ok,
        detail=detail,
        remedy=remedy,
    )


@router.get("/api/health")
async def health(principal: Asking, services: Wired) -> Health:
    ports = await examine(services.ports)
    return Health(
        status="ok" if all(port.ok for port in ports) else "degraded",
        version=product_version(),
        ports=ports,
    )

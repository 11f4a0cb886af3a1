"""A reading of a space by the language model, from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from backend.commands.client import Refused, find_space, product, told
from backend.settings import Settings
from retrieval.counted import counted

LOOK = 0.5  # seconds between two looks at how far it is


@dataclass(frozen=True, slots=True)
class Found:
    """Where a reading is, as the API says it."""

    body: dict[str, Any]
    only_estimate: bool = False

    @property
    def whole(self) -> bool:
        run = self.body["run"]
        return self.only_estimate or (run is not None and run["state"] == "done")

    def json(self) -> dict[str, Any]:
        return self.body

    def text(self) -> str:
        estimate, run = self.body["estimate"], self.body["run"]
        if self.only_estimate:
            cost, minutes = estimate["cost_usd"], estimate["minutes"]
            return (
                f"{counted(estimate['passages'], 'passage')} to be read by {self.body['model']}, "
                f"{estimate['kept']:,} read already: about {estimate['prompt_tokens']:,} tokens in "
                f"and {estimate['completion_tokens']:,} out, "
                f"cost {'unknown' if cost is None else f'{cost:.4f} USD'}, "
                f"{'time unknown before the first' if minutes is None else f'{minutes:g} minutes'}"
            )
        reason = run["reason"]
        lines = [f"{run['state']}: {progress(run)}"]
        if reason is not None:
            lines.append(f"{reason['message']} {reason['remedy']}")
        return "\n".join(lines)


def progress(run: dict[str, Any]) -> str:
    cost = "unknown cost" if run["unpriced"] else f"{run['cost_usd']:.4f} USD"
    return (
        f"{counted(run['passages'], 'passage')} read, {counted(run['facts'], 'fact')} found, "
        f"{run['dropped']:,} not borne out, "
        f"{run['prompt_tokens'] + run['completion_tokens']:,} tokens, {cost}"
    )


async def estimated(settings: Settings, space: str) -> Found:
    """What it would take, before anything is asked."""
    async with product(settings) as client:
        found = await find_space(client, space)
        return Found(_needed(await told(await client.get(_at(found)))), only_estimate=True)


async def extract(
    settings: Settings,
    space: str,
    *,
    budget_usd: float | None,
    budget_tokens: int | None,
    tell: Callable[[str], None],
) -> Found:
    """Begin, or go on with what is paused, and wait until it ends or pauses."""
    async with product(settings) as client:
        at = _at(await find_space(client, space))
        body = _needed(await told(await client.get(at)))
        run = body["run"]
        budget = {"budget_usd": budget_usd, "budget_tokens": budget_tokens}
        given = any(value is not None for value in budget.values())
        if run is None or run["state"] in ("done", "cancelled"):
            if not body["estimate"]["passages"] and run is not None and run["state"] == "done":
                return Found(body)
            body = await told(await client.post(at, json=budget))
        elif run["state"] == "paused":
            body = await told(await client.post(f"{at}/resume", json=budget if given else None))
        said = ""
        while body["run"]["state"] == "running":
            line = progress(body["run"])
            if line != said:
                tell(line)
                said = line
            await asyncio.sleep(LOOK)
            body = await told(await client.get(at))
        return Found(body)


def _at(space: str) -> str:
    return f"/api/spaces/{space}/graph/extraction"


def _needed(body: dict[str, Any]) -> dict[str, Any]:
    if body["model"] is None:
        raise Refused(body["message"], body["remedy"])
    return body

"""Exports to a brief's targets, from the command line."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import httpx

from backend.commands.client import Refused, find_brief, product, told
from backend.settings import Settings

LOOK = 0.3  # seconds between looks at how far it is

_COUNTED = ("create", "update", "archive", "conflict", "drift", "astray")


@dataclass(frozen=True, slots=True)
class Shipped:
    """``plan`` and ``run`` are None where it did not come so far."""

    brief: str
    targets: Sequence[dict[str, Any]] = field(default_factory=list)
    plan: dict[str, Any] | None = None
    run: dict[str, Any] | None = None

    @property
    def whole(self) -> bool:
        """Nothing that was asked for is left to do."""
        return self.run is None or self.run["state"] == "done"

    def json(self) -> dict[str, Any]:
        return {
            "brief": self.brief,
            "targets": list(self.targets),
            "plan": self.plan,
            "run": self.run,
        }

    def text(self) -> str:
        if self.run is not None:
            return _run(self.run)
        if self.plan is not None:
            return _plan(self.plan)
        return "\n".join(_target(one) for one in self.targets) or "This brief goes nowhere yet."


async def ship(
    settings: Settings,
    brief: str,
    target: str,
    space: str,
    *,
    yes: bool,
    archives: bool,
    tell: Callable[[str], None],
) -> Shipped:
    """List where a brief goes; plan for one of its targets; with ``yes``, carry that plan out.

    A target is named by its id, or by its name where only one has it.
    """
    async with product(settings) as client:
        found = await find_brief(client, brief, space)
        path = f"/api/briefs/{found['id']}/targets"
        targets = await told(await client.get(path))
        if not target:
            return Shipped(found["id"], targets)
        at = f"{path}/{_named(targets, target)['id']}"
        plan = await told(await client.post(f"{at}/plan"))
        if not yes:
            return Shipped(found["id"], plan=plan)
        tell(_plan(plan))
        if plan["needs_yes"] and not archives:
            raise Refused(
                f"This would archive more than {plan['archives_limit']} items.",
                "Look at them, and say yes to that, too: --archives.",
            )
        approval = {"checksum": plan["checksum"], "archives": archives}
        run = await told(await client.post(f"{at}/runs", json=approval))
        return Shipped(
            found["id"], plan=plan, run=await _over(client, f"{at}/runs/{run['id']}", tell)
        )


async def _over(
    client: httpx.AsyncClient, path: str, tell: Callable[[str], None]
) -> dict[str, Any]:
    """The run at its end; Ctrl-C leaves a running server at it."""
    said = ""
    while True:
        run: dict[str, Any] = await told(await client.get(path))
        if run["ended_at"] is not None:
            return run
        line = f"{run['done']} of {run['total']}"
        if run["wait_until"]:
            line += f", {run['state']} until {run['wait_until']}"
        if line != said:
            tell(said := line)
        await asyncio.sleep(LOOK)


def _named(targets: Sequence[dict[str, Any]], wanted: str) -> dict[str, Any]:
    named = [one for one in targets if one["id"] == wanted] or [
        one for one in targets if one["name"] == wanted
    ]
    if len(named) != 1:
        known = ", ".join(f"{one['id']} ({one['name']})" for one in named or targets)
        raise Refused(
            f"{len(named)} targets are called {wanted!r}.",
            f"Name one by its id: {known or 'this brief goes nowhere yet'}.",
        )
    return named[0]


def _target(one: dict[str, Any]) -> str:
    changes = one["changes"]
    state = "never exported"
    if one["reconnect"]:
        state = "connect again"
    elif one["exported_at"]:
        here = "as it was sent" if changes == 0 else f"{changes} changed here"
        state = "not known" if changes is None else here
        there = sum(one["drift"].values())
        state += f", {there} changed over there" if there else ""
    return f"{one['id']}  {one['name']} ({one['kind']}): {state}"


def _plan(plan: dict[str, Any]) -> str:
    counts = plan["counts"]
    said = " · ".join(f"{counts[name]} {name}" for name in _COUNTED if counts[name])
    calls = f"{counts['writes']} call{'' if counts['writes'] == 1 else 's'}"
    lines = [f"{said or 'nothing to send'}, {calls}, {plan['seconds']:.0f} s at least"]
    lines += [
        f"  {one['change']}  {one['title']}" for one in plan["items"] if one["change"] != "keep"
    ]
    lines += [f"  not shown there: {one['what']}" for one in plan["losses"]]
    return "\n".join(lines)


def _run(run: dict[str, Any]) -> str:
    lines = [f"{run['state']}: {run['done']} of {run['total']}"]
    if run["trouble"]:
        lines.append(f"  {run['trouble']['message']} {run['trouble']['remedy']}")
    lines += [
        f"  {one['op']} {_items(one)}: {one['outcome']} {one['message']}".rstrip()
        for one in run["outcomes"]
        if one["outcome"] != "done"
    ]
    return "\n".join(lines)


def _items(outcome: dict[str, Any]) -> str:
    """What a call is about: the first of its items, and how many more."""
    names: list[str] = [
        title or key for title, key in zip(outcome["titles"], outcome["keys"], strict=True)
    ]
    return names[0] + (f" and {len(names) - 1} more" if len(names) > 1 else "")

"""How a target is reached: the adapter of its kind, and what the adapter calls through."""

from __future__ import annotations

from typing import Protocol

from backend.auth.principal import Principal
from backend.exports.model import Target
from exporters.ports import Adapter, Api


class Reach(Protocol):
    def adapter(self, kind: str) -> Adapter:
        """Loaded when it is first asked for; Invalid for a kind that there is not."""
        ...

    async def check(self, principal: Principal, target: Target) -> None:
        """Raises where this person may not send through the target's connection, or where that
        leads to another kind of place or belongs to another space."""
        ...

    async def api(self, target: Target) -> Api:
        """What an adapter calls through. Raises NotConnected where a person has to connect again,
        NotFound where the connection is gone."""
        ...

    async def watch(self, principal: Principal, target: Target) -> None:
        """Have the other side call in when something changes there, where it can."""
        ...

    async def unwatch(self, target: Target) -> None:
        """Have it call in no more about a place that no target is at any longer."""
        ...

"""How briefs compare to what was seen at the last look, kept until one of the sides changes."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final

from backend.exports.differences import remembered
from backend.exports.model import Findings
from exporters.compare import Comparison, compare
from exporters.errors import ExportError
from exporters.model import Brief
from exporters.ports import Adapter
from exporters.records import Decisions, Entry, Place

KEPT: Final = 32  # of one brief in one target each


@dataclass(frozen=True, slots=True)
class Sides:
    """All that a comparison follows from."""

    brief: Brief
    place: Place
    entries: Mapping[str, Entry]
    findings: Findings
    decisions: Decisions


@dataclass(frozen=True, slots=True)
class _Compared:
    sides: Sides
    comparison: Comparison | None


class Comparisons:
    """Pages ask for the same ones again and again, and rendering a long brief takes a moment."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, str], _Compared] = OrderedDict()

    async def of(self, adapter: Adapter, sides: Sides) -> Comparison | None:
        """None where the brief cannot be shown there, which planning tells."""
        key = (sides.place.target, sides.place.brief)
        compared = await asyncio.to_thread(_compared, adapter, sides, self._kept.pop(key, None))
        self._kept[key] = compared
        while len(self._kept) > KEPT:
            self._kept.popitem(last=False)
        return compared.comparison


def _compared(adapter: Adapter, sides: Sides, before: _Compared | None) -> _Compared:
    if before is not None and before.sides == sides:
        return before
    try:
        rendering = adapter.render(sides.brief, sides.place)
    except ExportError:
        return _Compared(sides, None)
    found = remembered(sides.entries, sides.findings)
    return _Compared(sides, compare(rendering, sides.entries, found, sides.decisions))

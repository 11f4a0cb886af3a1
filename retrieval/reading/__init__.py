"""Bytes into text: every format we read, and the process apart in which that happens.

``read_apart`` is what the application calls. The names load on first use, because the process
apart imports this package too and should start with nothing but the parser it needs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from retrieval.reading.apart import boxes, read_apart, render_page
    from retrieval.reading.limits import Limits
    from retrieval.reading.read import read
    from retrieval.reading.view import Box, PageBoxes

__all__ = ["Box", "Limits", "PageBoxes", "boxes", "read", "read_apart", "render_page"]

_HOMES = {
    "Box": "view",
    "Limits": "limits",
    "PageBoxes": "view",
    "boxes": "apart",
    "read": "read",
    "read_apart": "apart",
    "render_page": "apart",
}


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    from importlib import import_module

    value = getattr(import_module(f"{__name__}.{_HOMES[name]}"), name)
    globals()[name] = value  # also hides the submodule of the same name, as with ``read``
    return value

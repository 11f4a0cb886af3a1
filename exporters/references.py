"""How a reference reads, in every target the same. Pure."""

from __future__ import annotations

from exporters.model import Reference

HEADING = "References"
UNKNOWN = "?"  # the number of a citation whose evidence is gone
_STATES = {
    "stale": "a newer version of the source no longer says this",
    "deleted": "the source was deleted",
    "unknown": "the evidence is not known here",
}
VERSION_DIGITS = 12


def place(reference: Reference) -> str:
    """Where it stands: ``Report.pdf, page 4``."""
    page = f", page {reference.page}" if reference.page is not None else ""
    return f"{reference.source or 'Unknown source'}{page}"


def quotation(reference: Reference) -> str:
    """The quote on one line, in quotation marks."""
    return f"“{' '.join(reference.quote.split())}”" if reference.quote.strip() else ""


def provenance(reference: Reference) -> str:
    """The version it was read from and what has become of it; empty where neither is known."""
    parts = []
    if reference.version:
        parts.append(f"version {reference.version[:VERSION_DIGITS]}")
    if reference.state in _STATES:
        parts.append(_STATES[reference.state])
    return "; ".join(parts)

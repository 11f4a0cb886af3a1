"""What can go wrong in an export, in its own words."""

from __future__ import annotations


class ExportError(Exception):
    """The root of everything this package raises."""


class TooDeep(ExportError):
    """A brief nested deeper than any target shows."""

    def __init__(self, key: str, limit: int) -> None:
        super().__init__(
            f"Block {key!r} lies more than {limit} levels deep; lift it out of its lists."
        )
        self.key = key
        self.limit = limit

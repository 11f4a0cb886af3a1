"""How much one file may ask of us."""

from __future__ import annotations

from dataclasses import dataclass

MIB = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Limits:
    """Every limit of a reading, each at its largest allowed value: one more is refused."""

    bytes: int = 100 * MIB  # of the file
    characters: int = 20_000_000  # code points of text made from it
    pages: int = 5_000  # PDF pages, slides or sheets
    cells: int = 2_000_000  # table cells, empty ones included
    depth: int = 200  # elements or lists inside one another
    zip_entries: int = 10_000
    zip_inflated_bytes: int = 512 * MIB  # all entries together
    zip_ratio: int = 200  # inflated to packed, of entries above `zip_ratio_from`
    zip_ratio_from: int = 4 * MIB  # small XML parts pack better than any bomb
    seconds: float = 300.0  # wall clock, process start included
    cpu_seconds: int = 240
    memory_bytes: int = 1536 * MIB  # address space of the process apart
    result_bytes: int = 256 * MIB  # what it may write
    pixels: int = 16_000_000  # of a rendered page

"""The .hmsemb pack: int8 weights and a tokenizer behind one JSON header.

Layout: the magic, a little-endian u64 header length, the header, the tokenizer's JSON, then the
tensors in the header's order. An i8 tensor is its values followed by one f32 scale for each
``group`` of values along a row.
"""

from __future__ import annotations

import hashlib
import json
import struct
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from retrieval.errors import WeightsError

MAGIC = b"HMSEMB01"


@dataclass(frozen=True, slots=True)
class Quantised:
    """A matrix in int8 with a scale per group of values; both keep the row as first axis."""

    values: NDArray[np.int8]  # (rows, groups, group)
    scales: NDArray[np.float32]  # (rows, groups)

    def rows(self, start: int, stop: int) -> Quantised:
        return Quantised(self.values[start:stop], self.scales[start:stop])

    def floats(self) -> NDArray[np.float32]:
        wide = self.values.astype(np.float32) * self.scales[..., None]
        return wide.reshape(len(wide), -1)


@dataclass(frozen=True, slots=True)
class Pack:
    meta: Mapping[str, Any]
    arch: Mapping[str, Any]
    tokenizer: bytes
    matrices: Mapping[str, Quantised]
    plain: Mapping[str, NDArray[np.float32]]


def read(content: bytes, *, sha256: str) -> Pack:
    """Parse a pack, after checking that it is the very bytes that were pinned."""
    found = hashlib.sha256(content).hexdigest()
    if found != sha256:
        raise WeightsError(
            f"the weights pack has SHA-256 {found}, pinned is {sha256}; "
            "delete the download and fetch it again, and do not use these bytes"
        )
    if not content.startswith(MAGIC):
        raise WeightsError(f"the weights pack starts with {content[:8]!r}, expected {MAGIC!r}")
    (length,) = struct.unpack_from("<Q", content, len(MAGIC))
    at = len(MAGIC) + 8
    header = json.loads(content[at : at + length])
    at += length
    tokenizer = content[at : at + header["tokenizer_len"]]
    at += header["tokenizer_len"]
    matrices: dict[str, Quantised] = {}
    plain: dict[str, NDArray[np.float32]] = {}
    for tensor in header["tensors"]:
        raw = content[at : at + tensor["len"]]
        at += tensor["len"]
        shape = tuple(tensor["shape"])
        if tensor["dtype"] == "f32":
            plain[tensor["name"]] = np.frombuffer(raw, "<f4").reshape(shape)
            continue
        rows, columns = shape
        groups = columns // tensor["group"]
        matrices[tensor["name"]] = Quantised(
            np.frombuffer(raw[: rows * columns], np.int8).reshape(rows, groups, tensor["group"]),
            np.frombuffer(raw[rows * columns :], "<f4").reshape(rows, groups),
        )
    if at != len(content):
        raise WeightsError(f"the weights pack holds {len(content)} bytes, its header tells of {at}")
    return Pack(header["meta"], header["arch"], tokenizer, matrices, plain)

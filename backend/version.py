"""Which version of the product this is."""

from __future__ import annotations

from importlib.metadata import PackageNotFoundError, version


def product_version() -> str:
    try:
        return version("stratmaster")
    except PackageNotFoundError:
        return "unpackaged"

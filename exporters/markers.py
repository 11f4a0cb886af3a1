"""The sign that an object over there is ours. Pure."""

from __future__ import annotations

import hashlib
from typing import Final

from exporters.records import Place

PREFIX: Final = "sm-"
DIGITS: Final = 24  # 96 bits: two that meet by chance are not to be expected


def marker(place: Place, brief: str, key: str) -> str:
    """The same for the same thing for ever; letters, digits and one hyphen, 27 characters.

    A label, a property's value, a word in a description: every target takes these characters.
    """
    said = "\0".join((place.target, brief, key)).encode()
    return PREFIX + hashlib.sha256(said).hexdigest()[:DIGITS]

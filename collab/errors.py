"""What can go wrong in a room."""

from __future__ import annotations


class CollabError(Exception):
    """The root of everything this package raises."""


class UnknownDocument(CollabError):
    """No document of that id is stored."""


class OtherEpoch(CollabError):
    """The store's document is not the one that was loaded: it was rebuilt meanwhile."""


class Malformed(CollabError):
    """Bytes that are not a message of the protocol, or are one past its limits."""


class Refused(CollabError):
    """A visitor tried what their access does not allow."""

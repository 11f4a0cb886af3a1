"""What can go wrong in retrieval, in its own words."""

from __future__ import annotations

from pathlib import Path


class RetrievalError(Exception):
    """The root of everything this package raises."""


def said(error: Exception, folder: Path) -> str:
    """What an error says, for people who need not know where on the disk a folder is."""
    return str(error).replace(str(folder), folder.name)


class AllLegsFailed(RetrievalError):
    """No leg answered, so there is nothing to fuse."""


class IndexMismatch(RetrievalError):
    """An index was made by something else than what now wants to read it.

    ``made`` is what made it, where the index is ours and says so: it can be made anew.
    """

    def __init__(self, message: str, *, made: str | None = None) -> None:
        super().__init__(message)
        self.made = made


class WeightsError(RetrievalError):
    """Model weights are missing, or are not the bytes they should be.

    ``remedy`` says the way out where it is not to fetch them again.
    """

    def __init__(self, message: str, remedy: str = "") -> None:
        super().__init__(message)
        if remedy:
            self.remedy = remedy


class Unreadable(RetrievalError):
    """A file that cannot be turned into text.

    ``code`` is stable and machine-readable; ``message`` names the thing and the value;
    ``remedy`` says the way out.
    """

    def __init__(self, code: str, message: str, remedy: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message
        self.remedy = remedy


class EncodingFailed(RetrievalError):
    """An encoder made something that is not a vector."""


class IndexInUse(RetrievalError):
    """Another process holds an index that only one can have open."""


class BadQuery(RetrievalError):
    """A question that names a field and says nothing that fits it.

    ``message`` names the value; ``remedy`` says how to write it.
    """

    code = "bad_query"

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(message)
        self.message = f"{message}."
        self.remedy = remedy


class EngineUnavailable(RetrievalError):
    """A search server that does not answer, or not now."""


class BeingRebuilt(EngineUnavailable):
    """An index that answers once it is built, which is going on."""

    code = "being_rebuilt"
    remedy = "Wait until it is built; the other legs answer meanwhile."

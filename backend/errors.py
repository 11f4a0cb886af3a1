"""What can go wrong in the application, and the one table that turns errors into statuses."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from collab.errors import CollabError, Refused, UnknownDocument
from exporters.errors import (
    BadMapping,
    ExportError,
    LostLease,
    NotConnected,
    OutcomeUnknown,
    RemoteError,
    RemoteRefused,
    Throttled,
    TooDeep,
    TooMuch,
    Unreachable,
    UnsafePlan,
)
from retrieval.errors import (
    AllLegsFailed,
    BadQuery,
    EngineUnavailable,
    IndexInUse,
    IndexMismatch,
    RetrievalError,
    Unreadable,
    WeightsError,
)
from retrieval.ingest import LegsFailed


class BackendError(Exception):
    """The root of what the application itself raises.

    ``code`` is stable and for programs; the message names the thing and the value; the remedy
    says the way out.
    """

    code = "internal"

    def __init__(self, message: str, remedy: str = "", *, code: str | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.remedy = remedy
        if code is not None:
            self.code = code


class NotFound(BackendError):
    """Not there, or not for this reader: the two look the same from outside."""

    code = "not_found"

    def __init__(self, kind: str, name: str) -> None:
        super().__init__(
            f"There is no {kind} {name!r} here.",
            "It may have been deleted, or it belongs to someone else.",
        )


class NotSignedIn(BackendError):
    code = "not_signed_in"


class Forbidden(BackendError):
    """Signed in, sees the thing, may not do this to it."""

    code = "forbidden"


class Invalid(BackendError):
    """A request that cannot mean anything."""

    code = "invalid"


class TooLarge(BackendError):
    code = "too_large"


class Conflict(BackendError):
    """Something else stands in the way just now."""

    code = "conflict"


class Unavailable(BackendError):
    """A part this needs does not answer."""

    code = "unavailable"


@dataclass(frozen=True, slots=True)
class ErrorBody:
    """An error as the API writes it."""

    status: int
    code: str
    message: str
    remedy: str

    def json(self) -> dict[str, dict[str, str]]:
        return {
            "error": {"code": self.code, "message": self.message, "remedy": self.remedy},
        }


# Looked up along the class's ancestry, so the nearest line holds.
STATUS: Mapping[type[Exception], int] = {
    NotSignedIn: 401,
    Forbidden: 403,
    Refused: 403,
    NotFound: 404,
    UnknownDocument: 404,
    Conflict: 409,
    IndexInUse: 409,
    LostLease: 409,
    NotConnected: 409,
    UnsafePlan: 409,
    TooLarge: 413,
    Invalid: 422,
    BadMapping: 422,
    BadQuery: 422,
    RemoteRefused: 422,
    TooDeep: 422,
    TooMuch: 422,
    Unreadable: 422,
    AllLegsFailed: 503,
    LegsFailed: 503,
    EngineUnavailable: 503,
    IndexMismatch: 503,
    OutcomeUnknown: 503,
    Throttled: 503,
    Unreachable: 503,
    WeightsError: 503,
    Unavailable: 503,
    BackendError: 500,
    ExportError: 500,
    RetrievalError: 500,
    CollabError: 500,
}

# What an error without a code and a remedy of its own says.
_WORDS: Mapping[type[Exception], tuple[str, str]] = {
    UnknownDocument: ("not_found", "It may have been deleted, or it belongs to someone else."),
    Refused: ("forbidden", "Ask an admin of the space for the right to change it."),
    AllLegsFailed: ("search_failed", "Run `stratmaster doctor` to see which index is down."),
    LegsFailed: ("legs_failed", "Run `stratmaster doctor` to see which index is down."),
    EngineUnavailable: ("engine_unavailable", "Start it, or set another URL for it."),
    IndexInUse: ("in_use", "Stop the other process, or set STRATMASTER_DATA_DIR elsewhere."),
    IndexMismatch: ("index_mismatch", "Run `stratmaster reindex` to build the index again."),
    WeightsError: ("weights", "Run `./stratmaster setup` to fetch the encoder's weights again."),
    BadMapping: ("bad_mapping", "Look through what was chosen for this target."),
    LostLease: ("conflict", "Wait for the export that is on its way."),
    NotConnected: ("not_connected", "Connect again; what was exported stays as it is."),
    OutcomeUnknown: ("outcome_unknown", "Export again: what was made is looked for first."),
    RemoteRefused: ("remote_refused", "Change what it names, here or over there, and try again."),
    Throttled: ("throttled", "Wait, and try again."),
    TooDeep: ("too_deep", ""),
    TooMuch: ("too_much", ""),
    Unreachable: ("unreachable", "Try again in a moment."),
    UnsafePlan: ("unsafe_plan", "Look at the plan anew."),
}


def describe(error: Exception) -> ErrorBody:
    """How an error looks over HTTP. One that is not in the table says nothing of itself."""
    for ancestor in type(error).__mro__:
        status = STATUS.get(ancestor)
        if status is not None:
            code, remedy = next(
                (_WORDS[kind] for kind in type(error).__mro__ if kind in _WORDS), ("internal", "")
            )
            if not isinstance(error, RemoteError):  # whose code is the other side's own
                code = getattr(error, "code", code)
            return ErrorBody(
                status,
                code,
                getattr(error, "message", str(error)),
                getattr(error, "remedy", remedy),
            )
    return ErrorBody(
        500,
        "internal",
        "The server could not do this.",
        "Try again; the server's log says what happened.",
    )

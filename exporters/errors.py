"""What can go wrong in an export, in its own words."""

from __future__ import annotations

from datetime import timedelta


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


class TooMuch(ExportError):
    """More than the target takes: the message says of what, how much, and the way out."""


class BadMapping(ExportError):
    """A choice of the mapping that the target has not, or no longer: a property renamed away."""


class UnsafePlan(ExportError):
    """A plan that may not be carried out without a second yes, or no longer is the one approved."""


class RemoteError(ExportError):
    """The other side. ``status`` is its HTTP status, None where it gave none."""

    def __init__(self, message: str, *, status: int | None = None, code: str = "") -> None:
        super().__init__(message)
        self.status = status
        self.code = code


class RemoteRefused(RemoteError):
    """It said no, and did nothing: a bad field, a right that is missing, a thing not there."""


class NotConnected(RemoteError):
    """Our token is no longer good: connect again."""


class Unreachable(RemoteError):
    """No answer, and surely nothing done."""


class OutcomeUnknown(RemoteError):
    """Sent, and no answer that tells: it may have been done."""


class Throttled(RemoteError):
    """It asks us to wait longer than a call may wait; try again after ``wait``."""

    def __init__(self, message: str, *, wait: timedelta) -> None:
        super().__init__(message, status=429)
        self.wait = wait


class LostLease(ExportError):
    """Another worker has this export now: nothing more may be sent by this one."""

"""The time and new names: the two things code takes from thin air."""

from __future__ import annotations

import asyncio
import secrets
from datetime import UTC, datetime


def now() -> datetime:
    return datetime.now(UTC)


class SystemClock:
    """The time as it is, for what is handed a clock."""

    def now(self) -> datetime:
        return now()

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(max(0.0, seconds))


def iso(moment: datetime) -> str:
    """ISO 8601 in UTC, as the API writes times."""
    return moment.astimezone(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def new_id(prefix: str) -> str:
    """A name nobody can guess: ``src_`` and 16 hex digits."""
    return f"{prefix}_{secrets.token_hex(8)}"

"""What the application asks of the world beyond its libraries' ports."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol


@dataclass(frozen=True, slots=True)
class Message:
    role: str  # "system" or "user"
    content: str


@dataclass(frozen=True, slots=True)
class Prompt:
    """What a model is asked. ``digest`` is the SHA-256 of its canonical JSON.

    ``schema`` is the JSON schema that the reply should keep to, where the server can hold it so.
    """

    messages: tuple[Message, ...]
    max_tokens: int
    temperature: float = 0.0
    seed: int | None = 0
    digest: str = ""
    schema: Mapping[str, Any] | None = None


@dataclass(frozen=True, slots=True)
class Delta:
    """A piece of the model's text as it comes."""

    text: str


@dataclass(frozen=True, slots=True)
class Usage:
    """What a call took. ``cost_usd`` is None where the price is not known, 0.0 where it is free."""

    model: str
    prompt_tokens: int
    completion_tokens: int
    cost_usd: float | None


class LanguageModel(Protocol):
    """Streams deltas, then one usage, then ends."""

    @property
    def name(self) -> str: ...

    def stream(self, prompt: Prompt) -> AsyncIterator[Delta | Usage]: ...


class BlobStore(Protocol):
    """Bytes by key. A put is whole and durable when it returns, or did not happen."""

    async def put(self, key: str, content: AsyncIterator[bytes]) -> int:
        """Store what comes; the number of bytes."""
        ...

    def open(self, key: str) -> AsyncIterator[bytes]: ...

    async def read(self, key: str) -> bytes: ...

    async def exists(self, key: str) -> bool: ...

    async def delete(self, keys: Sequence[str]) -> None:
        """Remove these; one that is not there is no error."""
        ...

    def stored_before(self, moment: datetime) -> AsyncIterator[str]:
        """The keys of what was stored before then, in no order."""
        ...

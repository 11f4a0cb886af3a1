"""A language model as one that reads passages for facts."""

from __future__ import annotations

import hashlib
from typing import Protocol, runtime_checkable

from backend.answers.answer import Priced
from backend.answers.prompt import estimate_tokens, sealed
from backend.ports import Delta, LanguageModel, Message, Prompt, Usage
from retrieval.graph.extract import FORM, SCHEMA, Extracted, Heard, Malformed, heard, question
from retrieval.model import Passage

REPLY_TOKENS = 1_200  # of one reply at most
_ATTEMPTS = 2  # a reply that is no list is asked for once more


@runtime_checkable
class Readied(Protocol):
    """A model that has to load something before it knows its price."""

    async def ready(self) -> None: ...


class ModelExtractor:
    """Satisfies ``retrieval.ports.Extractor``. Raises ModelFailed where nothing is answered."""

    def __init__(self, model: LanguageModel) -> None:
        self._model = model

    @property
    def name(self) -> str:
        return self._model.name

    @property
    def fingerprint(self) -> str:
        asked = hashlib.sha256(f"{FORM} {self._model.name}".encode()).hexdigest()[:12]
        return f"{FORM} {self._model.name} {asked}"

    async def ready(self) -> None:
        """Load what is needed to know a price."""
        if isinstance(self._model, Readied):
            await self._model.ready()

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        if not isinstance(self._model, Priced):
            return None
        return self._model.price(prompt_tokens, completion_tokens)

    def most(self, passage: Passage) -> tuple[int, int]:
        """Tokens that asking about a passage may take, in and out, asked again included."""
        system, shown = question(passage)
        return _ATTEMPTS * estimate_tokens(system + shown), _ATTEMPTS * REPLY_TOKENS

    async def read(self, passage: Passage) -> Extracted:
        system, shown = question(passage)
        told, said = 0, 0
        cost: float | None = 0.0
        for attempt in range(1, _ATTEMPTS + 1):
            prompt = sealed(
                Prompt(
                    (Message("system", system), Message("user", shown)),
                    max_tokens=REPLY_TOKENS,
                    seed=attempt,
                    schema=SCHEMA,
                )
            )
            reply = ""
            async for piece in self._model.stream(prompt):
                match piece:
                    case Delta(text=text):
                        reply += text
                    case Usage():
                        # A server that does not count is counted for, or no budget would hold.
                        told += piece.prompt_tokens or estimate_tokens(system + shown)
                        said += piece.completion_tokens or estimate_tokens(reply)
                        known = cost is not None and piece.cost_usd is not None
                        cost = (cost or 0.0) + (piece.cost_usd or 0.0) if known else None
            try:
                return Extracted(heard(reply, passage), told, said, cost)
            except Malformed:
                continue
        return Extracted(Heard(), told, said, cost, error="malformed")

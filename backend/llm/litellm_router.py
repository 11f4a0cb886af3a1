"""Any language model that LiteLLM can reach. The only module that imports it.

One model at one address is called directly; a file of several goes through LiteLLM's router.

The import takes seconds and much memory, so it happens in a thread, at the first question.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from backend.llm.errors import ModelFailed
from backend.ports import Delta, Prompt, Usage
from backend.settings import Misconfigured, Url, is_loopback

# A small model on two cores reads a long prompt for most of a minute before its first word.
FIRST_TOKEN_SECONDS = 120.0
BETWEEN_TOKENS_SECONDS = 30.0
_NO_KEY = "none"  # the client insists on one; servers at home do not ask


class LiteLLM:
    """Streams from one model group of a LiteLLM router. Every call is tried once.

    Retrying is left to the person who asked: an answer that starts again behind their back costs
    twice, and a Retry-After may say years.
    """

    def __init__(
        self,
        models: Sequence[Mapping[str, Any]],
        group: str,
        *,
        router_settings: Mapping[str, Any] | None = None,
        free: bool = False,
        first_token_seconds: float = FIRST_TOKEN_SECONDS,
        between_tokens_seconds: float = BETWEEN_TOKENS_SECONDS,
    ) -> None:
        self._models = [dict(model) for model in models]
        self._group = group
        self._settings = dict(router_settings or {})
        self._free = free
        self._first = first_token_seconds
        self._between = between_tokens_seconds
        self._opening = asyncio.Lock()
        self._complete: Any = None
        self._plain = False  # a schema was refused

    @classmethod
    def at(
        cls,
        url: Url,
        *,
        api_key: str | None = None,
        first_token_seconds: float = FIRST_TOKEN_SECONDS,
        between_tokens_seconds: float = BETWEEN_TOKENS_SECONDS,
    ) -> LiteLLM:
        """The model that ``openai+http://HOST:PORT/v1?model=NAME`` names."""
        name = url.query.get("model", "")
        base = url.text.removeprefix("openai+").partition("?")[0].rstrip("/")
        if not name or not base.startswith(("http://", "https://")):
            raise Misconfigured(
                f"STRATMASTER_MODEL_URL={url} names no model; write "
                "openai+http://HOST:PORT/v1?model=NAME."
            )
        model = {
            "model_name": name,
            "litellm_params": {
                "model": f"openai/{name}",
                "api_base": base,
                "api_key": api_key or _NO_KEY,
            },
        }
        return cls(
            [model],
            name,
            free=is_loopback(Url(base).host),
            first_token_seconds=first_token_seconds,
            between_tokens_seconds=between_tokens_seconds,
        )

    @classmethod
    def from_file(cls, path: Path, *, group: str | None = None) -> LiteLLM:
        """The first model group of a LiteLLM configuration, or the one named."""
        import yaml  # type: ignore[import-untyped]  # comes with LiteLLM, without types

        try:
            read = yaml.safe_load(path.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise Misconfigured(
                f"STRATMASTER_MODEL_URL=litellm:{path} cannot be read: {error}"
            ) from error
        models = (read or {}).get("model_list") or []
        names = [str(model.get("model_name")) for model in models]
        if not names or (group is not None and group not in names):
            raise Misconfigured(
                f"STRATMASTER_MODEL_URL=litellm:{path} lists the models "
                f"{', '.join(names) or 'none'}; it must list {group or 'at least one'}."
            )
        settings = (read or {}).get("router_settings") or {}
        return cls(models, group or names[0], router_settings=settings)

    @property
    def name(self) -> str:
        return self._group

    def price(self, prompt_tokens: int, completion_tokens: int) -> float | None:
        """In USD; None before the first call, or where LiteLLM's own list has no price."""
        if self._free:
            return 0.0
        if self._complete is None:
            return None
        return _price(self._underlying, prompt_tokens, completion_tokens)

    async def stream(self, prompt: Prompt) -> AsyncIterator[Delta | Usage]:
        """The answer as it comes. Raises ModelFailed for anything but a whole one."""
        complete = await self._open()
        messages = [{"role": one.role, "content": one.content} for one in prompt.messages]
        said = False
        usage: Any = None
        finish: str | None = None
        response: Any = None
        try:
            async with asyncio.timeout(self._first):
                asked = partial(
                    complete,
                    messages=messages,
                    stream=True,
                    stream_options={"include_usage": True},
                    max_tokens=prompt.max_tokens,
                    temperature=prompt.temperature,
                    seed=prompt.seed,
                )
                response = await self._formed(asked, prompt.schema)
            pieces = aiter(response)
            while True:
                async with asyncio.timeout(self._between if said else self._first):
                    try:
                        piece = await anext(pieces)
                    except StopAsyncIteration:
                        break
                usage = getattr(piece, "usage", None) or usage
                for choice in piece.choices[:1]:
                    finish = choice.finish_reason or finish
                    if choice.delta.content:
                        said = True
                        yield Delta(choice.delta.content)
        except TimeoutError:
            raise _silent(self._group, self._between if said else self._first) from None
        except Exception as error:
            raise _failure(self._group, error, said=said) from error
        finally:
            if response is not None and hasattr(response, "aclose"):
                with suppress(Exception):
                    await response.aclose()
        if not said:
            raise ModelFailed(
                f"The model {self._group} answered with nothing.",
                "Look at the log of the model's server.",
                code="model_empty",
            )
        # The library writes an end where the server sent none; only its own record tells. Behind
        # the router that record is out of reach, and a stream closed politely passes for whole.
        ended = getattr(response, "received_finish_reason", None) if self._direct else finish
        if ended is None:
            raise _cut(self._group)
        prompt_tokens = int(getattr(usage, "prompt_tokens", 0) or 0)
        completion_tokens = int(getattr(usage, "completion_tokens", 0) or 0)
        yield Usage(
            self._group,
            prompt_tokens,
            completion_tokens,
            self.price(prompt_tokens, completion_tokens),
        )

    async def _formed(
        self, asked: Callable[..., Awaitable[Any]], schema: Mapping[str, Any] | None
    ) -> Any:
        """The call with its schema; without one where the server is known to refuse it."""
        if schema is None or self._plain:
            return await asked()
        form = {"name": "reply", "schema": dict(schema), "strict": True}
        try:
            return await asked(response_format={"type": "json_schema", "json_schema": form})
        except Exception as error:
            if getattr(error, "status_code", None) not in (400, 422):
                raise
        self._plain = True
        return await asked()

    async def ready(self) -> None:
        """Load what knows the prices; ``price`` answers from then on."""
        await self._open()

    @property
    def _underlying(self) -> str:
        """The provider's name for the model, as price lists have it."""
        for model in self._models:
            if model.get("model_name") == self._group:
                return str(model["litellm_params"]["model"])
        return self._group

    @property
    def _direct(self) -> bool:
        return len(self._models) == 1 and not self._settings

    async def _open(self) -> Any:
        async with self._opening:
            if self._complete is None:
                self._complete = await asyncio.to_thread(self._make)
        return self._complete

    def _make(self) -> Any:
        """What is called with messages and options."""
        litellm = _import()
        models = []
        for model in self._models:
            params = {"max_retries": 0, **model["litellm_params"]}
            models.append({**model, "litellm_params": params})
        if self._direct:
            return partial(litellm.acompletion, **models[0]["litellm_params"])
        settings = {"num_retries": 0, "disable_cooldowns": True, **self._settings}
        router = litellm.Router(model_list=models, **settings)
        return partial(router.acompletion, model=self._group)


def _import() -> Any:
    # Without this, importing LiteLLM asks the network for its price list and waits for it.
    os.environ.setdefault("LITELLM_LOCAL_MODEL_COST_MAP", "True")  # noqa: TID251 (not a setting)
    import litellm

    litellm.telemetry = False
    litellm.suppress_debug_info = True
    litellm.drop_params = True  # not every server knows a seed
    return litellm


def _price(model: str, prompt_tokens: int, completion_tokens: int) -> float | None:
    import litellm

    try:
        asked, said = litellm.cost_per_token(
            model=model, prompt_tokens=prompt_tokens, completion_tokens=completion_tokens
        )
    except Exception:  # it raises many kinds for "not in the list"
        return None
    return float(asked + said)


def _silent(model: str, seconds: float) -> ModelFailed:
    return ModelFailed(
        f"The model {model} said nothing for {seconds:g} s.",
        "Ask again, or look whether its server is busy.",
        code="model_timeout",
    )


def _cut(model: str) -> ModelFailed:
    return ModelFailed(
        f"The stream of the model {model} broke off.",
        "Ask again; if it happens often, look at the log of the model's server.",
        code="model_cut",
    )


def _failure(model: str, error: Exception, *, said: bool) -> ModelFailed:
    if said:
        return _cut(model)
    status = getattr(error, "status_code", None)
    match status:
        case 401 | 403:
            return ModelFailed(
                f"The model {model} refused our key.",
                "Set STRATMASTER_MODEL_API_KEY.",
                code="model_refused_key",
            )
        case 404:
            return ModelFailed(
                f"The server has no model {model}.",
                "Correct the model's name in STRATMASTER_MODEL_URL.",
                code="model_unknown",
            )
        case 429:
            return ModelFailed(
                f"The model {model} is over its rate limit.",
                "Wait a little and ask again.",
                code="model_busy",
            )
        case _:
            return ModelFailed(
                f"The model {model} could not be asked ({type(error).__name__}).",
                "Look whether its server runs at the address in STRATMASTER_MODEL_URL.",
                code="model_failed",
            )

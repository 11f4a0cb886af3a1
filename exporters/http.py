"""One connection's calls over HTTP: a writing one was surely not made, surely made, or neither."""

from __future__ import annotations

import asyncio
import json
import logging
import math
import random
import re
from collections.abc import Callable, Mapping
from datetime import UTC, datetime, timedelta
from email.utils import parsedate_to_datetime
from typing import Final, NoReturn, Protocol

import httpx

from exporters.errors import (
    NotConnected,
    OutcomeUnknown,
    RemoteRefused,
    Throttled,
    Unreachable,
)
from exporters.ports import Budget, Clock, Response
from exporters.records import Json, Request, encode

__all__ = ["Authorize", "HttpApi", "encode", "retry_after"]

log = logging.getLogger(__name__)

TRIES: Final = 6
TIME_OUT: Final = 30.0  # seconds for each phase of a call
WHOLE_CALL: Final = 45.0  # seconds for all of them; well below records.REQUEST_LIVES
BACK_OFF: Final = 0.5  # seconds, doubled with each try
LONGEST_BACK_OFF: Final = 20.0
LONGEST_WAIT: Final = timedelta(minutes=1)  # that a call waits for its turn; then it is Throttled
LONGEST_PAUSE: Final = timedelta(hours=1)  # that is believed; points are refilled hourly at most
LARGEST_REPLY: Final = 16 << 20  # bytes, decoded
PARSED_HERE: Final = 64 << 10  # bytes; larger replies are parsed in a thread
WORDS: Final = 500  # characters of a refusal that are passed on

_UNSENT = (
    httpx.ConnectError, httpx.ConnectTimeout, httpx.PoolTimeout, httpx.ProxyError,
    httpx.UnsupportedProtocol,
)  # fmt: skip
_HALF: Final = re.compile(rb"\\u[dD][89a-fA-F]")  # it may be one of a pair, and escaped itself
_ANSWERS = (403, 404, 410)  # of a read: there is nothing there for us
# A time-out of theirs, and somebody else's write at that moment (Notion's conflict_error, Jira's
# concurrent transition): these pass, as an error of theirs does.
_PASSING = (408, 409)


class Authorize(Protocol):
    async def __call__(self, *, renew: bool) -> Mapping[str, str]:
        """The headers that sign a call; ``renew`` after the last ones were turned down.

        Raises NotConnected where there is nothing to renew them with.
        """
        ...


class _Unsent(Exception):
    """No connection: nothing was sent."""


class _Lost(Exception):
    """Sent, or partly, and no answer that can be read."""


class HttpApi:
    """Implements ``ports.Api``. ``client`` brings the connections and may be shared; nothing that
    signs a call is ever logged or put into an error."""

    def __init__(
        self,
        client: httpx.AsyncClient,
        base_url: str,
        authorize: Authorize,
        budget: Budget,
        clock: Clock,
        *,
        headers: Mapping[str, str] | None = None,
        window: timedelta = timedelta(seconds=10),
        chance: Callable[[], float] = random.random,
    ) -> None:
        """``window``: how long everybody waits after a 429 that says no time: the shortest window
        of the target's limits."""
        self._client = client
        self._base_url = base_url.rstrip("/")
        self._authorize = authorize
        self._budget = budget
        self._clock = clock
        self._headers = {"accept": "application/json", **(headers or {})}
        self._window = window
        self._chance = chance

    async def read(self, request: Request) -> Response:
        signed = await self._authorize(renew=False)
        renewed = False
        trouble = ""
        for tried in range(TRIES):
            await self._budget.take()
            try:
                response = await self._send(request, signed)
            except (_Unsent, _Lost) as error:
                trouble = str(error)
                await self._back_off(tried)
                continue
            if response.status < 300 or response.status in _ANSWERS:
                return response
            if response.status == 401 and not renewed:
                signed, renewed = await self._authorize(renew=True), True
            elif response.status == 429:
                wait = await self._hold_back(response, tried)
                if wait > LONGEST_WAIT or tried == TRIES - 1:
                    raise Throttled(_said(request, response), wait=wait)
            elif response.status >= 500 or response.status in _PASSING:
                trouble = _said(request, response)
                if retry_after(response.headers, self._clock.now()) is not None:
                    wait = await self._hold_back(response, tried)
                    if wait > LONGEST_WAIT:
                        raise Throttled(trouble, wait=wait)
                else:
                    await self._back_off(tried)
            else:
                _refuse(request, response)
        raise Unreachable(f"{_name(request)} failed {TRIES} times: {trouble}")

    async def write(self, request: Request, *, not_after: datetime) -> Response:
        signed = await self._authorize(renew=False)
        renewed = False
        trouble = "it was held up for too long"
        for tried in range(TRIES):
            await self._budget.take()
            if self._clock.now() > not_after:
                break
            try:
                response = await self._send(request, signed)
            except _Unsent as error:
                trouble = str(error)
                await self._back_off(tried)
                continue
            except _Lost as error:
                raise OutcomeUnknown(f"{_name(request)} has no answer: {error}") from error
            if response.status < 300:
                return response
            if response.status == 401 and not renewed:
                signed, renewed = await self._authorize(renew=True), True
            elif response.status == 429:
                wait = await self._hold_back(response, tried)
                if self._clock.now() + wait > not_after or tried == TRIES - 1:
                    raise Throttled(_said(request, response), wait=wait)
            elif response.status >= 500 or response.status in _PASSING:
                if retry_after(response.headers, self._clock.now()) is not None:
                    await self._hold_back(response, tried)
                raise OutcomeUnknown(_said(request, response), status=response.status)
            else:
                _refuse(request, response)
        raise Unreachable(f"{_name(request)} was not sent: {trouble}")

    async def _send(self, request: Request, signed: Mapping[str, str]) -> Response:
        """Raises _Unsent and _Lost. An answer that cannot be read is lost, unless it is a refusal,
        which is read as the text that it is."""
        headers = {**self._headers, **signed}
        content = None
        if request.body is not None:
            content = encode(request.body)
            headers["content-type"] = "application/json"
        try:
            async with (
                asyncio.timeout(WHOLE_CALL),
                self._client.stream(
                    request.method,
                    self._base_url + request.path,
                    content=content,
                    headers=headers,
                    timeout=TIME_OUT,
                    follow_redirects=False,
                ) as answer,
            ):
                raw = bytearray()
                async for chunk in answer.aiter_bytes():
                    raw += chunk
                    if len(raw) > LARGEST_REPLY:
                        raise _Lost(f"the answer is larger than {LARGEST_REPLY >> 20} MiB")
        except _UNSENT as error:
            raise _Unsent(type(error).__name__) from error
        except (httpx.TransportError, httpx.DecodingError, TimeoutError) as error:
            raise _Lost(type(error).__name__) from error
        log.debug("%s: %d", _name(request), answer.status_code)
        return Response(
            answer.status_code, await _parsed(answer.status_code, raw), dict(answer.headers)
        )

    async def _hold_back(self, response: Response, tried: int) -> timedelta:
        """Nobody on this connection calls for as long as the other side asks."""
        wait = retry_after(response.headers, self._clock.now())
        if wait is None:
            wait = self._window
        log.info("held back for %.1f s", wait.total_seconds())
        await self._budget.pause(wait)
        if not wait:
            await self._back_off(tried)
        return wait

    async def _back_off(self, tried: int) -> None:
        """Full jitter: https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/"""
        longest = min(LONGEST_BACK_OFF, BACK_OFF * 2**tried)
        await self._clock.sleep(self._chance() * longest)


def retry_after(headers: Mapping[str, str], now: datetime) -> timedelta | None:
    """How long the other side asks us to wait, from none to LONGEST_PAUSE; None where it says
    nothing that can be read. A date is taken against the answer's own ``Date``, if it has one, so
    that clocks need not agree."""
    said = headers.get("retry-after", "").strip()
    try:
        seconds = float(said)
    except ValueError:
        until = _date(said)
        if until is None:
            return None
        seconds = (until - (_date(headers.get("date", "")) or now)).total_seconds()
    if math.isnan(seconds):
        return None
    return timedelta(seconds=min(max(seconds, 0.0), LONGEST_PAUSE.total_seconds()))


def _date(said: str) -> datetime | None:
    try:
        date = parsedate_to_datetime(said)
    except ValueError:
        return None
    return date if date.tzinfo else date.replace(tzinfo=UTC)


async def _parsed(status: int, raw: bytearray) -> Json:
    if not raw:
        return None
    try:
        return await asyncio.to_thread(_read, raw) if len(raw) > PARSED_HERE else _read(raw)
    except (ValueError, RecursionError):
        if status < 300:
            raise _Lost("the answer is not JSON") from None
        return raw[: 4 * WORDS].decode(errors="replace")


def _read(raw: bytearray) -> Json:
    """JSON that can be written again: no half of a surrogate pair and no number that is none, both
    of which Python's parser lets in."""
    parsed: Json = json.loads(raw, parse_constant=lambda name: None, parse_float=_finite)
    return _whole(parsed) if _HALF.search(raw) else parsed


def _finite(digits: str) -> float | None:
    number = float(digits)
    return number if math.isfinite(number) else None


def _whole(value: Json) -> Json:
    if isinstance(value, str):
        return value.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    if isinstance(value, list):
        return [_whole(each) for each in value]
    if isinstance(value, dict):
        return {str(_whole(key)): _whole(each) for key, each in value.items()}
    return value


def _refuse(request: Request, response: Response) -> NoReturn:
    said = _said(request, response)
    if response.status == 401:
        raise NotConnected(said, status=401)
    code = response.body.get("code") if isinstance(response.body, dict) else None
    raise RemoteRefused(said, status=response.status, code=code if isinstance(code, str) else "")


def _said(request: Request, response: Response) -> str:
    return f"{_name(request)}: {response.status} {_words(response.body)}".rstrip()


def _name(request: Request) -> str:
    """A call without its query, which may hold what people searched for."""
    return f"{request.method} {request.path.partition('?')[0]}"


def _words(body: Json) -> str:
    """What a refusal says to people: each target has its own key for it."""
    said: list[str] = []
    if isinstance(body, str):
        said.append(body)
    elif isinstance(body, dict):
        for key in ("message", "error", "errorMessages", "errors"):
            value = body.get(key)
            if isinstance(value, str):
                said.append(value)
            elif isinstance(value, list):
                said += [str(each) for each in value]
            elif isinstance(value, dict):
                said += [f"{name}: {each}" for name, each in value.items()]
    return " ".join(" ".join(said).split())[:WORDS]

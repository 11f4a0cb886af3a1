"""What became of a call, and how long to wait for the next."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from datetime import timedelta
from email.utils import format_datetime

import httpx
import pytest

from exporters.errors import (
    NotConnected,
    OutcomeUnknown,
    RemoteRefused,
    Throttled,
    Unreachable,
)
from exporters.http import LARGEST_REPLY, LONGEST_PAUSE, TRIES, HttpApi, encode, retry_after
from exporters.memory import MemoryBudget
from exporters.ports import Pace
from exporters.records import Json, Request
from tests.remotes.time import START, VirtualClock

READ = Request("GET", "/things?ids=a")
WRITE = Request("POST", "/things", {"text": "é", "a": [1, None]})
SECRET = "s3cret-token"


class Remote:
    """Answers by script, one line for each call; the last one again and again."""

    def __init__(self, *answers: httpx.Response | Exception | Callable[[], httpx.Response]) -> None:
        self.clock = VirtualClock()
        self.asked: list[httpx.Request] = []
        self.at: list[float] = []
        self.renewals = 0
        self._answers = list(answers)
        self.api = HttpApi(
            httpx.AsyncClient(transport=httpx.MockTransport(self._answer)),
            "https://remote.example/api/",
            self._authorize,
            MemoryBudget([Pace(1000, timedelta(seconds=1))], self.clock),
            self.clock,
            headers={"x-version": "1"},
            window=timedelta(seconds=10),
            chance=lambda: 1.0,
        )

    async def _authorize(self, *, renew: bool) -> Mapping[str, str]:
        self.renewals += renew
        return {"authorization": f"Bearer {SECRET}-{self.renewals}"}

    def _answer(self, request: httpx.Request) -> httpx.Response:
        self.asked.append(request)
        self.at.append(self.clock.passed)
        answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
        if isinstance(answer, Exception):
            raise answer
        return answer() if callable(answer) else answer

    async def write(self) -> Json:
        return (await self.api.write(WRITE, not_after=START + timedelta(minutes=1))).body


def answer(status: int, body: Json = None, **headers: str) -> Callable[[], httpx.Response]:
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return lambda: httpx.Response(status, json=body, headers=named)


OK = answer(200, {"id": "1"})


async def test_a_call_is_sent_as_it_was_shown() -> None:
    """To the byte: keys sorted, no blanks, letters as they are; signed."""
    remote = Remote(OK)
    assert await remote.write() == {"id": "1"}
    (asked,) = remote.asked
    assert asked.content == encode(WRITE.body) == '{"a":[1,null],"text":"é"}'.encode()
    assert str(asked.url) == "https://remote.example/api/things"
    assert asked.headers["x-version"] == "1"
    assert asked.headers["authorization"] == f"Bearer {SECRET}-0"
    assert asked.headers["content-type"] == "application/json"


async def test_what_is_not_json_is_not_sent() -> None:
    """A number that JSON has not would be refused over there, or worse, taken."""
    with pytest.raises(ValueError, match="JSON"):
        encode(float("nan"))


@pytest.mark.parametrize(
    "failure", [httpx.ConnectError("no"), httpx.ConnectTimeout("no"), httpx.PoolTimeout("no")]
)
async def test_a_write_that_could_not_be_sent_is_sent_again(failure: Exception) -> None:
    """No connection was made, so nothing was done."""
    remote = Remote(failure, failure, OK)
    assert await remote.write() == {"id": "1"}


@pytest.mark.parametrize(
    "failure",
    [
        httpx.ReadTimeout("no"), httpx.ReadError("no"), httpx.WriteError("no"),
        httpx.WriteTimeout("no"), httpx.RemoteProtocolError("no"),
        answer(500), answer(502), answer(503), answer(504), answer(529), answer(408), answer(409),
        lambda: httpx.Response(200, content=b"<html>"),
        lambda: httpx.Response(200, content=b'{"id":'),
        lambda: httpx.Response(200, content=b"x" * (LARGEST_REPLY + 1)),
        lambda: httpx.Response(
            200, stream=httpx.ByteStream(b"no gzip at all"), headers={"content-encoding": "gzip"}
        ),
    ],
)  # fmt: skip
async def test_a_write_without_a_clear_answer_is_never_sent_twice(
    failure: Exception | Callable[[], httpx.Response],
) -> None:
    """It may have been done: who asked for it has to find out."""
    remote = Remote(failure)
    with pytest.raises(OutcomeUnknown):
        await remote.write()
    assert len(remote.asked) == 1


@pytest.mark.parametrize("status", [301, 400, 403, 404, 410, 413, 422])
async def test_a_refused_write_was_not_made(status: int) -> None:
    """The refusal says why, in their words."""
    remote = Remote(answer(status, {"message": "Not so.", "code": "no"}))
    with pytest.raises(RemoteRefused, match=r"POST /things: \d+ Not so\.") as refused:
        await remote.write()
    assert (refused.value.status, refused.value.code) == (status, "no")
    assert len(remote.asked) == 1


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"errorMessages": ["No summary."], "errors": {"due": "A date."}}, "No summary. due: A"),
        ({"message": "body failed", "code": "validation_error"}, "body failed"),
        ("invalid id", "invalid id"),
        ({"message": "x" * 5000}, "x" * 100),
    ],
)
async def test_refusals_speak_in_each_targets_words(body: Json, words: str) -> None:
    """Jira lists, Notion has a message, Trello a line of text; none floods the page."""
    with pytest.raises(RemoteRefused) as refused:
        await Remote(answer(400, body)).write()
    assert words in str(refused.value)
    assert len(str(refused.value)) < 600


@pytest.mark.parametrize("status", [403, 404, 410])
async def test_that_nothing_is_there_is_an_answer_to_a_read(status: int) -> None:
    """It is what one who looks wants to know."""
    assert (await Remote(answer(status)).api.read(READ)).status == status


@pytest.mark.parametrize(
    "failure",
    [httpx.ReadTimeout("no"), httpx.ConnectError("no"), answer(500), answer(409), answer(429)],
)
async def test_a_read_is_repeated(failure: Exception | Callable[[], httpx.Response]) -> None:
    """It changes nothing, so it may be; each time after a longer wait."""
    remote = Remote(failure, failure, OK)
    assert (await remote.api.read(READ)).body == {"id": "1"}
    waits = [later - at for at, later in zip(remote.at, remote.at[1:], strict=False)]
    assert all(wait > 0 for wait in waits)


async def test_a_read_gives_up() -> None:
    """After so many tries it is the caller's to say what now."""
    remote = Remote(answer(500))
    with pytest.raises(Unreachable, match="6 times"):
        await remote.api.read(READ)
    assert len(remote.asked) == TRIES == 6


async def test_a_turned_down_token_is_renewed_once() -> None:
    """A second time it is no longer good, and nothing was done."""
    remote = Remote(answer(401), OK)
    assert await remote.write() == {"id": "1"}
    assert remote.asked[1].headers["authorization"].endswith("-1")
    remote = Remote(answer(401))
    with pytest.raises(NotConnected):
        await remote.write()
    assert (len(remote.asked), remote.renewals) == (2, 1)
    with pytest.raises(NotConnected):
        await Remote(answer(401)).api.read(READ)


async def test_nothing_is_sent_after_its_time() -> None:
    """A worker that was held up must not send what another may have sent since."""
    remote = Remote(OK)
    remote.clock.jump(60.5)
    with pytest.raises(Unreachable, match="held up"):
        await remote.write()
    assert not remote.asked


async def test_a_write_that_is_held_back_is_sent_when_they_said() -> None:
    """429 is a no: the call was not made, and is made once the time has come."""
    remote = Remote(answer(429, retry_after="7"), OK)
    assert await remote.write() == {"id": "1"}
    assert remote.at[1] >= 7


async def test_a_429_without_a_time_waits_for_the_window() -> None:
    """Trello says no time, and blocks who goes on asking."""
    remote = Remote(answer(429), OK)
    assert await remote.write() == {"id": "1"}
    assert remote.at[1] >= 10


async def test_a_long_wait_is_handed_back() -> None:
    """No call waits for an hour; the export comes back then."""
    with pytest.raises(Throttled) as throttled:
        await Remote(answer(429, retry_after="3540")).write()
    assert throttled.value.wait == timedelta(seconds=3540)
    with pytest.raises(Throttled):
        await Remote(answer(429, retry_after="3540")).api.read(READ)


async def test_a_server_in_trouble_that_names_a_time_is_left_alone_until_then() -> None:
    """A reading waits for it, or hands a long wait back; a writing may have been done, and whoever
    looks for it comes back then."""
    remote = Remote(answer(503, retry_after="20"), OK)
    assert (await remote.api.read(READ)).body == {"id": "1"}
    assert remote.at[1] >= 20
    with pytest.raises(Throttled) as throttled:
        await Remote(answer(503, retry_after="3540")).api.read(READ)
    assert throttled.value.wait == timedelta(seconds=3540)
    remote = Remote(answer(503, retry_after="20"), OK)
    with pytest.raises(OutcomeUnknown):
        await remote.write()
    await remote.api.read(READ)
    assert remote.at[1] >= 20


async def test_an_endless_429_comes_to_an_end() -> None:
    """Also where it says to come back at once, each time."""
    remote = Remote(answer(429, retry_after="0"))
    with pytest.raises(Throttled):
        await remote.write()
    assert len(remote.asked) == TRIES


@pytest.mark.parametrize(
    ("sent", "read"),
    [
        (rb'["\ud83d\ude00", "half \ud83d", "\\ud83d"]', ["😀", "half �", "\\ud83d"]),
        (rb'{"half \uDC00": 1}', {"half �": 1}),
        (b"[NaN, -Infinity, 1e999, 1.5]", [None, None, None, 1.5]),
    ],
)
async def test_every_answer_can_be_written_again(sent: bytes, read: Json) -> None:
    """Halves of surrogate pairs and numbers that are none, which JSON in the wild has, stop no plan
    that compares with them."""
    remote = Remote(httpx.Response(200, content=sent))
    assert (await remote.api.read(READ)).body == read
    encode(read)


def date(seconds: float) -> str:
    return format_datetime(START + timedelta(seconds=seconds), usegmt=True)


@pytest.mark.parametrize(
    ("headers", "wait"),
    [
        ({}, None),
        ({"retry-after": ""}, None),
        ({"retry-after": "soon"}, None),
        ({"retry-after": "nan"}, None),
        ({"retry-after": "12"}, 12),
        ({"retry-after": " 0.5 "}, 0.5),
        ({"retry-after": "0"}, 0),
        ({"retry-after": "-30"}, 0),
        ({"retry-after": "315360000"}, 3600),
        ({"retry-after": "inf"}, 3600),
        ({"retry-after": "9" * 400}, 3600),
        ({"retry-after": date(90)}, 90),
        ({"retry-after": date(-90)}, 0),
        ({"retry-after": "Fri, 31 Dec 9999 23:59:59 GMT"}, 3600),
        ({"retry-after": "Fri, 99 Foo 2026 23:59:59 GMT"}, None),
        ({"retry-after": date(90), "date": date(60)}, 30),
        ({"retry-after": date(90), "date": "yesterday"}, 90),
    ],
)
def test_retry_after_in_every_form(headers: Mapping[str, str], wait: float | None) -> None:
    """Seconds, dates, nothing, nonsense: between none and an hour, or nothing said."""
    said = retry_after(headers, START)
    assert said == (None if wait is None else timedelta(seconds=wait))
    assert said is None or said <= LONGEST_PAUSE


async def test_secrets_are_in_no_log_and_no_error(caplog: pytest.LogCaptureFixture) -> None:
    """Neither the token nor what was searched for."""
    caplog.set_level(logging.DEBUG, logger="exporters")
    remote = Remote(answer(429, retry_after="1"), answer(500, {"message": "broken"}))
    with pytest.raises(OutcomeUnknown) as unknown:
        await remote.write()
    with pytest.raises(Unreachable) as unreachable:
        await remote.api.read(READ)
    said = caplog.text + str(unknown.value) + str(unreachable.value)
    assert SECRET not in said
    assert "ids=" not in said
    assert "429" in caplog.text


async def test_redirects_are_not_followed() -> None:
    """A token goes nowhere but where it is for."""
    remote = Remote(answer(302, location="https://elsewhere.example/"))
    with pytest.raises(RemoteRefused):
        await remote.api.read(READ)
    assert len(remote.asked) == 1

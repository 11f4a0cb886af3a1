"""Where people sign in: Atlassian, Notion and Trello in one, at one address.

Tokens are a real authorization server's (tests/servers/oidc), behind which stand the miniatures of
the three APIs. Between the two, what hands out tokens can fail by script.
"""

from __future__ import annotations

import asyncio
import base64
import re
from collections import deque
from collections.abc import AsyncIterator, Callable, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass
from enum import StrEnum
from html import escape
from queue import Queue
from threading import Thread
from typing import Any
from urllib.parse import parse_qs, urlsplit

import httpx
import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.types import ASGIApp, Receive, Scope, Send

from backend.clock import SystemClock
from tests.ports import free_port
from tests.remotes import faults
from tests.remotes import jira as jiras
from tests.remotes import trello as trellos
from tests.remotes.faults import Faults
from tests.remotes.jira import Jira
from tests.remotes.notion import Notion
from tests.remotes.trello import Trello
from tests.servers import serve

EMAIL, API_TOKEN = "ada@acme.test", "ATATT-api-token"
CLOUD = "11223344-a1b2-3b33-c444-def123456789"
TRELLO_SIGNED_IN = "ATTA-signed-in-token"
PUBLIC = "https://briefs.example.com"
HOMES = ("http://127.0.0.1", PUBLIC)  # where people may come back to
SECRETS = {
    "atlassian_client_id": "atlassian",
    "atlassian_client_secret": "atlassian-application-secret",
    "notion_client_id": "plain-notion",
    "notion_client_secret": "notion-application-secret",
    "trello_key": trellos.KEY,
    "trello_secret": "trello-application-secret",
}
SCOPES = [
    "offline_access", "read:jira-work", "write:jira-work", "read:jira-user", "manage:jira-webhook",
]  # fmt: skip


class Fault(StrEnum):
    """What befalls the next call to whoever hands out tokens."""

    BEFORE = "before"  # it says 503 and did nothing
    AFTER = "after"  # it did it, and says 500
    CUT = "cut"  # it did it, and the line goes dead
    BROKEN = "broken"  # it did it, and answers with something else


@dataclass
class _Strike:
    fault: faults.Fault
    times: int
    then: Callable[[], None]


class Line(Faults):
    """What lies between: a fault can befall the calls whose method and path match a pattern."""

    def __init__(self, app: ASGIApp) -> None:
        super().__init__(app, SystemClock(), refusal=_put_off, socket=True)
        self._struck: dict[str, _Strike] = {}

    def strike(
        self,
        pattern: str,
        fault: faults.Fault,
        *,
        times: int = 1,
        then: Callable[[], None] = lambda: None,
    ) -> None:
        """``then`` is done as it befalls a call."""
        self._struck[pattern] = _Strike(fault, times, then)

    def mend(self) -> None:
        self._struck.clear()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http":
            said = f"{scope['method']} {scope['path']}"
            hits = [one for pattern, one in self._struck.items() if re.search(pattern, said)]
            if strike := next((one for one in hits if one.times), None):
                strike.times -= 1
                self.faults[self.calls + 1] = strike.fault
                strike.then()
        await super().__call__(scope, receive, send)


class Elsewhere:
    """The servers, behind a ``line``. Tokens that they take are in ``jira.tokens``,
    ``notion.token``, ``trello.tokens``; taking one out is revoking it."""

    def __init__(self, oidc: str, address: str) -> None:
        clock = SystemClock()
        self.address = address
        self.jira = Jira(clock, check=False)
        self.jira.tokens.clear()
        self.notion = Notion(clock)
        self.trello = Trello(clock)
        self.sites: list[dict[str, Any]] = [site(CLOUD, "https://acme.atlassian.net")]
        self.workspace = ("Acme", "w-1")  # of Notion's, that people let us into
        self.faults: deque[Fault] = deque()
        self.granted = 0  # tokens that were handed out
        self.asked: list[dict[str, str]] = []  # of whoever hands out tokens, in order
        self.trello_hooks: dict[str, dict[str, str]] = {}
        self.hooks_refused = 0  # how many of the next that Trello is asked for it does not take
        self.hooks_away = False  # whether it answers nothing that is said of those there are
        self._hooks = 0
        self.jira_hooks: dict[int, dict[str, Any]] = {}
        self.refreshed_hooks: list[int] = []
        self._oidc = httpx.AsyncClient(base_url=oidc, trust_env=False)
        self.app = Starlette(
            routes=[
                Route("/oauth/token", self._token, methods=["POST"]),
                Route("/oauth/token/accessible-resources", self._accessible),
                Route("/v1/oauth/authorize", self._authorize_notion),
                Route("/v1/oauth/token", self._token, methods=["POST"]),
                Route("/v1/oauth/revoke", self._revoke_notion, methods=["POST"]),
                Route(
                    f"/ex/jira/{CLOUD}/rest/api/3/webhook",
                    self._jira_webhooks,
                    methods=["GET", "POST", "DELETE"],
                ),
                Route(
                    f"/ex/jira/{CLOUD}/rest/api/3/webhook/refresh",
                    self._refresh_webhooks,
                    methods=["PUT"],
                ),
                Mount(f"/ex/jira/{CLOUD}", _Bare(self.jira)),
                Mount("/rest", _Basic(self.jira)),
                Mount("/v1", _Whole(self.notion)),
                Route("/1/authorize", self._allow_trello),
                Route("/1/tokens/{token}", self._revoke_trello, methods=["DELETE"]),
                Route("/1/webhooks/", self._trello_webhook, methods=["POST"]),
                Route("/1/webhooks/{id}", self._trello_hooked, methods=["GET", "DELETE"]),
                Mount("/1", _Whole(self.trello)),
                Mount("/", self._pass_on),
            ]
        )
        self.line = Line(self.app)

    async def say_yes(self, url: str) -> str:
        """Go where we are sent, as Ada, who says yes; the address that she is sent back to, below
        that of this server's own."""
        async with httpx.AsyncClient(trust_env=False) as browser:
            while not url.startswith(tuple(f"{home}/api/sign-in" for home in HOMES)):
                answer = await browser.get(url)
                assert answer.is_redirect, f"{answer.status_code} {answer.text[:500]}"
                url = str(answer.url.join(answer.headers["location"]))
        parts = urlsplit(url)
        return f"{parts.path}?{parts.query}"

    @property
    def secrets(self) -> Sequence[str]:
        """What nobody may see: every token that was handed out, and what was asked with but for
        codes, which Ada's browser had and which are used up."""
        shown = ("grant_type", "code", "client_id", "redirect_uri")
        said = [one for call in self.asked for name, one in call.items() if name not in shown]
        return [
            API_TOKEN, TRELLO_SIGNED_IN, self.notion.token, *self.jira.tokens, *self.trello.tokens,
            *(value for name, value in SECRETS.items() if "secret" in name),
            *said,
        ]  # fmt: skip

    async def close(self) -> None:
        await self._oidc.aclose()

    async def _token(self, request: Request) -> Response:
        """Codes and refresh tokens become tokens, unless a fault comes between."""
        fault = self.faults.popleft() if self.faults else None
        if fault is Fault.BEFORE:
            return JSONResponse({"error": "temporarily_unavailable"}, 503)
        self.asked.append(await request.json())
        answer = await self._forward(request, "/oauth/token")
        said = answer.json()
        if answer.is_success:
            self.granted += 1
            self._take(request, said)
        if fault is Fault.AFTER:
            return JSONResponse({"error": "server_error"}, 500)
        if fault is Fault.BROKEN:
            return JSONResponse(["what is this?"])
        if fault is Fault.CUT:
            return Response(b"{", headers={"content-length": "200"})
        return JSONResponse(said, answer.status_code)

    def _take(self, request: Request, said: dict[str, Any]) -> None:
        if request.url.path.startswith("/v1"):
            self.notion.token = said["access_token"]
            said.pop("scope", None)
            name, id = self.workspace
            said |= {"workspace_name": name, "workspace_id": id, "bot_id": self.notion.bot}
        else:
            self.jira.tokens = {said["access_token"]}

    async def _forward(self, request: Request, path: str) -> httpx.Response:
        kept = {"content-type", "authorization", "cookie", "accept"}
        headers = {name: value for name, value in request.headers.items() if name in kept}
        headers["host"] = urlsplit(self.address).netloc
        return await self._oidc.request(
            request.method,
            path,
            params=request.url.query,
            headers=headers,
            content=await request.body(),
        )

    async def _pass_on(self, scope: Scope, receive: Receive, send: Send) -> None:
        request = Request(scope, receive)
        answer = await self._forward(request, request.url.path)
        response = Response(answer.content, answer.status_code)
        for name in ("location", "content-type"):
            if name in answer.headers:
                response.headers[name] = answer.headers[name]
        for cookie in answer.headers.get_list("set-cookie"):
            response.headers.append("set-cookie", cookie)
        await response(scope, receive, send)

    async def _authorize_notion(self, request: Request) -> Response:
        """It has no scopes, and the server that stands behind it gives nothing without one."""
        assert request.query_params["owner"] == "user"
        return RedirectResponse(f"/authorize?{request.url.query}&prompt=consent&scope={SCOPES[0]}")

    async def _revoke_notion(self, request: Request) -> Response:
        if (await request.json())["token"] != self.notion.token:
            return JSONResponse({"error": "invalid_token"}, 400)
        answer = await self._forward(request, "/token/revocation")
        self.notion.token = ""
        return JSONResponse({"request_id": "r"}, answer.status_code)

    async def _accessible(self, request: Request) -> Response:
        if request.headers.get("authorization") not in {f"Bearer {t}" for t in self.jira.tokens}:
            return JSONResponse({"code": 401, "message": "Unauthorized"}, 401)
        return JSONResponse(self.sites)

    async def _jira_webhooks(self, request: Request) -> Response:
        if request.method == "GET":
            start = int(request.query_params["startAt"])
            shown = sorted(self.jira_hooks.items())[start:][
                : int(request.query_params["maxResults"])
            ]
            values = [{"id": id, "events": [], **hook} for id, hook in shown]
            return JSONResponse({"startAt": start, "values": values})
        said = await request.json()
        if request.method == "DELETE":
            for one in said["webhookIds"]:
                self.jira_hooks.pop(one, None)
            return Response(status_code=202)
        urls = {hook["url"] for hook in self.jira_hooks.values()}
        if urls - {said["url"]}:
            return JSONResponse({"errorMessages": ["Only a single URL per app is allowed"]}, 400)
        made = []
        for one in said["webhooks"]:
            self._hooks += 1
            number = 10_000 + self._hooks
            self.jira_hooks[number] = {**one, "url": said["url"]}
            made.append({"createdWebhookId": number})
        return JSONResponse({"webhookRegistrationResult": made})

    async def _refresh_webhooks(self, request: Request) -> Response:
        self.refreshed_hooks += (await request.json())["webhookIds"]
        return JSONResponse({"expirationDate": "2026-12-31T12:00:00.000+0000"})

    async def _allow_trello(self, request: Request) -> Response:
        """The page where Ada says yes."""
        self.trello.tokens.add(TRELLO_SIGNED_IN)
        back = f"{brought_back(str(request.url))}#token={TRELLO_SIGNED_IN}"
        return HTMLResponse(f'<title>Trello</title><a href="{escape(back)}">Allow</a>')

    async def _revoke_trello(self, request: Request) -> Response:
        self.trello.tokens.discard(request.path_params["token"])
        return JSONResponse({})

    async def _trello_webhook(self, request: Request) -> Response:
        if self.hooks_refused:
            self.hooks_refused -= 1
            return JSONResponse({"message": "the URL did not answer"}, 400)
        if dict(request.query_params) in self.trello_hooks.values():
            return JSONResponse({"message": "A webhook with that callback exists"}, 400)
        self._hooks += 1
        number = f"{self._hooks:024x}"
        self.trello_hooks[number] = dict(request.query_params)
        return JSONResponse({"id": number, **self.trello_hooks[number]})

    async def _trello_hooked(self, request: Request) -> Response:
        id = request.path_params["id"]
        if self.hooks_away:
            return JSONResponse({"message": "away"}, 503)
        if id not in self.trello_hooks:
            return JSONResponse({"message": "The requested resource was not found."}, 404)
        if request.method == "DELETE":
            return JSONResponse(self.trello_hooks.pop(id) and {})
        return JSONResponse({"id": id, "active": True, **self.trello_hooks[id]})


class _Bare:
    """An application below a folder that it knows nothing of."""

    def __init__(self, app: Any) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        path = scope["path"].removeprefix(scope["root_path"])
        await self._app({**scope, "path": path, "root_path": ""}, receive, send)


class _Whole(_Bare):
    """One that is asked with its whole path."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await self._app({**scope, "root_path": ""}, receive, send)


class _Basic(_Whole):
    """Jira's site, where an e-mail address and an API token sign calls."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        pair = base64.b64encode(f"{EMAIL}:{API_TOKEN}".encode())
        headers = [
            (name, b"Bearer " + jiras.TOKEN.encode())
            if (name, value) == (b"authorization", b"Basic " + pair)
            else (name, value)
            for name, value in scope["headers"]
        ]
        await super().__call__({**scope, "headers": headers}, receive, send)


def site(id: str, url: str, scopes: Sequence[str] = SCOPES) -> dict[str, Any]:
    held = [one for one in scopes if one != "offline_access"]
    return {"id": id, "url": url, "name": url.partition("://")[2], "scopes": held}


def _put_off(status: int) -> tuple[Mapping[str, str], bytes]:
    """A wait that is longer than any worker has patience for."""
    headers, body = faults.plain_refusal(status)
    return ({**headers, "retry-after": "900"} if status == 429 else headers), body


def brought_back(url: str) -> str:
    """Where Trello sends a person who said yes."""
    asked = parse_qs(urlsplit(url).query)
    assert asked["callback_method"] == ["fragment"]
    assert asked["response_type"] == ["token"]
    return asked["return_url"][0]


def config(*homes: str, asks: bool = False) -> dict[str, object]:
    """``homes``: where people may come back to. ``asks``: they are shown a page, and say yes or no
    themselves."""

    def client(kind: str, id: str, secret: str, method: str) -> dict[str, object]:
        return {
            "client_id": id,
            "client_secret": secret,
            "redirect_uris": [f"{home}/api/sign-in/{kind}/callback" for home in homes],
            "grant_types": ["authorization_code", "refresh_token"],
            "response_types": ["code"],
            "token_endpoint_auth_method": method,
        }

    return {
        "clients": [
            client("jira", "atlassian", SECRETS["atlassian_client_secret"], "client_secret_post"),
            client(
                "notion", "plain-notion", SECRETS["notion_client_secret"], "client_secret_basic"
            ),
        ],
        "scopes": SCOPES,
        "asks": asks,
        "routes": {"authorization": "/authorize", "token": "/oauth/token"},
    }


@asynccontextmanager
async def opened(oidc: str) -> AsyncIterator[Elsewhere]:
    """Served on a free port, before an authorization server that runs."""
    port = free_port()
    elsewhere = Elsewhere(oidc, f"http://127.0.0.1:{port}")
    server = uvicorn.Server(
        uvicorn.Config(elsewhere.line, port=port, log_level="critical", lifespan="off")
    )
    serving = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.01)
    try:
        yield elsewhere
    finally:
        server.should_exit = True
        await serving
        await elsewhere.close()


@contextmanager
def beside(oidc: str) -> Iterator[Elsewhere]:
    """The same in a thread with a loop of its own, for tests that have none."""
    ready: Queue[tuple[Elsewhere, asyncio.AbstractEventLoop, asyncio.Event]] = Queue()

    async def run() -> None:
        async with opened(oidc) as elsewhere:
            done = asyncio.Event()
            ready.put((elsewhere, asyncio.get_running_loop(), done))
            await done.wait()

    thread = Thread(target=asyncio.run, args=(run(),), daemon=True)
    thread.start()
    elsewhere, loop, done = ready.get(timeout=30)
    try:
        yield elsewhere
    finally:
        loop.call_soon_threadsafe(done.set)
        thread.join(30)


def started(*homes: str, asks: bool = False) -> Any:
    """The authorization server, as a context manager."""
    return serve.oidc(config(*(homes or HOMES), asks=asks))


def settings_of(elsewhere: Elsewhere) -> dict[str, Any]:
    """What a server needs to be told to go there."""
    address = elsewhere.address
    return {
        "atlassian_auth_url": address,
        "atlassian_api_url": address,
        "notion_api_url": address,
        "trello_api_url": address,
        "trello_url": address,
        "jira_sites": address,
        **SECRETS,
    }

"""The small pages that people see as they come back from signing in elsewhere."""

from __future__ import annotations

import base64
import hashlib
from html import escape
from typing import Final

from starlette.responses import HTMLResponse

_STYLE: Final = """
:root { color-scheme: light dark; font: 16px/1.5 system-ui, sans-serif; }
body { max-width: 34rem; margin: 15vh auto; padding: 0 1.5rem; }
h1 { font-size: 1.25rem; }
a { color: inherit; }
"""

# What Trello gives stands behind the # of the address, which no server is sent: it is taken out of
# the address and the history at once, and brought to us.
_SCRIPT: Final = """
const brought = new URLSearchParams(location.hash.slice(1))
const state = new URLSearchParams(location.search).get('state') ?? ''
history.replaceState(null, '', location.pathname)
const title = document.querySelector('h1')
const words = document.querySelector('p')
const say = (heading, text) => {
  title.textContent = heading
  document.title = heading
  words.textContent = text
}
fetch('/api/sign-in/trello/token', {
  method: 'POST',
  headers: { 'content-type': 'application/json' },
  body: JSON.stringify({
    state,
    token: brought.get('token') ?? '',
    error: brought.get('error') ?? '',
  }),
})
  .then(async (answer) => {
    const said = await answer.json()
    if (answer.ok) say('Connected', `${said.name} is connected. You can close this page.`)
    else say('Not connected', `${said.error.message} ${said.error.remedy}`)
  })
  .catch(() => say('Not connected', 'The server does not answer. Begin the sign-in again.'))
"""


def said(heading: str, words: str, *, status: int = 200, back: str = "") -> HTMLResponse:
    """A page without a script; ``back`` is a path of the product."""
    link = f'<p><a href="{escape(back)}">Back to the space</a></p>' if back else ""
    return _page(heading, f"<p>{escape(words)}</p>{link}", status=status)


def bringing() -> HTMLResponse:
    """The page that brings what stands behind the ``#``."""
    return _page(
        "Connecting to Trello",
        '<p role="status">One moment.</p>'
        "<noscript><p>This page needs JavaScript to hand over Trello's answer.</p></noscript>",
        script=_SCRIPT,
    )


def _page(heading: str, body: str, *, status: int = 200, script: str = "") -> HTMLResponse:
    content = (
        '<!doctype html><html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>{escape(heading)}</title><style>{_STYLE}</style></head>"
        f"<body><main><h1>{escape(heading)}</h1>{body}</main>"
        + (f"<script>{script}</script>" if script else "")
        + "</body></html>"
    )
    policy = "; ".join(
        (
            "default-src 'none'",
            f"style-src '{_hash(_STYLE)}'",
            f"script-src '{_hash(script)}'" if script else "script-src 'none'",
            "connect-src 'self'",
            "base-uri 'none'",
            "form-action 'none'",
            "frame-ancestors 'none'",
        )
    )
    return HTMLResponse(content, status_code=status, headers={"content-security-policy": policy})


def _hash(text: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode()

"""Signing in elsewhere in a real browser, and back."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import expect

from backend.settings import PREFIX
from tests.e2e.conftest import Product, Visitor
from tests.ports import free_port
from tests.remotes import elsewhere as outside
from tests.remotes.elsewhere import TRELLO_SIGNED_IN, Elsewhere


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    with outside.beside("http://127.0.0.1:9") as opened:  # Trello hands out tokens by itself
        yield opened


@pytest.fixture
def product(tmp_path: Path, models_dir: Path, elsewhere: Elsewhere) -> Iterator[Product]:
    named = outside.settings_of(elsewhere)
    settings = {f"{PREFIX}{name.upper()}": str(value) for name, value in named.items()}
    served = Product(tmp_path / "var", models_dir, free_port(), settings=settings)
    served.data_dir.mkdir()
    served.start()
    yield served
    served.stop()


SIGN_IN = """async () => {
  const json = (method, body) => ({
    method, headers: { 'content-type': 'application/json' }, body: JSON.stringify(body),
  })
  const space = await (await fetch('/api/spaces', json('POST', { name: 'Plans' }))).json()
  const path = `/api/spaces/${space.id}/connections`
  const { url } = await (await fetch(`${path}/sign-in`, json('POST', { kind: 'trello' }))).json()
  return { url, path }
}"""


def test_trello_s_token_is_brought_without_being_left_in_the_address(
    product: Product, visit: Callable[..., Visitor]
) -> None:
    """The page of ours takes it out of the address and the history, and says who is connected;
    its own policy lets nothing else run, and going there again connects nothing."""
    visitor = visit("ada", dark=True, width=600)
    page = visitor.page
    page.goto(product.url)
    begun = page.evaluate(SIGN_IN)
    page.goto(begun["url"])
    page.get_by_role("link", name="Allow").click()
    expect(page.get_by_role("heading", name="Connected")).to_be_visible()
    expect(page.get_by_text("Alice Adams is connected")).to_be_visible()
    visitor.look("signed in to Trello")
    assert page.url == f"{product.url}/api/sign-in/trello/callback"
    assert TRELLO_SIGNED_IN not in page.content()
    listed = page.evaluate("async (path) => (await fetch(path)).json()", begun["path"])
    assert [(one["kind"], one["account"]) for one in listed] == [("trello", "Alice Adams")]
    page.reload()
    expect(page.get_by_role("heading", name="Not connected")).to_be_visible()
    page.go_back()
    assert TRELLO_SIGNED_IN not in page.url

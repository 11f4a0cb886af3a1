"""Signing in elsewhere in a real browser, and back."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, expect

from tests.e2e import shipping
from tests.e2e.conftest import Product, Visitor
from tests.e2e.shipping import PLACE, Visit, choose_place, ship
from tests.e2e.test_accessibility import Eye
from tests.e2e.test_history import begin
from tests.remotes import elsewhere as outside
from tests.remotes.elsewhere import TRELLO_SIGNED_IN, Elsewhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

port, product = shipping.port, shipping.product


@pytest.fixture
def elsewhere(port: int) -> Iterator[Elsewhere]:
    """With a real authorization server, which asks whoever comes and sends them back to us."""
    with (
        outside.started(f"http://127.0.0.1:{port}", asks=True) as oidc,
        outside.beside(oidc) as opened,
    ):
        opened.notion.page(PLACE)
        yield opened


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
    product: Product, visit: Visit
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


def consent(visitor: Visitor) -> Page:
    """The window that the sign-in opens, where one is asked."""
    with visitor.context.expect_page() as opening:
        visitor.page.get_by_role("button", name="Sign in at Notion").click()
    asked = opening.value
    expect(asked.get_by_role("heading", name="plain-notion asks for access")).to_be_visible()
    return asked


def test_who_signs_in_at_notion_is_asked_there_and_comes_back(
    product: Product, visit: Visit
) -> None:
    """No is taken for no, and yes once; the space knows the connection without being asked."""
    visitor = visit("signing in")
    page, _ = begin(product, visitor)
    checks = ship(page)
    checks.get_by_role("button", name="Notion, Jira or Trello").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("^Notion")).click()
    eyes = [Eye(page)]
    eyes[0].look("connecting")
    visitor.look("sign in 1 the button")

    asked = consent(visitor)
    eyes.append(Eye(asked))
    asked.get_by_role("button", name="Deny").click()
    expect(asked.get_by_role("heading", name="Notion is not connected")).to_be_visible()
    expect(asked.get_by_text("Notion was not allowed")).to_be_visible()
    eyes[-1].look("refused")
    asked.screenshot(path=visitor.shots / "sign-in-2-refused.png")
    asked.close()
    expect(dialog.get_by_role("list", name="Connections")).to_have_count(0)

    asked = consent(visitor)
    eyes.append(Eye(asked))
    asked.get_by_role("button", name="Allow").click()
    expect(asked.get_by_role("heading", name="Connected", exact=True)).to_be_visible()
    eyes[-1].look("connected")
    asked.screenshot(path=visitor.shots / "sign-in-3-connected.png")
    there = dialog.get_by_role("list", name="Connections").get_by_role("button")
    expect(there.first).to_be_visible()

    # The same answer once more is nobody's.
    asked.reload()
    expect(asked.get_by_role("heading", name="Notion is not connected")).to_be_visible()
    eyes[-1].look("a sign-in that is over")
    asked.screenshot(path=visitor.shots / "sign-in-4-over.png")
    expect(asked.get_by_text("begun by somebody else or too long ago")).to_be_visible()
    asked.close()
    there.first.click()
    choose_place(dialog)
    expect(dialog.get_by_role("button", name="Add the target")).to_be_visible()
    found = [one for eye in eyes for one in eye.found]
    assert not found, "\n".join(found)

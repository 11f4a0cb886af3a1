"""Suggest mode between two people at two browsers."""

from __future__ import annotations

import json
import urllib.request
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Product, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Visit = Callable[..., Visitor]
LINES = ("Revenue grew well in 2025.", "Costs fell.", "Margins held.")


def post(product: Product, path: str, body: object) -> dict[str, str]:
    request = urllib.request.Request(
        product.url + path,
        data=json.dumps(body).encode(),
        headers={"content-type": "application/json", "origin": product.url},
        method="POST",
    )
    with urllib.request.urlopen(request) as answer:
        made: dict[str, str] = json.load(answer)
        return made


def text(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Brief", exact=True)


def begin(page: Page) -> None:
    """Puts the caret into the text once it takes keys."""
    expect(text(page)).to_be_editable()
    text(page).click()
    expect(text(page)).to_be_focused()


def settled(page: Page) -> None:
    """A key that overtakes the caret would act on what was selected before."""
    page.evaluate("new Promise((done) => requestAnimationFrame(() => setTimeout(done)))")


def press(page: Page, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)
        settled(page)


def words(page: Page) -> list[str]:
    """Each block's words, [+put in+] and [-struck out-]."""
    found: list[str] = text(page).evaluate(
        """(body) => [...body.children].map((block) => {
          const copy = block.cloneNode(true);
          for (const one of copy.querySelectorAll('.suggested-sign, [class^=presence]'))
            one.remove();
          copy.querySelectorAll('ins').forEach((one) => one.replaceWith(`[+${one.textContent}+]`));
          copy.querySelectorAll('del').forEach((one) => one.replaceWith(`[-${one.textContent}-]`));
          return copy.textContent.replaceAll('\\u2060', '');
        })"""
    )
    return found


def both_say(one: Page, other: Page, expected: list[str]) -> None:
    for page in (one, other):
        for _ in range(100):
            if words(page) == expected:
                break
            page.wait_for_timeout(50)
        assert words(page) == expected


def test_two_people_suggest_and_decide(product: Product, visit: Visit) -> None:
    """One person suggests; the other accepts by key, rejects by mouse, and both see the same."""
    space = post(product, "/api/spaces", {"name": "Space"})["id"]
    brief = post(product, f"/api/spaces/{space}/briefs", {"title": "Growth", "template": "blank"})
    address = f"{product.url}/s/{space}/b/{brief['id']}"
    ada, bo = visit("Ada").page, visit("Bo", dark=True).page
    ada.goto(address)
    begin(ada)
    for n, line in enumerate(LINES):
        if n:
            press(ada, "Enter")
        ada.keyboard.type(line)

    press(ada, "ControlOrMeta+Shift+E")
    expect(ada.get_by_role("button", name="Mode: Suggesting")).to_be_visible()
    press(ada, "Home")
    ada.keyboard.type("Gross ")
    press(ada, "End", "Backspace", "Backspace", "Backspace")
    press(ada, "ArrowUp", "Home", "Delete", "Delete", "Delete", "Delete", "Delete")
    ada.keyboard.type("Prices")
    press(ada, "ArrowUp", "Home", *["ArrowRight"] * 8, "Enter")

    bo.goto(address)
    pending = [
        "Revenue ",
        "grew well in 2025.",
        "[-Costs-][+Prices+] fell.",
        "[+Gross +]Margins he[-ld.-]",
    ]
    both_say(ada, bo, pending)
    tab = bo.get_by_role("tab", name="Suggestions")
    expect(tab).to_contain_text("4")

    # Nothing of it is agreed on yet.
    with urllib.request.urlopen(
        f"{product.url}/api/briefs/{brief['id']}/download?format=md"
    ) as answer:
        said = answer.read().decode()
    assert all(line in said for line in LINES)
    assert "Gross" not in said
    assert "Prices" not in said

    # By key: the split is undone, the replacement taken.
    text(bo).focus()
    press(bo, "F9")
    card = bo.get_by_role("region", name="Suggestion by")
    expect(card).to_contain_text("Split the block here")
    press(bo, "Alt+Backspace")
    press(bo, "F9")
    expect(card).to_contain_text("Replace “Costs” with “Prices”")
    press(bo, "Alt+Enter")
    both_say(ada, bo, [LINES[0], "Prices fell.", "[+Gross +]Margins he[-ld.-]"])

    # By mouse: one from the list, the other at the words.
    tab.click()
    bo.get_by_role("button", name="Reject: Add “Gross”").click()
    both_say(ada, bo, [LINES[0], "Prices fell.", "Margins he[-ld.-]"])
    bo.locator("del").click()
    expect(card).to_contain_text("Delete “ld.”")
    card.get_by_role("button", name="Reject").click()
    both_say(ada, bo, [LINES[0], "Prices fell.", LINES[2]])
    expect(bo.get_by_test_id("live")).to_contain_text("Rejected: Delete “ld.”")
    expect(tab).to_have_text("Suggestions")


def test_two_people_decide_at_once(product: Product, visit: Visit) -> None:
    """Cut off from each other they decide on different suggestions; together again both hold."""
    space = post(product, "/api/spaces", {"name": "Space"})["id"]
    brief = post(product, f"/api/spaces/{space}/briefs", {"title": "Growth", "template": "blank"})
    address = f"{product.url}/s/{space}/b/{brief['id']}"
    ada, bo = visit("Ada").page, visit("Bo").page
    ada.goto(address)
    begin(ada)
    ada.keyboard.type(LINES[0])
    press(ada, "ControlOrMeta+Shift+E", "Home")
    ada.keyboard.type("Net ")
    press(ada, "End", "Backspace")
    ada.keyboard.type("!")
    pending = ["[+Net +]Revenue grew well in 2025[+!+][-.-]"]
    bo.goto(address)
    both_say(ada, bo, pending)
    bo.context.set_offline(True)
    ada.context.set_offline(True)
    for page, what in ((ada, "Accept: Add “Net”"), (bo, "Reject: Replace “.” with “!”")):
        page.get_by_role("tab", name="Suggestions").click()
        page.get_by_role("button", name=what).click()
    ada.context.set_offline(False)
    bo.context.set_offline(False)
    both_say(ada, bo, ["Net Revenue grew well in 2025."])

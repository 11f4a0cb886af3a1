"""A brief's history in a real browser: named, told apart, restored, undone, replayed."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Product, Visitor
from tests.e2e.test_accessibility import Eye
from tests.e2e.test_journey import pane, saved, to_the_end

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

Visit = Callable[..., Visitor]


def begin(product: Product, visitor: Visitor) -> tuple[Page, Locator]:
    """A new space with an empty brief."""
    page = visitor.page
    page.goto(product.url)
    page.get_by_role("button", name="New space…").click()
    page.get_by_label("Name of the space").fill("Halden")
    page.keyboard.press("Enter")
    brief = pane(page, "Brief")
    brief.get_by_label("Title of the brief").fill("Market entry")
    brief.get_by_role("button", name="Blank").click()
    body = brief.get_by_role("textbox", name="Brief", exact=True)
    expect(body).to_be_editable()
    return page, body


def history(page: Page) -> Locator:
    checks = pane(page, "Checks & Ship")
    checks.get_by_role("tab", name="History").click()
    return checks


def write(page: Page, body: Locator, words: str) -> None:
    to_the_end(page, body)
    page.keyboard.type(words, delay=5)
    expect(saved(page)).to_be_visible()


def name(page: Page, checks: Locator, words: str) -> None:
    checks.get_by_role("button", name="Save a version").click()
    page.get_by_label("Name").fill(words)
    page.keyboard.press("Enter")
    expect(checks.get_by_role("button", name=words)).to_be_visible()


def test_a_version_is_named_told_apart_restored_and_undone(product: Product, visit: Visit) -> None:
    """What was written after it goes with the restore, in two windows, and comes back with undo."""
    first = visit("first")
    page, body = begin(product, first)
    body.click()
    page.keyboard.type("The market grew by 9.8 percent.", delay=5)
    expect(saved(page)).to_be_visible()
    checks = history(page)
    name(page, checks, "Sent to the board")
    write(page, body, " Nobody knows why.")

    second = visit("second", dark=True)
    second.page.goto(page.url)
    other = pane(second.page, "Brief").get_by_role("textbox", name="Brief", exact=True)
    expect(other).to_contain_text("Nobody knows why.")

    checks.get_by_role("button", name="Sent to the board").click()
    shown = checks.get_by_role("region", name="This version")
    expect(shown).to_contain_text("The market grew by 9.8 percent.")
    expect(shown).not_to_contain_text("Nobody")
    checks.get_by_label("Compare").select_option("now")
    since = checks.get_by_role("region", name="What changed since this version")
    expect(since.locator("ins")).to_contain_text("Nobody knows why.")
    expect(since).to_contain_text("Since this version: 1 paragraph changed.")
    first.look("history 1 what changed since a version")

    checks.get_by_role("button", name="Restore", exact=True).click()
    expect(checks.get_by_text(re.compile("is restored: 1 block changed"))).to_be_visible()
    for text in (body, other):
        expect(text).not_to_contain_text("Nobody knows why.")
        expect(text).to_contain_text("The market grew by 9.8 percent.")
    checks.get_by_role("button", name="All versions").click()
    restored = checks.get_by_role("button", name=re.compile("Restored “Sent to the board”"))
    expect(restored).to_have_count(1)
    first.look("history 2 restored")

    body.click()
    page.keyboard.press("Control+z")
    for text in (body, other):
        expect(text).to_contain_text("Nobody knows why.")
    assert body.inner_text().count("Nobody knows why.") == 1
    expect(saved(page)).to_be_visible()


def test_a_brief_is_replayed_by_keys(product: Product, visit: Visit) -> None:
    """From the list to a version, to the next and the one before, and back, without a mouse."""
    visitor = visit("keys", width=1100)
    page, body = begin(product, visitor)
    body.click()
    for n, words in enumerate(("One", "Two", "Three")):
        page.keyboard.type(f"{words}. ", delay=5)
        expect(saved(page)).to_be_visible()
        name(page, history(page), f"Version {words}")
        if n < 2:
            to_the_end(page, body)
    checks = pane(page, "Checks & Ship")
    checks.get_by_role("button", name="Version Two").focus()
    page.keyboard.press("Enter")
    expect(checks.get_by_role("heading", name="Version Two")).to_be_focused()
    shown = checks.get_by_role("region", name="This version")
    expect(shown.locator("ins")).to_have_text(re.compile("Two"))
    slider = checks.get_by_role("slider", name="Version")
    slider.focus()
    page.keyboard.press("ArrowRight")
    expect(checks.get_by_role("heading", name="Version Three")).to_be_visible()
    expect(shown.locator("ins")).to_have_text(re.compile("Three"))
    page.keyboard.press("Home")
    expect(checks.get_by_text("The brief as it began")).to_be_visible()
    checks.get_by_role("button", name="Replay from here").click()
    expect(checks.get_by_role("heading", name="Version Three")).to_be_visible()
    expect(checks.get_by_role("button", name="Replay from here")).to_be_visible()
    visitor.look("history 3 replayed")
    eye = Eye(page)
    eye.look("a version")
    checks.get_by_label("Compare").select_option("now")
    expect(checks.get_by_text("Nothing changed since.")).to_be_visible()
    eye.look("what changed since")
    checks.get_by_role("button", name="Rename").click()
    expect(page.get_by_role("dialog")).to_be_visible()
    eye.look("the name of a version")
    page.keyboard.press("Escape")
    expect(page.get_by_role("dialog")).to_have_count(0)
    slider.focus()
    page.keyboard.press("Escape")
    expect(checks.get_by_role("button", name="Version Three")).to_be_focused()
    eye.look("the history")
    assert not eye.found, "\n".join(eye.found)

"""Comments on a brief: two windows talk about its text, and lose nothing when that goes."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Product, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

Visit = Callable[..., Visitor]
TEXT = "Revenue grew 12 % in 2025. Costs fell by a third."


class Window:
    """One person's window on the brief."""

    def __init__(self, visitor: Visitor, url: str) -> None:
        self.visitor = visitor
        self.page: Page = visitor.page
        self.page.goto(url)
        self.body: Locator = self.page.get_by_role("textbox", name="Brief", exact=True)
        expect(self.body).to_be_editable()
        self.pane = self.page.locator('[data-pane="checks"]')
        self.field = self.pane.get_by_role("textbox", name="Comment", exact=True)

    def show(self, which: str) -> None:
        self.pane.get_by_role("button", name=re.compile(which)).click()

    def threads(self, of: str = "Open threads") -> Locator:
        return self.pane.get_by_role("list", name=of).locator("> li")

    def marked(self, words: str) -> Locator:
        return self.body.locator(".commented", has_text=words)

    def select(self, words: str) -> None:
        """Selects words in the text with the keyboard, as a person would."""
        self.body.click()
        self.page.keyboard.press("Control+Home")
        self.settle()
        for _ in range(TEXT.index(words)):
            self.page.keyboard.press("ArrowRight")
        for _ in words:
            self.page.keyboard.press("Shift+ArrowRight")
        self.settle()
        assert self.page.evaluate("() => getSelection().toString()") == words

    def settle(self) -> None:
        """The browser tells the editor of a moved caret in a task of its own."""
        self.page.evaluate(
            "() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))"
        )

    def saved(self) -> None:
        expect(
            self.page.get_by_test_id("sync-status").filter(has_text="saved · 0 unsynced")
        ).to_be_visible()


@pytest.fixture
def url(product: Product, visit: Visit) -> str:
    """A brief with a paragraph in it."""
    visitor = visit("setup")
    request = visitor.context.request
    space = request.post(f"{product.url}/api/spaces", data={"name": "Comments"}).json()["id"]
    brief = request.post(
        f"{product.url}/api/spaces/{space}/briefs", data={"title": "Q3 market entry"}
    ).json()["id"]
    address = f"{product.url}/s/{space}/b/{brief}"
    window = Window(visitor, address)
    window.body.click()
    window.page.keyboard.type(TEXT)
    window.saved()
    visitor.page.close()
    return address


def test_two_windows_talk_about_words_that_are_deleted_and_restored(visit: Visit, url: str) -> None:
    """A comment by key appears in the other window and is answered there; text that is deleted puts
    it into the tray, an undo brings it back, and resolving takes it from both."""
    ann, bo = Window(visit("ann"), url), Window(visit("bo"), url)
    ann.select("grew 12 %")
    ann.page.keyboard.press("Control+Alt+m")
    expect(ann.field).to_be_focused()
    expect(ann.marked("grew 12 %")).to_have_class(re.compile("commented-chosen"))
    ann.page.keyboard.type("Where is this from? @y")
    expect(ann.pane.get_by_role("listbox", name="People to mention")).to_be_visible()
    ann.page.keyboard.press("Enter")
    expect(ann.field).to_have_value(re.compile(r"^Where is this from\? @\S.* $"))
    ann.visitor.look("comments writing")
    ann.page.keyboard.press("Control+Enter")
    expect(ann.threads()).to_have_count(1)
    expect(ann.body).to_be_focused()

    expect(bo.marked("grew 12 %")).to_be_visible()
    expect(bo.pane.get_by_role("tab", name=re.compile("^Comments"))).to_contain_text("1")
    bo.marked("grew 12 %").click()
    expect(bo.threads()).to_contain_text("Where is this from?")
    bo.settle()
    caret = "() => getSelection().anchorNode.parentElement.closest('.commented') !== null"
    assert bo.page.evaluate(caret), "the click left the caret elsewhere"
    answer = bo.pane.get_by_role("textbox", name="Reply")
    answer.fill("The study, page 14.")
    bo.pane.get_by_role("button", name="Reply", exact=True).click()
    expect(ann.threads()).to_contain_text("The study, page 14.")
    expect(answer).to_have_value("")
    bo.visitor.look("comments answered")

    ann.select("grew 12 %")
    ann.page.keyboard.press("Delete")
    ann.saved()
    for window in (ann, bo):
        expect(window.body).to_have_text(TEXT.replace("grew 12 %", ""))
        window.show("Text is gone 1")
        expect(window.threads("Threads whose text is gone")).to_contain_text("Text is gone")
        expect(window.threads("Threads whose text is gone")).to_contain_text("grew 12 %")
        expect(window.body.locator(".commented")).to_have_count(0)
    ann.visitor.look("comments gone")
    ann.body.focus()
    ann.page.keyboard.press("Control+z")
    for window in (ann, bo):
        expect(window.marked("grew 12 %")).to_be_visible()
        window.show("Open 1")
        expect(window.threads()).to_have_count(1)
    ann.saved()
    bo.page.reload()
    expect(bo.marked("grew 12 %")).to_be_visible()

    bo.pane.get_by_role("button", name="Resolve", exact=True).click()
    for window in (ann, bo):
        expect(window.pane.get_by_role("tab", name=re.compile("^Comments"))).to_have_text(
            "Comments"
        )
    bo.page.get_by_role("button", name="Resolved", exact=True).click()
    expect(bo.threads("Resolved threads")).to_contain_text("resolved by")


def test_a_lost_comment_is_attached_to_other_words(visit: Visit, url: str) -> None:
    """What was cut for good finds a new place by hand, in this window and the other."""
    ann, bo = Window(visit("ann"), url), Window(visit("bo"), url)
    ann.select("grew 12 %")
    ann.page.get_by_role("button", name="Comment", exact=True).first.click()
    ann.page.keyboard.type("Check.")
    ann.page.keyboard.press("Control+Enter")
    expect(bo.marked("grew 12 %")).to_be_visible()
    ann.select("grew 12 %")
    ann.page.keyboard.type("fell 3 %")
    ann.saved()
    ann.visitor.look("comments typed over")
    ann.show("Text is gone 1")
    lost = ann.threads("Threads whose text is gone")
    expect(lost).to_have_count(1)
    ann.select("Revenue")
    lost.get_by_role("button", name="Attach to selection").click()
    for window in (ann, bo):
        expect(window.marked("Revenue")).to_be_visible()
    expect(ann.threads()).to_contain_text("Revenue")


def test_a_draft_outlives_the_page_and_an_outage(visit: Visit, url: str) -> None:
    """What was typed is there after a reload; without the server it is kept and cannot be sent."""
    ann = Window(visit("ann"), url)
    ann.select("Costs")
    ann.page.keyboard.press("Control+Alt+m")
    ann.page.keyboard.type("Which costs?")
    ann.saved()
    ann.page.reload()
    ann.pane.get_by_role("tab", name=re.compile("^Comments")).click()
    expect(ann.field).to_have_value("Which costs?")
    expect(ann.marked("Costs")).to_be_visible()
    send = ann.pane.get_by_role("button", name="Comment", exact=True)
    expect(send).to_be_enabled()
    ann.visitor.context.set_offline(True)
    expect(ann.pane.get_by_text("Sending needs the connection.")).to_be_visible()
    expect(send).to_be_disabled()
    ann.field.press("End")
    ann.page.keyboard.type(" All?")
    ann.visitor.context.set_offline(False)
    expect(send).to_be_enabled()
    send.click()
    expect(ann.threads()).to_contain_text("Which costs? All?")

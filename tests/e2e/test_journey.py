"""The whole journey in a real browser: from an empty product to a cited brief that survives."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import ROOT
from tests.e2e.conftest import Product, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(300)]

PAPERS = ("market-study.pdf", "board-minutes.md", "interview-notes.docx", "figures-2026.xlsx")
QUESTION = "How fast did the Austrian market grow in 2025?"
Visit = Callable[..., Visitor]


def pane(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def saved(page: Page) -> Locator:
    """The header's promise that everything typed is stored on the server."""
    return page.get_by_test_id("sync-status").filter(has_text="saved · 0 unsynced")


def to_the_end(page: Page, body: Locator) -> None:
    """Put the caret behind the last word, and wait until the editor has noticed."""
    body.click()
    page.keyboard.press("Control+End")
    page.wait_for_function(
        """body => {
            const {anchorNode, anchorOffset} = getSelection();
            const rest = document.createRange();
            rest.setStart(anchorNode, anchorOffset);
            rest.setEndAfter(body.lastChild);
            return rest.toString().trim() === '';
        }""",
        arg=body.element_handle(),
    )
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


def test_from_an_empty_product_to_a_cited_brief(product: Product, visit: Visit) -> None:
    """Upload, ask, read the quote, insert, write together, lose the server, find it all again."""
    first = visit("first")
    page = first.page
    page.goto(product.url)
    page.get_by_role("button", name="New space…").click()
    page.get_by_label("Name of the space").fill("Halden")
    page.keyboard.press("Enter")
    first.look("1 an empty space")

    evidence, brief = pane(page, "Evidence"), pane(page, "Brief")
    evidence.get_by_role("tab", name="Sources").click()
    evidence.get_by_label("Add files").set_input_files(
        [ROOT / "backend/sample" / name for name in PAPERS]
    )
    expect(evidence.get_by_text("4 of 4 sources searchable")).to_be_visible(timeout=60_000)
    expect(evidence.locator("li[data-state=ready]")).to_have_count(4, timeout=60_000)
    first.look("2 sources with receipts")

    brief.get_by_label("Title of the brief").fill("Market entry 2026")
    brief.get_by_role("button", name="Blank").click()
    body = brief.get_by_role("textbox", name="Brief", exact=True)
    expect(body).to_be_editable()

    evidence.get_by_role("tab", name="Ask").click()
    evidence.get_by_role("textbox", name="Question").fill(QUESTION)
    page.keyboard.press("Control+Enter")
    sentences = evidence.get_by_role("list", name="Answer, by sentence").get_by_role("listitem")
    expect(sentences.filter(has_text="12.1 %").first).to_be_visible()
    cited = sentences.filter(has_text="12.1 %").filter(has=page.get_by_label("Citation"))
    expect(cited.first).to_be_visible()
    expect(evidence.get_by_role("button", name="Insert whole answer")).to_be_visible()
    first.look("3 a cited answer")

    cited.first.get_by_label(re.compile("Citation")).first.click()
    expect(evidence.get_by_role("tab", name="Reader")).to_have_attribute("aria-selected", "true")
    expect(evidence.locator("mark").filter(has_text="12.1 %").first).to_be_visible()
    expect(page).to_have_url(re.compile(r"sel=cite:cit_"))
    first.look("4 the quote in the reader")

    body.click()
    page.keyboard.type("What we know so far. ")
    evidence.get_by_role("tab", name="Ask").click()
    cited.first.get_by_role("button", name="Insert").click()
    expect(body).to_contain_text("12.1 %")
    chips = body.locator("[data-cite]")
    expect(chips).not_to_have_count(0)
    expect(saved(page)).to_be_visible()
    expect(pane(page, "Checks & Ship").get_by_text("supported").first).to_be_visible()
    first.look("5 inserted and checked")

    second = visit("second", dark=True)
    second.page.goto(page.url)
    other = pane(second.page, "Brief").get_by_role("textbox", name="Brief", exact=True)
    expect(other).to_contain_text("12.1 %")
    to_the_end(second.page, other)
    second.page.keyboard.press("Enter")
    second.page.keyboard.type("The second reader agrees.", delay=10)
    expect(body).to_contain_text("The second reader agrees.")
    expect(page.get_by_role("list", name="Who is here").get_by_role("listitem")).to_have_count(2)
    expect(saved(second.page)).to_be_visible()
    first.look("6 two people in one brief")
    second.look("7 the other one in the dark")

    product.kill()
    expect(page.get_by_text(re.compile(r"offline|reconnecting", re.I)).first).to_be_visible()
    to_the_end(page, body)
    page.keyboard.type(" Typed without a server.", delay=10)
    first.look("8 typing while the server is gone")
    product.start()
    expect(saved(page)).to_be_visible(timeout=60_000)
    expect(other).to_contain_text("Typed without a server.", timeout=60_000)
    for text in ("What we know so far.", "The second reader agrees.", "Typed without a server."):
        assert other.inner_text().count(text) == 1, text
        assert body.inner_text().count(text) == 1, text

    page.reload()
    expect(body).to_contain_text("Typed without a server.")
    expect(body.locator("[data-cite]")).not_to_have_count(0)
    first.look("9 after the restart")

    checks = pane(page, "Checks & Ship")
    checks.get_by_role("tab", name="Ship").click()
    with page.expect_download() as downloading:
        formats = checks.get_by_role("listitem").filter(has=page.get_by_role("heading"))
        formats.filter(has_text="Markdown").get_by_role("button").click()
    target = Path(downloading.value.path())
    markdown = target.read_text()
    assert downloading.value.suggested_filename == "Market entry 2026.md"
    assert "12.1 %" in markdown
    assert "Typed without a server." in markdown
    reference = re.search(r"References(.*)", markdown, re.S)
    assert reference is not None
    assert "12.1 %" in reference[1], "the quote stands in the references"
    assert any(paper in reference[1] for paper in PAPERS)
    first.look("10 shipped as markdown")

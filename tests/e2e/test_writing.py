"""Writing with templates, tables, pasted pages and the signs of who wrote what, by keys alone."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import ROOT
from tests.e2e.conftest import Product, Visitor
from tests.e2e.test_accessibility import KEPT
from tests.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Visit = Callable[..., Visitor]
WORD = (ROOT / "frontend/src/editor/pasted/word.html").read_text()
AXE = (ROOT / "frontend/node_modules/axe-core/axe.min.js").read_text()


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Product]:
    served = Product(tmp_path_factory.mktemp("writing") / "var", models_dir, free_port())
    served.data_dir.mkdir()
    served.start()
    yield served
    served.stop()


@pytest.fixture
def open_space(visit: Visit, product: Product) -> Callable[..., Page]:
    """Opens a new space, which has no brief yet."""

    def opened(**options: object) -> Page:
        visitor = visit("writer", **options)
        made = visitor.context.request.post(f"{product.url}/api/spaces", data={"name": "Writing"})
        visitor.page.goto(f"{product.url}/s/{made.json()['id']}")
        return visitor.page

    return opened


def text_of(page: Page) -> Locator:
    return page.get_by_role("textbox", name="Brief", exact=True)


def begin(page: Page, template: str) -> Locator:
    """Begins a brief with a template, by keys, and returns its text."""
    page.get_by_label("Title of the brief").focus()
    page.get_by_role("button", name="Blank").focus()
    for _ in range(5):
        if page.evaluate("document.activeElement.innerText").startswith(template):
            break
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    body = text_of(page)
    expect(body).to_be_editable()
    expect(page.get_by_test_id("sync-status").filter(has_text="saved")).to_be_visible()
    return body


def paste(page: Page, html: str) -> None:
    """Pastes as the browser does, with what another program put on the clipboard."""
    page.evaluate(
        """async (html) => {
            const kinds = {'text/html': new Blob([html], {type: 'text/html'})};
            await navigator.clipboard.write([new ClipboardItem(kinds)]);
        }""",
        html,
    )
    page.keyboard.press("Control+v")


def signs(page: Page) -> list[list[str]]:
    """Each paragraph with the sign that stands in its margin."""
    found: list[list[str]] = page.evaluate(
        """() => [...document.querySelectorAll('.brief-text > p')].map((p) => [
            p.textContent,
            getComputedStyle(p, '::before').content.split('/')[0].trim().replace(/"/g, ''),
        ])"""
    )
    return found


def findings(page: Page) -> list[str]:
    """What axe finds that is serious."""
    page.evaluate(AXE)
    seen = page.evaluate("axe.run(document, {resultTypes: ['violations']})")
    return [
        f"{one['id']}: {node['html'][:200]}"
        for one in seen["violations"]
        if one["impact"] in KEPT
        for node in one["nodes"]
        # The caret of the text around it scrolls a wide table; axe looks only inside of it.
        if not (one["id"] == "scrollable-region-focusable" and "tableWrapper" in node["html"])
    ]


@pytest.mark.parametrize("dark", [False, True])
def test_a_memo_is_written_from_a_template_and_becomes_one(
    open_space: Callable[..., Page], dark: bool
) -> None:
    """Prompts go where one writes and come back where nothing is left; the outline leads to a
    section; the memo is saved as a template and begins another; nothing serious for axe."""
    page = open_space(dark=dark)
    preview = page.get_by_role("region", name="What “Decision memo” begins with")
    page.get_by_role("button", name="Decision memo").focus()
    expect(preview).to_contain_text("as a question that can be answered")
    body = begin(page, "Decision memo")

    footer = page.locator(".brief-footer")
    expect(footer).to_contain_text(re.compile(r"[1-9]\d* words"))
    page.get_by_role("button", name="Outline").click()
    outline = page.get_by_role("navigation", name="Outline")
    expect(outline.get_by_role("button")).to_have_count(10)
    for _ in range(2):
        page.keyboard.press("ArrowDown")
    page.keyboard.press("Enter")
    expect(body).to_be_focused()
    expect(outline.locator("[aria-current]")).to_contain_text("Background")
    page.keyboard.press("ArrowDown")
    prompt = body.locator("p[data-prompt^='What a reader must know']")
    shown = "(p) => getComputedStyle(p, '::before').content"
    assert "What a reader must know" in prompt.evaluate(shown)
    page.keyboard.type("Sales fell.")
    expect(prompt).to_have_text("Sales fell.")
    assert "What a reader must know" not in prompt.evaluate(shown)
    assert ["Sales fell.", "✎"] in signs(page)
    page.get_by_role("button", name="written by people").click()
    who = page.get_by_role("dialog", name="Who wrote it")
    expect(who.get_by_role("row", name="Written by people")).to_contain_text("2")
    assert findings(page) == []
    who.get_by_role("checkbox").uncheck()
    page.keyboard.press("Escape")
    assert ["Sales fell.", "none"] in signs(page)

    page.get_by_role("button", name="Switch brief").click()
    page.get_by_role("menuitem", name="Save as a template").click()
    page.get_by_label("Name of the template").fill("Our memo")
    page.keyboard.press("Enter")
    expect(page.get_by_role("dialog")).to_have_count(0)
    page.get_by_role("button", name="Switch brief").click()
    page.get_by_role("menuitem", name="New brief").click()
    dialog = page.get_by_role("dialog", name="New brief")
    ours = dialog.get_by_role("region", name="Templates of this space")
    ours.get_by_role("button", name="Our memo").first.focus()
    expect(dialog.get_by_role("region", name="What “Our memo” begins with")).to_contain_text(
        "Sales fell."
    )
    assert findings(page) == []
    ours.get_by_role("button", name="Change the template Our memo").click()
    page.get_by_role("menuitem", name="Rename").click()
    page.get_by_label("New name of Our memo").fill("House memo")
    page.keyboard.press("Enter")
    ours.get_by_role("button", name="House memo").first.click()
    expect(dialog).to_have_count(0)
    expect(text_of(page)).to_contain_text("Sales fell.")


def test_a_table_is_filled_grown_and_left_by_keys(open_space: Callable[..., Page]) -> None:
    """Arrows and Tab walk through the cells, Tab at the end adds a row, keys change the table
    and are told, and Ctrl+Enter goes on below it."""
    page = open_space()
    body = begin(page, "Blank")
    body.click()
    page.keyboard.type("/table")
    expect(page.get_by_role("listbox", name="Blocks")).to_be_visible()
    page.keyboard.press("Enter")
    rows = body.locator("tr")
    live = page.get_by_test_id("live")
    expect(rows).to_have_count(3)
    for words in ("Year", "Bikes", "Source", "2024", "1,000", "Report"):
        page.keyboard.type(words)
        page.keyboard.press("Tab")
    page.keyboard.type("2025")
    page.keyboard.press("ArrowUp")
    page.keyboard.type("!")
    expect(rows.nth(1)).to_contain_text("!2024")
    page.keyboard.press("ArrowDown")
    for _ in range(3):
        page.keyboard.press("Tab")
    expect(rows).to_have_count(4)
    expect(live).to_have_text("Row added. 4 rows, 3 columns.")
    page.keyboard.press("Alt+Shift+ArrowRight")
    expect(body.locator("tr").first.locator("th")).to_have_count(4)
    expect(live).to_have_text("Column added after. 4 rows, 4 columns.")
    page.keyboard.press("Alt+Shift+Delete")
    page.keyboard.press("Alt+Shift+Backspace")
    expect(rows).to_have_count(3)
    page.keyboard.press("Alt+Shift+h")
    expect(body.locator("th")).to_have_count(0)
    page.keyboard.press("Control+Enter")
    page.keyboard.type("Below.")
    expect(body.locator(":scope > p").last).to_have_text("Below.")
    page.keyboard.press("ArrowUp")
    expect(page.get_by_role("button", name="Table", pressed=True)).to_be_visible()
    page.wait_for_timeout(700)  # undo takes what follows within half a second as one step
    page.keyboard.press("Control+Shift+Backspace")
    expect(body.locator("table")).to_have_count(0)
    expect(live).to_have_text("Table deleted.")
    page.keyboard.press("Control+z")
    expect(body.locator("table")).to_have_count(1)


def test_a_page_of_word_is_pasted_and_said_to_be_imported(open_space: Callable[..., Page]) -> None:
    """Its headings, lists, table and link come, its styles do not, and the margin says imported;
    words typed over all of a pasted paragraph are a person's, and undo gives it back."""
    page = open_space(width=700)
    body = begin(page, "Blank")
    body.click()
    paste(page, WORD)
    expect(body.locator("h1")).to_have_text(["Cargo bikes", "The market"])
    expect(body.locator("ul ul > li")).to_have_text("in towns")
    expect(body.locator("td")).to_have_text(["Year", "Bikes", "2025", ""])
    expect(body.get_by_role("link", name="the study")).to_have_attribute(
        "href", "https://example.org/study"
    )
    assert "mso" not in body.inner_html()
    assert ["Then:", "⤓"] in signs(page)
    body.locator(":scope > p", has_text="Then:").click()
    page.keyboard.press("Home")
    page.keyboard.press("Shift+End")
    page.wait_for_timeout(700)  # undo takes what follows within half a second as one step
    page.keyboard.type("Now:")
    expect(body.locator(":scope > p", has_text="Now:")).to_have_attribute("data-origin", "human")
    page.keyboard.press("Control+z")
    expect(body.locator(":scope > p", has_text="Then:")).to_have_attribute(
        "data-origin", "imported"
    )
    wide = page.evaluate(
        "() => { const box = document.querySelector('.brief-scroll');"
        " return box.scrollWidth - box.clientWidth; }"
    )
    assert wide == 0, "nothing stands out of the page"
    paste(page, "x" * 1_000_001)
    told = page.get_by_role("region", name="Brief").get_by_text("in parts, or add it as a source")
    expect(told).to_be_visible()

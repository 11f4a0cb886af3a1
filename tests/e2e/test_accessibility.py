"""axe looks at every state of the page, in both colours and at each width it is laid out for."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Literal

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.conftest import ROOT, missing
from tests.e2e.conftest import Product, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

AXE = ROOT / "frontend/node_modules/axe-core/axe.min.js"
SCHEMES: Sequence[Literal["light", "dark"]] = ("light", "dark")
# Kept is what bars somebody's way, and headings that skip a level.
RUN = "axe.run(document, {resultTypes: ['violations']})"
KEPT = frozenset({"serious", "critical"})
Visit = Callable[..., Visitor]


class Eye:
    """Looks at a page with axe, and remembers what it found where."""

    def __init__(self, page: Page) -> None:
        self.page = page
        self.found: list[str] = []
        self._axe = _axe().read_text()

    def look(self, state: str) -> None:
        for scheme in SCHEMES:
            # Colours that are on their way to the other scheme would have contrasts of neither.
            self.page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
            self.page.evaluate(
                "async () => void await Promise.allSettled("
                "document.getAnimations().map(one => one.finished))"
            )
            self.page.evaluate(self._axe)
            seen: dict[str, Any] = self.page.evaluate(RUN)
            self.found += [
                f"{state}, {scheme}: {finding['id']}: {node['html']}"
                for finding in seen["violations"]
                if finding["impact"] in KEPT or finding["id"] == "heading-order"
                for node in finding["nodes"]
            ]


def _axe() -> Path:
    if not AXE.exists():
        missing("axe is not installed; run ./stratmaster setup")
    return AXE


def pane(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


@pytest.mark.parametrize("product", [{"sample": True}], indirect=True)
def test_no_state_of_the_page_has_a_serious_finding(product: Product, visit: Visit) -> None:
    """Answer, reader, claims, ship, menus and dialogs, light and dark, wide and in tabs."""
    visitor = visit("reader by ear")
    page, eye = visitor.page, Eye(visitor.page)
    page.goto(product.url)
    evidence, brief, checks = (pane(page, name) for name in ("Evidence", "Brief", "Checks & Ship"))
    questions = evidence.get_by_role("tabpanel").get_by_role("listitem").get_by_role("button")
    expect(questions).to_have_count(3)
    evidence.get_by_role("tab", name="Sources").click()
    expect(evidence.locator("li[data-state=ready]")).to_have_count(8, timeout=60_000)
    evidence.get_by_text("Receipt").first.click()
    eye.look("sources")

    evidence.get_by_role("tab", name="Ask").click()
    evidence.get_by_role("button", name="Quotes and filters").click()
    question = evidence.get_by_role("textbox", name="Question")
    question.fill("growth after:soon")
    page.keyboard.press("Control+Enter")
    expect(page.get_by_test_id("ask-misread")).to_contain_text("after:soon names no date")
    eye.look("a filter that cannot be read")
    question.fill("How fast did the “Austrian market” grow in 2025?")
    page.keyboard.press("Control+Enter")
    expect(evidence.get_by_role("button", name="Insert whole answer")).to_be_visible()
    evidence.get_by_text("How this was found").click()
    expect(evidence.get_by_text("passages that hold “Austrian market” rank higher")).to_be_visible()
    eye.look("an answer")

    evidence.get_by_label(re.compile("Citation")).first.click()
    expect(evidence.locator("mark").first).to_be_visible()
    evidence.get_by_text("Why this passage").click()
    eye.look("the reader")
    aside(page, evidence)
    evidence.get_by_role("button", name="Why not found?").click()
    why = evidence.get_by_role("region", name="Why this was not found")
    expect(why.get_by_role("table")).to_be_visible()
    visitor.look("accessibility why not found")
    eye.look("why a place was not found")

    claims = checks.get_by_role("list", name="Claims").locator("[data-claim]")
    claims.first.get_by_role("button").first.click()
    eye.look("claims")
    checks.get_by_role("tab", name="Ship").click()
    expect(checks.get_by_role("button", name="Download Markdown")).to_be_visible()
    eye.look("ship")

    space = page.get_by_role("button", name=re.compile("^Space: "))
    dialog = page.get_by_role("dialog").or_(page.get_by_role("alertdialog"))
    for entry in ("Settings of", "New space", "Delete"):
        space.click()
        page.get_by_role("menuitem", name=re.compile(f"^{entry}")).click()
        expect(dialog).to_be_visible()
        if entry == "Settings of":
            expect(dialog.get_by_role("button", name="Save")).to_be_visible()
        eye.look(f"the dialog {entry}")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    for keys in ("Control+/", "Control+k"):
        page.keyboard.press(keys)
        expect(dialog).to_be_visible()
        eye.look(f"the dialog of {keys}")
        page.keyboard.press("Escape")
        expect(dialog).to_have_count(0)
    space.click()
    expect(page.get_by_role("menu")).to_be_visible()
    eye.look("the space menu")
    page.keyboard.press("Escape")

    brief.get_by_role("textbox", name="Brief", exact=True).click()
    page.keyboard.press("Control+End")
    page.keyboard.press("Enter")
    page.keyboard.type("/")
    expect(page.get_by_role("listbox", name="Blocks")).to_be_visible()
    eye.look("the menu of blocks")
    page.keyboard.press("Escape")

    for width in (900, 600):
        page.set_viewport_size({"width": width, "height": 900})
        for name in ("Evidence", "Brief", "Checks & Ship"):
            page.get_by_role("tab", name=name).click()
            expect(pane(page, name)).to_be_visible()
            eye.look(f"{name} at {width}")
    assert not eye.found, "\n".join(eye.found)


def test_a_page_that_has_no_space_to_show_has_no_serious_finding(
    product: Product, visit: Visit
) -> None:
    """Before the first space is made, and at the address of one that is not there."""
    page = visit("newcomer by ear").page
    eye = Eye(page)
    page.goto(product.url)
    expect(page.get_by_role("heading", name="No space yet")).to_be_visible()
    eye.look("no space")
    assert page.request.post(f"{product.url}/api/spaces", data={"name": "Metals"}).ok
    page.goto(f"{product.url}/s/spc_none")
    expect(page.get_by_role("heading", name="No such space")).to_be_visible()
    eye.look("no such space")
    assert not eye.found, "\n".join(eye.found)


@pytest.mark.parametrize("product", [{"sample": True}], indirect=True)
def test_the_graph_has_no_serious_finding_and_no_names_that_touch(
    product: Product, visit: Visit
) -> None:
    """The whole space, a name found by the keyboard, and a relation's passages."""
    visitor = visit("graph by ear")
    page, eye = visitor.page, Eye(visitor.page)
    page.goto(product.url)
    evidence = pane(page, "Evidence")
    evidence.get_by_role("tab", name="Sources").click()
    expect(evidence.locator("li[data-state=ready]")).to_have_count(8, timeout=60_000)
    evidence.get_by_role("tab", name="Graph").click()
    expect(evidence.get_by_text("looking who keeps company")).to_have_count(0)
    assert drawn(page) > 5
    visitor.look("accessibility graph of a space")
    eye.look("the graph of a space")

    page.get_by_role("searchbox", name="Name to look up").fill("Lastra")
    page.keyboard.press("Enter")
    relation = evidence.get_by_role("button", name=re.compile("passage")).first
    expect(relation).to_be_visible()
    assert drawn(page) > 1
    eye.look("what is stated of a name")
    relation.click()
    eye.look("the passages of a relation")
    first = page.get_by_test_id("graph-drawing").get_by_role("button").first
    first.focus()
    for key in ("ArrowRight", "ArrowDown", "ArrowLeft", "ArrowUp"):
        page.keyboard.press(key)
    eye.look("a name in the drawing")
    for width in (900, 600):
        page.set_viewport_size({"width": width, "height": 900})
        page.get_by_role("tab", name="Evidence").click()
        assert drawn(page) > 1
        eye.look(f"the graph at {width}")
    assert not eye.found, "\n".join(eye.found)


@pytest.mark.parametrize("product", [{"sample": True}], indirect=True)
def test_what_people_do_together_has_no_serious_finding(product: Product, visit: Visit) -> None:
    """Suggestions, comments, versions, notifications, members and templates, wide and in tabs."""
    visitor = visit("together by ear")
    page, eye = visitor.page, Eye(visitor.page)
    page.goto(product.url)
    brief, checks = pane(page, "Brief"), pane(page, "Checks & Ship")
    body = brief.get_by_role("textbox", name="Brief", exact=True)
    expect(body).to_be_editable()
    body.locator("p").first.click()
    expect(body).to_be_focused()
    page.keyboard.press("Control+Shift+ArrowRight")
    page.keyboard.press("Control+Alt+m")
    field = checks.get_by_role("textbox", name="Comment", exact=True)
    expect(field).to_be_focused()
    page.keyboard.type("Where is this from?")
    eye.look("a comment that is being written")
    page.keyboard.press("Control+Enter")
    expect(
        checks.get_by_role("list", name="Open threads").get_by_role("listitem")
    ).not_to_have_count(0)
    eye.look("comments")

    page.keyboard.press("Control+Shift+E")
    expect(page.get_by_role("button", name="Mode: Suggesting")).to_be_visible()
    body.locator("p").first.click()
    page.keyboard.press("End")
    page.keyboard.type(" Suggested words.")
    page.keyboard.press("F9")
    expect(brief.get_by_role("region", name="Suggestion by")).to_be_visible()
    checks.get_by_role("tab", name="Suggestions").click()
    expect(checks.get_by_role("button", name=re.compile("^Accept: "))).not_to_have_count(0)
    visitor.look("accessibility suggestions")
    eye.look("suggestions")
    page.get_by_role("button", name="Mode: Suggesting").click()
    eye.look("the menu of modes")
    page.keyboard.press("Escape")

    checks.get_by_role("tab", name="History").click()
    versions = checks.get_by_role("listitem").get_by_role("button")
    expect(versions).not_to_have_count(0)
    eye.look("the history")
    versions.first.click()
    expect(checks.get_by_role("slider", name="Version")).to_be_visible()
    eye.look("a version")

    page.get_by_role("button", name="Notifications").click()
    expect(page.get_by_role("menu")).to_be_visible()
    eye.look("notifications")
    page.keyboard.press("Escape")
    dialog = page.get_by_role("dialog")
    page.get_by_role("button", name=re.compile("^Space: ")).click()
    page.get_by_role("menuitem", name=re.compile("^Members")).click()
    expect(dialog.get_by_role("list", name="Members")).to_be_visible()
    eye.look("members")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)
    page.get_by_role("button", name="Switch brief").click()
    page.get_by_role("menuitem", name="New brief").click()
    expect(dialog.get_by_role("button", name=re.compile("^Market entry"))).to_be_visible()
    eye.look("templates")
    page.keyboard.press("Escape")
    expect(dialog).to_have_count(0)

    page.get_by_role("button", name="Outline").click()
    body.click()
    page.keyboard.press("Control+f")
    page.keyboard.type("market")
    eye.look("outline and finding")
    page.set_viewport_size({"width": 480, "height": 900})
    for name in ("Brief", "Checks & Ship"):
        page.get_by_role("tab", name=name).click()
        expect(pane(page, name)).to_be_visible()
        eye.look(f"{name} at 480")
    for tab in ("Comments", "Suggestions"):
        checks.get_by_role("tab", name=tab).click()
        eye.look(f"{tab} at 480")
    assert not eye.found, "\n".join(eye.found)


def drawn(page: Page) -> int:
    """How many names are drawn, none of which touches another or leaves the drawing."""
    drawing = page.get_by_test_id("graph-drawing")
    expect(drawing.locator("text").first).to_be_visible()
    boxes: list[list[float]] = drawing.evaluate(
        """async drawing => {
            await new Promise(done => setTimeout(done, 500));
            const frame = drawing.getBoundingClientRect();
            return [...drawing.querySelectorAll('text')].map(text => {
                const {left, top, right, bottom} = text.getBoundingClientRect();
                return [left - frame.left, top - frame.top, frame.right - right,
                        frame.bottom - bottom, left, top, right, bottom];
            });
        }"""
    )
    for at, (*aside, left, top, right, bottom) in enumerate(boxes):
        assert min(aside) >= 0, (at, aside)
        for _, _, _, _, *other in boxes[:at]:
            apart = other[2] <= left or right <= other[0] or other[3] <= top or bottom <= other[1]
            assert apart, (at, other)
    return len(boxes)


@pytest.mark.parametrize("product", [{"sample": True}], indirect=True)
@pytest.mark.parametrize("failed", ["", "Qdrant at here:6333 does not answer"])
def test_a_rebuild_has_no_serious_finding(product: Product, visit: Visit, failed: str) -> None:
    """While it goes on and where it failed, wide and narrow."""
    told = {"running": not failed, "legs": ["dense", "graph"], "answering": True, "done": 4_100,
            "total": 13_000, "notes": [], "error": failed or None}  # fmt: skip
    page = visit("rebuilding").page
    page.route("**/api/rebuild", lambda route: route.fulfill(json=told))
    page.goto(product.url)
    expect(pane(page, "Brief").get_by_role("textbox", name="Brief", exact=True)).to_be_visible()
    eye = Eye(page)
    for width in (1440, 600):
        page.set_viewport_size({"width": width, "height": 900})
        expect(page.get_by_test_id("rebuild")).to_contain_text("dense and graph indexes")
        eye.look(f"a rebuild at {width}")
    assert not eye.found, "\n".join(eye.found)


def aside(page: Page, evidence: Locator) -> None:
    """Selects a paragraph of the reader that is not the quote."""
    evidence.get_by_test_id("reader").locator("p:not(:has(mark)) span[data-start]").last.evaluate(
        """span => {
            const range = document.createRange();
            range.selectNodeContents(span);
            getSelection().removeAllRanges();
            getSelection().addRange(range);
        }"""
    )
    expect(page.get_by_role("button", name="Cite selection")).to_be_visible()

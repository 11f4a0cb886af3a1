"""The brief's editor under real keys and a real mouse."""

from __future__ import annotations

import os
import re
import struct
import time
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Locator, Page, Playwright, expect

from tests.conftest import ROOT, missing
from tests.e2e.conftest import READY_WITHIN_S, Product, Visitor
from tests.ports import free_port

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(120)]

Visit = Callable[..., Visitor]
PAPER = """# Market study

The Austrian market for cargo bikes grew 12.1 % in 2025.

Dealers in Portugal keep a margin of 32 % on every bicycle they sell.
"""
BUILT = Path(os.environ.get("STRATMASTER_FRONTEND_DIR", ROOT / "frontend/dist"))


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory, models_dir: Path) -> Iterator[Product]:
    """One product for the whole file; each test writes in a brief of its own."""
    if not (BUILT / "index.html").exists():
        missing("the front end is not built; run ./stratmaster setup")
    served = Product(tmp_path_factory.mktemp("editor") / "var", models_dir, free_port())
    served.data_dir.mkdir()
    served.start()
    yield served
    served.stop()


@dataclass
class Desk:
    """An open brief with the caret in its empty text."""

    visitor: Visitor
    url: str

    @property
    def page(self) -> Page:
        return self.visitor.page

    @property
    def brief(self) -> Locator:
        return self.page.get_by_role("region", name="Brief")

    @property
    def body(self) -> Locator:
        return self.brief.get_by_role("textbox", name="Brief", exact=True)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            if key.rpartition("+")[2] in ("End", "Home", "a"):
                # A key that overtakes the caret would act on what was selected before.
                settled(self.page)

    def type(self, *lines: str) -> None:
        """Types paragraphs, each line but the last followed by Return."""
        for n, line in enumerate(lines):
            if n:
                self.press("Enter")
            self.page.keyboard.type(line)

    def pick(self, words: str, title: str) -> None:
        """Inserts a block by the menu that "/" opens."""
        self.page.keyboard.type(f"/{words}")
        menu = self.page.get_by_role("listbox", name="Blocks")
        expect(menu.get_by_role("option", selected=True)).to_contain_text(title)
        self.press("Enter")
        expect(menu).to_have_count(0)

    def saved(self) -> None:
        expect(
            self.page.get_by_test_id("sync-status").filter(has_text="saved · 0 unsynced")
        ).to_be_visible()


def settled(page: Page) -> None:
    """The browser tells the editor of a moved caret in a task of its own."""
    page.evaluate("() => new Promise(done => requestAnimationFrame(() => setTimeout(done)))")


@pytest.fixture(scope="module")
def space(product: Product, playwright: Playwright) -> str:
    """A space with one paper that can be searched."""
    request = playwright.request.new_context(base_url=product.url)
    made = request.post("/api/spaces", data={"name": "Editor"}).json()["id"]
    paper = {"title": "Market study", "text": PAPER, "format": "markdown"}
    source = request.post(f"/api/spaces/{made}/sources/paste", data=paper).json()["id"]
    deadline = time.monotonic() + READY_WITHIN_S
    while request.get(f"/api/sources/{source}").json()["state"] != "ready":
        assert time.monotonic() < deadline, "the paper was not read in time"
        time.sleep(0.1)
    request.dispose()
    return str(made)


@pytest.fixture
def sit(visit: Visit, product: Product, space: str) -> Callable[..., Desk]:
    """Opens an empty brief, or another person's, and puts the caret into its text."""

    def open_desk(name: str = "first", *, url: str = "", **options: object) -> Desk:
        visitor = visit(name, **options)
        if not url:
            reply = visitor.context.request.post(
                f"{product.url}/api/spaces/{space}/briefs", data={"title": f"Brief of {name}"}
            )
            url = f"{product.url}/s/{space}/b/{reply.json()['id']}"
        desk = Desk(visitor, url)
        desk.page.goto(url)
        expect(desk.body).to_be_editable()
        desk.saved()
        desk.body.click()
        expect(desk.body).to_be_focused()
        settled(desk.page)
        return desk

    return open_desk


Sit = Callable[..., Desk]


def test_blocks_come_from_the_menu_and_from_signs(sit: Sit) -> None:
    """Every entry of the "/" menu makes its block, and Markdown's signs make the same ones."""
    desk = sit("blocks")
    body = desk.body
    for words, title, made in (
        ("h1", "Heading 1", "h1"),
        ("section", "Heading 2", "h2"),
        ("sub", "Heading 3", "h3"),
        ("bullet", "Bullet list", "ul > li"),
        ("ordered", "Numbered list", "ol > li"),
        ("quote", "Quote", "blockquote"),
        ("todo", "Action item", ".action"),
        ("code", "Code", "pre"),
    ):
        desk.pick(words, title)
        desk.page.keyboard.type(f"in {title}")
        expect(body.locator(made)).to_have_text(re.compile(f"in {title}"))
        desk.brief.locator(".brief-below").click()
    desk.pick("divider", "Divider")
    expect(body.locator("hr")).to_have_count(1)
    desk.brief.locator(".brief-below").click()
    desk.pick("grid", "Table")
    expect(body.locator("table tr")).to_have_count(3)
    desk.visitor.look("editor blocks")

    desk.press("Control+a", "Delete")
    expect(body).to_have_text("")
    desk.type("# One", "## Two", "### Three", "#### Four", "Plain **bold** and *slanted* `code`.")
    desk.type("", "- point", "", "1. step", "", "> said", "", "", "[ ] do it", "", "---")
    for made, words in (
        ("h1", "One"),
        ("h2", "Two"),
        ("h3", "Three"),
        ("h4", "Four"),
        ("strong", "bold"),
        ("em", "slanted"),
        ("p code", "code"),
        ("ul > li", "point"),
        ("ol > li", "step"),
        ("blockquote", "said"),
        (".action-text", "do it"),
    ):
        expect(body.locator(made)).to_have_text(words)
    expect(body.locator("hr")).to_have_count(1)
    desk.brief.locator(".brief-below").click()
    desk.type("```", "let x = 1", "let y = 2")
    expect(body.locator("pre")).to_have_text("let x = 1\nlet y = 2")
    ids = body.locator("[data-id]").evaluate_all("all => all.map(one => one.dataset.id)")
    assert len(ids) == len(set(ids))
    desk.visitor.look("editor signs")


def test_a_table_is_written_by_keyboard(sit: Sit) -> None:
    """Tab walks the cells and makes the next row; the menu adds and deletes rows and columns."""
    desk = sit("table")
    page, rows = desk.page, desk.body.locator("table tr")

    def closed() -> None:
        """A click on the button of a menu that is still open would only close it."""
        expect(page.get_by_role("menu")).to_have_count(0)

    desk.pick("grid", "Table")
    for cell in "abcdefghi":
        page.keyboard.type(cell)
        desk.press("Tab")
    page.keyboard.type("next row")
    expect(rows).to_have_count(4)
    expect(rows.nth(3).locator("td").first).to_have_text("next row")
    expect(rows.first.locator("th")).to_have_text(["a", "b", "c"])
    desk.press("Shift+Tab")
    settled(page)
    for entry, made in (("Row above", 5), ("Row below", 6), ("Delete row", 5)):
        desk.brief.get_by_role("button", name="Table", exact=True).focus()
        desk.press("Enter")
        page.get_by_role("menuitem", name=entry).focus()
        desk.press("Enter")
        expect(rows).to_have_count(made)
        expect(desk.body).to_be_focused()
        closed()
    for entry, made in (("Column before", 4), ("Column after", 5), ("Delete column", 4)):
        desk.brief.get_by_role("button", name="Table", exact=True).click()
        page.get_by_role("menuitem", name=entry).click()
        expect(rows.first.locator("th")).to_have_count(made)
        closed()
    desk.visitor.look("editor table")
    ids = desk.body.locator("[data-id]").evaluate_all("all => all.map(one => one.dataset.id)")
    assert len(ids) == len(set(ids))
    desk.brief.get_by_role("button", name="Table", exact=True).click()
    page.get_by_role("menuitem", name="Delete table").click()
    expect(rows).to_have_count(0)


def cite(desk: Desk, words: str, wanted: str) -> None:
    """Cites by "[[" the passage that says what is wanted."""
    desk.page.keyboard.type(f"[[{words}")
    found = desk.page.get_by_role("listbox", name="Passages").get_by_role("option")
    expect(found.filter(has_text=wanted).first).to_be_visible()
    for _ in range(found.count()):
        if wanted in (found.and_(desk.page.locator("[aria-selected=true]")).inner_text()):
            break
        desk.press("ArrowDown")
    chips = desk.body.locator("[data-cite]")
    before = chips.count()
    desk.press("Enter")
    expect(chips).to_have_count(before + 1)


def test_an_input_method_writes_behind_a_citation_that_is_selected(sit: Sit) -> None:
    """What is composed while a citation is selected stands behind it, as typed letters do."""
    desk = sit("composed")
    desk.type("Austria grew. ")
    cite(desk, "austrian market grew", "Austrian market")
    desk.press("Backspace")
    expect(desk.body.locator(".ProseMirror-selectednode")).to_have_count(1)
    keys = desk.visitor.context.new_cdp_session(desk.page)
    keys.send(
        "Input.dispatchKeyEvent",
        {"type": "rawKeyDown", "windowsVirtualKeyCode": 229, "key": "Process"},
    )
    settled(desk.page)
    for text in ("k", "か"):
        keys.send("Input.imeSetComposition", {"text": text, "selectionStart": 1, "selectionEnd": 1})
    keys.send("Input.insertText", {"text": "か"})
    expect(desk.body.locator("[data-cite]")).to_have_count(1)
    expect(desk.body.locator("p")).to_have_text("Austria grew. 1か")


def copied(desk: Desk) -> str:
    """Copies the whole text and answers with what other programs paste of it."""
    desk.page.evaluate("navigator.clipboard.writeText('')")
    desk.press("Control+a", "Control+c")
    # The browser answers a key before what it copied can be read.
    desk.page.wait_for_function("() => navigator.clipboard.readText()")
    return str(desk.page.evaluate("navigator.clipboard.readText()"))


def test_a_citation_is_searched_copied_and_pasted(sit: Sit) -> None:
    """A passage found by "[[" is a numbered chip; copies keep it here and spell it out there."""
    desk = sit("citations")
    page, body = desk.page, desk.body
    chips = body.locator("[data-cite]")
    desk.type("Austria grew by 12.1 %. ")
    cite(desk, "austrian market grew", "Austrian market")
    expect(chips).to_have_text("1")
    expect(chips).to_have_attribute("aria-label", re.compile("Citation 1.*Market study"))
    desk.visitor.look("editor chip")

    text = copied(desk)
    assert text.startswith("Austria grew by 12.1 %. [1]"), text
    assert re.search(r"References\n\[1\] .*Market study", text), text
    html = page.evaluate(
        "navigator.clipboard.read().then(([item]) => item.getType('text/html')).then(b => b.text())"
    )
    assert "data-cite" in html
    assert "Market study" in html

    desk.press("Control+End", "Enter", "Control+v")
    expect(chips).to_have_text(["1", "1"])
    expect(body).not_to_contain_text("References")
    cites = chips.evaluate_all("all => all.map(one => one.dataset.cite)")
    assert len(set(cites)) == 1

    elsewhere = desk.visitor.context.new_page()
    elsewhere.set_content("<div id=there contenteditable style='min-height: 3em'></div>")
    elsewhere.locator("#there").click()
    elsewhere.keyboard.press("Control+v")
    there = elsewhere.locator("#there")
    expect(there).to_contain_text("[1]")
    expect(there).to_contain_text(re.compile("References.*Market study", re.S))
    elsewhere.close()

    page.bring_to_front()
    body.click()
    desk.press("Control+Home")
    settled(page)
    desk.type("Portugal comes first. ")
    cite(desk, "Portugal dealers margin", "Portugal")
    expect(chips.first).to_have_text("1")
    desk.saved()


def test_words_are_found_and_replaced(sit: Sit) -> None:
    """Find goes round, replaces the one it shows, then all others; undo takes one step back."""
    desk = sit("find")
    page, body = desk.page, desk.body
    desk.type("The margin is thin.", "A Margin of 32 %.", "No margin at all.")
    desk.press("Control+Home", "Control+f")
    bar = desk.brief.get_by_role("search")
    count = bar.get_by_role("status")
    page.keyboard.type("margin")
    expect(count).to_have_text("1 of 3")
    for place in ("2 of 3", "3 of 3", "1 of 3"):
        desk.press("Enter")
        expect(count).to_have_text(place)
    desk.press("Shift+Enter")
    expect(count).to_have_text("3 of 3")
    expect(body.locator(".found-current")).to_have_text("margin")
    bar.get_by_label("Replace by").fill("profit")
    bar.get_by_role("button", name="Replace", exact=True).click()
    expect(body).to_contain_text("No profit at all.")
    expect(body).to_contain_text("A Margin of")
    expect(count).to_have_text(re.compile("of 2"))
    desk.visitor.look("editor find")
    bar.get_by_role("button", name="All").click()
    expect(body.locator("p")).to_have_text(
        ["The profit is thin.", "A profit of 32 %.", "No profit at all."]
    )
    expect(count).to_have_text("Not found · 2 replaced")
    desk.press("Escape")
    expect(bar).to_have_count(0)
    expect(body).to_be_focused()
    desk.press("Control+z")
    expect(body).to_contain_text("A Margin of")


def test_undo_takes_back_only_ones_own_words(sit: Sit) -> None:
    """Undo in one browser leaves alone what was typed in another."""
    # Undo takes half a second of typing as one step: what both keep is typed by a third.
    before = sit("before")
    before.type("Kept by both.", "")
    before.saved()
    before.page.close()
    first = sit("first", url=before.url)
    second = sit("second", url=before.url, dark=True)
    for desk in (first, second):
        expect(desk.body).to_contain_text("Kept by both.")
    first.press("Control+End")
    first.type("Words of the first.")
    expect(second.body).to_contain_text("Words of the first.")
    second.press("Control+Home")
    settled(second.page)
    second.type("Words of the second. ")
    expect(first.body).to_contain_text("Words of the second.")
    first.press("Control+z")
    expect(first.body).not_to_contain_text("Words of the first.")
    expect(first.body).to_contain_text(re.compile("Words of the second.*Kept by both", re.S))
    expect(second.body).not_to_contain_text("Words of the first.")
    second.press("Control+z")
    expect(first.body).not_to_contain_text("Words of the second.")
    expect(first.body).to_contain_text("Kept by both.")
    first.press("Control+y")
    expect(second.body).to_contain_text("Words of the first.")


def test_an_action_item_is_filled_in_by_keyboard(sit: Sit) -> None:
    """Owner, due day and status of an action item are reached and set without a mouse."""
    desk = sit("action", dark=True)
    page, item = desk.page, desk.body.locator(".action").nth(1)
    desk.type("[ ] Ring the board", "[ ] Ask the dealers")
    expect(item).to_contain_text("Ask the dealers")
    desk.press("Tab")
    expect(item.get_by_label("Owner")).to_be_focused()
    page.keyboard.type("Ana")
    desk.press("Tab")
    expect(item.get_by_label("Due")).to_be_focused()
    page.keyboard.type("03062026")
    desk.visitor.look("editor action")
    desk.press("Enter")
    expect(desk.body).to_be_focused()
    desk.press("Shift+Tab")
    expect(item.get_by_label("Status")).to_be_focused()
    page.keyboard.type("do")
    desk.press("Escape")
    expect(desk.body).to_be_focused()
    expect(item.get_by_label("Owner")).to_have_value("Ana")
    expect(item.get_by_label("Due")).to_have_value("6 Mar 2026")
    expect(item).to_have_attribute("data-status", "doing")
    desk.saved()
    page.reload()
    expect(item.get_by_label("Owner")).to_have_value("Ana")
    expect(item.get_by_label("Due")).to_have_value("6 Mar 2026")
    expect(item.get_by_label("Status")).to_have_value("doing")


def png(width: int, height: int) -> bytes:
    """A picture of one colour."""

    def chunk(kind: bytes, data: bytes) -> bytes:
        return (
            struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        )

    rows = (b"\0" + b"\x20\x60\xa0" * width) * height
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    return (
        b"\x89PNG\r\n\x1a\n"
        + chunk(b"IHDR", head)
        + chunk(b"IDAT", zlib.compress(rows))
        + chunk(b"IEND", b"")
    )


def test_a_picture_is_uploaded_and_described(sit: Sit, product: Product) -> None:
    """A file becomes a picture no wider than the page, with words for those who cannot see it."""
    desk = sit("picture")
    page, body = desk.page, desk.body
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    with page.expect_file_chooser() as choosing:
        desk.brief.get_by_role("button", name="Picture").click()
    choosing.value.set_files(
        {"name": "sales chart.png", "mimeType": "image/png", "buffer": png(2400, 300)}
    )
    picture = body.locator("img")
    expect(picture).to_have_attribute("alt", "sales chart")
    page.wait_for_function(
        "image => image.complete && image.naturalWidth", arg=picture.element_handle()
    )
    size, room = picture.bounding_box(), body.bounding_box()
    assert size is not None
    assert room is not None
    assert size["width"] <= room["width"]

    picture.click()
    alt = body.get_by_label("Description")
    expect(alt).to_have_value("sales chart")
    desk.visitor.look("editor picture")
    desk.press("Enter")
    expect(alt).to_be_focused()
    alt.fill("Sales doubled from 2024 to 2025")
    desk.press("Enter")
    expect(body).to_be_focused()
    expect(picture).to_have_attribute("alt", "Sales doubled from 2024 to 2025")

    page.evaluate(
        """html => navigator.clipboard.write([new ClipboardItem({
            'text/html': new Blob([html], {type: 'text/html'}),
        })])""",
        "<p>Pasted words <img src='https://stranger.example/pixel.png'></p>",
    )
    desk.brief.locator(".brief-below").click()
    desk.press("Control+v")
    expect(body).to_contain_text("Pasted words")
    desk.saved()
    page.reload()
    expect(picture).to_have_attribute("alt", "Sales doubled from 2024 to 2025")
    assert [url for url in asked if not re.match(rf"{product.url}|blob:|data:", url)] == []


def test_every_listed_key_works(sit: Sit) -> None:
    """The list of keys names none that does nothing."""
    desk = sit("keys")
    page, body = desk.page, desk.body
    desk.type("Dealers in Portugal keep a margin of 32 %. ")
    cite(desk, "dealers Portugal margin", "Portugal")
    desk.press("Enter")
    desk.type("The Austrian market for cargo bikes shrank by 40 % in 2025.")
    checks = page.get_by_role("region", name="Checks & Ship")
    claims = checks.get_by_role("list", name="Claims").get_by_role("listitem")
    expect(claims.filter(has_text="shrank by 40 %").first).to_be_visible()

    desk.press("Control+/")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog.get_by_text("Next unresolved claim, and back")).to_be_visible()
    desk.visitor.look("editor keys")
    desk.press("Escape")
    expect(dialog).to_have_count(0)
    expect(body).to_be_focused()

    panes = "document.activeElement.closest('[data-pane]')?.dataset.pane"
    start = page.evaluate(panes)
    seen = [start]
    for _ in range(3):
        desk.press("F6")
        seen.append(page.evaluate(panes))
    assert len(set(seen)) == 3, seen
    assert seen[3] == start, seen
    desk.press("Shift+F6")
    assert page.evaluate(panes) == seen[2]

    desk.press("Control+k")
    page.keyboard.type("ship")
    desk.visitor.look("editor palette")
    desk.press("Enter")
    expect(checks.get_by_role("tab", name="Ship")).to_have_attribute("aria-selected", "true")
    desk.press("Control+k")
    page.keyboard.type("claims")
    desk.press("Enter")
    expect(checks.get_by_role("tab", name="Claims")).to_have_attribute("aria-selected", "true")

    body.click()
    desk.press("F8")
    expect(page).to_have_url(re.compile("sel=claim"))
    open_claim = checks.locator("li[data-claim]").filter(has_text="shrank by 40 %")
    expect(open_claim.get_by_role("button", expanded=True)).to_be_visible()
    desk.press("Shift+F8", "Control+.")
    expect(open_claim).to_be_focused()
    desk.visitor.look("editor claim card")
    with page.expect_response(re.compile("/recheck$")):
        desk.press("v")
    desk.press("r")
    expect(open_claim.get_by_role("button", name="Close")).to_be_visible()
    expect(open_claim).to_be_focused()
    desk.press("o")
    expect(open_claim).to_have_attribute("data-verdict", "opinion")
    expect(open_claim).to_be_focused()


def test_a_block_is_dragged_by_its_handle(sit: Sit) -> None:
    """The handle beside a block moves it by mouse, and its id goes with it."""
    desk = sit("drag")
    page, body = desk.page, desk.body
    desk.type("Alpha.", "Beta.", "Gamma.")
    blocks = body.locator("p")
    ids = blocks.evaluate_all("all => all.map(one => one.dataset.id)")
    blocks.first.hover()
    grip = desk.brief.locator(".brief-grip")
    expect(grip).to_be_visible()
    expect(grip.locator("svg")).to_be_visible()
    handle, target = grip.bounding_box(), blocks.nth(2).bounding_box()
    assert handle is not None
    assert target is not None
    desk.visitor.look("editor handle")
    page.mouse.move(handle["x"] + 8, handle["y"] + 8)
    page.mouse.down()
    page.mouse.move(target["x"] + 60, target["y"] + 4, steps=6)
    page.mouse.move(target["x"] + 60, target["y"] + target["height"] - 2, steps=6)
    page.mouse.up()
    expect(blocks).to_have_text(["Beta.", "Gamma.", "Alpha."])
    moved = blocks.evaluate_all("all => all.map(one => one.dataset.id)")
    assert moved == [ids[1], ids[2], ids[0]]

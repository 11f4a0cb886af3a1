"""What the panes show when there is nothing yet, when a thing fails and when it is gone."""

from __future__ import annotations

import base64
import json
import re
import urllib.request
from collections.abc import Callable
from pathlib import Path

import docx
import pytest
from playwright.sync_api import Locator, Page, expect
from reportlab.lib.pdfencrypt import StandardEncryption
from reportlab.pdfgen.canvas import Canvas

from tests.conftest import ROOT
from tests.e2e.conftest import Product, Visitor

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(180)]

SAMPLE = ROOT / "backend/sample"
WITH_SAMPLE = pytest.mark.parametrize("product", [{"sample": True}], indirect=True)
WITHOUT_DENSE = pytest.mark.parametrize(
    "product", [{"settings": {"STRATMASTER_DENSE_URL": "onnx:missing-model"}}], indirect=True
)
Visit = Callable[..., Visitor]


def pane(page: Page, name: str) -> Locator:
    return page.get_by_role("region", name=name)


def tab(where: Locator, name: str) -> None:
    where.get_by_role("tab", name=name).click()


def row(evidence: Locator, name: str) -> Locator:
    """A source, not a file that is still being sent."""
    return evidence.locator("li[data-state]").filter(has_text=name)


def new_space(page: Page, product: Product, name: str) -> None:
    page.goto(product.url)
    page.get_by_role("button", name="New space…").click()
    page.get_by_label("Name of the space").fill(name)
    page.keyboard.press("Enter")
    expect(page.get_by_role("button", name=f"Space: {name}")).to_be_visible()


def ask(page: Page, evidence: Locator, question: str) -> None:
    tab(evidence, "Ask")
    evidence.get_by_role("textbox", name="Question").fill(question)
    page.keyboard.press("Control+Enter")


def locked_pdf(path: Path) -> Path:
    canvas = Canvas(str(path), encrypt=StandardEncryption("secret"))
    canvas.drawString(72, 700, "Nobody reads this.")
    canvas.save()
    return path


def written(path: Path, content: bytes | str) -> Path:
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    return path


def drop(page: Page, onto: Locator, files: dict[str, str]) -> None:
    """Drops files as a person would out of a folder, by a real DataTransfer."""
    transfer = page.evaluate_handle(
        """files => {
            const transfer = new DataTransfer();
            for (const [name, content] of Object.entries(files)) {
                const bytes = Uint8Array.from(atob(content), c => c.charCodeAt(0));
                transfer.items.add(new File([bytes], name));
            }
            return transfer;
        }""",
        {name: base64.b64encode(text.encode()).decode() for name, text in files.items()},
    )
    for event in ("dragenter", "dragover", "drop"):
        onto.dispatch_event(event, {"dataTransfer": transfer})


def api(product: Product, path: str) -> object:
    with urllib.request.urlopen(f"{product.url}{path}", timeout=10) as response:
        return json.load(response)


@WITH_SAMPLE
def test_the_first_visit_answers_reads_declines_and_stays_readable(
    product: Product, visit: Visit
) -> None:
    """Three questions stand ready; a click answers; what was read stays when the server goes."""
    visitor = visit("newcomer")
    page = visitor.page
    page.goto(product.url)
    evidence, checks = pane(page, "Evidence"), pane(page, "Checks & Ship")
    questions = evidence.get_by_role("tabpanel").get_by_role("listitem").get_by_role("button")
    expect(questions).to_have_count(3)
    visitor.look("states first visit")

    # The count of searchable sources grows to all of them; only then is a replay the same.
    tab(evidence, "Sources")
    expect(evidence.get_by_test_id("searchable")).to_have_text("8 of 8 sources searchable")
    expect(evidence.locator("li[data-state=ready]")).to_have_count(8, timeout=60_000)
    tab(evidence, "Ask")
    questions.first.click()
    sentences = evidence.get_by_role("list", name="Answer, by sentence").get_by_role("listitem")
    expect(sentences.filter(has=page.get_by_label("Citation")).first).to_be_visible()
    evidence.get_by_role("button", name="Replay").click()
    expect(evidence.get_by_text("identical when asked again now")).to_be_visible()

    # The page of a PDF as it looks, with the quote marked on it.
    studied = sentences.filter(has_text="13,900").get_by_label(re.compile("Citation"))
    studied.first.click()
    evidence.get_by_role("button", name="Page", exact=True).click()
    picture = evidence.get_by_test_id("page")
    expect(picture.locator("div").first).to_be_visible()
    shown = picture.get_by_role("img")
    expect(shown).to_be_visible()
    page.wait_for_function("image => image.naturalWidth > 0", arg=shown.element_handle())
    whole, box = picture.bounding_box(), picture.locator("div").first.bounding_box()
    assert whole is not None
    assert box is not None
    assert whole["x"] <= box["x"] < box["x"] + box["width"] <= whole["x"] + whole["width"]
    visitor.look("states a page with the quote")

    # A made-up question is declined, with what was searched and what comes nearest.
    ask(page, evidence, "What is the boiling point of tungsten hexafluoride?")
    expect(evidence.get_by_text("Not enough evidence")).to_have_count(1)
    expect(evidence.get_by_text(re.compile(r"Searched: 8 sources, \d+ passages"))).to_be_visible()
    expect(evidence.get_by_text("Nearest passages")).to_be_visible()
    visitor.look("states declined")

    # Words not yet asked survive a look into another tab.
    evidence.get_by_role("textbox", name="Question").fill("How many dealers are there?")
    tab(evidence, "Reader")
    tab(evidence, "Ask")
    expect(evidence.get_by_role("textbox", name="Question")).to_have_value(
        "How many dealers are there?"
    )

    tab(checks, "Ship")
    with page.expect_download() as downloading:
        checks.get_by_role("button", name="Download Word document").click()
    taken = docx.Document(str(downloading.value.path()))
    assert any("grew 12.1 %" in paragraph.text for paragraph in taken.paragraphs)

    product.kill()
    status = page.get_by_test_id("sync-status")
    expect(status).to_contain_text("offline")
    expect(page.get_by_text("The server does not answer", exact=True)).to_be_visible()
    tab(evidence, "Reader")
    evidence.get_by_role("button", name="Text", exact=True).click()
    expect(evidence.locator("mark").first).to_be_visible()
    expect(checks.get_by_role("button", name="Download Markdown")).to_be_disabled()
    expect(checks.get_by_text("a download would miss what is only here")).to_be_visible()
    tab(checks, "Claims")
    expect(checks.get_by_text(re.compile(r"^as of \d\d:\d\d$"))).to_be_visible()
    # Asking would only take the last answer away, so it waits.
    tab(evidence, "Ask")
    expect(evidence.get_by_role("button", name=re.compile("^Ask"))).to_be_disabled()
    evidence.get_by_role("textbox", name="Question").press("Control+Enter")
    expect(evidence.get_by_test_id("ask-blocked")).to_contain_text("The server does not answer")
    expect(evidence.get_by_text("Nearest passages")).to_be_visible()
    visitor.look("states offline")

    # Narrowed, the pane that was worked in stays in front, and so does the sync status.
    page.set_viewport_size({"width": 600, "height": 900})
    expect(page.get_by_role("tab", name="Evidence")).to_have_attribute("aria-selected", "true")
    expect(status).to_be_in_viewport()
    page.get_by_role("tab", name="Checks & Ship").click()
    expect(checks.get_by_text(re.compile(r"^as of \d\d:\d\d$"))).to_be_visible()
    visitor.look("states offline and narrow")


def test_bad_files_are_named_and_the_others_go_on(
    product: Product, visit: Visit, tmp_path: Path
) -> None:
    """Each bad file says what is wrong and the way out; good ones become searchable beside it."""
    visitor = visit("collector")
    page = visitor.page
    new_space(page, product, "Rough")
    evidence = pane(page, "Evidence")
    expect(evidence.get_by_text("Add a folder, or open the sample space.")).to_be_visible()
    evidence.get_by_role("button", name="Add sources").click()
    bad = {
        locked_pdf(tmp_path / "locked.pdf"): "password",
        written(tmp_path / "broken.pdf", b"%PDF-1.7\n" + b"\x01\xfe" * 500 + b"%%EOF"): "",
        written(tmp_path / "nothing.txt", ""): "",
        written(tmp_path / "lying.docx", b"\x89PNG\r\n\x1a\n" + bytes(100)): "",
    }
    evidence.get_by_label("Add files").set_input_files([*bad, SAMPLE / "board-minutes.md"])
    expect(evidence.locator("li[data-state=failed]")).to_have_count(4)
    expect(evidence.get_by_test_id("searchable")).to_contain_text("1 of 5 sources searchable")
    for path, word in bad.items():
        failed = row(evidence, path.name)
        expect(failed.get_by_role("img", name="Problem")).to_be_visible()
        expect(failed).to_contain_text(word)
    visitor.look("states bad files")

    # What takes too long is stopped, with what waits behind it; only what is wanted goes on.
    long = written(tmp_path / "long.txt", "A heron nests in the harbour of Fredrikstad. " * 9000)
    short = written(tmp_path / "short.md", "# Short\n\nA heron flew over Linz.\n")
    evidence.get_by_label("Add files").set_input_files([long, short])
    for name in ("short.md", "long.txt"):
        evidence.get_by_role("button", name=f"Cancel {name}").click()
        expect(row(evidence, name)).to_have_attribute("data-state", "cancelled")
    row(evidence, "short.md").get_by_role("button", name="Read short.md again").click()
    expect(row(evidence, "short.md")).to_have_attribute("data-state", "ready")
    expect(row(evidence, "long.txt")).to_have_attribute("data-state", "cancelled")

    # Read again, it fails again: by name, not silently.
    row(evidence, "locked.pdf").get_by_role("button", name="Read locked.pdf again").click()
    expect(row(evidence, "locked.pdf")).to_have_attribute("data-state", "failed")

    drop(
        page,
        evidence.get_by_label("Filter sources"),
        {"dropped.md": "# Dropped\n\nRed herons nest."},
    )
    expect(row(evidence, "dropped.md")).to_have_attribute("data-state", "ready")

    evidence.get_by_role("button", name="Paste…").click()
    page.get_by_label("Title", exact=True).fill("Pasted note")
    page.get_by_label("Text", exact=True).first.fill(
        "Blue herons nest in the harbour of Fredrikstad."
    )
    page.get_by_role("button", name="Add source").click()
    expect(row(evidence, "Pasted note")).to_have_attribute("data-state", "ready")
    visitor.look("states dropped and pasted")


def test_what_is_replaced_or_deleted_is_told_where_it_is_cited(
    product: Product, visit: Visit, tmp_path: Path
) -> None:
    """A newer version, a deleted source, brief and space: each is said before or after."""
    visitor = visit("keeper")
    page = visitor.page
    new_space(page, product, "Harbour")
    evidence, brief = pane(page, "Evidence"), pane(page, "Brief")
    tab(evidence, "Sources")
    note = written(tmp_path / "herons.md", "# Herons\n\nForty red herons nest in the harbour.\n")
    evidence.get_by_label("Add files").set_input_files(note)
    expect(row(evidence, "herons.md")).to_have_attribute("data-state", "ready")
    brief.get_by_label("Title of the brief").fill("On herons")
    brief.get_by_role("button", name="Blank").click()
    body = brief.get_by_role("textbox", name="Brief", exact=True)
    expect(body).to_be_editable()
    ask(page, evidence, "How many red herons nest in the harbour?")
    evidence.get_by_role("button", name="Insert whole answer").click()
    chip = body.locator("[data-cite]").first
    expect(chip).to_be_visible()
    expect(page.get_by_test_id("sync-status")).to_have_text("saved · 0 unsynced")

    written(note, "# Herons\n\nFifty red herons nest in the harbour.\n")
    tab(evidence, "Sources")
    evidence.get_by_label("Add files").set_input_files(note)
    expect(row(evidence, "herons.md")).to_contain_text("2 versions")
    chip.click()
    expect(evidence.get_by_text("A newer version of this source exists")).to_be_visible()
    expect(evidence.locator("mark")).to_contain_text("Forty red herons")
    visitor.look("states a newer version")
    evidence.get_by_role("button", name="Open version 2").click()
    expect(evidence.get_by_test_id("reader")).to_contain_text("Fifty red herons")

    # A place that is not in the text is not guessed at.
    place = re.search(r"sel=at(?::|%3A)(src_\w+)\.(\w+)\.", page.url)
    assert place is not None
    page.goto(f"{page.url.split('?')[0]}?left=reader&sel=at:{place[1]}.{place[2]}.900-950")
    expect(evidence.get_by_text("The quote could not be placed")).to_be_visible()
    expect(evidence.locator("mark")).to_have_count(0)
    visitor.look("states a quote without a place")

    tab(evidence, "Sources")
    row(evidence, "herons.md").get_by_role("button", name="Delete herons.md…").click()
    dialog = page.get_by_role("alertdialog")
    expect(dialog).to_contain_text("On herons")
    visitor.look("states deleting a cited source")
    dialog.get_by_role("button", name="Delete the source").click()
    expect(row(evidence, "herons.md")).to_have_count(0)
    chip.click()
    expect(evidence.get_by_text("“herons.md” was deleted")).to_be_visible()
    expect(evidence.get_by_text("Forty red herons nest in the harbour.")).to_be_visible()
    claim = pane(page, "Checks & Ship").get_by_role("list", name="Claims").get_by_role("listitem")
    expect(claim.first).to_contain_text("source deleted")
    expect(claim.first).not_to_contain_text("newer version")
    visitor.look("states a deleted source")

    page.get_by_role("button", name="Switch brief").click()
    page.get_by_role("menuitem", name="Delete “On herons”…").click()
    page.get_by_role("button", name="Delete the brief").click()
    expect(brief.get_by_role("heading", name="Start a brief")).to_be_visible()
    page.get_by_role("button", name="Space: Harbour").click()
    page.get_by_role("menuitem", name="Delete “Harbour”…").click()
    page.get_by_role("button", name="Delete the space").click()
    expect(page.get_by_text("No space yet")).to_be_visible()
    assert api(product, "/api/spaces") == []


@WITHOUT_DENSE
def test_a_missing_encoder_is_named_with_what_it_costs(product: Product, visit: Visit) -> None:
    """Without the dense encoder the answer still comes, and says what may be missed."""
    visitor = visit("frugal")
    page = visitor.page
    new_space(page, product, "Plain")
    banner = page.get_by_text(re.compile("Working without"))
    expect(banner).to_be_visible()
    expect(page.get_by_text(re.compile("missing-model")).first).to_be_visible()
    evidence = pane(page, "Evidence")
    tab(evidence, "Sources")
    evidence.get_by_label("Add files").set_input_files(SAMPLE / "board-minutes.md")
    expect(row(evidence, "board-minutes.md")).to_have_attribute("data-state", "ready")
    expect(page.get_by_text(re.compile("exact words only"))).to_be_visible()
    visitor.look("states without dense")
    ask(page, evidence, "How fast did the Austrian market grow in 2025?")
    expect(evidence.get_by_text(re.compile("paraphrases may be missed"))).to_be_visible()
    expect(evidence.get_by_role("button", name="Insert whole answer")).to_be_visible()
    visitor.look("states an answer without dense")

"""Two people at two browsers: what they do together, and what goes wrong meanwhile."""

from __future__ import annotations

import re
import shutil
import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from playwright.sync_api import Error, Locator, Page, expect

from tests.e2e.conftest import Product, Visitor
from tests.e2e.test_journey import pane, saved

pytestmark = [
    pytest.mark.e2e,
    pytest.mark.timeout(300),
    pytest.mark.parametrize("product", [{"module": "tests.e2e.people"}], indirect=True),
]

Visit = Callable[..., Visitor]
# Without what names the others' carets and the signs of suggestions.
SAID = """body => {
    const copy = body.cloneNode(true);
    for (const one of copy.querySelectorAll('.suggested-sign, [class^=presence]')) one.remove();
    return [...copy.children].map(block => block.textContent.replaceAll('\\u2060', '')).join('\\n');
}"""
LINES = ("Revenue grew well in 2025.", "Costs fell.", "Margins held.")


class Desk:
    """One person's window on the brief."""

    def __init__(self, visitor: Visitor, url: str = "") -> None:
        self.visitor = visitor
        self.page: Page = visitor.page
        self.brief = pane(self.page, "Brief")
        self.checks = pane(self.page, "Checks & Ship")
        self.body: Locator = self.brief.get_by_role("textbox", name="Brief", exact=True)
        self.status = self.page.get_by_test_id("sync-status")
        if url:
            self.page.goto(url)
            expect(self.body).to_be_editable()

    def write(self, words: str) -> None:
        self.body.click(position={"x": 5, "y": 5})
        self.press("Control+End")
        self.page.keyboard.type(words, delay=5)
        self.says(words)

    def press(self, *keys: str) -> None:
        for key in keys:
            self.page.keyboard.press(key)
            # A key that overtakes the caret would act on what was selected before.
            self.page.evaluate("new Promise(done => requestAnimationFrame(() => setTimeout(done)))")

    def saved(self) -> None:
        expect(saved(self.page)).to_be_visible(timeout=60_000)

    def away(self) -> None:
        self.visitor.context.set_offline(True)
        expect(self.status).to_contain_text("offline")

    def back(self) -> None:
        self.visitor.context.set_offline(False)
        self.saved()

    def words(self) -> str:
        said: str = self.body.evaluate(SAID)
        return said

    def says(self, words: str, times: int = 1) -> None:
        """Waits until the text says something so often."""
        self.page.wait_for_function(
            f"([body, words, times]) => ({SAID})(body).split(words).length - 1 === times",
            arg=[self.body.element_handle(), words, times],
        )


class Company:
    """A space of Ann's with a brief in it, and others let in."""

    def __init__(self, product: Product, visit: Visit) -> None:
        self.product = product
        self.visit = visit
        self.space = self.brief = self.url = ""
        self.ann = self.arrive("admin.ann")
        request = self.ann.context.request
        made = request.post(f"{product.url}/api/spaces", data={"name": "Halden"})
        self.space = made.json()["id"]
        made = request.post(
            f"{product.url}/api/spaces/{self.space}/briefs",
            data={"title": "Market entry", "template": "blank"},
        )
        self.brief = made.json()["id"]
        self.url = f"{product.url}/s/{self.space}/b/{self.brief}"

    def arrive(self, who: str, **looks: object) -> Visitor:
        visitor = self.visit(who, **looks)
        self.sign_in(visitor, who)
        return visitor

    def sign_in(self, visitor: Visitor, who: str) -> None:
        visitor.context.add_cookies([{"name": "who", "value": who, "url": self.product.url}])

    def let_in(self, who: str, role: str) -> None:
        answer = self.ann.context.request.put(
            f"{self.product.url}/api/spaces/{self.space}/members/{who}", data={"role": role}
        )
        assert answer.ok, answer.text()

    def send_out(self, who: str) -> None:
        answer = self.ann.context.request.delete(
            f"{self.product.url}/api/spaces/{self.space}/members/{who}"
        )
        assert answer.ok, answer.text()


@pytest.fixture
def company(product: Product, visit: Visit) -> Company:
    return Company(product, visit)


@pytest.fixture
def two(company: Company) -> tuple[Desk, Desk]:
    """Ann, who wrote three lines, and Bo, an analyst, who reads them."""
    company.let_in("bo", "analyst")
    ann = Desk(company.ann, company.url)
    ann.body.click()
    expect(ann.body).to_be_focused()
    for n, line in enumerate(LINES):
        if n:
            ann.press("Enter")
        ann.page.keyboard.type(line, delay=5)
    ann.says(LINES[2])
    ann.saved()
    bo = Desk(company.arrive("bo", dark=True), company.url)
    expect(bo.body).to_contain_text(LINES[2])
    return ann, bo


def both(*desks: Desk, say: str, never: str = "") -> None:
    for desk in desks:
        desk.says(say)
        if never:
            desk.says(never, times=0)


def test_they_suggest_comment_and_look_back(two: tuple[Desk, Desk]) -> None:
    """What one suggests, asks and restores, the other accepts, answers and sees."""
    ann, bo = two
    ann.press("ControlOrMeta+Shift+E")
    expect(ann.page.get_by_role("button", name="Mode: Suggesting")).to_be_visible()
    ann.write(" So far.")
    expect(bo.body.locator("ins")).to_have_text("So far.")
    expect(bo.checks.get_by_role("tab", name="Suggestions")).to_contain_text("1")
    bo.visitor.look("together 1 a suggestion")
    bo.body.focus()
    bo.press("F9", "Alt+Enter")
    for desk in (ann, bo):
        expect(desk.body.locator("ins")).to_have_count(0)
    both(ann, bo, say="Margins held. So far.")
    ann.press("ControlOrMeta+Shift+E")

    ann.press("Control+Home", *["Shift+ArrowRight"] * len("Revenue"))
    ann.press("Control+Alt+m")
    field = ann.checks.get_by_role("textbox", name="Comment", exact=True)
    expect(field).to_be_focused()
    field.fill("Gross or net?")
    ann.press("Control+Enter")
    bo.body.locator(".commented", has_text="Revenue").click()
    threads = bo.checks.get_by_role("list", name="Open threads").locator("> li")
    expect(threads).to_contain_text("Gross or net?")
    bo.checks.get_by_role("textbox", name="Reply").fill("Net.")
    bo.checks.get_by_role("button", name="Reply", exact=True).click()
    seen = ann.checks.get_by_role("list", name="Open threads").locator("> li")
    expect(seen).to_contain_text("Net.")
    ann.visitor.look("together 2 a comment answered")
    ann.checks.get_by_role("button", name="Resolve", exact=True).click()
    for desk in (ann, bo):
        comments = desk.checks.get_by_role("tab", name=re.compile("^Comments"))
        expect(comments).to_have_text(re.compile(r"^Comments\s*0?$"))

    ann.saved()
    ann.checks.get_by_role("tab", name="History").click()
    ann.checks.get_by_role("button", name="Save a version").click()
    ann.page.get_by_label("Name").fill("Agreed")
    ann.press("Enter")
    expect(ann.checks.get_by_role("button", name="Agreed")).to_be_visible()
    bo.write(" Nobody knows why.")
    both(ann, bo, say="Nobody knows why.")
    bo.saved()
    bo.checks.get_by_role("tab", name="History").click()
    bo.checks.get_by_role("button", name="Agreed").click()
    bo.checks.get_by_role("button", name="Restore", exact=True).click()
    expect(bo.checks.get_by_text(re.compile("is restored: 1 block changed"))).to_be_visible()
    both(ann, bo, say="Margins held. So far.", never="Nobody knows why.")
    ann.visitor.look("together 3 a version restored by the other")


def test_each_undoes_only_what_is_their_own(two: tuple[Desk, Desk]) -> None:
    """Undo and redo in one paragraph take back one's own words, not the other's between."""
    ann, bo = two
    ann.write(" Ann one.")
    both(ann, bo, say="Ann one.")
    bo.write(" Bo one.")
    both(ann, bo, say="Ann one. Bo one.")
    ann.write(" Ann two.")
    both(ann, bo, say="Ann one. Bo one. Ann two.")
    while "Ann" in ann.words():
        ann.press("Control+z")
        assert "Bo one." in ann.words()
    both(ann, bo, say="Margins held. Bo one.", never="Ann")
    bo.body.focus()
    bo.press("Control+z")
    both(ann, bo, say="Margins held.", never="Bo one.")
    for line in LINES:
        both(ann, bo, say=line)
    ann.press(*["Control+Shift+z"] * 4)
    both(ann, bo, say="Ann one.", never="Bo one.")


def test_both_write_while_one_is_away(two: tuple[Desk, Desk]) -> None:
    """Who is away goes on writing, sees how much is not saved, and comes back to one text."""
    ann, bo = two
    bo.away()
    bo.write(" Bo was in a tunnel.")
    expect(bo.status).to_contain_text(re.compile(r"offline · \d+ changes kept on this device"))
    bo.page.set_viewport_size({"width": 640, "height": 900})
    expect(bo.status).to_be_visible()
    expect(bo.status).to_contain_text("kept on this device")
    bo.visitor.look("together 4 offline and narrow")
    bo.page.set_viewport_size({"width": 1440, "height": 900})
    ann.press("Control+Home")
    ann.page.keyboard.type("Ann was not. ", delay=5)
    ann.saved()
    assert "Ann was not." not in bo.words()
    bo.back()
    both(ann, bo, say="Ann was not. Revenue")
    both(ann, bo, say="Margins held. Bo was in a tunnel.")
    assert ann.words() == bo.words()


def test_a_window_that_crashes_loses_nothing(two: tuple[Desk, Desk]) -> None:
    """Offline, the renderer is killed in the midst of writing; the next window has it all, once."""
    ann, bo = two
    bo.away()
    bo.write(" Typed before the crash.")
    expect(bo.status).to_contain_text("kept on this device")
    # As long as leaving would ask, something is not on the disk yet.
    asks = """() => {
        const event = new Event('beforeunload', {cancelable: true});
        dispatchEvent(event);
        return event.defaultPrevented;
    }"""
    bo.page.wait_for_function(f"() => !({asks})()")
    with pytest.raises(Error, match="crash"):
        bo.page.goto("chrome://crash")
    bo.page.close()
    bo.visitor.context.set_offline(False)
    bo.visitor.errors.clear()
    again = bo.visitor.context.new_page()
    again.goto(ann.page.url)
    bo.visitor.page = again
    after = Desk(bo.visitor)
    after.saved()
    both(ann, after, say="Margins held. Typed before the crash.")


def test_two_windows_of_one_person_double_nothing(two: tuple[Desk, Desk]) -> None:
    """Both write offline in one brief; back on the line everything is there once, in each."""
    ann, bo = two
    other = bo.visitor.context.new_page()
    visitor = Visitor(other, bo.visitor.context, bo.visitor.shots, bo.visitor.errors)
    beside = Desk(visitor, ann.page.url)
    bo.visitor.context.set_offline(True)
    for desk, words in ((bo, " First window."), (beside, " Second window.")):
        expect(desk.status).to_contain_text("offline")
        desk.write(words)
        expect(desk.status).to_contain_text("kept on this device")
    bo.visitor.context.set_offline(False)
    for desk in (bo, beside):
        desk.saved()
    for words in ("First window.", "Second window."):
        both(ann, bo, beside, say=words)
    assert ann.words() == bo.words() == beside.words()


def test_a_login_that_ends_costs_no_words(two: tuple[Desk, Desk], company: Company) -> None:
    """Signed out in the midst, Bo writes on, signs in again in another window, and all is saved."""
    ann, bo = two
    bo.visitor.context.clear_cookies()
    bo.visitor.context.set_offline(True)
    expect(bo.status).to_contain_text("offline")
    bo.visitor.context.set_offline(False)
    expect(bo.status).to_contain_text("signed out")
    expect(bo.body).to_have_attribute("contenteditable", "true")
    bo.write(" Written while signed out.")
    expect(bo.status).to_contain_text(re.compile(r"signed out · \d+ changes kept on this device"))
    expect(bo.brief.get_by_text("You are signed out.")).to_be_visible()
    bo.visitor.look("together 5 signed out")
    with bo.visitor.context.expect_page() as opening:
        bo.brief.get_by_role("button", name="Sign in again").click()
    opening.value.wait_for_load_state()
    company.sign_in(bo.visitor, "bo")
    opening.value.close()
    bo.page.bring_to_front()
    bo.saved()
    both(ann, bo, say="Margins held. Written while signed out.")
    expect(bo.brief.get_by_text("You are signed out.")).to_have_count(0)


def test_who_loses_access_keeps_their_text(two: tuple[Desk, Desk], company: Company) -> None:
    """Bo may only read, then nothing: typing ends, and what was not saved can be copied."""
    ann, bo = two
    company.let_in("bo", "viewer")
    expect(bo.body).to_have_attribute("contenteditable", "false")
    expect(bo.status).to_contain_text("0 unsynced")
    both(bo, say=LINES[0])
    company.let_in("bo", "analyst")
    expect(bo.body).to_have_attribute("contenteditable", "true")

    bo.away()
    bo.write(" Unsent words.")
    company.send_out("bo")
    bo.visitor.context.set_offline(False)
    expect(bo.status).to_contain_text(re.compile("refused by the server|no such brief"))
    expect(bo.body).to_have_attribute("contenteditable", "false")
    both(bo, say="Unsent words.")
    bo.visitor.look("together 6 sent out")
    bo.brief.get_by_role("button", name="Copy the text").click()
    expect(bo.page.get_by_test_id("live")).to_contain_text("copied")
    assert "Unsent words." in bo.page.evaluate("navigator.clipboard.readText()")
    assert "Unsent words." not in ann.words()


def test_who_is_sent_out_while_typing_stops_at_once(
    two: tuple[Desk, Desk], company: Company
) -> None:
    """Two seconds after Ann sent him out, Bo cannot type; what he had typed stays and is copied."""
    ann, bo = two
    bo.write(" Bo is here.")
    both(ann, say="Bo is here.")
    bo.page.keyboard.type(" Last")
    company.send_out("bo")
    expect(bo.body).to_have_attribute("contenteditable", "false", timeout=2_000)
    bo.page.keyboard.type(" too late")
    expect(bo.status).to_contain_text(re.compile("refused by the server|no such brief"))
    bo.says("Bo is here. Last")
    bo.brief.get_by_role("button", name="Copy the text").click()
    expect(bo.page.get_by_test_id("live")).to_contain_text("copied")
    assert "Bo is here. Last" in bo.page.evaluate("navigator.clipboard.readText()")
    both(ann, bo, say="Bo is here.", never="too late")


def rebuild(product: Product, backup: Path, brief: str) -> None:
    """Puts an older state of the store back as another document, as a re-made server would."""
    shutil.copy(backup, product.data_dir / "app.db")
    for left in ("app.db-wal", "app.db-shm"):
        (product.data_dir / left).unlink(missing_ok=True)
    with sqlite3.connect(product.data_dir / "app.db") as database:
        database.execute("update briefs set epoch = 'rebuilt' where id = ?", (brief,))


def test_a_brief_rebuilt_on_the_server_gets_suggestions(
    two: tuple[Desk, Desk], company: Company, product: Product, tmp_path: Path
) -> None:
    """What Bo wrote meanwhile stands there as suggestions, once, also after a reload."""
    ann, bo = two
    product.stop()
    backup = tmp_path / "backup.db"
    with sqlite3.connect(product.data_dir / "app.db") as database:
        database.execute("pragma wal_checkpoint(truncate)")
        with sqlite3.connect(backup) as copy:
            database.backup(copy)
    expect(bo.status).to_contain_text("offline")
    bo.write(" Written against the old one.")
    expect(bo.status).to_contain_text("kept on this device")
    rebuild(product, backup, company.brief)
    product.start()

    notice = bo.brief.get_by_text(re.compile(r"Your \d+ changes are kept as suggestions\."))
    expect(notice).to_be_visible(timeout=60_000)
    expect(bo.brief.get_by_text("This brief was rebuilt on the server")).to_be_visible()
    expect(bo.body.locator("ins")).to_have_text("Written against the old one.")
    expect(ann.body.locator("ins")).to_have_text("Written against the old one.", timeout=60_000)
    bo.visitor.look("together 7 rebuilt")
    bo.page.set_viewport_size({"width": 640, "height": 900})
    bo.visitor.look("together 8 rebuilt and narrow")
    bo.page.set_viewport_size({"width": 1440, "height": 900})
    bo.page.reload()
    expect(notice).to_be_visible()
    bo.saved()
    expect(bo.body.locator("ins")).to_have_count(1)

    bo.brief.get_by_role("button", name="Remove my copy…").click()
    bo.page.get_by_role("alertdialog").get_by_role("button", name="Remove my copy").click()
    expect(notice).to_have_count(0)
    ann.body.focus()
    ann.press("F9", "Alt+Enter")
    both(ann, bo, say="Margins held. Written against the old one.")

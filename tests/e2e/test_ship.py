"""A brief leaves for a folder and for Trello in a real browser; again, and after edits there."""

from __future__ import annotations

import asyncio
import re
import threading
from collections.abc import Callable, Iterator

import pytest
from playwright.sync_api import Locator, Page, expect

from tests.e2e.conftest import Product, Visitor
from tests.e2e.test_accessibility import Eye
from tests.e2e.test_history import begin, write
from tests.e2e.test_journey import pane, saved, to_the_end
from tests.remotes.board import CONNECTION, Board, opened

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

Visit = Callable[..., Visitor]


@pytest.fixture
def board(product: Product) -> Iterator[Board]:
    """A Trello in miniature behind a real socket, which the product takes for Trello."""
    ready = threading.Event()
    found: list[Board] = []
    over = asyncio.Event()
    loop = asyncio.new_event_loop()

    async def serve() -> None:
        async with opened() as served:
            found.append(served)
            ready.set()
            await over.wait()

    thread = threading.Thread(target=lambda: loop.run_until_complete(serve()))
    thread.start()
    assert ready.wait(30)
    product.stop()
    for name, value in found[0].settings.items():
        product.settings[f"STRATMASTER_{name.upper()}"] = str(value)
    product.start()
    yield found[0]
    loop.call_soon_threadsafe(over.set)
    thread.join()
    loop.close()


def ship(page: Page) -> Locator:
    checks = pane(page, "Checks & Ship")
    checks.get_by_role("tab", name=re.compile("^Ship")).click()
    return checks


def dry_run(page: Page) -> Locator:
    """By key, from wherever one is; the dry-run once it is there."""
    page.keyboard.press("Control+Alt+e")
    checks = pane(page, "Checks & Ship")
    expect(checks.get_by_role("region", name="Preview")).to_be_visible()
    expect(checks.locator("[aria-busy=true]")).to_have_count(0)
    return checks


def export(checks: Locator) -> None:
    checks.get_by_role("button", name=re.compile(r"^Export \d+ change")).click()
    expect(checks.get_by_text("Up to date")).to_be_visible()


def nothing_to_export(checks: Locator) -> None:
    expect(checks.get_by_role("button", name="Nothing to export")).to_be_disabled()


def test_a_brief_goes_to_a_folder_and_what_is_edited_there_stays(
    product: Product, visit: Visit
) -> None:
    """The file is what the preview said; a file edited by hand is never written over unasked."""
    first = visit("folder")
    page, body = begin(product, first)
    eye = Eye(page)
    body.click()
    page.keyboard.type("We go to Austria first.", delay=5)
    expect(saved(page)).to_be_visible()
    checks = ship(page)
    expect(checks.get_by_text("A folder needs no account.")).to_be_visible()
    eye.look("no target yet")
    first.look("ship 1 no target")
    checks.get_by_role("button", name="Write to a folder").click()
    name = page.get_by_label("Name of the folder")
    name.fill("Board")
    eye.look("the dialog of a folder")
    page.keyboard.press("Enter")
    expect(checks.get_by_text("Never exported")).to_be_visible()

    dry_run(page)
    expect(checks.get_by_text("1 create")).to_be_visible()
    expect(checks.get_by_role("region", name="Preview")).to_contain_text("We go to Austria first.")
    eye.look("a dry-run")
    first.look("ship 2 dry run")
    checks.get_by_role("tab", name="Payload 1").click()
    payload = checks.get_by_role("region", name="Payload")
    expect(payload).to_contain_text("We go to Austria first.")
    eye.look("a payload")
    export(checks)
    (file,) = (product.data_dir / "exports").rglob("*.md")
    assert "We go to Austria first." in file.read_text()
    first.look("ship 3 exported")

    other = visit("another window", dark=True)
    other.page.goto(page.url)
    expect(ship(other.page).get_by_text("Up to date")).to_be_visible()

    write(page, body, " Then to Spain.")
    theirs = file.read_text().replace("Austria first", "Austria at once")
    file.write_text(theirs)
    dry_run(page)
    expect(checks.get_by_text("1 conflict", exact=True)).to_be_visible()
    nothing_to_export(checks)
    checks.get_by_role("button", name="Decide").click()
    part = checks.get_by_role("region", name=re.compile("^Text of"))
    expect(part.get_by_role("group", name="There now")).to_contain_text("at once")
    expect(part.get_by_role("group", name="Here", exact=True)).to_contain_text("Then to Spain.")
    eye.look("a conflict")
    first.look("ship 4 conflict")
    expect(other.page.get_by_text("1 conflict to decide")).to_be_visible()
    expect(other.page.get_by_role("tab", name="Ship 1")).to_be_visible()

    part.get_by_role("button", name="Keep theirs").click()
    nothing_to_export(checks)
    expect(checks.get_by_text("1 conflict", exact=True)).to_be_hidden()
    expect(ship(other.page).get_by_text("Up to date")).to_be_visible()
    assert file.read_text() == theirs
    expect(body).to_contain_text("We go to Austria first. Then to Spain.")

    write(page, body, " Then to Portugal.")
    dry_run(page)
    expect(checks.get_by_text("1 conflict", exact=True)).to_be_visible()
    assert file.read_text() == theirs
    assert not eye.found, "\n".join(eye.found)


def test_a_brief_goes_to_trello_and_a_status_comes_back(
    product: Product, board: Board, visit: Visit
) -> None:
    """Connected, exported, edited on both sides, settled; at last a re-export makes no call."""
    visitor = visit("trello")
    page, body = begin(product, visitor)
    eye = Eye(page)
    body.click()
    page.keyboard.type("We go to Austria first.", delay=5)
    page.keyboard.press("Enter")
    page.keyboard.type("[] Ask the dealers", delay=5)
    expect(body.locator(".action")).to_have_count(1)
    expect(saved(page)).to_be_visible()

    checks = ship(page)
    checks.get_by_role("button", name="Notion, Jira or Trello").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile("^Trello")).click()
    dialog.get_by_label("API key").fill(CONNECTION["key"])
    dialog.get_by_label("Token", exact=True).fill("a-wrong-token")
    eye.look("connecting")
    dialog.get_by_role("button", name="Connect", exact=True).click()
    expect(dialog.get_by_role("img", name="Problem")).to_be_visible()
    visitor.look("ship 5 a token that is refused")
    dialog.get_by_label("Token", exact=True).fill(CONNECTION["token"])
    dialog.get_by_role("button", name="Connect", exact=True).click()
    dialog.get_by_label("Search").fill("pla")
    dialog.get_by_role("button", name=re.compile("^Plans")).click()
    expect(dialog.get_by_label("Open actions")).to_have_value(
        board.trello.list_named(board.board, "To do")
    )
    eye.look("a mapping")
    visitor.look("ship 6 mapping")
    dialog.get_by_role("button", name="Add the target").click()
    expect(checks.get_by_text("Never exported")).to_be_visible()

    dry_run(page)
    expect(checks.get_by_text(re.compile(r"^\d create$"))).to_be_visible()
    eye.look("a dry-run of cards")
    visitor.look("ship 7 dry run of cards")
    export(checks)
    card = named(board, "Ask the dealers")
    assert len(board.cards) == 2
    dry_run(page)
    nothing_to_export(checks)

    # Somebody over there is done with it, and calls it otherwise.
    board.trello.edit(card, "idList", board.trello.list_named(board.board, "Done"))
    board.trello.edit(card, "name", "Ask every dealer")
    checks.get_by_role("button", name="All targets").click()
    checks.get_by_role("button", name="More about Plans").click()
    page.get_by_role("menuitem", name="Look for changes over there").click()
    expect(checks.get_by_text("2 changes over there")).to_be_visible()
    chip = body.locator(".elsewhere")
    expect(chip).to_contain_text("Done in Trello")
    eye.look("a status that changed over there")
    visitor.look("ship 8 drift")
    chip.get_by_role("button", name="Take over").click()
    expect(body.locator(".action")).to_have_attribute("data-status", "done")
    expect(chip).to_have_count(0)
    expect(saved(page)).to_be_visible()

    # Here it is called otherwise as well: a person decides.
    to_the_end(page, body)
    page.keyboard.type(" in Vienna", delay=5)
    expect(saved(page)).to_be_visible()
    dry_run(page)
    checks.get_by_role("tab", name=re.compile("^Diff")).click()
    decide = checks.get_by_role("button", name=re.compile("^Use ours: .* of Ask the dealers"))
    eye.look("conflicts of a card")
    visitor.look("ship 9 conflict of a card")
    decide.first.click()
    export(checks)
    assert card["name"] == "Ask the dealers in Vienna"

    dry_run(page)
    nothing_to_export(checks)
    made = len(board.trello.writes)
    page.reload()
    expect(checks.get_by_text("Up to date")).to_be_visible()
    dry_run(page)
    nothing_to_export(checks)
    assert len(board.trello.writes) == made
    checks.get_by_role("button", name="All targets").click()
    checks.get_by_role("button", name="More about Plans").click()
    page.get_by_role("menuitem", name="What was made there").click()
    expect(checks.get_by_role("link", name=re.compile("over there"))).to_have_count(2)
    eye.look("what was made")
    visitor.look("ship 10 ledger")
    assert not eye.found, "\n".join(eye.found)


def named(board: Board, name: str) -> dict[str, object]:
    (card,) = (one for one in board.cards if one["name"] == name)
    return card

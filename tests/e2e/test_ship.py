"""A brief leaves for a folder in a real browser; again, and after edits there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e.conftest import Product
from tests.e2e.shipping import Visit, dry_run, export, nothing_to_export, ship
from tests.e2e.test_accessibility import Eye
from tests.e2e.test_history import begin, write
from tests.e2e.test_journey import saved

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]


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

"""What can come between an export and its end, in a real browser, and the ways out."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import shipping
from tests.e2e.conftest import Product
from tests.e2e.shipping import (
    Trello,
    Visit,
    add_target,
    dry_run,
    export,
    nothing_to_export,
    ship,
)
from tests.e2e.test_accessibility import Eye
from tests.e2e.test_history import begin
from tests.e2e.test_journey import saved
from tests.remotes.elsewhere import Elsewhere
from tests.remotes.faults import Fault

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

elsewhere, port, product = shipping.elsewhere, shipping.port, shipping.product


def test_a_lost_answer_a_stop_and_an_archived_card_each_have_a_way_on(
    product: Product, elsewhere: Elsewhere, visit: Visit
) -> None:
    """A call without an answer is looked for, whoever calls the export off, and made once; a card
    that was archived over there stays so until somebody decides."""
    there = Trello(elsewhere)
    visitor = visit("states of Ship")
    page, body = begin(product, visitor)
    eye = Eye(page)
    body.click()
    page.keyboard.type("[] Ask the dealers")
    expect(body.locator(".action")).to_have_count(1)
    expect(saved(page)).to_be_visible()
    checks = ship(page)
    add_target(page, there)

    line = elsewhere.line
    line.strike(
        "^POST /1/cards$",
        Fault.LOSE_RESPONSE,
        then=lambda: line.strike("^GET", Fault.UNAVAILABLE, times=1000),
    )
    dry_run(page)
    checks.get_by_role("button", name=re.compile(r"^Export \d+ change")).click()
    reconciling = checks.get_by_text(re.compile("Reconciling: no answer came"))
    expect(reconciling).to_be_visible(timeout=60_000)  # it is tried several times
    expect(checks.get_by_text(re.compile("^Create .*: Reconciling, again at"))).to_be_visible()
    expect(checks.get_by_role("button", name="Dry-run")).to_be_disabled()
    eye.look("reconciling")
    visitor.look("ship reconciling")
    checks.get_by_role("button", name="Cancel the export").click()
    expect(checks.get_by_text(re.compile(r"^Cancelled after 0 of \d$"))).to_be_visible()
    eye.look("cancelled")
    line.mend()
    checks.get_by_role("button", name="Go on where it stopped").click()
    expect(checks.get_by_text("Up to date")).to_be_visible()
    assert sorted(there.titles) == ["Ask the dealers", "Market entry"]

    there.archive("Ask the dealers")
    dry_run(page)
    expect(checks.get_by_text("1 not where we left it", exact=True)).to_be_visible()
    nothing_to_export(checks)
    checks.get_by_role("button", name="Decide").click()
    expect(checks.get_by_text("Archived over there")).to_be_visible()
    eye.look("astray")
    visitor.look("ship astray")
    checks.get_by_role("button", name="Take it out of the archive: Ask the dealers").click()
    export(checks)
    assert sorted(there.titles) == ["Ask the dealers", "Market entry"]
    dry_run(page)
    nothing_to_export(checks)
    assert not eye.found, "\n".join(eye.found)

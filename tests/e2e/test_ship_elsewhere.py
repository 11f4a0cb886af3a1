"""A brief leaves for Trello, Jira and Notion in a real browser; again, and after edits there."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import expect

from tests.e2e import shipping
from tests.e2e.conftest import Product
from tests.e2e.shipping import (
    Jira,
    Notion,
    There,
    Trello,
    Visit,
    choose_place,
    connect,
    dry_run,
    export,
    more,
    nothing_to_export,
    objects,
    say,
    ship,
    tab,
)
from tests.e2e.test_accessibility import Eye
from tests.e2e.test_history import begin
from tests.e2e.test_journey import saved
from tests.remotes.elsewhere import Elsewhere

pytestmark = [pytest.mark.e2e, pytest.mark.timeout(400)]

elsewhere, port, product = shipping.elsewhere, shipping.port, shipping.product


@pytest.mark.parametrize("kind", [Trello, Jira, Notion])
def test_a_brief_goes_there_and_what_is_done_there_comes_back(
    product: Product, elsewhere: Elsewhere, visit: Visit, kind: type[There]
) -> None:
    """Connected, exported, edited on both sides, settled; at last a re-export makes no call."""
    there = kind(elsewhere)  # type: ignore[call-arg]  # a protocol tells of no constructor
    visitor = visit(there.kind)
    page, body = begin(product, visitor)
    eye = Eye(page)
    body.click()
    page.keyboard.type("We go to Austria first.")
    page.keyboard.press("Enter")
    page.keyboard.type("[] Ask the dealers")
    page.keyboard.press("Enter")
    page.keyboard.type("Hire a lead")
    expect(body.locator(".action")).to_have_count(2)
    expect(saved(page)).to_be_visible()

    checks = ship(page)
    checks.get_by_role("button", name="Notion, Jira or Trello").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile(f"^{there.kind}")).click()
    connect(dialog, {**there.secret, list(there.secret)[-1]: "a-wrong-token"})
    expect(dialog.get_by_role("img", name="Problem")).to_be_visible()
    visitor.look(f"ship {there.kind} 1 a token that is refused")
    connect(dialog, there.secret)
    choose_place(dialog)
    expect(dialog.get_by_label(there.mapped[0])).to_have_value(there.mapped[1])
    eye.look("a mapping")
    visitor.look(f"ship {there.kind} 2 mapping")
    dialog.get_by_role("button", name="Add the target").click()
    expect(checks.get_by_text("Never exported")).to_be_visible()

    # What is shown is what is sent, and no more than that.
    dry_run(page)
    expect(tab(checks, "Preview")).to_contain_text("We go to Austria first.")
    visitor.look(f"ship {there.kind} 3 dry run")
    expect(tab(checks, "Payload")).to_contain_text("We go to Austria first.")
    expect(tab(checks, "Diff")).to_contain_text("Ask the dealers")
    expect(tab(checks, "Loss")).to_contain_text("STRATMASTER_PUBLIC_URL")
    export(checks)
    assert sorted(there.titles) == sorted(set(there.titles))
    assert {"Market entry", "Ask the dealers", "Hire a lead"} <= set(there.titles)
    dry_run(page)
    nothing_to_export(checks)

    # What changed here goes, and nothing else.
    say(page, body, "Hire a lead", " in Linz")
    dry_run(page)
    expect(objects(checks).filter(has_text="Hire a lead in Linz")).not_to_have_count(0)
    expect(checks.get_by_role("heading", name="Ask the dealers")).to_have_count(0)
    tab(checks, "Payload")
    calls = checks.get_by_role("list", name="Calls").locator("> li").count()
    made = there.writes
    export(checks)
    assert there.writes - made == calls

    # Somebody over there is done with one, and calls it otherwise.
    there.finish("Ask the dealers")
    there.rename("Ask the dealers", "Ask every dealer")
    more(page, "Look for changes over there")
    expect(checks.get_by_text(re.compile("^[23] changes over there"))).to_be_visible()
    chip = body.locator(".elsewhere")
    expect(chip).to_contain_text(f"Done in {there.kind}")
    eye.look("a status that changed over there")
    visitor.look(f"ship {there.kind} 4 drift")
    chip.get_by_role("button", name="Take over").click()
    expect(body.locator(".action").first).to_have_attribute("data-status", "done")
    expect(chip).to_have_count(0)

    # Both sides say something else: a person decides, this way and that.
    say(page, body, "Ask the dealers", " in Vienna")
    say(page, body, "We go to Austria first.", " Then to Spain.")
    there.reword("Austria first", "Austria at once")
    dry_run(page)
    diff = tab(checks, "Diff")
    part = diff.get_by_role("region", name=re.compile(f"^{there.text} of .*(Market|Austria)"))
    expect(part.get_by_role("group", name="Last sent")).to_contain_text("Austria first")
    expect(part.get_by_role("group", name="There now")).to_contain_text("at once")
    expect(part.get_by_role("group", name="Here", exact=True)).to_contain_text("Then to Spain.")
    eye.look("conflicts")
    visitor.look(f"ship {there.kind} 5 conflicts")
    part.get_by_role("button", name="Keep theirs").click()
    expect(part).to_have_count(0)
    ours = f"Use ours: {there.title} of Ask the dealers in Vienna"
    diff.get_by_role("button", name=ours).click()
    expect(diff.get_by_role("button", name=ours)).to_have_count(0)
    export(checks)
    assert "Ask the dealers in Vienna" in there.titles
    assert "Austria at once" in there.words
    expect(body).to_contain_text("We go to Austria first. Then to Spain.")

    dry_run(page)
    nothing_to_export(checks)
    made = there.writes
    page.reload()
    expect(checks.get_by_text("Up to date")).to_be_visible()
    dry_run(page)
    nothing_to_export(checks)
    assert there.writes == made
    checks.get_by_role("button", name="All targets").click()
    more(page, "What was made there")
    expect(checks.get_by_role("list", name="What was made")).to_contain_text("in Vienna")
    eye.look("what was made")
    visitor.look(f"ship {there.kind} 6 ledger")
    assert not eye.found, "\n".join(eye.found)

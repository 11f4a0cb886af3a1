"""Takes the README's picture again: `python -m tests.e2e.picture`, from the root, once built."""

from __future__ import annotations

import shutil
import sys
import tempfile
from pathlib import Path

from playwright.sync_api import expect, sync_playwright

from tests.conftest import ROOT
from tests.e2e.conftest import CHROMIUM, Product
from tests.ports import free_port

TARGET = ROOT / "frontend/docs/screenshot.png"
QUESTION = "How fast did the Austrian market grow in 2025?"
CITED = 3  # sentences of the answer put into the brief; the sample's other claims stay open


def take(url: str, target: Path) -> None:
    """The sample brief with sentences of an answer in it, beside that answer."""
    with sync_playwright() as started:
        browser = started.chromium.launch(executable_path=shutil.which("chromium"), args=CHROMIUM)
        page = browser.new_page(
            viewport={"width": 1440, "height": 900}, color_scheme="light", locale="en-GB"
        )
        page.goto(url)
        evidence = page.get_by_role("region", name="Evidence")
        evidence.get_by_role("tab", name="Sources").click()
        expect(evidence.locator("li[data-state=ready]")).to_have_count(8, timeout=60_000)
        evidence.get_by_role("tab", name="Ask").click()
        evidence.get_by_role("button", name=QUESTION).click()
        expect(evidence.get_by_role("button", name="Insert whole answer")).to_be_visible()
        rows = page.get_by_role("list", name="Claims").locator("[data-claim]")
        expect(rows).not_to_have_count(0)
        # The answer's checked sentences take the place of what the sample says without evidence.
        page.locator(".brief-text p").nth(1).click(click_count=3)
        page.keyboard.press("Backspace")
        for number in range(CITED):
            evidence.get_by_role("button", name="Insert", exact=True).nth(number).click()
            expect(page.locator(".brief-text [data-cite]")).to_have_count(number + 1)
        expect(rows.filter(has_text="supported")).not_to_have_count(0)
        rows.last.get_by_role("button").first.click()
        expect(page.get_by_test_id("sync-status")).to_contain_text("saved · 0 unsynced")
        page.mouse.move(700, 840)
        target.parent.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=target)
        browser.close()


def main() -> int:
    with tempfile.TemporaryDirectory() as folder:
        served = Product(Path(folder) / "var", ROOT / "var/models", free_port(), sample=True)
        served.data_dir.mkdir()
        served.start()
        try:
            take(served.url, TARGET)
        finally:
            served.stop()
    sys.stdout.write(f"{TARGET}: {TARGET.stat().st_size} bytes\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())

"""How long a large brief takes to open in a browser, and a key to show.

    python -m evals.bench.editor [--rounds 5] [--keys 200] [--profile FILE]

Starts the product on a free port over an empty folder, writes a brief of 200 blocks with 360
citations into it as another editor would, and opens it in Chromium: each round in a new profile,
and once more by reloading. Opening ends when the brief can be typed into, with every block and
chip drawn; a key's time is from its event to after the frame that shows it, so a part of a frame
(16.7 ms) is waiting. Prints a line of JSON per round and one over all, each with the load of the
machine. ``--profile`` writes Chromium's CPU profile of one more opening.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import shutil
import statistics
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import httpx
import pycrdt
from playwright.async_api import Browser, Page, async_playwright
from websockets.asyncio.client import connect

from collab import wire
from evals.bench.collab import served

BLOCKS = 200
CHIPS = 360
QUOTES = 60  # a cited place is cited again later, as in a real brief
PAUSE = (0.04, 0.08)  # seconds between keys; uneven, so that they do not keep step with frames
CHROMIUM = ("--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking")

# Runs before the page's own code: the clock starts with the navigation.
WATCH = """
([blocks, chips]) => {
  if (globalThis.opened) return;
  globalThis.opened = new Promise((done) => {
    const look = () => {
      const text = document.querySelector('.brief-text[contenteditable=true]');
      if (text && text.querySelectorAll(':scope > *').length >= blocks
          && text.querySelectorAll('[data-cite]').length >= chips)
        setTimeout(() => done(performance.now()));
      else requestAnimationFrame(look);
    };
    look();
  });
  globalThis.keys = [];
  addEventListener('keydown', ({ timeStamp }) => requestAnimationFrame(() =>
    setTimeout(() => keys.push(performance.now() - timeStamp))), true);
}
"""


async def seed(address: str) -> str:
    """The path of a brief with the blocks and citations, on a fresh product."""
    async with httpx.AsyncClient(base_url=address, timeout=60) as http:
        space = (await http.post("/api/spaces", json={"name": "Bench"})).json()["id"]
        lines = [f"Freight to port {n} cost {n % 17} % more than in 2024." for n in range(QUOTES)]
        await http.post(
            f"/api/spaces/{space}/sources/paste",
            json={"title": "Freight", "text": "\n\n".join(lines), "format": "text"},
        )
        async with asyncio.timeout(60):
            while True:
                (source,) = (await http.get(f"/api/spaces/{space}/sources")).json()
                if source["state"] == "ready":
                    break
                await asyncio.sleep(0.1)
        cites, start = [], 0
        for line in lines:
            place = {"source": source["id"], "version": source["version"]["hash"]}
            made = await http.post(
                "/api/evidence", json=place | {"start": start, "end": start + len(line)}
            )
            cites.append(made.raise_for_status().json()["id"])
            start += len(line) + 2
        made = await http.post(f"/api/spaces/{space}/briefs", json={"title": "Bench"})
        brief = made.json()["id"]
    async with connect(f"{address.replace('http', 'ws', 1)}/rooms/{brief}", max_size=None) as room:
        await room.send(wire.hello(""))
        await room.send(wire.update(content(cites, lines)))
        async with asyncio.timeout(30):
            while wire.Reader(bytes(await room.recv())).integer() != wire.SAVED:  # type: ignore[arg-type]  # binary
                pass
    return f"{address}/s/{space}/b/{brief}"


def content(cites: Sequence[str], lines: Sequence[str]) -> bytes:
    """The blocks as one update: a heading in ten, the rest paragraphs of two cited sentences."""
    doc: pycrdt.Doc[Any] = pycrdt.Doc()
    body = doc.get("body", type=pycrdt.XmlFragment)
    put = 0
    with doc.transaction():
        for n in range(BLOCKS):
            heading = n % 10 == 0
            attributes = {"id": f"bench{n:05d}"} | ({"level": "2"} if heading else {})
            block = body.children.append(
                pycrdt.XmlElement("heading" if heading else "paragraph", attributes)
            )
            if heading:
                block.children.append(pycrdt.XmlText(f"Part {n}"))
                continue
            for _ in range(2):
                line = lines[put % QUOTES]
                block.children.append(pycrdt.XmlText(f"As reported, {line[0].lower()}{line[1:]} "))
                block.children.append(pycrdt.XmlElement("citation", {"cite": cites[put % QUOTES]}))
                put += 1
    assert put == CHIPS
    return doc.get_update()


async def new_page(browser: Browser) -> Page:
    context = await browser.new_context(viewport={"width": 1440, "height": 900})
    await context.add_init_script(f"({WATCH})([{BLOCKS}, {CHIPS}])")
    page = await context.new_page()
    page.set_default_timeout(60_000)
    return page


async def opened(page: Page) -> float:
    """Milliseconds from the navigation until the brief is whole and can be typed into."""
    return round(float(await page.evaluate("() => opened")), 1)


async def typed(page: Page, keys: int) -> list[float]:
    """Seconds from each key to the frame that shows it, typing in the middle of the brief."""
    await page.locator(".brief-text > p").nth(BLOCKS // 2).click()
    await page.keyboard.press("End")
    await page.evaluate("() => { keys.length = 0; }")
    for _ in range(keys):
        await page.keyboard.press(random.choice("abcdefghijklmnop "))
        await asyncio.sleep(random.uniform(*PAUSE))
    await page.wait_for_function("count => keys.length >= count", arg=keys)
    return [ms / 1000 for ms in await page.evaluate("() => keys")]


async def profiled(browser: Browser, url: str, file: Path) -> None:
    """Write the CPU profile of one opening, and print where most of its time went."""
    page = await new_page(browser)
    session = await page.context.new_cdp_session(page)
    await session.send("Profiler.enable")
    await session.send("Profiler.setSamplingInterval", {"interval": 200})
    await session.send("Profiler.start")
    await page.goto(url, wait_until="commit")
    milliseconds = await opened(page)
    profile = (await session.send("Profiler.stop"))["profile"]
    await asyncio.to_thread(file.write_text, json.dumps(profile))
    names = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    own: Counter[str] = Counter()
    for id, spent in zip(profile["samples"], profile["timeDeltas"], strict=True):
        frame = names[id]
        own[f"{frame['functionName'] or '?'} {frame['url'].rsplit('/', 1)[-1]}"] += spent
    print(json.dumps({"open_ms": milliseconds, "most_ms": {
        name: round(spent / 1000, 1) for name, spent in own.most_common(12)
    }}))  # fmt: skip
    await page.context.close()


async def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--keys", type=int, default=200)
    parser.add_argument("--profile", type=Path)
    options = parser.parse_args()
    path = shutil.which("chromium")
    if path is None:
        parser.error("Chromium is not installed; on Debian: apt-get install chromium")
    async with served() as (_, address, _), async_playwright() as playwright:
        url = await seed(address)
        browser = await playwright.chromium.launch(executable_path=path, args=CHROMIUM)
        first: list[float] = []
        again: list[float] = []
        rounds: list[list[float]] = []
        for n in range(options.rounds):
            page = await new_page(browser)
            await page.goto(url, wait_until="commit")
            first.append(await opened(page))
            await page.reload(wait_until="commit")
            again.append(await opened(page))
            rounds.append(await typed(page, options.keys))
            await page.context.close()
            print(json.dumps({"round": n + 1, "open_ms": first[-1], "reopen_ms": again[-1]}
                | key_times(rounds[-1]) | load()), flush=True)  # fmt: skip
        print(json.dumps({
            "blocks": BLOCKS,
            "chips": CHIPS,
            "open_ms": spread(first),
            "reopen_ms": spread(again),
            "key_p50_ms": spread([at(one, 50) for one in rounds]),
            "key_p95_ms": spread([at(one, 95) for one in rounds]),
            "all_keys": key_times([key for one in rounds for key in one]),
        } | load()))  # fmt: skip
        if options.profile is not None:
            await profiled(browser, url, options.profile)
        await browser.close()


def key_times(seconds: Sequence[float]) -> dict[str, float]:
    return {
        "keys": len(seconds),
        "key_p50_ms": at(seconds, 50),
        "key_p95_ms": at(seconds, 95),
        "key_max_ms": round(max(seconds) * 1000, 1),
    }


def at(seconds: Sequence[float], percent: int) -> float:
    return round(statistics.quantiles(seconds, n=100)[percent - 1] * 1000, 2)


def spread(values: Sequence[float]) -> dict[str, float]:
    return {"min": min(values), "median": statistics.median(values), "max": max(values)}


def load() -> dict[str, list[float]]:
    return {"load": [round(one, 1) for one in os.getloadavg()]}


if __name__ == "__main__":
    asyncio.run(main())

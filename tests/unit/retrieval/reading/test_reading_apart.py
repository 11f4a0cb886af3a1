"""The process apart: what it hands back, and that nothing a file does reaches us."""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
from dataclasses import replace
from pathlib import Path

import psutil
import pytest
from PIL import Image
from reportlab.pdfgen.canvas import Canvas

from retrieval.errors import Unreadable
from retrieval.reading import Limits, boxes, read_apart, render_page
from retrieval.reading.read import read

SAMPLE = Path(__file__).parents[4] / "backend" / "sample"
FILES = json.loads((SAMPLE / "sample.json").read_text())["files"]
STUDY = SAMPLE / "market-study.pdf"


def children() -> list[psutil.Process]:
    """The readers that still run; servers that other suites started are none of ours."""
    readers = []
    for process in psutil.Process().children(recursive=True):
        with contextlib.suppress(psutil.NoSuchProcess, psutil.ZombieProcess):
            if "retrieval.reading" in process.cmdline():
                readers.append(process)
    return readers


async def test_what_is_read_apart_equals_what_is_read_here() -> None:
    for path in (STUDY, SAMPLE / "board-minutes.md"):
        assert await read_apart(path, declared_name=path.name) == read(
            path, declared_name=path.name
        )


async def test_progress_counts_every_page_to_the_last() -> None:
    seen: list[tuple[int, int | None]] = []
    await read_apart(
        STUDY, declared_name="a.pdf", progress=lambda done, total: seen.append((done, total))
    )
    pages = seen[-1][1]
    assert pages is not None
    assert seen == [(number, pages) for number in range(1, pages + 1)]


async def refused(path: Path, limits: Limits) -> str:
    with pytest.raises(Unreadable) as caught:
        await read_apart(path, declared_name=path.name, limits=limits)
    assert children() == []
    return caught.value.code


async def test_a_refusal_crosses_over_with_its_code(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes(b"")
    assert await refused(tmp_path / "a.txt", Limits()) == "empty"


async def test_a_parser_that_eats_memory_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 3_000_000)
    limits = Limits(memory_bytes=160 * 1024 * 1024, cells=100_000_000)
    assert await refused(tmp_path / "a.csv", limits) == "out_of_memory"


async def test_a_parser_that_computes_too_long_is_stopped(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text("a,b\n" + "1,2\n" * 3_000_000)
    limits = Limits(cpu_seconds=1, cells=100_000_000)
    assert await refused(tmp_path / "a.csv", limits) == "timed_out"


async def test_a_parser_that_waits_too_long_is_stopped(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")  # opening it for reading waits for a writer that never comes
    with pytest.raises(Unreadable) as caught:
        await read_apart(tmp_path / "a.txt", declared_name="a.txt", limits=Limits(seconds=0.5))
    assert caught.value.code == "timed_out"
    assert children() == []


async def test_a_result_beyond_its_limit_is_refused(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("word " * 50_000)
    assert await refused(tmp_path / "a.txt", Limits(result_bytes=10_000)) == "too_large"


async def test_cancelling_kills_the_process(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.txt")
    task = asyncio.create_task(read_apart(tmp_path / "a.txt", declared_name="a.txt"))
    while not children():
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert children() == []


async def test_several_bad_files_leave_a_good_one_alone(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "hangs.txt")
    (tmp_path / "broken.pdf").write_bytes(b"%PDF-1.4 nothing %%EOF")
    outcomes = await asyncio.gather(
        read_apart(tmp_path / "hangs.txt", declared_name="x", limits=Limits(seconds=1)),
        read_apart(tmp_path / "broken.pdf", declared_name="x"),
        read_apart(STUDY, declared_name="x"),
        return_exceptions=True,
    )
    codes = [getattr(outcome, "code", "read") for outcome in outcomes]
    assert codes == ["timed_out", "corrupt", "read"]


async def test_a_page_is_drawn_at_its_scale_and_never_beyond_the_limit_of_pixels() -> None:
    page = Image.open(io.BytesIO(await render_page(STUDY, 1, scale=1.0)))
    assert (page.width, page.height) == (596, 842)
    small = replace(Limits(), pixels=10_000)
    page = Image.open(io.BytesIO(await render_page(STUDY, 1, scale=50.0, limits=small)))
    assert page.width * page.height <= 10_300


async def test_a_page_that_is_not_there_is_named() -> None:
    with pytest.raises(Unreadable) as caught:
        await render_page(STUDY, 99)
    assert caught.value.code == "no_such_page"


async def test_a_quote_gets_a_box_for_each_of_its_lines() -> None:
    reading = read(STUDY, declared_name="a.pdf")
    block = next(
        b for b in reading.blocks if "grew 12.1 % in 2025" in reading.text[b.start : b.end]
    )
    quote = reading.text[block.start : block.end]
    found = await boxes(STUDY, block.page or 0, quote)
    assert len(found.boxes) > 2
    assert all(0 <= box.x <= box.x + box.w <= 1 for box in found.boxes)
    assert [box.y for box in found.boxes] == sorted(box.y for box in found.boxes)


async def test_every_block_of_the_study_is_found_on_its_page() -> None:
    reading = read(STUDY, declared_name="a.pdf")
    from retrieval.reading.view import find

    missed = [
        text
        for block in reading.blocks
        if len(text := reading.text[block.start : block.end]) > 40
        and not find(STUDY, block.page or 0, text).boxes
    ]
    assert missed == []


async def test_what_cannot_be_placed_for_sure_gets_no_box(tmp_path: Path) -> None:
    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.drawString(72, 700, "The year 2025 was good, and the year 2025 was long.")
    canvas.save()
    for quote in ("not on this page", "year 2025", "", "…"):
        assert (await boxes(tmp_path / "a.pdf", 1, quote)).boxes == ()
    (only,) = (await boxes(tmp_path / "a.pdf", 1, "was LONG")).boxes
    assert only.x > 0.3


@pytest.mark.parametrize("rotation", [0, 90, 180, 270])
def test_boxes_follow_a_turned_page(tmp_path: Path, rotation: int) -> None:
    """What is boxed is dark in the picture of the page, and the rest of the page is white."""
    from retrieval.reading.view import find, render

    canvas = Canvas(str(tmp_path / "a.pdf"))
    canvas.setPageRotation(rotation)
    canvas.setFont("Helvetica-Bold", 30)
    canvas.drawString(72, 500, "Findable words")
    canvas.save()
    (box,) = find(tmp_path / "a.pdf", 1, "Findable words").boxes
    picture = render(tmp_path / "a.pdf", 1, scale=1.0, limits=Limits())
    page = Image.open(io.BytesIO(picture)).convert("L")
    left, top, right, bottom = page.point(lambda value: 255 - value).getbbox() or (0, 0, 0, 0)
    assert abs(box.x * page.width - left) < 12
    assert abs(box.y * page.height - top) < 12
    assert abs((box.x + box.w) * page.width - right) < 12
    assert abs((box.y + box.h) * page.height - bottom) < 12


@pytest.mark.parametrize("name", FILES)
async def test_every_format_is_read_from_a_path_that_does_not_name_it(
    tmp_path: Path, name: str
) -> None:
    """Originals are kept by their hash alone; some libraries go by the ending of the path."""
    bare = tmp_path / "0f3c"
    bare.write_bytes((SAMPLE / name).read_bytes())
    reading = await read_apart(bare, declared_name=name)
    assert reading == read(SAMPLE / name, declared_name=name)

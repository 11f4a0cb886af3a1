"""How fast files become text: pages and megabytes per second by format.

    python -m evals.bench.reading --data ../shared/data

Each file is read as the product reads it, in a process of its own, start included. Beside the real
PDFs stand generated files of every other format, large enough that starting a process is not all
that is measured. A round reads every file once; the figures are medians over the rounds.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from retrieval.reading import read_apart

SENTENCE = "The market for electric cargo bikes grew by 12.1 per cent in the year under review. "
PARAGRAPHS = 2_000
ROWS = 20_000


def write_text(path: Path) -> None:
    path.write_text("\n\n".join(SENTENCE * 4 for _ in range(PARAGRAPHS)))


def write_markdown(path: Path) -> None:
    path.write_text(
        "\n\n".join(f"## Part {n}\n\n{SENTENCE * 4}\n\n- one\n- two" for n in range(PARAGRAPHS))
    )


def write_html(path: Path) -> None:
    parts = "".join(f"<h2>Part {n}</h2><p>{SENTENCE * 4}</p>" for n in range(PARAGRAPHS))
    path.write_text(f"<!doctype html><title>T</title><body>{parts}</body>")


def write_csv(path: Path) -> None:
    rows = (f"{n},Graz,{n * 7 % 500},{n * 13 % 9000}.50" for n in range(ROWS))
    path.write_text("Number,City,Bikes,Revenue\n" + "\n".join(rows))


def write_docx(path: Path) -> None:
    import docx

    document = docx.Document()
    for number in range(PARAGRAPHS // 4):
        document.add_heading(f"Part {number}", 2)
        document.add_paragraph(SENTENCE * 4)
    document.save(str(path))


def write_xlsx(path: Path) -> None:
    import openpyxl

    workbook = openpyxl.Workbook(write_only=True)
    sheet = workbook.create_sheet("Sales")
    sheet.append(["Number", "City", "Bikes", "Revenue"])
    for number in range(ROWS):
        sheet.append([number, "Graz", number * 7 % 500, number * 13.5])
    workbook.save(path)


def write_pptx(path: Path) -> None:
    import pptx

    deck = pptx.Presentation()
    for number in range(100):
        slide = deck.slides.add_slide(deck.slide_layouts[1])
        slide.shapes.title.text = f"Slide {number}"
        slide.placeholders[1].text_frame.text = "\n".join([SENTENCE] * 5)
    deck.save(str(path))


GENERATED: dict[str, Callable[[Path], None]] = {
    "generated.txt": write_text,
    "generated.md": write_markdown,
    "generated.html": write_html,
    "generated.csv": write_csv,
    "generated.docx": write_docx,
    "generated.xlsx": write_xlsx,
    "generated.pptx": write_pptx,
}


async def measure(files: list[Path], rounds: int) -> None:
    seconds: dict[Path, list[float]] = {path: [] for path in files}
    pages: dict[Path, int | None] = {}
    characters: dict[Path, int] = {}
    formats: dict[Path, str] = {}
    for _ in range(rounds):
        for path in files:
            begun = time.perf_counter()
            reading = await read_apart(path, declared_name=path.name)
            seconds[path].append(time.perf_counter() - begun)
            pages[path], characters[path] = reading.pages, len(reading.text)
            formats[path] = reading.format
    print(f"{'file':<40}{'pages':>7}{'text MB':>9}{'seconds':>9}{'pages/s':>9}{'MB/s':>7}")
    totals: dict[str, tuple[float, int]] = {}
    for path in files:
        took, count, size = (
            statistics.median(seconds[path]),
            pages[path],
            characters[path] / 1e6,
        )
        rate = f"{count / took:.0f}" if count else "-"
        print(
            f"{path.name[:38]:<40}{count or '-':>7}{size:>9.2f}{took:>9.2f}{rate:>9}"
            f"{size / took:>7.2f}"
        )
        before = totals.get(formats[path], (0.0, 0))
        totals[formats[path]] = (before[0] + took, before[1] + (count or 0))
    for name, (took, count) in totals.items():
        if count:
            print(f"{name}: {count} pages in {took:.2f} s, {count / took:.0f} pages/s")


def main() -> None:
    arguments = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    arguments.add_argument("--data", type=Path, default=Path("../shared/data"))
    arguments.add_argument("--rounds", type=int, default=3)
    chosen = arguments.parse_args()
    reports = sorted((chosen.data / "pdf").glob("*.pdf"))
    if not reports:
        print(f"no PDF in {chosen.data / 'pdf'}: generated files only", file=sys.stderr)
    with tempfile.TemporaryDirectory(prefix="stratmaster-bench-") as folder:
        for name, write in GENERATED.items():
            write(Path(folder) / name)
        generated = [Path(folder) / name for name in GENERATED]
        asyncio.run(measure([*reports, *generated], chosen.rounds))


if __name__ == "__main__":
    main()

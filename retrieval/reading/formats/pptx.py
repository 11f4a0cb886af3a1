"""Presentations: a slide is a page, its title a heading, its notes the last paragraphs."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pptx
from pptx.enum.shapes import MSO_SHAPE_TYPE, PP_PLACEHOLDER

from retrieval.blocks import BlockKind
from retrieval.reading import refusals
from retrieval.reading.draft import Draft
from retrieval.reading.formats import Progress
from retrieval.reading.tables import add_table

_SMALL_PRINT = (PP_PLACEHOLDER.DATE, PP_PLACEHOLDER.FOOTER, PP_PLACEHOLDER.SLIDE_NUMBER)


def read(path: Path, draft: Draft, progress: Progress) -> None:
    presentation = pptx.Presentation(str(path))
    draft.title = presentation.core_properties.title or None
    if draft.title in ("PowerPoint Presentation", "PowerPoint-Präsentation"):
        draft.title = None
    slides = presentation.slides
    total = len(slides)
    draft.count_pages(total, "slides")
    for number, slide in enumerate(slides, start=1):
        title = slide.shapes.title
        if title is not None and title.has_text_frame:
            draft.add(BlockKind.HEADING, _one(title.text_frame.text), level=2, page=number)
        pictures = 0
        for shape in _flat(slide.shapes, draft, 0):
            if title is not None and shape.shape_id == title.shape_id:
                continue
            pictures += _add_shape(shape, draft, number)
        if pictures:
            draft.skip(f"slide {number}", f"{pictures} pictures or drawings hold no text we read")
        if slide.has_notes_slide and (notes := slide.notes_slide.notes_text_frame) is not None:
            for paragraph in notes.paragraphs:
                if text := _one(paragraph.text):
                    draft.add(BlockKind.PARAGRAPH, f"Speaker notes: {text}", page=number)
        progress(number, total)


def _flat(shapes: Any, draft: Draft, depth: int) -> Iterator[Any]:
    """Shapes from top to bottom, groups opened."""
    if depth > draft.limits.depth:
        raise refusals.too_deep(draft.name, draft.limits.depth)
    for shape in sorted(shapes, key=lambda shape: (shape.top or 0, shape.left or 0)):
        if shape.shape_type == MSO_SHAPE_TYPE.GROUP:
            yield from _flat(shape.shapes, draft, depth + 1)
        else:
            yield shape


def _add_shape(shape: Any, draft: Draft, page: int) -> int:
    """Add what the shape says; 1 if it is a picture, which says nothing."""
    if shape.is_placeholder and shape.placeholder_format.type in _SMALL_PRINT:
        return 0
    if getattr(shape, "has_table", False):
        add_table(draft, ([cell.text for cell in row.cells] for row in shape.table.rows), page=page)
    elif getattr(shape, "has_chart", False):
        _add_chart(shape.chart, draft, page)
    elif shape.has_text_frame:
        paragraphs = [p for p in shape.text_frame.paragraphs if p.text.strip()]
        listed = shape.is_placeholder and shape.placeholder_format.type in (
            PP_PLACEHOLDER.BODY,
            PP_PLACEHOLDER.OBJECT,
        )
        for paragraph in paragraphs:
            text = _one(paragraph.text)
            if listed and len(paragraphs) > 1:
                level = paragraph.level + 1
                draft.add(BlockKind.LIST_ITEM, f"• {text}", level=level, page=page)
            else:
                draft.add(BlockKind.PARAGRAPH, text, page=page)
    elif shape.shape_type == MSO_SHAPE_TYPE.PICTURE:
        return 1
    return 0


def _add_chart(chart: Any, draft: Draft, page: int) -> None:
    """A chart is a table that was drawn: one row for each category."""
    if chart.has_title and chart.chart_title.has_text_frame:
        draft.add(BlockKind.CAPTION, _one(chart.chart_title.text_frame.text), page=page)
    try:
        plot = chart.plots[0]
        series = list(plot.series)
        categories = [str(category) for category in plot.categories]
    except (IndexError, KeyError, AttributeError, ValueError):
        draft.skip(f"slide {page}", "a chart of a kind we do not read")
        return
    header = ["Category", *(str(one.name) for one in series)]
    rows = [
        [category, *(_value(one.values, index) for one in series)]
        for index, category in enumerate(categories)
    ]
    add_table(draft, [header, *rows], page=page)


def _value(values: Any, index: int) -> str:
    value = values[index] if index < len(values) else None
    return "" if value is None else f"{value:.10g}"


def _one(text: str) -> str:
    return " ".join(text.split())

"""Notion's limits, at them and one past them; the server refuses whatever goes beyond."""

from __future__ import annotations

import json
from typing import Any

import httpx
import pytest

from exporters import apply
from exporters.errors import TooMuch
from exporters.http import encode
from exporters.model import Brief, Item, Span
from exporters.records import Op
from tests.remotes import notion
from tests.remotes.notion_world import World, brief, in_data_source, paragraph, plain
from tests.remotes.time import VirtualClock


@pytest.fixture
def world() -> World:
    return in_data_source()


def _many(count: int, text: str = "Paragraph") -> Brief:
    return brief(*(paragraph(f"p{number}", f"{text} {number}") for number in range(count)))


def _texts(world: World) -> list[str]:
    return [one[1] for one in world.shown()[1:]]


async def test_block_101_is_written_and_read_back(world: World) -> None:
    """A page of 250 blocks is written in three calls, read in three, and changed at its end in
    one."""
    planned = await world.export(_many(250))
    assert [len(step.keys) for step in planned.steps] == [2, 100, 100, 50]
    assert _texts(world) == [f"Paragraph {number}" for number in range(250)]
    before = len(world.server.calls)
    assert (await world.plan(_many(250))).empty
    assert [path.rsplit("/", 1)[1] for _, path in world.server.calls[before:]] == [
        str(world.where["data_source"]),
        world.ref(),
        *["children"] * 3,
    ]
    changed = _many(250)
    items = (*changed.items[:-1], paragraph("p249", "The last"))
    planned = await world.export(brief(*items))
    assert [step.keys for step in planned.steps] == [("p249",)]
    assert _texts(world)[-2:] == ["Paragraph 248", "The last"]


async def test_a_hundred_new_blocks_in_the_middle_keep_the_order(world: World) -> None:
    """The second call goes on after the last block of the first."""
    await world.export(_many(2))
    added = [paragraph(f"n{number}", f"New {number}") for number in range(150)]
    both = brief(_many(2).items[0], *added, _many(2).items[1])
    await world.export(both)
    new = [f"New {number}" for number in range(150)]
    assert _texts(world) == ["Paragraph 0", *new, "Paragraph 1"]
    assert (await world.plan(both)).empty


@pytest.mark.parametrize("letter", ["a", "ü", "字", "😀", "👩‍🚀"])
@pytest.mark.parametrize("over", [-1, 0, 1])
async def test_2000_units_are_one_text_and_one_more_is_two(
    world: World, letter: str, over: int
) -> None:
    """Counted as UTF-16, as Notion does, and never cut within what is drawn as one."""
    size = len(letter.encode("utf-16-le")) // 2
    text = letter * ((2000 + over) // size) + "b" * ((2000 + over) % size)
    await world.export(brief(paragraph("p1", text)))
    sent = world.server.nodes[world.ref("p1")].body["rich_text"]
    assert plain(sent) == text
    assert len(sent) == (2 if over > 0 else 1)
    assert all(one["text"]["content"].startswith((letter, "b")) for one in sent)
    assert (await world.plan(brief(paragraph("p1", text)))).empty


async def test_a_text_of_more_than_100_parts_goes_on_in_the_next_block(world: World) -> None:
    """Every word keeps its marks, and the loss is said."""
    spans = tuple(Span(f"w{number} ", bold=number % 2 == 0) for number in range(201))
    long = brief(Item("p1", "paragraph", spans), paragraph("p2", "After"))
    planned = await world.export(long)
    blocks = [one for one in world.server.children(world.ref()) if one.type == "paragraph"][1:4]
    assert [len(one.body["rich_text"]) for one in blocks] == [100, 100, 1]
    assert "".join(_texts(world)[:3]) == "".join(span.text for span in spans)
    assert _texts(world)[3:] == ["After"]
    assert [loss.key for loss in planned.losses] == ["p1"]
    assert (await world.plan(long)).empty
    shorter = brief(Item("p1", "paragraph", spans[:100]), paragraph("p2", "After"))
    planned = await world.export(shorter)
    assert [(step.op, step.keys) for step in planned.steps] == [
        (Op.ARCHIVE, ("p1-2",)),
        (Op.ARCHIVE, ("p1-3",)),
    ]


async def test_no_call_is_larger_than_500_kb(world: World) -> None:
    """A brief of two megabytes of Chinese goes in calls of less, whole and in order."""
    text = "字" * 60_000  # 180 KB
    large = brief(*(paragraph(f"p{number}", text) for number in range(12)))
    planned = await world.export(large)
    sizes = [len(encode(step.request.body)) for step in planned.steps]
    assert max(sizes) < 500_000
    assert sum(sizes) > 2_000_000
    assert len(sizes) == 7
    assert _texts(world) == [text] * 12


async def test_one_paragraph_of_a_megabyte_is_cut_into_blocks(world: World) -> None:
    text = "字" * 350_000
    await world.export(brief(paragraph("p1", text)))
    assert "".join(_texts(world)) == text
    assert not world.server.refused


async def test_a_table_of_250_rows_is_made_with_100_of_them(world: World) -> None:
    """Notion takes no more in the call that makes it; the others are added to it."""

    def table(count: int) -> Brief:
        rows = tuple(
            Item(f"r{number}", "row", children=(Item(f"c{number}", "cell", (Span(f"{number}"),)),))
            for number in range(count)
        )
        return brief(Item("t1", "table", children=rows))

    planned = await world.export(table(250))
    assert [len(step.keys) for step in planned.steps] == [2, 101, 100, 50]
    rows = world.shown()[1][2]
    assert [row[1] for row in rows] == [str(number) for number in range(250)]
    assert (await world.plan(table(250))).empty
    planned = await world.export(brief())
    assert [(step.op, len(step.keys)) for step in planned.steps] == [(Op.ARCHIVE, 251)]


async def test_a_table_that_got_a_column_is_made_anew(world: World) -> None:
    """Notion cannot change how wide a table is."""

    def table(columns: int) -> Brief:
        cells = tuple(Item(f"c{one}", "cell", (Span(str(one)),)) for one in range(columns))
        return brief(Item("t1", "table", children=(Item("r1", "row", children=cells),)))

    await world.export(table(2))
    await world.export(table(3))
    assert world.shown()[1:] == [("table", "", [("table_row", "0 | 1 | 2")])]
    assert (await world.plan(table(3))).empty


async def test_a_wider_table_waits_while_a_row_of_it_is_theirs(world: World) -> None:
    """It would have to be made anew; until somebody decides, no row is sent that would not fit."""

    def table(columns: int) -> Brief:
        rows = tuple(
            Item(
                f"r{row}",
                "row",
                children=tuple(Item(f"c{row}{n}", "cell", (Span(str(n)),)) for n in range(columns)),
            )
            for row in range(2)
        )
        return brief(Item("t1", "table", children=rows))

    await world.export(table(2))
    world.server.write(world.ref("r1"), "theirs")
    planned = await world.export(table(3))
    assert {item.change for item in planned.items if item.key in ("t1", "r1")} == {"conflict"}
    assert "how wide a table is" in next(one.what for one in planned.losses if one.key == "r0")
    assert world.shown()[1:] == [
        ("table", "", [("table_row", "0 | 1"), ("table_row", "theirs | 1")])
    ]
    assert not world.server.refused


async def test_a_table_of_101_columns_is_said_to_be_too_wide(world: World) -> None:
    cells = tuple(Item(f"c{one}", "cell", (Span(str(one)),)) for one in range(101))
    wide = brief(Item("t1", "table", children=(Item("r1", "row", children=cells),)))
    with pytest.raises(TooMuch, match="101 columns"):
        await world.plan(wide)


@pytest.mark.parametrize("length", [2000, 2001])
async def test_an_address_of_2000_units_is_a_link_and_a_longer_one_is_text(
    world: World, length: int
) -> None:
    href = "https://example.org/".ljust(length, "x")
    planned = await world.export(brief(Item("p1", "paragraph", (Span("here", href=href),))))
    sent = world.server.nodes[world.ref("p1")].body["rich_text"][0]
    assert ("link" in sent["text"]) == (length == 2000)
    assert bool(planned.losses) == (length == 2001)


async def test_twelve_levels_of_lists_are_all_there(world: World) -> None:
    """Two levels is what a call may nest; ours nest none, so depth has no limit but the brief's."""
    item = Item("deep12", "list_item", children=(paragraph("x12", "Level 12"),))
    for level in range(11, 0, -1):
        inner = Item(f"list{level}", "bullet_list", children=(item,))
        own = paragraph(f"x{level}", f"Level {level}")
        item = Item(f"deep{level}", "list_item", children=(own, inner))
    await world.export(brief(Item("list0", "bullet_list", children=(item,))))
    shown: Any = world.shown()[1]
    for level in range(1, 12):
        assert shown[1] == f"Level {level}"
        shown = shown[2][0]
    assert shown == ("bulleted_list_item", "Level 12")


@pytest.mark.parametrize("paced", [True, False])
async def test_calls_keep_to_the_pace_and_the_rest_is_waited_out(paced: bool) -> None:
    """We never run into the limit; who does (others may use the connection) waits for its end."""
    clock = VirtualClock()
    server = notion.Notion(clock, paced=True)
    world = World(server, clock, {"page": server.page("Team home")}, paced=paced)
    await world.export(_many(2))
    for number in range(60):
        changed = brief(paragraph("p0", f"Text {number}"), paragraph("p1", "Paragraph 1"))
        await world.export(changed)
    assert {one["code"] for one in server.refused} == (set() if paced else {"rate_limited"})
    assert _texts(world)[0] == "Text 59"


async def test_an_overload_is_waited_out(world: World) -> None:
    """529 says that nothing was done: the call is made again, once."""
    world.server.overloaded = {1, 3, 4}
    await world.export(_many(3))
    assert {one["code"] for one in world.server.refused} == {"service_overload"}
    assert len(_texts(world)) == 3


async def test_without_the_version_nothing_is_answered(world: World) -> None:
    """The header is part of every call."""
    answer = await httpx.AsyncClient(transport=httpx.ASGITransport(app=world.server)).get(
        "https://api.notion.com/v1/users/me",
        headers={"authorization": f"Bearer {world.server.token}"},
    )
    assert json.loads(answer.content)["code"] == "missing_version"
    await world.export(_many(1))
    assert not [one for one in world.server.refused[1:] if one["code"] == "missing_version"]


async def test_a_refusal_is_told_in_their_words_and_the_rest_goes_on(world: World) -> None:
    """A block that is gone refuses its change; others are not held up."""
    await world.export(_many(3))
    planned = await world.plan(brief(*(paragraph(f"p{n}", f"New {n}") for n in range(3))))
    node = world.server.nodes[world.ref("p1")]
    keep = world.server._change

    def refuse(one: Any, body: Any) -> Any:
        if one is node:
            raise notion.invalid("body.paragraph is not to our taste.")
        return keep(one, body)

    world.server._change = refuse  # type: ignore[method-assign]  # the fake's own door
    ran = await world.run(planned)
    results = [(one.keys, one.outcome) for one in ran.outcomes]
    assert results == [
        (("p0",), apply.Result.DONE),
        (("p1",), apply.Result.REFUSED),
        (("p2",), apply.Result.DONE),
    ]
    assert "not to our taste" in ran.outcomes[1].message

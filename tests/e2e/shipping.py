"""What people do in Ship, and what they do over there meanwhile: steps and fixtures."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Protocol

import pytest
from playwright.sync_api import Locator, Page, expect

from backend.settings import PREFIX
from tests.conftest import ROOT, missing
from tests.e2e.conftest import Product, Visitor
from tests.e2e.test_journey import pane, saved
from tests.ports import free_port
from tests.remotes import elsewhere as outside
from tests.remotes import jira as jiras
from tests.remotes import notion as notions
from tests.remotes import trello as trellos
from tests.remotes.elsewhere import Elsewhere

Visit = Callable[..., Visitor]
PLACE = "Plans"


@pytest.fixture
def port() -> int:
    """The product's, known before it starts."""
    return free_port()


@pytest.fixture
def elsewhere() -> Iterator[Elsewhere]:
    """Jira, Notion and Trello in miniature behind a real socket."""
    with outside.beside("http://127.0.0.1:9") as opened:  # nobody signs in
        yield opened


@pytest.fixture
def product(tmp_path: Path, models_dir: Path, port: int, elsewhere: Elsewhere) -> Iterator[Product]:
    """The product, which takes these for the real ones."""
    if not (ROOT / "frontend/dist/index.html").exists():
        missing("the front end is not built; run ./stratmaster setup")
    named = outside.settings_of(elsewhere)
    settings = {f"{PREFIX}{name.upper()}": str(value) for name, value in named.items()}
    served = Product(tmp_path / "var", models_dir, port, settings=settings)
    served.data_dir.mkdir()
    served.start()
    yield served
    served.stop()


class There(Protocol):
    """One of the three, as a person works there. Objects are named by their titles."""

    kind: str
    secret: Mapping[str, str]  # what is asked of who connects, by its label
    title: str  # what the part is called that holds an object's title
    text: str  # and the part that holds the brief's first paragraph

    mapped: tuple[str, str]  # something to choose, and what is offered

    @property
    def titles(self) -> list[str]: ...
    @property
    def words(self) -> str: ...  # of everything
    @property
    def writes(self) -> int: ...
    def rename(self, title: str, new: str) -> None: ...
    def finish(self, title: str) -> None: ...
    def archive(self, title: str) -> None: ...
    def reword(self, old: str, new: str) -> None: ...


class Trello:
    kind, title, text = "Trello", "Name", "Description"

    def __init__(self, elsewhere: Elsewhere) -> None:
        self.secret = {"API key": trellos.KEY, "Token": trellos.TOKEN}
        self.remote = elsewhere.trello
        self.board = self.remote.board(PLACE)
        self.mapped = ("Open actions", self.remote.list_named(self.board, "To do"))

    @property
    def titles(self) -> list[str]:
        return [card["name"] for card in self.remote.cards.values() if not card["closed"]]

    @property
    def words(self) -> str:
        return str(self.remote.cards)

    @property
    def writes(self) -> int:
        return len(self.remote.writes)

    def rename(self, title: str, new: str) -> None:
        self.remote.edit(self._card(title), "name", new)

    def finish(self, title: str) -> None:
        done = self.remote.list_named(self.board, "Done")
        self.remote.edit(self._card(title), "idList", done)

    def archive(self, title: str) -> None:
        self._card(title)["closed"] = True

    def reword(self, old: str, new: str) -> None:
        (card,) = [one for one in self.remote.cards.values() if old in one["desc"]]
        self.remote.edit(card, "desc", card["desc"].replace(old, new))

    def _card(self, title: str) -> dict[str, object]:
        (card,) = [one for one in self.remote.cards.values() if one["name"] == title]
        return card


class Jira:
    kind, title, text = "Jira", "Summary", "Description"

    def __init__(self, elsewhere: Elsewhere) -> None:
        elsewhere.jira.tokens.add(jiras.TOKEN)  # what the site makes of the three below
        self.secret = {
            "Site": elsewhere.address,
            "E-mail of your account": outside.EMAIL,
            "API token": outside.API_TOKEN,
        }
        self.remote = elsewhere.jira
        self.remote.projects[jiras.PROJECT] = ("PLAN", PLACE)
        self.mapped = ("Actions become", jiras.TASK)

    @property
    def titles(self) -> list[str]:
        return [issue.fields["summary"] for issue in self.remote.issues.values()]

    @property
    def words(self) -> str:
        return str([issue.fields for issue in self.remote.issues.values()])

    @property
    def writes(self) -> int:
        return self.remote.writes

    def rename(self, title: str, new: str) -> None:
        self.remote.edit(self._issue(title), summary=new)

    def finish(self, title: str) -> None:
        self.remote.edit(self._issue(title), status=jiras.DONE)

    def archive(self, title: str) -> None:
        self.remote.edit(self._issue(title), archived=True)

    def reword(self, old: str, new: str) -> None:
        for issue in self.remote.issues.values():
            said = issue.fields.get("description")
            if old in str(said):
                self.remote.edit(issue, description=_replaced(said, old, new))

    def _issue(self, title: str) -> jiras.Issue:
        (issue,) = [one for one in self.remote.issues.values() if one.fields["summary"] == title]
        return issue


class Notion:
    kind, title, text = "Notion", "Text", "Text"

    def __init__(self, elsewhere: Elsewhere) -> None:
        self.secret = {"Integration secret": notions.TOKEN}
        self.remote = elsewhere.notion
        self.page = self.remote.page(PLACE)
        self.mapped = ("Actions", "")

    @property
    def titles(self) -> list[str]:
        ours = [one for one in self.remote.nodes.values() if one.made_by == self.remote.bot]
        return [_words(one) for one in ours if not one.in_trash]

    @property
    def words(self) -> str:
        return str(self.titles)

    @property
    def writes(self) -> int:
        return self.remote.writes

    def rename(self, title: str, new: str) -> None:
        self.remote.write(self._node(title).id, new)

    def finish(self, title: str) -> None:
        self.remote.set(self._node(title).id, checked=True)

    def archive(self, title: str) -> None:
        self.remote.trash(self._node(title).id)

    def reword(self, old: str, new: str) -> None:
        node = self._node(old)
        self.remote.write(node.id, _words(node).replace(old, new))

    def _node(self, words: str) -> notions.Node:
        (node,) = [one for one in self.remote.nodes.values() if words in _words(one)]
        return node


def _words(node: notions.Node) -> str:
    held = node.properties["title"]["title"] if node.properties else node.body.get("rich_text", ())
    return "".join(one["text"]["content"] for one in held if "text" in one)


def _replaced(said: object, old: str, new: str) -> object:
    """The same document with other words."""
    match said:
        case str():
            return said.replace(old, new)
        case dict():
            return {name: _replaced(one, old, new) for name, one in said.items()}
        case list():
            return [_replaced(one, old, new) for one in said]
    return said


def ship(page: Page) -> Locator:
    checks = pane(page, "Checks & Ship")
    checks.get_by_role("tab", name=re.compile("^Ship")).click()
    return checks


def connect(dialog: Locator, secret: Mapping[str, str]) -> None:
    for label, value in secret.items():
        dialog.get_by_label(label, exact=True).fill(value)
    dialog.get_by_role("button", name="Connect", exact=True).click()


def choose_place(dialog: Locator) -> None:
    dialog.get_by_label("Search").fill(PLACE[:3].lower())
    dialog.get_by_role("button", name=re.compile(f"^{PLACE}")).click()


def add_target(page: Page, there: There) -> None:
    """From nothing to a target that was never exported to, with all as it is offered."""
    pane(page, "Checks & Ship").get_by_role("button", name="Notion, Jira or Trello").click()
    dialog = page.get_by_role("dialog")
    dialog.get_by_role("button", name=re.compile(f"^{there.kind}")).click()
    connect(dialog, there.secret)
    choose_place(dialog)
    dialog.get_by_role("button", name="Add the target").click()
    expect(dialog).to_have_count(0)


def say(page: Page, body: Locator, after: str, words: str) -> None:
    """Goes on writing behind a line, and waits until that is kept."""
    body.get_by_text(after, exact=True).click()
    page.keyboard.press("End")
    page.keyboard.type(words)
    expect(body).to_contain_text(f"{after}{words}")
    expect(saved(page)).to_be_visible()


def dry_run(page: Page) -> Locator:
    """By key, from wherever one is; the dry-run once it is there."""
    page.keyboard.press("Control+Alt+e")
    checks = pane(page, "Checks & Ship")
    expect(checks.get_by_role("region", name="Preview")).to_be_visible()
    expect(checks.locator("[aria-busy=true]")).to_have_count(0)
    return checks


def tab(checks: Locator, name: str) -> Locator:
    """What a tab of the dry-run shows."""
    checks.get_by_role("tab", name=re.compile(f"^{name}")).click()
    return checks.get_by_role("region", name=name)


def objects(checks: Locator) -> Locator:
    """Those that a preview shows."""
    return checks.get_by_role("list", name="Objects").get_by_role("heading")


def export(checks: Locator) -> None:
    checks.get_by_role("button", name=re.compile(r"^Export \d+ change")).click()
    expect(checks.get_by_text("Up to date")).to_be_visible()


def nothing_to_export(checks: Locator) -> None:
    expect(checks.get_by_role("button", name="Nothing to export")).to_be_disabled()


def more(page: Page, name: str) -> None:
    """What the menu of the target offers."""
    ship(page).get_by_role("button", name=f"More about {PLACE}").click()
    page.get_by_role("menuitem", name=name).click()

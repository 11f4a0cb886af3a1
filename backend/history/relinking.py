"""What becomes of versions when some before them go. Pure."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from typing import NamedTuple

from backend.history.model import Relinked, Version
from collab import Projection
from collab.blocks import project
from collab.difference import difference, summary
from collab.editors import Editor
from collab.history import Link, replay, thin


class Behind(NamedTuple):
    """What stands behind a chain: the last version kept, and who made those after it that go."""

    chain: Sequence[Link]
    editors: frozenset[Editor]


def relinked(
    versions: Sequence[Version], chain: Sequence[Link], gone: Collection[int], behind: Behind
) -> tuple[Mapping[int, Relinked], Behind]:
    """What the versions of a chain become that stand behind some that go, whose edits are theirs
    then; and what stands behind the next chain."""
    links = thin(chain, [at for at, one in enumerate(versions) if one.number not in gone])
    found: dict[int, Relinked] = {}
    last, editors = behind
    for at, version in enumerate(versions):
        if version.number in gone:
            editors |= frozenset(version.editors)
            continue
        here = chain[: at + 1]
        if editors:
            said = summary(difference(said_by(last), said_by(here))) if last else version.summary
            by = sorted(editors.union(version.editors))
            found[version.number] = Relinked(by, said, links.get(at, chain[at]))
        elif at in links:
            found[version.number] = Relinked(version.editors, version.summary, links[at])
        last, editors = here, frozenset()
    return found, Behind(last, editors)


def said_by(chain: Sequence[Link]) -> Projection:
    """What the last version of a chain says. Blocking."""
    return project([replay(chain)])

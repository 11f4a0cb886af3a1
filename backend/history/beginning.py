"""What the history of a brief begins with."""

from __future__ import annotations

from collections.abc import Sequence

from backend.clock import now
from backend.history.model import Fresh
from collab import Block, Update, seed
from collab.editors import Editor
from collab.history import take


def first_version(
    title: str, blocks: Sequence[Block], *, epoch: str, by: Editor
) -> tuple[Update, Fresh]:
    """A new brief's first update, and the version that it is. Blocking."""
    update = seed(title, blocks)
    return update, Fresh(now(), None, None, [by], "", epoch, take([update]).link)

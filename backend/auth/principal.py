"""Who is asking. A value: authenticators make it, the policy judges it, no library sees it."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from enum import StrEnum

from retrieval.model import Scope


class Role(StrEnum):
    """What a person is in a space. Admins are so in every space of their tenant."""

    VIEWER = "viewer"
    COMMENTER = "commenter"
    ANALYST = "analyst"
    ADMIN = "admin"


@dataclass(frozen=True, slots=True)
class Principal:
    """A person signed in. ``roles`` hold in the whole tenant; membership gives them in a space."""

    subject: str
    tenant: str
    name: str = ""
    roles: frozenset[Role] = frozenset()
    groups: frozenset[str] = field(default_factory=frozenset)

    def scope(self, spaces: Iterable[str], sources: Iterable[str] | None = None) -> Scope:
        """What retrieval may show this person of these spaces, all of which they may read."""
        return Scope(
            tenant=self.tenant,
            spaces=frozenset(spaces),
            sources=None if sources is None else frozenset(sources),
        )

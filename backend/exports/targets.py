"""Where briefs go: a person chooses once, and the brief or its space remembers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

from backend.auth.policy import Action
from backend.auth.principal import Principal
from backend.briefs.service import Brief, Briefs
from backend.clock import new_id
from backend.errors import Conflict, Invalid, NotFound
from backend.events import Hub
from backend.exports.model import Apart, Busy, Doubled, Full, Shared, Target
from backend.exports.reach import Reach
from backend.spaces.service import Space
from backend.store.approved import text
from backend.store.exports.targets import StoredTargets
from exporters import places
from exporters.errors import BadMapping
from exporters.records import Json

NAME: Final = 120  # characters
CHOICES: Final = 16_384  # characters of JSON in where and mapping, each
TARGETS: Final = 50  # in a space


@dataclass(frozen=True, slots=True)
class Chosen:
    """A target as a person describes it. ``shared``: for all briefs of the space."""

    kind: str
    name: str
    connection: str | None
    where: Mapping[str, Json]
    mapping: Mapping[str, Json]
    shared: bool


@dataclass(frozen=True, slots=True)
class Changed:
    """What is None stays as it is."""

    name: str | None = None
    mapping: Mapping[str, Json] | None = None
    shared: bool | None = None
    connection: str | None = None


@dataclass(frozen=True, slots=True)
class Opened:
    """A target of a brief, for someone who may see or use it."""

    brief: Brief
    space: Space
    target: Target


class Targets:
    """Everything about exports comes through ``open`` to learn whether a person may."""

    def __init__(self, stored: StoredTargets, briefs: Briefs, reach: Reach, hub: Hub) -> None:
        self._stored = stored
        self._briefs = briefs
        self._reach = reach
        self._hub = hub

    async def open(
        self, principal: Principal, brief: str, target: str, action: Action = Action.EXPORT
    ) -> Opened:
        """By both ids: a target of another brief, space or tenant is not there."""
        found, space = await self._briefs.get(principal, brief, action)
        one = await self._stored.one(space.tenant, space.id, found.id, target)
        if one is None:
            raise NotFound("target", target)
        return Opened(found, space, one)

    async def list(self, principal: Principal, brief: str) -> tuple[Brief, Sequence[Target]]:
        """The brief's own and its space's."""
        found, space = await self._briefs.get(principal, brief)
        return found, await self._stored.of_brief(space.tenant, space.id, found.id)

    async def broken(self, targets: Sequence[Target]) -> frozenset[str]:
        """Those of these, by id, that a person has to connect again before anything is sent."""
        return await self._stored.broken(targets)

    async def add(self, principal: Principal, brief: str, chosen: Chosen) -> Opened:
        """A new target; the one there was, with its ledger, where it was removed before."""
        found, space = await self._briefs.get(principal, brief, Action.EXPORT)
        target = Target(
            id=new_id("tgt"),
            tenant=space.tenant,
            space=space.id,
            brief=None if chosen.shared else found.id,
            connection=chosen.connection,
            kind=chosen.kind,
            name=_name(chosen.name),
            where=_bounded("where", chosen.where),
            mapping=_bounded("mapping", chosen.mapping),
        )
        self._reach.adapter(target.kind)
        await self._reach.check(principal, target)
        try:
            places.check(target.kind, target.where)
        except BadMapping as error:
            raise Invalid(str(error), "Choose a place from the list.") from None
        try:
            target = await self._stored.add(target, actor=principal.subject, limit=TARGETS)
        except Doubled:
            raise _doubled(target) from None
        except Apart:
            raise _apart(target) from None
        except Full:
            raise Invalid(
                f"{space.name!r} has {TARGETS} targets, which is all it may have.",
                "Remove one that nobody uses.",
            ) from None
        self._tell(target, found.id)
        await self._reach.watch(principal, target)
        return Opened(found, space, target)

    async def change(
        self, principal: Principal, brief: str, target: str, changed: Changed
    ) -> Opened:
        opened = await self.open(principal, brief, target)
        one = opened.target
        if changed.name is not None:
            one = replace(one, name=_name(changed.name))
        if changed.mapping is not None:
            one = replace(one, mapping=_bounded("mapping", changed.mapping))
        if changed.shared is not None:
            one = replace(one, brief=None if changed.shared else opened.brief.id)
        if changed.connection is not None:
            one = replace(one, connection=changed.connection)
            await self._reach.check(principal, one)
        try:
            await self._stored.change(one)
        except Doubled:
            raise _doubled(one) from None
        except Apart:
            raise _apart(one) from None
        except Shared:
            raise Conflict(
                f"Other briefs of the space were exported to {one.name!r}, and would be made there "
                "a second time.",
                "Leave it to the space; a brief goes there only when somebody exports it.",
                code="target_shared",
            ) from None
        self._tell(one, opened.brief.id)
        if one.connection != opened.target.connection:
            await self._reach.unwatch(opened.target)
            await self._reach.watch(principal, one)
        return replace(opened, target=one)

    async def remove(self, principal: Principal, brief: str, target: str) -> int:
        """Take a target off the list. Nothing over there is touched; how many objects stay."""
        opened = await self.open(principal, brief, target)
        try:
            left = await self._stored.remove(opened.target.id)
        except Busy:
            raise Conflict(
                f"A brief is being exported to {opened.target.name!r}.",
                "Wait for its end, or cancel it first.",
                code="export_runs",
            ) from None
        self._tell(opened.target, opened.brief.id)
        await self._reach.unwatch(opened.target)
        return left

    def _tell(self, target: Target, brief: str) -> None:
        self._hub.publish(target.space, "export", {"brief": brief, "target": target.id})


def _name(name: str) -> str:
    name = " ".join(name.split())
    if not 0 < len(name) <= NAME:
        raise Invalid(
            f"A target's name has {len(name)} characters.", f"Give it 1 to {NAME} characters."
        )
    return name


def _bounded(what: str, chosen: Mapping[str, Json]) -> Mapping[str, Json]:
    size = len(text(dict(chosen)))
    if size > CHOICES:
        raise Invalid(
            f"What was chosen as {what!r} takes {size} characters, more than {CHOICES}.",
            "Choose less.",
        )
    return dict(chosen)


def _doubled(target: Target) -> Conflict:
    return Conflict(
        f"{target.name!r} is a place that a brief goes to already.",
        "Use that target, or change who it is for.",
        code="target_doubled",
    )


def _apart(target: Target) -> Conflict:
    return Conflict(
        f"Several briefs went to {target.name!r} by targets of their own, which were removed. For "
        "the whole space it would know what one of them made there, and make the rest again.",
        "Add it for one brief at a time: each knows its own again.",
        code="target_apart",
    )

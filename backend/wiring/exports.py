"""Exports, from the room to the other side."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from backend.auth.dev import LOCAL_TENANT
from backend.auth.policy import Action
from backend.auth.principal import Principal
from backend.briefs.service import Briefs
from backend.clock import SystemClock
from backend.connections.apis import ConnectionApis
from backend.connections.service import Connections
from backend.documents.current import CurrentBriefs
from backend.errors import BackendError, Conflict, Invalid, NotFound
from backend.events import Hub
from backend.exports.drifts import LookForDrift
from backend.exports.model import Target
from backend.exports.planning import Planner
from backend.exports.runs import RunExport
from backend.exports.service import Exports
from backend.exports.targets import Targets
from backend.settings import Settings
from backend.store.connections import Gone
from backend.store.engine import Store
from backend.store.exports.decisions import StoredDecisions
from backend.store.exports.looks import StoredLooks
from backend.store.exports.runs import StoredRuns
from backend.store.exports.targets import StoredTargets
from backend.store.outbox import Outbox
from exporters.errors import ExportError
from exporters.places import FOLDER
from exporters.ports import Adapter, Api, Clock
from exporters.registry import KINDS, target

if TYPE_CHECKING:
    from exporters.folder import FolderApi

WATCHING = 10.0  # seconds that the other side has to say that it will call in

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class OpenedExports:
    targets: Targets
    exports: Exports
    run: RunExport
    look: LookForDrift


def open_exports(
    settings: Settings,
    *,
    store: Store,
    outbox: Outbox,
    looks: StoredLooks,
    hub: Hub,
    briefs: Briefs,
    current: CurrentBriefs,
    connections: Connections,
    apis: ConnectionApis,
    wake: Callable[[], None],
) -> OpenedExports:
    clock = SystemClock()
    reach = Reached(settings, connections, apis, clock)
    stored, runs, decisions = (
        StoredTargets(store),
        StoredRuns(store, outbox),
        StoredDecisions(store),
    )
    targets = Targets(stored, briefs, reach, hub)
    planner = Planner(store, runs, decisions, looks, current, reach, clock)
    return OpenedExports(
        targets,
        Exports(
            store=store,
            targets=targets,
            planner=planner,
            runs=runs,
            decisions=decisions,
            looks=looks,
            current=current,
            reach=reach,
            hub=hub,
            wake=wake,
        ),
        RunExport(store, runs, stored, reach, hub, clock),
        LookForDrift(store, looks, runs, stored, current, reach, hub),
    )


class Reached:
    """Through a connection of the space, or into a folder of this machine."""

    def __init__(
        self, settings: Settings, connections: Connections, apis: ConnectionApis, clock: Clock
    ) -> None:
        self._folder = settings.exports
        self._connections = connections
        self._apis = apis
        self._clock = clock
        self._adapters: dict[str, Adapter] = {}

    def adapter(self, kind: str) -> Adapter:
        known = self._adapters.get(kind)
        if known is None:
            known = self._adapters[kind] = _adapter(kind)
        return known

    async def check(self, principal: Principal, target: Target) -> None:
        if target.kind == FOLDER:
            if target.connection is not None:
                raise Invalid("A folder is reached without a connection.", "Name none.")
            return
        if target.connection is None:
            raise Invalid(
                f"A target of the kind {target.kind!r} needs a connection.",
                "Choose one, or connect first.",
            )
        found = await self._connections.open(principal, target.connection, Action.EXPORT)
        if found.space != target.space:
            raise NotFound("connection", target.connection)
        if found.kind != target.kind:
            raise Conflict(
                f"{found.name!r} leads to {found.kind}, and this target is of {target.kind}.",
                "Choose another connection.",
            )
        site = target.where.get("site")
        if site and found.account.url and site != found.account.url:  # the same ids, other things
            raise Conflict(
                f"{found.name!r} leads to {found.account.url}, and this target is at {site}.",
                "Choose a connection to that site, or add a target of its own for this one.",
                code="another_site",
            )

    async def api(self, target: Target) -> Api:
        if target.connection is None:
            return self._folder_api(target.tenant)
        try:
            return await self._apis.open(target.connection, target.tenant)
        except Gone:
            raise NotFound("connection", target.connection) from None

    async def watch(self, principal: Principal, target: Target) -> None:
        if target.connection is None:
            return
        try:
            found = await self._connections.open(principal, target.connection, Action.EXPORT)
            async with asyncio.timeout(WATCHING):
                await self._connections.watch(found, target.where)
        except (BackendError, ExportError, TimeoutError) as error:
            # Changes are found by looking, then.
            log.warning("nothing calls in about target %s: %r", target.id, error)

    async def unwatch(self, target: Target) -> None:
        if target.connection is None:
            return
        try:
            async with asyncio.timeout(WATCHING):
                await self._connections.unwatch(target.tenant, target.connection, target.where)
        except TimeoutError:
            log.warning("what calls in about target %s stays for now", target.id)

    def _folder_api(self, tenant: str) -> FolderApi:
        """Folders of a tenant of its own for each, but for whoever works at this machine."""
        from exporters.folder import FolderApi

        root = self._folder if tenant == LOCAL_TENANT else self._folder / tenant
        return FolderApi(root, self._clock)


def _adapter(kind: str) -> Adapter:
    if kind == FOLDER:
        from exporters.folder import Folder

        return Folder()
    if kind not in KINDS:
        raise Invalid(
            f"There is no kind of target {kind!r}.", f"Use one of: {', '.join((FOLDER, *KINDS))}."
        )
    return target(kind)

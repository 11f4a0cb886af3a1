"""Connections and what signs their calls, as rows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from sqlalchemy import Row, delete, func, insert, select, update

from backend.clock import now
from backend.connections.model import (
    Connection,
    Credentials,
    Hook,
    Kind,
    Method,
    State,
)
from backend.connections.secrets import Keys, Unsealable
from backend.store.engine import Store
from backend.store.tables import connections, spaces
from exporters.choices import Account

# All that may be shown of a connection.
TOLD = [
    column
    for column in connections.c
    if column.name not in {"sealed", "generation", "renewing_until", "hook_sealed"}
]


class Gone(Exception):
    """The connection was removed meanwhile."""


class Full(Exception):
    """The space has as many connections as it may."""


class Claim(Enum):
    """What became of asking to be the one who renews a token."""

    TAKEN = auto()  # it is the asker's to renew
    TAKEN_OVER = auto()  # the same, after one who began and was not heard of again
    BUSY = auto()  # somebody else is at it
    NEWER = auto()  # it was renewed meanwhile, or needs a person


@dataclass(frozen=True, slots=True)
class Held:
    """A connection's credentials; ``generation`` counts how often they were replaced."""

    connection: Connection
    credentials: Credentials = field(repr=False)
    generation: int


class StoredConnections:
    """Whether a person may is judged before. What is not there any more raises Gone; a secret that
    cannot be opened raises Unsealable."""

    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def of_space(self, tenant: str, space: str) -> Sequence[Connection]:
        """The oldest first."""
        rows = await self._store.rows(
            select(*TOLD)
            .where(connections.c.tenant == tenant, connections.c.space == space)
            .order_by(connections.c.created_at, connections.c.id)
        )
        return [connection_of(row) for row in rows]

    async def one(self, tenant: str, connection: str) -> Connection:
        rows = await self._store.rows(
            select(*TOLD).where(connections.c.tenant == tenant, connections.c.id == connection)
        )
        if not rows:
            raise Gone
        return connection_of(rows[0])

    async def add(self, new: Connection, credentials: Credentials, *, limit: int) -> None:
        """Full where the space has ``limit`` connections."""
        async with self._store.writing() as connection:
            held = await connection.scalar(
                select(spaces.c.id).where(spaces.c.id == new.space).with_for_update(key_share=True)
            )
            if held is None:
                raise Gone
            count = await connection.scalar(
                select(func.count()).where(connections.c.space == new.space)
            )
            if (count or 0) >= limit:
                raise Full
            await connection.execute(
                insert(connections).values(
                    id=new.id,
                    tenant=new.tenant,
                    space=new.space,
                    kind=new.kind.value,
                    generation=1,
                    created_at=new.created_at,
                    created_by=new.created_by,
                    **_changing(new),
                    sealed=self._keys.seal(credentials.written(), new.about),
                )
            )

    async def replace(self, again: Connection, credentials: Credentials) -> None:
        """Another token for a connection; what calls in from there stays as it is."""
        async with self._store.writing() as connection:
            changed = await connection.execute(
                update(connections)
                .where(connections.c.tenant == again.tenant, connections.c.id == again.id)
                .values(
                    **_changing(again),
                    sealed=self._keys.seal(credentials.written(), again.about),
                    generation=connections.c.generation + 1,
                    renewing_until=None,
                )
            )
        if changed.rowcount == 0:
            raise Gone

    async def remove(self, tenant: str, connection: str) -> None:
        """Forget it, its secret and all that hangs on it."""
        async with self._store.writing() as rows:
            await rows.execute(
                delete(connections).where(
                    connections.c.tenant == tenant, connections.c.id == connection
                )
            )

    async def held(self, tenant: str, connection: str) -> Held:
        rows = await self._store.rows(
            select(connections).where(
                connections.c.tenant == tenant, connections.c.id == connection
            )
        )
        if not rows:
            raise Gone
        found = connection_of(rows[0])
        plain = self._keys.unseal(rows[0].sealed, found.about)
        return Held(found, Credentials.read(plain), rows[0].generation)

    async def claim(self, held: Held, *, until: datetime) -> Claim:
        """Ask to be the only one, of all processes, who renews what is held, until then."""
        ours = (*_unchanged(held), connections.c.state == State.OK.value)
        renewing = connections.c.renewing_until
        async with self._store.writing() as rows:
            for claim, free in (
                (Claim.TAKEN, renewing.is_(None)),
                (Claim.TAKEN_OVER, renewing <= now()),
            ):
                taken = await rows.execute(
                    update(connections).where(*ours, free).values(renewing_until=until)
                )
                if taken.rowcount:
                    return claim
            busy = await rows.scalar(select(connections.c.id).where(*ours))
        return Claim.BUSY if busy else Claim.NEWER

    async def renewed(self, held: Held, credentials: Credentials) -> bool:
        """Keep what was given for what is held; False where that was replaced meanwhile.

        Also where it had been given up: a token in the hand is worth more than that.
        """
        return await self._change(
            held,
            sealed=self._keys.seal(credentials.written(), held.connection.about),
            generation=connections.c.generation + 1,
            renewing_until=None,
            state=State.OK.value,
            trouble="",
        )

    async def let_go(self, held: Held, *, lost: bool = False) -> None:
        """Renewing came to nothing, and may be tried again: as by whoever comes after one that
        died, where an answer may have been lost."""
        await self._change(held, renewing_until=now() if lost else None)

    async def give_up(self, held: Held, trouble: str) -> bool:
        """Only a person can help now; False where what is held was replaced meanwhile."""
        return await self._change(
            held, renewing_until=None, state=State.RECONNECT.value, trouble=trouble
        )

    async def mend(self, held: Held, account: Account) -> None:
        """The token works, and is this account's."""
        await self._change(held, state=State.OK.value, trouble="", account=asdict(account))

    async def _change(self, held: Held, **values: Any) -> bool:
        async with self._store.writing() as rows:
            changed = await rows.execute(
                update(connections).where(*_unchanged(held)).values(**values)
            )
        return changed.rowcount == 1

    async def reseal(self) -> int:
        """Seal with the key that seals now what an older one sealed; how much there was.

        Afterwards the older key may go. What no key opens stays as it is.
        """
        count = 0
        for row in await self._store.rows(select(connections)):
            about = connection_of(row).about
            columns = {
                "sealed": (row.sealed, about),
                "hook_sealed": (row.hook_sealed, f"{about} hook"),
            }
            for name, (blob, belongs) in columns.items():
                if blob is None or self._keys.fresh(blob):
                    continue
                try:
                    again = self._keys.seal(self._keys.unseal(blob, belongs), belongs)
                except Unsealable:
                    continue
                async with self._store.writing() as rows:
                    changed = await rows.execute(
                        update(connections)
                        .where(connections.c.id == row.id, connections.c[name] == blob)
                        .values({name: again})
                    )
                count += changed.rowcount
        return count


def _unchanged(held: Held) -> Sequence[Any]:
    return (
        connections.c.id == held.connection.id,
        connections.c.generation == held.generation,
    )


def _changing(connection: Connection) -> dict[str, Any]:
    """What another token may change of a connection."""
    return {
        "method": connection.method.value,
        "name": connection.name,
        "account": asdict(connection.account),
        "site": connection.site,
        "scopes": list(connection.scopes),
        "state": connection.state.value,
        "trouble": connection.trouble,
    }


def _moment(said: str | None) -> datetime | None:
    return None if said is None else datetime.fromisoformat(said)


def hook_of(said: dict[str, Any] | None) -> Hook | None:
    if said is None:
        return None
    return Hook(
        registered=dict(zip(said["watching"], said["ids"], strict=False)),
        expires_at=_moment(said["expires_at"]),
        tended_at=_moment(said.get("tended_at")),
        heard_at=_moment(said["heard_at"]),
    )


def connection_of(row: Row[Any]) -> Connection:
    return Connection(
        id=row.id,
        tenant=row.tenant,
        space=row.space,
        kind=Kind(row.kind),
        method=Method(row.method),
        name=row.name,
        account=Account(**row.account),
        site=row.site,
        scopes=tuple(row.scopes),
        state=State(row.state),
        trouble=row.trouble,
        hook=hook_of(row.hook),
        created_at=row.created_at,
        created_by=row.created_by,
    )

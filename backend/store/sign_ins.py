"""Sign-ins elsewhere that were begun and have not come back, as rows."""

from __future__ import annotations

import hashlib
from datetime import timedelta
from typing import Final

from sqlalchemy import delete, insert

from backend.clock import now
from backend.connections.model import Kind, Pending
from backend.connections.secrets import Keys, Unsealable
from backend.store.connections import Gone
from backend.store.engine import Store
from backend.store.tables import sign_ins

LASTS: Final = timedelta(minutes=10)  # that a person has to say yes over there


class StoredSignIns:
    def __init__(self, store: Store, keys: Keys) -> None:
        self._store = store
        self._keys = keys

    async def begin(self, state: str, pending: Pending) -> None:
        about = _hash(state)
        moment = now()
        async with self._store.writing() as rows:
            await rows.execute(delete(sign_ins).where(sign_ins.c.expires_at <= moment))
            await rows.execute(
                insert(sign_ins).values(
                    state=about,
                    tenant=pending.tenant,
                    space=pending.space,
                    subject=pending.subject,
                    kind=pending.kind.value,
                    redirect=pending.redirect,
                    sealed=self._keys.seal(pending.verifier.encode(), about),
                    connection=pending.connection,
                    site=pending.site,
                    expires_at=moment + LASTS,
                )
            )

    async def come_back(self, state: str, *, kind: Kind, tenant: str, subject: str) -> Pending:
        """The sign-in that this person began, once; Gone for anybody else, and for a second time.

        Whoever brings it, it is used up.
        """
        async with self._store.writing() as rows:
            row = (
                await rows.execute(
                    delete(sign_ins).where(sign_ins.c.state == _hash(state)).returning(sign_ins)
                )
            ).one_or_none()
        if (
            row is None
            or (row.kind, row.tenant, row.subject) != (kind.value, tenant, subject)
            or row.expires_at <= now()
        ):
            raise Gone
        try:
            verifier = self._keys.unseal(row.sealed, row.state).decode()
        except Unsealable:  # the key was changed while the person was away
            raise Gone from None
        return Pending(
            tenant=row.tenant,
            space=row.space,
            subject=row.subject,
            kind=kind,
            redirect=row.redirect,
            verifier=verifier,
            connection=row.connection,
            site=row.site,
        )


def _hash(state: str) -> str:
    """Whoever reads the table cannot use what stands there."""
    return hashlib.sha256(state.encode()).hexdigest()

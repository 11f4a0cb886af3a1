"""The one place where implementations are chosen."""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Protocol

from sqlalchemy import insert, select

from backend.auth.principal import Principal
from backend.clock import now
from backend.events import Hub
from backend.ports import BlobStore
from backend.settings import Settings, UnknownScheme
from backend.spaces.service import Spaces
from backend.store.engine import Store, open_store
from backend.store.tables import tenants


class Authenticator(Protocol):
    @property
    def name(self) -> str: ...

    async def authenticate(
        self, *, method: str, headers: Mapping[str, str], client: str | None
    ) -> Principal:
        """Who is asking; raises NotSignedIn or Forbidden."""
        ...


@dataclass(frozen=True)
class Services:
    """Everything the application is made of, opened and ready."""

    settings: Settings
    store: Store
    blobs: BlobStore
    hub: Hub
    authenticator: Authenticator
    spaces: Spaces


LOCAL_TENANT = "local"  # the only one while everyone signs in as the person at this machine


async def ensure_tenant(store: Store, tenant: str) -> None:
    async with store.reading() as connection:
        if (await connection.execute(select(tenants).where(tenants.c.id == tenant))).first():
            return
    async with store.writing() as connection:
        await connection.execute(insert(tenants).values(id=tenant, name=tenant, created_at=now()))


@asynccontextmanager
async def open_services(settings: Settings) -> AsyncIterator[Services]:
    """Open what the settings name; close it all, in reverse, at the end."""
    async with AsyncExitStack() as stack:
        store = await stack.enter_async_context(
            open_store(settings.url("DATABASE_URL"), settings.data_dir)
        )
        await ensure_tenant(store, LOCAL_TENANT)
        hub = Hub()
        stack.callback(hub.close)
        yield Services(
            settings=settings,
            store=store,
            blobs=open_blobs(settings),
            hub=hub,
            authenticator=open_authenticator(settings),
            spaces=Spaces(store),
        )


def open_blobs(settings: Settings) -> BlobStore:
    url = settings.url("BLOBS_URL")
    match url.scheme:
        case "file":
            from backend.blobs.filesystem import FilesystemBlobs

            return FilesystemBlobs(url.under(settings.data_dir))
        case _:
            raise UnknownScheme("BLOBS_URL", url, ("file",))


def open_authenticator(settings: Settings) -> Authenticator:
    url = settings.url("AUTH_URL")
    match url.scheme:
        case "dev":
            from backend.auth.dev import DevAuthenticator

            return DevAuthenticator()
        case _:
            raise UnknownScheme("AUTH_URL", url, ("dev",))

"""A connection to where briefs go, and what signs its calls. Values."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from backend.clock import iso
from exporters.choices import Account


class Kind(StrEnum):
    NOTION = "notion"
    JIRA = "jira"
    TRELLO = "trello"


NAMES: Mapping[Kind, str] = {Kind.NOTION: "Notion", Kind.JIRA: "Jira", Kind.TRELLO: "Trello"}


class Method(StrEnum):
    TOKEN = "token"  # a person copied it here
    SIGN_IN = "sign_in"  # the other side gave it to us


class State(StrEnum):
    OK = "ok"
    RECONNECT = "reconnect"  # its token is no longer good, and only a person can bring another


@dataclass(frozen=True, slots=True)
class Hook:
    """What calls in from there. ``registered`` has what we asked for ourselves: its id over there,
    by the place that it is for, as the other side names it."""

    registered: Mapping[str, str] = field(default_factory=dict)
    expires_at: datetime | None = None
    tended_at: datetime | None = None  # when it was last seen whether all of it is there
    heard_at: datetime | None = None  # the first that was ours by its signature


@dataclass(frozen=True, slots=True)
class Connection:
    """``site`` is which of the other side's sites it speaks to, where it has several: an origin
    such as ``https://acme.atlassian.net``, or the id that stands for one. Of Notion it is the
    workspace, where a sign-in named it."""

    id: str
    tenant: str
    space: str
    kind: Kind
    method: Method
    name: str
    account: Account
    site: str
    scopes: tuple[str, ...]
    state: State
    trouble: str  # why it must be connected again, for people
    hook: Hook | None
    created_at: datetime
    created_by: str

    @property
    def about(self) -> str:
        """What its secret is sealed to."""
        return f"{self.id} {self.kind}"


@dataclass(frozen=True, slots=True)
class Credentials:
    """What signs a connection's calls. Nothing of it is ever shown.

    ``user`` goes with the token: an e-mail address (Jira), an application's key (Trello).
    """

    token: str = field(repr=False)
    user: str = field(default="", repr=False)
    refresh: str = field(default="", repr=False)
    expires_at: datetime | None = None

    def written(self) -> bytes:
        return json.dumps(
            {
                "token": self.token,
                "user": self.user,
                "refresh": self.refresh,
                "expires_at": None if self.expires_at is None else iso(self.expires_at),
            }
        ).encode()

    @classmethod
    def read(cls, plain: bytes) -> Credentials:
        said = json.loads(plain)
        until = said["expires_at"]
        return cls(
            token=said["token"],
            user=said["user"],
            refresh=said["refresh"],
            expires_at=None if until is None else datetime.fromisoformat(until),
        )


@dataclass(frozen=True, slots=True)
class Pending:
    """A sign-in that was begun: who began it, where for, and what the answer is held against."""

    tenant: str
    space: str
    subject: str
    kind: Kind
    redirect: str
    verifier: str = field(repr=False)
    connection: str | None  # that is to be signed in again
    site: str  # that the person wants, where they may have several

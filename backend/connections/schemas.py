"""Connections at the wire. No token, key or secret that signs our calls is ever in an answer."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal

from pydantic import BaseModel, Field

from backend.clock import iso
from backend.connections.hooks import Listening
from backend.connections.model import Connection, Kind, Method, State
from backend.connections.service import Given
from backend.sent import Sent
from exporters.choices import MappingChoice, PlaceFound


class ConnectionOut(BaseModel):
    id: str
    kind: Kind
    name: str
    account: str = Field(description="Who the token is over there.")
    url: str = Field(description="Their page over there, where there is one.")
    method: Method
    scopes: Sequence[str] = Field(description="What a sign-in was allowed, as it was told.")
    state: State
    trouble: str = Field(description="Why it has to be connected again.")
    created_at: str

    @classmethod
    def of(cls, connection: Connection) -> ConnectionOut:
        return cls(
            id=connection.id,
            kind=connection.kind,
            name=connection.name,
            account=connection.account.name,
            url=connection.account.url,
            method=connection.method,
            scopes=connection.scopes,
            state=connection.state,
            trouble=connection.trouble,
            created_at=iso(connection.created_at),
        )


class WayOut(BaseModel):
    """How a kind may be connected on this server."""

    kind: Kind
    sign_in: bool = Field(description="Whether one can sign in there, beside giving a token.")
    scopes: Sequence[str] = Field(description="What a sign-in asks for.")


class ConnectIn(Sent):
    """A token as a person copied it. Jira wants ``site`` and ``email``, Trello ``key``."""

    kind: Kind
    token: str = Field(max_length=4_096, repr=False)
    email: str = Field("", max_length=400)
    site: str = Field("", max_length=400)
    key: str = Field("", max_length=4_096, repr=False)
    secret: str = Field(
        "",
        max_length=4_096,
        repr=False,
        description="Of Trello's application: lets its calls to us be told from others.",
    )
    connection: str | None = Field(None, description="To connect again with another token.")

    def given(self) -> Given:
        return Given(self.token, self.email, self.site, self.key, self.secret)


class SignInIn(Sent):
    kind: Kind
    connection: str | None = Field(None, description="To connect again.")
    site: str = Field("", max_length=400, description="Which of several Jira sites is meant.")


class SignInOut(BaseModel):
    url: str = Field(description="Where to go to say yes.")


class BroughtIn(Sent):
    """What Trello put behind the ``#``."""

    state: str = Field(max_length=200)
    token: str = Field("", max_length=4_096, repr=False)
    error: str = Field("", max_length=1_000)


class RemovedOut(BaseModel):
    revoked: bool = Field(
        description="Whether the token is worth nothing now over there. One that a person made is "
        "theirs to revoke."
    )


class PlaceFoundOut(BaseModel):
    name: str
    where: dict[str, object]
    kind_name: str
    url: str

    @classmethod
    def of(cls, place: PlaceFound) -> PlaceFoundOut:
        return cls(
            name=place.name, where=dict(place.where), kind_name=place.kind_name, url=place.url
        )


class ChoicesIn(Sent):
    where: dict[str, object]
    mapping: dict[str, object] = Field(default_factory=dict)


class OptionOut(BaseModel):
    id: str
    name: str


class MappingChoiceOut(BaseModel):
    key: str
    label: str
    kind: Literal["select", "text", "flag", "map"]
    options: Sequence[OptionOut]
    default: object
    help: str
    rows: Sequence[OptionOut]

    @classmethod
    def of(cls, choice: MappingChoice) -> MappingChoiceOut:
        return cls(
            key=choice.key,
            label=choice.label,
            kind=choice.kind,
            options=[OptionOut(id=one.id, name=one.name) for one in choice.options],
            default=choice.default,
            help=choice.help,
            rows=[OptionOut(id=one.id, name=one.name) for one in choice.rows],
        )


class ListeningOut(BaseModel):
    url: str = Field(description="Where the other side calls in; empty where it cannot.")
    by_hand: bool = Field(description="Whether a person has to set it up over there.")
    heard: bool = Field(description="Whether it has called in yet.")
    watching: Sequence[str]
    secret: str = Field(
        description="To be entered over there, beside the address. Told until the first call came "
        "that it signed."
    )

    @classmethod
    def of(cls, listening: Listening) -> ListeningOut:
        return cls.model_validate(listening, from_attributes=True)

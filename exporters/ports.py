"""What an export asks of a target, of the ledger, and of the world."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Protocol

from exporters.model import Brief
from exporters.records import (
    Change,
    Entry,
    Found,
    Intent,
    Json,
    Loss,
    Place,
    Rendering,
    Request,
    Seen,
    Step,
)


@dataclass(frozen=True, slots=True)
class Pace:
    """A published limit: so many calls in so long, counted by connection."""

    calls: int
    per: timedelta


@dataclass(frozen=True, slots=True)
class Response:
    status: int
    body: Json
    headers: Mapping[str, str] = field(default_factory=dict)


class Api(Protocol):
    """One connection's calls. It signs them, keeps the pace, and repeats what is safe to repeat."""

    async def read(self, request: Request) -> Response:
        """A call that changes nothing; repeated after 408, 409, 429, 5xx and cut connections.

        404, 403 and 410 are answers. Raises NotConnected (401, the token is no longer good),
        RemoteRefused (any other 4xx) and Unreachable (it still fails after all tries).
        """
        ...

    async def write(self, request: Request, *, not_after: datetime) -> Response:
        """A call that changes something; repeated only where it was surely not done (429, a
        connection that could not be made), and never sent later than ``not_after``. 2xx alone are
        answers.

        Raises RemoteRefused (a 4xx: surely not done), NotConnected, Throttled and Unreachable
        (surely not done) and OutcomeUnknown (408, 409, 5xx, timed out or cut after it was sent).
        """
        ...


@dataclass(frozen=True, slots=True)
class Done:
    """The step stands over there."""

    seen: Mapping[str, Seen]


@dataclass(frozen=True, slots=True)
class NotDone:
    """The step does not stand over there, and no late answer can make it so."""


@dataclass(frozen=True, slots=True)
class NotKnown:
    """Reading over there may lag behind writing: look again later. Nothing is made until then."""

    until: datetime


class Adapter(Protocol):
    """One kind of target. Pure but for the calls it makes through ``api``."""

    @property
    def kind(self) -> str: ...

    @property
    def paces(self) -> Sequence[Pace]:
        """What one connection may ask for, as published."""
        ...

    async def learn(self, api: Api, place: Place, brief: Brief) -> Place:
        """The place with ``known``: whatever of the target decides how the brief is shown there,
        such as who its people are. Read before a plan is made, so that ``render`` and ``steps``
        stay pure; an adapter that needs nothing returns the place. Raises what ``Api.read`` does,
        and BadMapping for a choice that the target has no longer."""
        ...

    def render(self, brief: Brief, place: Place) -> Rendering:
        """The brief as records, with what is lost. Pure; raises ExportError for what cannot be."""
        ...

    async def read(self, api: Api, place: Place, entries: Sequence[Entry]) -> Mapping[str, Found]:
        """How the objects of these entries stand now, by key; each entry has an answer.

        Many are read in as few calls as the target allows; one is read by its id, never by search.
        Never reads or returns what we did not make.
        """
        ...

    def steps(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Step]:
        """The calls that make these changes, in order. Pure: the same input, the same bytes.

        Archives come as they are given, the innermost first: one that takes other objects along
        names them all in ``sends``. An id is written as a Ref wherever its object may be made anew.

        Every object that is made carries ``markers.marker(place, brief, key)`` from the call that
        makes it, where the API allows.
        """
        ...

    def unable(
        self,
        changes: Sequence[Change],
        place: Place,
        rendering: Rendering,
        entries: Mapping[str, Entry],
        found: Mapping[str, Found],
    ) -> Sequence[Loss]:
        """What of these changes ``steps`` has no call for as things stand over there, and why: a
        workflow without the transition. Said in the plan beside the losses. Pure."""
        ...

    async def receipt(
        self, api: Api, place: Place, step: Step, answer: Response
    ) -> Mapping[str, Seen]:
        """What a write's answer says was made, by key; reads what the answer leaves out.

        How the target keeps a part, not how it reads a moment later: what a person may have changed
        since is left out of ``Seen.fields``, and then counts as kept as it was sent.

        Raises what ``Api.read`` does; the step then stays open and is looked for again.
        """
        ...

    async def look(
        self, api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
    ) -> Done | NotDone | NotKnown:
        """Whether a step of unknown outcome was done: by our marker, by id, by listing.

        What a person copied, marker and all, is not taken for ours; nor is what was made before the
        intent, which was left alone when it was made anew. NotDone needs an object that
        proves it, or ``intent.over`` and the target's lag to have passed.
        """
        ...

    def words(self, part: str, value: Json) -> str:
        """A part of a record as people read it, in Markdown. Pure."""
        ...

    def label(self, part: str) -> str:
        """What a part is called over there: "Due date". Pure."""
        ...


class Ledger(Protocol):
    """What we have made in one place for one brief. Every method is durable when it returns."""

    async def entries(self) -> Mapping[str, Entry]: ...

    async def open_intents(self) -> Sequence[Intent]: ...

    async def done(self, steps: Sequence[str]) -> frozenset[str]:
        """Which of these steps have a receipt."""
        ...

    async def intend(self, step: Step, *, actor: str, now: datetime) -> Intent:
        """Say that a step is about to be made. Raises LostLease where another worker has it."""
        ...

    async def looked(self, intent: Intent) -> Intent:
        """Count a look that found nothing."""
        ...

    async def record(
        self, intent: Intent, entries: Sequence[Entry], forget: Sequence[str] = ()
    ) -> None:
        """The receipt: these entries replace those of their keys, those keys are forgotten, and the
        step is done; all or nothing."""
        ...

    async def withdraw(self, intent: Intent) -> None:
        """The step was surely not made."""
        ...

    async def settle(self, entries: Sequence[Entry], forget: Sequence[str] = ()) -> None:
        """Take note without a call: both sides say the same, a person left theirs, or released."""
        ...


class Budget(Protocol):
    """The pace of one connection, shared by all who use it."""

    async def take(self, calls: int = 1) -> None:
        """Wait until so many calls may be made."""
        ...

    async def pause(self, wait: timedelta) -> None:
        """Nobody calls for so long: the other side said so."""
        ...


class Clock(Protocol):
    def now(self) -> datetime:
        """UTC, with its zone."""
        ...

    async def sleep(self, seconds: float) -> None: ...

"""When a version is saved by itself, and which are let go when they are old."""

from __future__ import annotations

import random
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

import pytest

from backend.history.model import Version
from backend.history.policy import ALL_FOR, EVERY, HOURLY_FOR, due, superfluous
from collab.editors import Editor

NOW = datetime(2026, 3, 10, 12, 0, tzinfo=UTC)
ANN, BO = Editor("ann", "Ann"), Editor("bo", "Bo")
MINUTE = timedelta(minutes=1)


def version(
    number: int,
    age: timedelta,
    *editors: Editor,
    name: str | None = None,
    restored: int | None = None,
) -> Version:
    return Version(number, NOW - age, name, restored, editors, "", 0)


def test_the_first_edit_of_all_is_saved_at_once() -> None:
    """A brief without a version waits for nothing."""
    assert due([], {ANN}, NOW) == NOW


def test_one_person_is_saved_every_five_minutes() -> None:
    """Within five minutes of the last version it waits for them to be over; after them, not."""
    second = timedelta(seconds=1)
    assert due([version(1, EVERY - second, ANN)], {ANN}, NOW) == NOW + second
    assert due([version(1, EVERY, ANN)], {ANN}, NOW) == NOW
    assert due([version(1, 11 * MINUTE, ANN)], {ANN}, NOW) == NOW


def test_somebody_who_joins_in_is_saved_at_once() -> None:
    """A person new to the last five minutes is; one who takes turns with another is not."""
    assert due([version(1, MINUTE, ANN)], {BO}, NOW) == NOW
    assert due([version(1, MINUTE, ANN)], {ANN, BO}, NOW) == NOW
    turns = [version(3, MINUTE, BO), version(2, 2 * MINUTE, ANN)]
    assert due(turns, {ANN}, NOW) == NOW + 4 * MINUTE
    long_ago = [version(3, MINUTE, BO), version(2, 6 * MINUTE, ANN)]
    assert due(long_ago, {ANN}, NOW) == NOW


@pytest.mark.parametrize("seed", range(10))
def test_so_many_people_are_saved_so_often(seed: int) -> None:
    """Three people at random for an hour: no more than one version a person in five minutes."""
    chance = random.Random(seed)
    people = [ANN, BO, Editor("cy", "Cy")]
    saved: list[Version] = []
    pending: set[Editor] = set()
    for second in range(0, 3600, 2):
        at = NOW + timedelta(seconds=second)
        pending.add(chance.choice(people))
        if due(saved[::-1], pending, at) <= at:
            saved.append(Version(len(saved) + 1, at, None, None, sorted(pending), "", 0))
            pending.clear()
    for one in saved:
        within = [other for other in saved if one.at <= other.at < one.at + EVERY]
        assert len(within) <= len(people), seed
    assert 12 <= len(saved) <= 36


def every(step: timedelta, of: timedelta) -> list[Version]:
    count = of // step
    return [version(n + 1, (count - n) * step, ANN) for n in range(count + 1)]


def left(versions: Iterable[Version], now: datetime = NOW) -> list[Version]:
    kept = list(versions)
    gone = superfluous(kept, now)
    return [one for one in kept if one.number not in gone]


def test_a_day_keeps_all_a_week_one_an_hour_and_then_one_a_day() -> None:
    """Of a version every five minutes for twenty days, so many are left of each age."""
    kept = left(every(EVERY, timedelta(days=20)))
    ages = [NOW - one.at for one in kept]
    assert sum(age < ALL_FOR for age in ages) == 24 * 12
    assert 6 * 24 - 1 <= sum(ALL_FOR <= age < HOURLY_FOR for age in ages) <= 6 * 24 + 1
    assert 13 <= sum(age >= HOURLY_FOR for age in ages) <= 15
    assert left(kept) == kept


def test_the_last_of_an_hour_tells_it() -> None:
    """Of several within an hour of the day before, the last stays."""
    hours = timedelta(hours=30)
    versions = [version(n + 2, hours - n * 5 * MINUTE, ANN) for n in range(12)]
    assert [one.number for one in left([version(1, timedelta(days=90)), *versions])] == [1, 13]


def test_what_has_a_name_or_was_restored_stays() -> None:
    """Nor does age take the first, the last, or what a later version brought back."""
    old = timedelta(days=40)
    versions = [
        version(1, old, ANN),
        version(2, old, ANN),
        version(3, old, ANN, name="Sent to the board"),
        version(4, old, ANN),
        version(5, old, ANN),
        version(6, old, ANN, restored=4),
        version(7, old, ANN),
        version(8, old, ANN),
    ]
    assert superfluous(versions, NOW) == {2, 5, 7}


def test_versions_go_one_day_after_another_as_they_would_at_once() -> None:
    """Thinned every day of a month, as many are left as when it is done at its end."""
    versions = every(timedelta(minutes=20), timedelta(days=30))
    kept: list[Version] = []
    for one in versions:
        kept = left([*kept, one], one.at)
    # A day ends while its versions are still kept by the hour, so that only these can differ.
    assert abs(len(left(kept)) - len(left(versions))) <= 1

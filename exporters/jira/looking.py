"""Whether a call of unknown outcome was carried out in Jira.

Issues are read by id, which is never behind. An issue whose id was never heard of can only be
searched for, and the search lags: "a few seconds to minutes" by Atlassian's word.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final

from exporters.errors import Unreachable
from exporters.jira.learning import get
from exporters.jira.reading import FIELDS, found, outward
from exporters.jira.steps import API
from exporters.jira.target import PROPERTY, REMOVED, Target, jql, listed, record, word
from exporters.markers import marker
from exporters.ports import Api, Done, NotDone, NotKnown
from exporters.records import (
    OVERVIEW,
    Entry,
    Found,
    Intent,
    Json,
    Op,
    Place,
    Request,
    Seen,
    Standing,
)

SEARCH_LAG: Final = timedelta(minutes=5)
SKEW: Final = timedelta(seconds=30)  # between our clock and Jira's
_AGAIN: Final = timedelta(seconds=5)  # until the second look; then twice as long, and so on
_LONGEST: Final = timedelta(minutes=1)
_PAGE: Final = 100


async def issues(
    api: Api, ids: Sequence[str], *, expand: Sequence[Json] = ("transitions",)
) -> dict[str, Json]:
    """The issues of these ids as they are now; those that do not answer are left out."""
    answers: dict[str, Json] = {}
    for begin in range(0, len(ids), _PAGE):
        body: dict[str, Json] = {
            "issueIdsOrKeys": [*ids[begin : begin + _PAGE]],
            "fields": [*FIELDS],
            "expand": [*expand],
            "properties": [PROPERTY],
        }
        answer = record((await api.read(Request("POST", f"{API}/issue/bulkfetch", body))).body)
        for error in map(record, listed(answer.get("issueErrors"))):
            raise Unreachable(
                f"Jira could not read issue {word(error.get('id'))}: "
                f"{word(error.get('errorMessage')) or 'it gave no reason'}"
            )
        for one in listed(answer.get("issues")):
            answers[word(record(one).get("id"))] = one
    return answers


async def created(
    api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
) -> Done | NotDone | NotKnown:
    """The issue that carries our marker, if the call that makes it was carried out.

    A copy that a person made has the label, and perhaps the property, but another creator, or it is
    the later one. One that left the brief before has lost the label; one that a person left where
    it was put, for another to be made, was made before this call was thought of.
    """
    target = Target(place)
    (key,) = intent.step.keys
    sign = marker(place, place.brief, key)
    me = target.me or word(record(await get(api, "/myself")).get("accountId"))
    ids = [id async for id in _search(api, target, sign, entries.get(OVERVIEW))]
    known = {entry.ref for entry in entries.values()}
    candidates: list[tuple[datetime, int, Json]] = []
    for id, issue in (await issues(api, [id for id in ids if id not in known])).items():
        about = found(issue, target)
        said = record(record(about.extra.get("properties")).get(PROPERTY))
        made = _moment(word(about.extra.get("created")))
        if (
            said.get("marker") == sign
            and about.extra.get("creator") == me
            and made >= intent.since - (SKEW if about.standing is Standing.LIVE else timedelta(0))
            and REMOVED not in listed(about.extra.get("labels"))
        ):
            candidates.append((made, int(id), issue))
    if candidates:
        issue = min(candidates, key=lambda one: one[:2])[2]
        return Done({key: seen(found(issue, target, sends=intent.step.sends[key]))})
    certain = intent.over + SEARCH_LAG
    if now >= certain:
        return NotDone()
    return NotKnown(min(certain, now + min(_AGAIN * 2**intent.looks, _LONGEST)))


async def changed(
    api: Api, place: Place, intent: Intent, entries: Mapping[str, Entry], now: datetime
) -> Done | NotDone | NotKnown:
    """Whether the issue reads as it was written."""
    step = intent.step
    (key,) = step.keys
    entry = entries.get(key)
    if entry is None:
        return NotDone()
    sends = step.sends[key]
    about = (await standings(api, place, [entry], sends))[key]
    if step.op is Op.RESTORE:
        stands = about.standing is Standing.LIVE
    elif about.standing is not Standing.LIVE:
        put_away = about.standing in (Standing.ARCHIVED, Standing.GONE)
        stands = step.op is Op.ARCHIVE and put_away
    elif step.op is Op.ARCHIVE:
        labels = listed(about.extra.get("labels"))
        stands = REMOVED in labels and marker(place, place.brief, key) not in labels
    else:
        stands = all(about.fields.get(part) == sent for part, sent in sends.items())
        if "parent" in sends:  # what is being moved reads as ours in its old epic, too
            stands = stands and about.extra.get("parent") == entries[OVERVIEW].ref
    if stands:
        return Done({key: seen(about)})
    return NotDone() if now >= intent.over else NotKnown(intent.over)


async def standings(
    api: Api, place: Place, entries: Sequence[Entry], sends: Mapping[str, Json] | None = None
) -> dict[str, Found]:
    """How the issues of these entries stand, each by its id."""
    target = Target(place)
    answers = await issues(api, [entry.ref for entry in entries])
    linked = {id for issue in answers.values() for id in outward(issue, target)}
    others = await issues(api, sorted(linked - answers.keys()), expand=()) if linked else {}
    keys = {id: key for id, one in {**answers, **others}.items() if (key := _key(one, place))}
    missing = [entry for entry in entries if entry.ref not in answers]
    standing = await _absent(api, target) if missing else Standing.GONE
    return {
        entry.key: (
            found(answers[entry.ref], target, entry, sends, keys)
            if entry.ref in answers
            else Found(entry.ref, standing=standing, url=entry.url)
        )
        for entry in entries
    }


def _key(issue: Json, place: Place) -> str:
    """Whose issue it is: the key of a block of this brief, or nothing."""
    said = record(record(record(issue).get("properties")).get(PROPERTY))
    key = word(said.get("block"))
    return key if key and said.get("marker") == marker(place, place.brief, key) else ""


async def _absent(api: Api, target: Target) -> Standing:
    """What it means that an issue does not answer.

    Jira answers those whom it no longer knows as if nothing was there, so it is asked who we are,
    which raises NotConnected; and then whether the project is still shown to us.
    """
    await get(api, "/myself")
    project = await api.read(Request("GET", f"{API}/project/{target.project}"))
    return Standing.GONE if project.status == 200 else Standing.FORBIDDEN


def seen(about: Found) -> Seen:
    return Seen(about.ref, about.fields, about.url)


async def _search(
    api: Api, target: Target, sign: str, overview: Entry | None
) -> AsyncIterator[str]:
    """By label, and by epic for one whose label a person took off."""
    wanted = f"labels = {jql(sign)}"
    if overview is not None:
        wanted = f"({wanted} OR parent = {jql(overview.ref)})"
    query = f"project = {jql(target.project)} AND {wanted} ORDER BY created DESC"
    page: dict[str, Json] = {"jql": query, "fields": ["id"], "maxResults": _PAGE}
    while True:
        answer = record((await api.read(Request("POST", f"{API}/search/jql", page))).body)
        for one in listed(answer.get("issues")):
            yield word(record(one).get("id"))
        token = answer.get("nextPageToken")
        if not token or answer.get("isLast") is True:
            return
        page = {**page, "nextPageToken": token}


def _moment(said: str) -> datetime:
    """Jira's times: 2026-03-02T09:00:00.000+0000."""
    return datetime.strptime(said, "%Y-%m-%dT%H:%M:%S.%f%z")

"""What a look at a target found, and what it can be remembered as. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from backend.exports.model import Astray, Findings
from exporters.judge import same
from exporters.records import Entry, Found, Json, Standing


def findings(entries: Mapping[str, Entry], found: Mapping[str, Found]) -> Findings:
    """What differs from how we left it: parts that read otherwise, and objects not in place."""
    parts: dict[str, dict[str, Json]] = {}
    astray: dict[str, Astray] = {}
    for key, entry in entries.items():
        now = found[key]
        if now.standing is not Standing.LIVE:
            astray[key] = Astray(now.standing, now.where)
            continue
        changed = {
            part: now.fields.get(part)
            for part, sent in entry.sent.items()
            if not same(now.fields.get(part), entry.seen.get(part, sent))
        }
        if changed:
            parts[key] = changed
    return Findings(parts, astray)


def remembered(entries: Mapping[str, Entry], known: Findings) -> Mapping[str, Found]:
    """How the objects stood at the last look, for a comparison that asks nobody."""
    return {key: _remembered(entry, known) for key, entry in entries.items()}


def _remembered(entry: Entry, known: Findings) -> Found:
    astray = known.astray.get(entry.key)
    if astray is not None:
        return Found(entry.ref, standing=astray.standing, url=entry.url, where=astray.where)
    fields = {part: entry.seen.get(part, sent) for part, sent in entry.sent.items()}
    return Found(entry.ref, {**fields, **known.parts.get(entry.key, {})}, url=entry.url)

"""What the reading of one object says about a change of it whose outcome is unknown. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta

from exporters.ports import Done, NotDone, NotKnown
from exporters.records import Found, Intent, Op, Seen, Standing


def changed(
    intent: Intent, found: Found, now: datetime, *, lag: timedelta = timedelta(0)
) -> Done | NotDone | NotKnown:
    """Whether an update, an archiving or a restoring stands, of a step that changes one object.

    ``lag`` is how long after a write the object may still read as before. What reads neither as
    sent nor as before was edited since: it counts as not done once it cannot be done any more, and
    then differs from the step's base, so that a person is asked.
    """
    (key,) = intent.step.keys
    sent = intent.step.sends[key]
    if intent.step.op is Op.CREATE:
        raise ValueError("a creation is looked for by its marker, not by reading one object")
    if intent.step.op is Op.ARCHIVE:
        stands = found.standing in (Standing.ARCHIVED, Standing.GONE)
    elif intent.step.op is Op.RESTORE:
        stands = found.standing is Standing.LIVE
    else:  # one that sends no part moves the object, and making it again does no harm
        stands = found.standing is Standing.LIVE and bool(sent)
        stands = stands and all(found.fields.get(part) == sent[part] for part in sent)
    if stands:
        return Done({key: Seen(found.ref, found.fields, found.url)})
    certain = intent.over + lag
    return NotDone() if now >= certain else NotKnown(until=certain)

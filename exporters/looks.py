"""What the reading of one object says about a change of it whose outcome is unknown. Pure."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import assert_never

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
    match intent.step.op:
        case Op.UPDATE:
            sent = intent.step.sends[key]
            stands = found.standing is Standing.LIVE and all(
                found.fields.get(part) == value for part, value in sent.items()
            )
        case Op.ARCHIVE:
            stands = found.standing in (Standing.ARCHIVED, Standing.GONE)
        case Op.RESTORE:
            stands = found.standing is Standing.LIVE
        case Op.CREATE:
            raise ValueError("a creation is looked for by its marker, not by reading one object")
        case _ as never:
            assert_never(never)
    if stands:
        return Done({key: Seen(found.ref, found.fields, found.url)})
    certain = intent.over + lag
    return NotDone() if now >= certain else NotKnown(until=certain)

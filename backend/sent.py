"""What every JSON body that is sent to the server has in common."""

from __future__ import annotations

from typing import Any

from pydantic import BaseModel, model_validator


class Sent(BaseModel):
    """A body whose texts can be written down again, by every store and in every file.

    JSON can say half of a surrogate pair (an emoji cut in two), which is no UTF-8, and NUL, which
    PostgreSQL refuses. As browsers do in forms, the half becomes U+FFFD; NUL is left out.
    """

    @model_validator(mode="before")
    @classmethod
    def _writable(cls, sent: Any) -> Any:
        return writable(sent)


def writable(value: Any) -> Any:
    if isinstance(value, str):
        return value.replace("\0", "").encode("utf-16", "surrogatepass").decode("utf-16", "replace")
    if isinstance(value, list):
        return [writable(one) for one in value]
    if isinstance(value, dict):
        return {name: writable(one) for name, one in value.items()}
    return value

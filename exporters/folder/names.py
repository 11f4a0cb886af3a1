"""Names of files that every file system takes, and the mark in a file of ours. Pure."""

from __future__ import annotations

import re
import unicodedata
from typing import Final

MARK: Final = "stratmaster"  # the key of our mark in the front matter
LONGEST: Final = 120  # bytes of a name without its ending; every file system takes 143
# Windows opens a device by these names, whatever their ending.
_DEVICES: Final = re.compile(r"(?:con|prn|aux|nul|com[0-9¹²³]|lpt[0-9¹²³])", re.IGNORECASE)


def slug(title: str) -> str:
    """A title as the name of a file, without ending: letters and digits of any script, hyphens."""
    text = unicodedata.normalize("NFC", title)
    kept = "".join(c if c.isalnum() or unicodedata.combining(c) else "-" for c in text)
    name = re.sub(r"-+", "-", kept).strip("-")
    name = name.encode()[:LONGEST].decode(errors="ignore").rstrip("-")
    if not name or _DEVICES.fullmatch(name):
        return f"brief-{name}".rstrip("-")
    return name


def is_safe(name: str) -> bool:
    """Whether a name lies in its folder and nowhere else, on every system: one component, no
    control characters, no wildcards or streams, no ending that Windows drops, not hidden."""
    return (
        bool(name)
        and len(name.encode()) <= 255
        and not re.search(r'[\x00-\x1f\x7f<>:"/\\|?*]', name)
        and not name.startswith((".", " "))
        and not name.endswith((".", " "))
        and not _DEVICES.fullmatch(name.partition(".")[0].strip())
    )


def front_matter(sign: str, link: str) -> str:
    """What stands before the text of a brief."""
    brief = f"brief: {link}\n" if link else ""
    return f"---\n{MARK}: {sign}\n{brief}---\n\n"


def mark_of(text: str) -> str:
    """Our mark in a file's front matter, whatever a person wrote beside it; empty without one."""
    first, *lines = text.splitlines() or [""]
    if first.rstrip() != "---":
        return ""
    for line in lines:
        if line.rstrip() == "---":
            break
        key, _, value = line.partition(":")
        if key.strip() == MARK:
            return value.strip()
    return ""


def without_front_matter(text: str) -> str:
    """The text as people read it."""
    if not mark_of(text):
        return text
    return re.sub(r"\A---\r?\n.*?\n---[ \t]*\r?\n\s*", "", text, flags=re.DOTALL)

"""Every setting, for people and for the document that lists them."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from pydantic import SecretStr

from backend.settings import PREFIX, Settings, Url

_INTRODUCTION = f"""# Settings

Read from the environment and from `.env` in the folder the product is started in; the environment
wins. Every name begins with `{PREFIX}`. Paths in embedded URLs lie under the data folder; a fourth
slash makes them absolute (`sqlite:////srv/app.db`).

`stratmaster settings --markdown` writes this file.

| setting | default | what it is for |
| --- | --- | --- |
"""


def rows(settings: Settings) -> list[dict[str, Any]]:
    return [
        {
            "name": PREFIX + name.upper(),
            "value": _said(getattr(settings, name)),
            "default": _default(name),
            "description": field.description or "",
        }
        for name, field in Settings.model_fields.items()
    ]


def text(listed: list[dict[str, Any]]) -> str:
    lines = []
    for row in listed:
        mark = "" if row["value"] == row["default"] else f"  (default {row['default'] or 'none'})"
        lines += [f"{row['name']}={row['value']}{mark}", f"    {row['description']}"]
    return "\n".join(lines)


def markdown() -> str:
    return _INTRODUCTION + "".join(
        f"| `{PREFIX}{name.upper()}` | {f'`{shown}`' if (shown := _default(name)) else 'none'} "
        f"| {(field.description or '').replace('|', chr(92) + '|')} |\n"
        for name, field in Settings.model_fields.items()
    )


def _default(name: str) -> str:
    default = Settings.model_fields[name].default
    if isinstance(default, Path) and default.is_absolute():
        root = Path(__file__).parents[2]
        default = default.relative_to(root) if default.is_relative_to(root) else default
    return _said(default)


def _said(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, SecretStr):
        return "***"
    if isinstance(value, Path):
        root = Path(__file__).parents[2]
        return str(value.relative_to(root) if value.is_relative_to(root) else value)
    return str(Url(value)) if isinstance(value, str) else str(value).lower()

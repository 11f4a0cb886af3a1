"""The reasons a file is not read, each with a stable code and a way out."""

from __future__ import annotations

from retrieval.errors import Unreadable


def empty() -> Unreadable:
    return Unreadable(
        "empty", "The file holds nothing.", "Check that it was saved or copied completely."
    )


def no_text(what: str) -> Unreadable:
    return Unreadable(
        "no_text",
        f"{what} but no text.",
        "If it is a scan, run text recognition (OCR) on it and add the result.",
    )


def encrypted(what: str) -> Unreadable:
    return Unreadable(
        "encrypted",
        f"{what} is protected by a password.",
        "Remove the password in the program that made it, then add it again.",
    )


def corrupt(what: str, why: str) -> Unreadable:
    return Unreadable(
        "corrupt",
        f"{what} cannot be parsed: {why.rstrip('. ')}.",
        "Open it in the program that made it, save it anew and add that file.",
    )


def truncated(what: str) -> Unreadable:
    return Unreadable(
        "truncated",
        f"{what} ends in the middle.",
        "The copy or download was cut short: fetch the file again.",
    )


def unsupported(what: str) -> Unreadable:
    return Unreadable(
        "unsupported_type",
        f"This is {what}, which we do not read.",
        "Save it as PDF, DOCX, PPTX, XLSX, CSV, HTML, Markdown or plain text.",
    )


def too_large(what: str, value: int | None, limit: int, unit: str) -> Unreadable:
    """``value`` is None where we stopped counting at the limit."""
    has = f"has {value:,}" if value is not None else f"has more than {limit:,}"
    return Unreadable(
        "too_large",
        f"{what} {has} {unit}; the limit is {limit:,}.",
        "Split it into smaller files and add those.",
    )


def too_deep(what: str, limit: int) -> Unreadable:
    return Unreadable(
        "too_deep",
        f"{what} nests its parts more than {limit:,} deep.",
        "Save it anew from the program that made it; files made by people are never this deep.",
    )


def zip_bomb(why: str) -> Unreadable:
    return Unreadable(
        "zip_bomb",
        f"The file would unpack to something else than it claims: {why}.",
        "Do not trust this file; ask whoever sent it for another copy.",
    )


def external_entities(where: str) -> Unreadable:
    return Unreadable(
        "external_entities",
        f"{where} declares entities or a document type, which documents of this kind never need.",
        "Do not trust this file; save it anew from the program that made it.",
    )


def timed_out(seconds: float, of: str) -> Unreadable:
    return Unreadable(
        "timed_out",
        f"Reading took longer than {seconds:g} s of {of}.",
        "Split the file into smaller ones, or save it anew in a simpler form.",
    )


def out_of_memory(limit: int) -> Unreadable:
    return Unreadable(
        "out_of_memory",
        f"Reading needs more than {limit // (1024 * 1024):,} MiB of memory.",
        "Split the file into smaller ones, or save it without its images.",
    )


def crashed(how: str) -> Unreadable:
    return Unreadable(
        "parser_crashed",
        f"The parser stopped on this file ({how}).",
        "Open it in the program that made it, save it anew and add that file.",
    )

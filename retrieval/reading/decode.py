"""Bytes into characters, for the formats that are text."""

from __future__ import annotations

import codecs

from retrieval.counted import counted

BINARY_ABOVE = 0.02  # share of control characters in the sample above which it is not text
ZEROS_ABOVE = 0.1  # the same for zero bytes, which some programs leave in their text
SAMPLE = 64 * 1024  # bytes looked at

_BOMS = (
    (codecs.BOM_UTF8, "utf-8-sig"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark it begins with
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_CONTROL = bytes(code for code in range(32) if code not in b"\t\n\r\x0b\x0c\x1b\x00") + b"\x7f"


def encoding_by_mark(content: bytes) -> str | None:
    """The encoding a byte order mark names, or that zero bytes betray; None for neither."""
    for mark, encoding in _BOMS:
        if content.startswith(mark):
            return encoding
    sample = content[:SAMPLE]
    if len(sample) >= 4 and b"\x00" in sample:
        half = len(sample) // 2
        even, odd = sample[0::2].count(0), sample[1::2].count(0)
        if odd > 0.4 * half and even < 0.05 * half:
            return "utf-16-le"
        if even > 0.4 * half and odd < 0.05 * half:
            return "utf-16-be"
    return None


def looks_binary(content: bytes) -> bool:
    if encoding_by_mark(content):
        return False
    sample = content[:SAMPLE]
    control = len(sample) - len(sample.translate(None, _CONTROL))
    return control > BINARY_ABOVE * len(sample) or sample.count(0) > ZEROS_ABOVE * len(sample)


def decode(content: bytes, declared: str | None = None) -> tuple[str, list[str]]:
    """The text and the warnings to show. ``declared`` is what the file says of itself.

    Never fails: what is not UTF-8 and declares nothing is read as Windows-1252, and bytes without
    a meaning become U+FFFD.
    """
    marked = encoding_by_mark(content)
    if marked:
        text = content.decode(marked, "replace")
        return text.removeprefix("\ufeff"), _replaced(text, marked)
    try:
        return content.decode("utf-8"), []
    except UnicodeDecodeError as error:
        first_bad = error.start
    if declared:
        try:
            name = codecs.lookup(declared).name
            # Only encodings of text: Python also has "hex" and "zlib" under the same roof.
            if name not in {"utf-8", "ascii"} and getattr(
                codecs.lookup(name), "_is_text_encoding", False
            ):
                text = content.decode(name, "replace")
                return text, _replaced(text, name)
        except LookupError:
            pass
    # A mostly UTF-8 file with a few broken bytes keeps its accents; cp1252 would ruin them all.
    lenient = content.decode("utf-8", "replace")
    broken = lenient.count("\ufffd")
    beyond_ascii = sum(1 for byte in content[:SAMPLE] if byte >= 0x80)
    if broken * 10 < beyond_ascii:
        return lenient, [
            f"Not UTF-8: {counted(broken, 'byte')}, first at {first_bad}; shown as \ufffd"
        ]
    text = content.decode("cp1252", "replace")
    return text, [
        f"The encoding is not declared and not UTF-8 (byte {first_bad}); read as Windows-1252",
        *_replaced(text, "cp1252"),
    ]


def _replaced(text: str, encoding: str) -> list[str]:
    broken = text.count("\ufffd")
    said = f"Not valid {encoding}: {counted(broken, 'character')}; shown as \ufffd"
    return [said] if broken else []

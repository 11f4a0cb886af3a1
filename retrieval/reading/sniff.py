"""What a file is, by what it holds. Its name decides only between kinds of plain text."""

from __future__ import annotations

import re
from pathlib import PurePath

from retrieval.errors import Unreadable
from retrieval.reading import refusals
from retrieval.reading.decode import SAMPLE, decode, looks_binary

BY_SUFFIX = {
    ".pdf": "pdf",
    ".docx": "docx",
    ".docm": "docx",
    ".pptx": "pptx",
    ".pptm": "pptx",
    ".xlsx": "xlsx",
    ".xlsm": "xlsx",
    ".csv": "csv",
    ".tsv": "csv",
    ".html": "html",
    ".htm": "html",
    ".xhtml": "html",
    ".md": "markdown",
    ".markdown": "markdown",
    ".txt": "text",
    ".text": "text",
    ".log": "text",
}
TEXTUAL = frozenset({"csv", "markdown", "text"})

_OTHERS = (
    (b"\x89PNG", "a PNG image"),
    (b"\xff\xd8\xff", "a JPEG image"),
    (b"GIF8", "a GIF image"),
    (b"BM", "a bitmap image"),
    (b"II*\x00", "a TIFF image"),
    (b"MM\x00*", "a TIFF image"),
    (b"RIFF", "a sound, film or WebP image"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"BZh", "a bzip2 archive"),
    (b"\xfd7zXZ", "an xz archive"),
    (b"7z\xbc\xaf", "a 7-Zip archive"),
    (b"Rar!", "a RAR archive"),
    (b"\x7fELF", "a program"),
    (b"MZ", "a program"),
    (b"{\\rtf", "a rich text (RTF) file"),
    (b"%!PS", "a PostScript file"),
    (b"SQLite format 3", "a SQLite database"),
    (b"ID3", "a sound file"),
)
_LEGACY = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
_HTML = re.compile(
    r"<!doctype\s+html|<(html|head|body|title|meta|main|article|section|div|p|h[1-6]|table|ul|ol)"
    r"[\s>]",
    re.IGNORECASE,
)
_XML_PREFIX = re.compile(r"(?:\s|<\?.*?\?>|<!--.*?-->)*", re.DOTALL)
_OFFICE = {
    "word/": "docx",
    "ppt/": "pptx",
    "xl/": "xlsx",
}


def declared_format(name: str) -> str | None:
    """What the name says the file is; None for a name that says nothing to us."""
    return BY_SUFFIX.get(PurePath(name).suffix.lower())


def sniff(content: bytes, name: str) -> str:
    """The format of ``content``, or "zip" for a package that must be opened to know.

    ``content`` is the whole file or its beginning and end. Raises Unreadable (empty, encrypted,
    unsupported_type, external_entities).
    """
    if not content or not content.strip(b"\x00 \t\r\n"):
        raise refusals.empty()
    if b"%PDF-" in content[:1024]:
        return "pdf"
    if content.startswith((b"PK\x03\x04", b"PK\x05\x06")):
        return "zip"
    if content.startswith(_LEGACY):
        raise _legacy(content)
    binary = looks_binary(content)
    for magic, what in _OTHERS:
        # "BM" and "MZ" also begin words, so two letters need binary company.
        if content.startswith(magic) and (binary or len(magic) > 3):
            raise refusals.unsupported(what)
    if binary:
        raise refusals.unsupported("a binary file of an unknown kind")
    return _sniff_text(decode(content[:SAMPLE])[0], name)


def _sniff_text(head: str, name: str) -> str:
    declared = declared_format(name)
    start = _XML_PREFIX.match(head)
    body = head[start.end() :] if start else head
    if body.startswith("<"):
        if re.search(r"<!ENTITY", body, re.IGNORECASE) and not re.match(
            r"<!doctype\s+html", body, re.IGNORECASE
        ):
            raise refusals.external_entities("The file")
        if declared == "html" or (declared != "markdown" and _HTML.match(body)):
            return "html"
        if head.lstrip().startswith("<?xml") or body.lower().startswith(("<svg", "<!doctype")):
            raise refusals.unsupported("an XML or SVG file")
    if declared in TEXTUAL:
        return declared
    return "text"


def of_package(names: list[str]) -> str:
    """The format of an office package, by the parts inside. Raises Unreadable."""
    parts = set(names)
    for main, format_name in (
        ("word/document.xml", "docx"),
        ("ppt/presentation.xml", "pptx"),
        ("xl/workbook.xml", "xlsx"),
    ):
        if main in parts:
            return format_name
    if "[Content_Types].xml" in parts:
        if "xl/workbook.bin" in parts:
            raise refusals.unsupported("a binary workbook (XLSB)")
        for folder, format_name in _OFFICE.items():
            # Word for the web and some generators number the main part: word/document2.xml.
            if any(name.startswith(folder) for name in parts):
                return format_name
    if "mimetype" in parts and "content.xml" in parts:
        raise refusals.unsupported("an OpenDocument file")
    if "META-INF/container.xml" in parts:
        raise refusals.unsupported("an e-book (EPUB)")
    raise refusals.unsupported("a zip archive")


def _legacy(content: bytes) -> Unreadable:
    if "EncryptedPackage".encode("utf-16-le") in content:
        return refusals.encrypted("The document")
    return refusals.unsupported("an office file of the time before 2007 (DOC, XLS, PPT) or a mail")

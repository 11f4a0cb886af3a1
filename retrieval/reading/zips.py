"""Looking into a packed file before trusting it: what it claims first, then what it holds.

An office document is a zip of XML. Its parsers inflate whatever they are given and would follow
what a document type declares, so both are checked here, before they see a byte.
"""

from __future__ import annotations

import re
import struct
import zipfile
import zlib
from pathlib import Path
from typing import BinaryIO

from retrieval.reading import refusals
from retrieval.reading.limits import Limits

CHUNK = 256 * 1024
END_RECORD = b"PK\x05\x06"
_LOCAL_HEADER = struct.Struct("<4s22xHH")  # signature, …, name length, extra length
_DOCTYPE = re.compile(rb"<!(DOCTYPE|ENTITY)", re.IGNORECASE)
_ENCODING = re.compile(rb"""<\?xml[^>]{0,200}encoding\s*=\s*["']([A-Za-z0-9._-]+)""")
_KNOWN_ENCODINGS = frozenset({"utf-8", "utf-16", "utf8", "us-ascii", "ascii", "iso-8859-1"})


def check_zip(path: Path, limits: Limits) -> list[str]:
    """The names inside, once the archive is found to be what it claims to be.

    Raises Unreadable: truncated, corrupt, encrypted, zip_bomb, external_entities or too_deep.
    """
    with path.open("rb") as file:
        _check_end(file, limits)
        try:
            with zipfile.ZipFile(file) as archive:
                entries = archive.infolist()
                _check_claims(entries, limits)
                _check_overlap(file, entries, archive.start_dir)
                _check_content(archive, entries, limits)
        except (zipfile.BadZipFile, zlib.error, struct.error, EOFError, OSError) as error:
            raise refusals.corrupt("The packed file", str(error) or type(error).__name__) from error
        except (NotImplementedError, RuntimeError, ValueError) as error:
            raise refusals.corrupt("The packed file", str(error)) from error
        return [entry.filename for entry in entries]


def _check_end(file: BinaryIO, limits: Limits) -> None:
    size = file.seek(0, 2)
    file.seek(max(0, size - 65_557))
    tail = file.read()
    at = tail.rfind(END_RECORD)
    if at < 0 or len(tail) - at < 22:
        raise refusals.truncated("The packed file")
    entries, directory_bytes = struct.unpack_from("<HL", tail, at + 10)
    # A directory of this size is refused before it is parsed: each entry would become an object.
    if entries > limits.zip_entries or directory_bytes > limits.zip_entries * 512:
        raise refusals.zip_bomb(f"{entries:,} entries; the limit is {limits.zip_entries:,}")
    file.seek(0)


def _check_claims(entries: list[zipfile.ZipInfo], limits: Limits) -> None:
    if len(entries) > limits.zip_entries:
        raise refusals.zip_bomb(f"{len(entries):,} entries; the limit is {limits.zip_entries:,}")
    total = 0
    for entry in entries:
        if entry.flag_bits & 0x1:
            raise refusals.encrypted("The packed file")
        total += entry.file_size
        _check_size(entry, entry.file_size, total, limits)


def _check_size(entry: zipfile.ZipInfo, inflated: int, total: int, limits: Limits) -> None:
    if total > limits.zip_inflated_bytes:
        raise refusals.zip_bomb(
            f"it unpacks to more than {limits.zip_inflated_bytes // 1048576:,} MiB"
        )
    if inflated > limits.zip_ratio_from and inflated > limits.zip_ratio * max(
        1, entry.compress_size
    ):
        raise refusals.zip_bomb(
            f"{entry.filename[:80]!r} grows more than {limits.zip_ratio} times when unpacked"
        )


def _check_overlap(file: BinaryIO, entries: list[zipfile.ZipInfo], directory: int) -> None:
    """Entries that share bytes let a small file unpack to any size without a telling ratio."""
    reached = 0
    for entry in sorted(entries, key=lambda entry: entry.header_offset):
        file.seek(entry.header_offset)
        header = file.read(_LOCAL_HEADER.size)
        if len(header) < _LOCAL_HEADER.size:
            raise refusals.truncated("The packed file")
        signature, name, extra = _LOCAL_HEADER.unpack(header)
        if signature != b"PK\x03\x04":
            raise refusals.corrupt("The packed file", f"no entry at byte {entry.header_offset}")
        end = entry.header_offset + _LOCAL_HEADER.size + name + extra + entry.compress_size
        if entry.header_offset < reached or end > directory:
            raise refusals.zip_bomb(f"{entry.filename[:80]!r} overlaps another entry")
        reached = end


def _check_content(
    archive: zipfile.ZipFile, entries: list[zipfile.ZipInfo], limits: Limits
) -> None:
    total = 0
    for entry in entries:
        inflated = 0
        is_xml = entry.filename.lower().endswith((".xml", ".rels", ".vml"))
        carried = b""
        with archive.open(entry) as part:
            # In pieces: a part may hold more than its entry claims.
            while piece := part.read(CHUNK):
                if not inflated and (is_xml or piece.lstrip()[:5] in (b"<?xml", b"\xef\xbb\xbf<?")):
                    is_xml = True
                    _check_encoding(entry, piece)
                inflated += len(piece)
                _check_size(entry, inflated, total + inflated, limits)
                if is_xml:
                    # Zeros go so that UTF-16 hides nothing.
                    seen = carried + piece.replace(b"\x00", b"")
                    if _DOCTYPE.search(seen):
                        raise refusals.external_entities(entry.filename[:80])
                    carried = seen[-16:]
        total += inflated


def _check_encoding(entry: zipfile.ZipInfo, head: bytes) -> None:
    """An encoding such as UTF-7 would hide a document type from the search above."""
    declared = _ENCODING.search(head[:400].replace(b"\x00", b""))
    if declared and declared[1].decode("ascii").lower() not in _KNOWN_ENCODINGS:
        raise refusals.corrupt(
            entry.filename[:80], f"its XML is encoded as {declared[1].decode('ascii')}"
        )

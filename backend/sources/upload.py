"""Takes one uploaded file off the wire: hashed and counted as it comes, never held in memory."""

from __future__ import annotations

import asyncio
import hashlib
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from python_multipart.exceptions import FormParserError
from python_multipart.multipart import MultipartParser, parse_options_header

from backend.errors import Invalid, TooLarge

FIELD: Final = 4096  # bytes in a field that is not the file
CHUNK: Final = 1024 * 1024


@dataclass(frozen=True, slots=True)
class Upload:
    """A file as it came, in a temporary place. ``name`` is only what the sender called it."""

    file: Path
    name: str
    size: int
    hash: str
    fields: Mapping[str, str]

    async def content(self) -> AsyncIterator[bytes]:
        file = await asyncio.to_thread(self.file.open, "rb")
        with file:
            while chunk := await asyncio.to_thread(file.read, CHUNK):
                yield chunk


def too_large(name: str, limit: int) -> TooLarge:
    return TooLarge(
        f"{name!r} is larger than {limit:,} bytes, the most a source may be.",
        "Split it, or raise STRATMASTER_MAX_UPLOAD_BYTES.",
    )


class _Form:
    """What the parser calls back into: the first part named ``file``, and short text fields."""

    def __init__(self) -> None:
        self.name: str | None = None
        self.fields: dict[str, str] = {}
        self.chunks: list[bytes] = []  # of the file, not yet written
        self._header = b""
        self._value = b""
        self._headers: dict[bytes, bytes] = {}
        self._field: str | None = None
        self._text = b""
        self._is_file = False
        self.ended = False

    def part_begin(self) -> None:
        self._headers = {}
        self._field, self._text, self._is_file = None, b"", False

    def header_field(self, data: bytes, start: int, end: int) -> None:
        self._header += data[start:end]

    def header_value(self, data: bytes, start: int, end: int) -> None:
        self._value += data[start:end]

    def header_end(self) -> None:
        self._headers[self._header.lower()] = self._value
        self._header, self._value = b"", b""

    def headers_finished(self) -> None:
        _, options = parse_options_header(self._headers.get(b"content-disposition", b""))
        self._field = options.get(b"name", b"").decode("utf-8", "replace")
        self._is_file = self._field == "file" and b"filename" in options
        if self._is_file:
            if self.name is not None:
                raise Invalid("The form holds more than one file.", "Send one file a request.")
            self.name = options[b"filename"].decode("utf-8", "replace")

    def part_data(self, data: bytes, start: int, end: int) -> None:
        if self._is_file:
            self.chunks.append(data[start:end])
        else:
            self._text += data[start:end]
            if len(self._text) > FIELD:
                raise TooLarge(
                    f"The field {self._field!r} is longer than {FIELD} bytes.",
                    "Shorten it, or send the file under the name 'file'.",
                )

    def part_end(self) -> None:
        if not self._is_file and self._field:
            self.fields[self._field] = self._text.decode("utf-8", "replace")

    def end(self) -> None:
        self.ended = True


def _garbled(error: FormParserError) -> Invalid:
    return Invalid(f"The form cannot be read: {error}.", "Send the file again.")


@asynccontextmanager
async def received(
    content_type: str, stream: AsyncIterator[bytes], *, folder: Path, limit: int
) -> AsyncIterator[Upload]:
    """The file in a multipart body; gone again on leaving.

    Stops reading, with TooLarge, at the first byte past the limit.
    """
    kind, options = parse_options_header(content_type)
    boundary = options.get(b"boundary")
    if kind != b"multipart/form-data" or not boundary:
        raise Invalid(
            f"The body is {content_type[:80]!r}, not a form with a file.",
            "Send multipart/form-data with a part named 'file'.",
        )
    form = _Form()
    try:
        parser = MultipartParser(
            boundary,
            {
                "on_part_begin": form.part_begin,
                "on_part_data": form.part_data,
                "on_part_end": form.part_end,
                "on_end": form.end,
                "on_header_field": form.header_field,
                "on_header_value": form.header_value,
                "on_header_end": form.header_end,
                "on_headers_finished": form.headers_finished,
            },
        )
    except FormParserError as error:
        raise _garbled(error) from error
    hashed = hashlib.sha256()
    size = 0
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    temporary = folder / f"upload-{secrets.token_hex(8)}"
    try:
        with await asyncio.to_thread(temporary.open, "xb") as file:

            def write(chunk: bytes) -> None:
                hashed.update(chunk)
                file.write(chunk)

            def parse(chunk: bytes) -> None:
                nonlocal size
                parser.write(chunk)
                for part in form.chunks:
                    size += len(part)
                    if size > limit:
                        raise too_large(form.name or "file", limit)
                    write(part)
                form.chunks.clear()

            try:
                async for chunk in stream:
                    await asyncio.to_thread(parse, chunk)
                parser.finalize()
            except FormParserError as error:
                raise _garbled(error) from error
        if form.name is not None and not form.ended:
            raise Invalid("The form ends in the middle.", "Send the file again.", code="truncated")
        if form.name is None:
            raise Invalid("The form holds no file.", "Send a part named 'file' with a file name.")
        yield Upload(temporary, form.name, size, hashed.hexdigest(), form.fields)
    finally:
        temporary.unlink(missing_ok=True)


@asynccontextmanager
async def written(name: str, content: bytes, *, folder: Path, limit: int) -> AsyncIterator[Upload]:
    """Bytes that are already here, as if they had been uploaded; gone again on leaving."""
    if len(content) > limit:
        raise too_large(name, limit)
    await asyncio.to_thread(folder.mkdir, parents=True, exist_ok=True)
    temporary = folder / f"upload-{secrets.token_hex(8)}"
    try:
        await asyncio.to_thread(temporary.write_bytes, content)
        digest = (await asyncio.to_thread(hashlib.sha256, content)).hexdigest()
        yield Upload(temporary, name, len(content), digest, {})
    finally:
        temporary.unlink(missing_ok=True)

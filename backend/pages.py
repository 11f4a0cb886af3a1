"""The front end's files: what the browser is given for an address of the product."""

from __future__ import annotations

import mimetypes
from pathlib import Path

from starlette.datastructures import Headers
from starlette.responses import FileResponse, HTMLResponse, Response

IMMUTABLE = "public, max-age=31536000, immutable"
_ENCODINGS = (("br", ".br"), ("gzip", ".gz"))

_NOT_BUILT = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<title>StratMaster: the page is not built yet</title>
<style>body{font:16px/1.5 system-ui;max-width:40rem;margin:15vh auto;padding:0 1rem}</style>
<h1>The server runs; its page is not built yet.</h1>
<p>Run <code>./stratmaster up</code>, which builds it, or
<code>npm ci &amp;&amp; npm run build</code> in <code>frontend</code>, then reload.</p>
<p>The API answers already: <a href="/api/health">how each part is doing</a>.</p>
</html>
"""


class Pages:
    """Files of the build as they are; the page itself for every other address of the product."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder.resolve()

    def respond(self, path: str, headers: Headers) -> Response:
        """Blocking only for a look at the disk; the file is sent by the server."""
        file = self._found(path)
        if file is not None:
            hashed = file.parent.name == "assets"  # the build names these by their content
            return self._file(file, headers, IMMUTABLE if hashed else "no-cache")
        if path.startswith("assets/") or "." in path.rpartition("/")[2]:
            return Response("There is no such file.", status_code=404, media_type="text/plain")
        index = self._folder / "index.html"
        if not index.is_file():
            return HTMLResponse(_NOT_BUILT, status_code=503, headers={"cache-control": "no-store"})
        return self._file(index, headers, "no-cache")

    def _found(self, path: str) -> Path | None:
        try:
            file = (self._folder / path).resolve()
            return file if file.is_relative_to(self._folder) and file.is_file() else None
        except (OSError, ValueError):  # no file can be called so: a NUL, 5,000 characters
            return None

    def _file(self, file: Path, headers: Headers, cache: str) -> Response:
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        sent = {"cache-control": cache, "vary": "accept-encoding"}
        accepted = {
            part.split(";")[0].strip() for part in headers.get("accept-encoding", "").split(",")
        }
        for name, ending in _ENCODINGS:
            packed = file.with_name(file.name + ending)
            if name in accepted and packed.is_file():
                return FileResponse(
                    packed, media_type=kind, headers={**sent, "content-encoding": name}
                )
        return FileResponse(file, media_type=kind, headers=sent)

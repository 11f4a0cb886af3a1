"""Everything the environment can say; no other module reads it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from ipaddress import ip_address
from pathlib import Path
from typing import Self
from urllib.parse import parse_qsl, unquote, urlsplit

from pydantic import Field, SecretStr, model_validator
from pydantic_settings import BaseSettings, SettingsConfigDict

PREFIX = "STRATMASTER_"

_ORIGIN = r"^https?://[^\s/?#@]+$"


class Misconfigured(Exception):
    """A setting that cannot be served; the message names it, its value and the way out."""


class UnknownScheme(Misconfigured):
    """A URL whose scheme no adapter answers to."""

    def __init__(self, setting: str, url: Url, known: Sequence[str]) -> None:
        super().__init__(
            f"{PREFIX}{setting}={url} names no known engine; use one of: "
            + ", ".join(f"{scheme}:" for scheme in known)
        )
        self.setting = setting
        self.known = tuple(known)


@dataclass(frozen=True)
class Url:
    """The address of one port's implementation. Printing it hides its password."""

    text: str

    @cached_property
    def scheme(self) -> str:
        scheme, colon, _ = self.text.partition(":")
        return scheme.lower() if colon else ""

    @cached_property
    def rest(self) -> str:
        """What follows the scheme, as written: ``granite`` of ``onnx:granite``."""
        return self.text.partition(":")[2]

    @cached_property
    def host(self) -> str:
        return urlsplit(self.text).hostname or ""

    @cached_property
    def port(self) -> int | None:
        return urlsplit(self.text).port

    @cached_property
    def user(self) -> str | None:
        user = urlsplit(self.text).username
        return unquote(user) if user is not None else None

    @cached_property
    def password(self) -> str | None:
        password = urlsplit(self.text).password
        return unquote(password) if password is not None else None

    @cached_property
    def path(self) -> str:
        return unquote(urlsplit(self.text).path)

    @cached_property
    def query(self) -> Mapping[str, str]:
        return dict(parse_qsl(urlsplit(self.text).query, keep_blank_values=True))

    def under(self, folder: Path) -> Path:
        """The file or folder an embedded engine's URL names.

        ``sqlite:///app.db`` lies in the folder; ``sqlite:////srv/app.db`` is absolute.
        """
        path = self.path.removeprefix("/")
        return Path(path) if path.startswith("/") else folder / path

    def __str__(self) -> str:
        password = urlsplit(self.text).password
        return self.text.replace(f":{password}@", ":***@") if password else self.text


def is_loopback(host: str) -> bool:
    """Whether a name or address can only be reached from this machine."""
    if host.lower().rstrip(".") == "localhost":
        return True
    try:
        return ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return False


class Settings(BaseSettings):
    """One URL per service, each with an embedded default: nothing to install, nothing to start."""

    model_config = SettingsConfigDict(
        env_prefix=PREFIX, env_file=".env", extra="ignore", frozen=True, hide_input_in_errors=True
    )

    data_dir: Path = Field(
        Path("var"), description="Folder of everything embedded: database, indexes, blobs, models."
    )
    host: str = Field("127.0.0.1", description="Address to listen on.")
    port: int = Field(8000, ge=0, le=65535, description="Port to listen on; 0 takes a free one.")
    database_url: str = Field(
        "sqlite:///app.db",
        description="`sqlite:///FILE` under the data folder, or `postgresql://USER:PASSWORD@HOST/DB`.",
    )
    lexical_url: str = Field(
        "tantivy:///lexical",
        description="The BM25 leg: `tantivy:///FOLDER` under the data folder, or "
        "`opensearch://USER:PASSWORD@HOST:9200/INDEX` (`?secure=true` for HTTPS).",
    )
    vectors_url: str = Field(
        "qdrant-edge:///vectors",
        description="The dense leg's index (and the sparse one's): `qdrant-edge:///FOLDER`, or "
        "`qdrant://:KEY@HOST:6333/COLLECTION` (`?secure=true` for HTTPS; the key may be left out).",
    )
    sparse_vectors_url: str | None = Field(
        None,
        description="Where the sparse leg's vectors are if not in `VECTORS_URL`: the same engines, "
        "or `opensearch://USER:PASSWORD@HOST:9200/INDEX` (kept in `INDEX-sparse`).",
    )
    dense_url: str = Field(
        "onnx:granite-embedding-30m-english",
        description="The dense encoder: `onnx:NAME` of fetched weights, `off:`, or `hashing:` "
        "(for tests only).",
    )
    sparse_url: str = Field(
        "off:",
        description="The sparse encoder: `inference-free:NAME`, `splade:/FOLDER` of your "
        "own weights (needs the extra `splade`), or `off:` for two legs.",
    )
    graph_url: str = Field(
        "sqlite:///graph.db",
        description="The graph leg, which follows names from what the others find: "
        "`sqlite:///FILE`, `nebula://USER:PASSWORD@HOST:9669/SPACE`, or `off:`.",
    )
    reranker_url: str = Field(
        "off:",
        description="Who looks at the best passages again where the legs leave it open which is "
        "best: `onnx:/FOLDER` of a cross-encoder of your own, or `off:`.",
    )
    blobs_url: str = Field(
        "file:///blobs",
        description="Where files are kept: `file:///FOLDER` under the data folder, or "
        "`s3://KEY:SECRET@BUCKET?endpoint=HOST:PORT` (`&region=…`; `&secure=false` for HTTP).",
    )
    bus_url: str = Field(
        "none:",
        description="What server processes tell each other: `none:` for one process, "
        "`redis://:PASSWORD@HOST:6379/0`, or `postgresql://USER:PASSWORD@HOST/DB`.",
    )
    model_url: str = Field(
        "extractive:",
        description="Who writes answers: `extractive:` (cited quotes, no model), "
        "`openai+http://HOST:PORT/v1?model=NAME`, or `litellm:FILE.yaml`.",
    )
    model_api_key: SecretStr | None = Field(
        None, description="Key for the model's address, where it asks for one."
    )
    auth_url: str = Field(
        "dev:", description="Who is let in: `dev:` makes whoever sits at this machine its admin."
    )
    jobs_workers: int = Field(
        1,
        ge=0,
        le=16,
        description="Background jobs at once in the server, beside two loops of their own that "
        "only encode; 0 leaves all of it to `stratmaster worker`.",
    )
    max_upload_bytes: int = Field(
        100 * 1024 * 1024, ge=1, description="Largest file a source may be, in bytes."
    )
    public_url: str = Field(
        "",
        pattern=r"^(https?://[^\s?#]+)?$",
        description="Where people reach this product, such as `https://briefs.example.com`: "
        "exports link back there, sign-ins come back there (not with `AUTH_URL=dev:`, which "
        "answers this machine alone), and with https webhooks call in there. Without it exports "
        "have no links.",
    )
    export_dir: Path | None = Field(
        None,
        description="Where folder targets write; `exports` in the data folder unless given.",
    )
    export_poll: int = Field(
        10,
        ge=0,
        le=24 * 60,
        description="Minutes between looks at what changed in the places that briefs were exported "
        "to, for where no webhook reaches this server; 0 never looks unasked.",
    )
    secret_key: SecretStr | None = Field(
        None,
        description="Seals the tokens of connections: 32 bytes in base64 (`openssl rand -base64 "
        "32`); several, separated by commas, all open and the first seals. With SQLite a key is "
        "made in `secret.key` in the data folder where none is named here.",
    )
    atlassian_client_id: str = Field(
        "", description="Of your OAuth 2.0 (3LO) app, so that people can sign in to Jira."
    )
    atlassian_client_secret: SecretStr | None = Field(None, description="Its secret.")
    notion_client_id: str = Field(
        "", description="Of your public connection, so that people can sign in to Notion."
    )
    notion_client_secret: SecretStr | None = Field(None, description="Its secret.")
    trello_key: str = Field(
        "", description="API key of your Power-Up, so that people can sign in to Trello."
    )
    trello_secret: SecretStr | None = Field(
        None, description="Its secret, which signs what Trello calls in to tell."
    )
    jira_sites: str = Field(
        "",
        description="Jira sites beside those under `atlassian.net` that people may connect, "
        "separated by commas: `jira.example.com`, or with a scheme and a port `http://HOST:PORT`.",
    )
    atlassian_auth_url: str = Field(
        "https://auth.atlassian.com", pattern=_ORIGIN, description="Where one signs in to Jira."
    )
    atlassian_api_url: str = Field(
        "https://api.atlassian.com", pattern=_ORIGIN, description="Jira for those who signed in."
    )
    notion_api_url: str = Field(
        "https://api.notion.com", pattern=_ORIGIN, description="Notion, also for signing in."
    )
    trello_api_url: str = Field(
        "https://api.trello.com", pattern=_ORIGIN, description="Trello, for programs."
    )
    trello_url: str = Field(
        "https://trello.com", pattern=_ORIGIN, description="Trello, for people who sign in."
    )
    models_dir: Path | None = Field(
        None, description="Folder of encoder weights; `models` in the data folder unless given."
    )
    frontend_dir: Path = Field(
        Path(__file__).parents[1] / "frontend" / "dist", description="The built front end."
    )
    sample: bool = Field(True, description="Whether a first start makes the sample space.")

    @model_validator(mode="after")
    def _dev_sign_in_stays_at_home(self) -> Self:
        if Url(self.auth_url).scheme == "dev" and not is_loopback(self.host):
            raise Misconfigured(
                f"{PREFIX}AUTH_URL=dev: makes every visitor an admin, so it serves loopback only; "
                f"{PREFIX}HOST={self.host} is open to others. Listen on 127.0.0.1."
            )
        return self

    @property
    def return_url(self) -> str:
        """Where people come back to from signing in elsewhere; empty for the address they came
        from: with development sign-in no other answers them, whichever is public."""
        if Url(self.auth_url).scheme == "dev":
            return ""
        return self.public_url.rstrip("/")

    @property
    def models(self) -> Path:
        return self.models_dir or self.data_dir / "models"

    @property
    def exports(self) -> Path:
        return self.export_dir or self.data_dir / "exports"

    def url(self, setting: str) -> Url:
        """The parsed value of ``DATABASE_URL`` and its kin."""
        return Url(str(getattr(self, setting.lower())))

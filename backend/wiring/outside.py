"""What is asked of the world beside the indexes: blobs, a model, who signs in."""

from __future__ import annotations

from pathlib import Path

from backend.ports import BlobStore, LanguageModel
from backend.services import Authenticator
from backend.settings import Misconfigured, Settings, UnknownScheme


def open_blobs(settings: Settings) -> BlobStore:
    url = settings.url("BLOBS_URL")
    match url.scheme:
        case "file":
            from backend.blobs.filesystem import FilesystemBlobs

            return FilesystemBlobs(url.under(settings.data_dir))
        case "s3":
            from backend.blobs.s3 import S3Blobs

            if not url.user or not url.password:
                raise Misconfigured(
                    f"STRATMASTER_BLOBS_URL={url} names no keys; write them as "
                    "s3://KEY:SECRET@BUCKET, with signs such as / and + percent-encoded"
                )
            return S3Blobs.connect(
                url.query.get("endpoint", "s3.amazonaws.com"),
                url.host,
                access_key=url.user,
                secret_key=url.password,
                secure=url.query.get("secure") != "false",
                region=url.query.get("region"),
            )
        case _:
            raise UnknownScheme("BLOBS_URL", url, ("file", "s3"))


def open_authenticator(settings: Settings) -> Authenticator:
    url = settings.url("AUTH_URL")
    match url.scheme:
        case "dev":
            from backend.auth.dev import DevAuthenticator

            return DevAuthenticator()
        case _:
            raise UnknownScheme("AUTH_URL", url, ("dev",))


def open_model(settings: Settings) -> LanguageModel | None:
    """None where answers are extracts."""
    url = settings.url("MODEL_URL")
    match url.scheme:
        case "extractive":
            return None
        case "openai+http" | "openai+https":
            from backend.llm.litellm_router import LiteLLM

            key = settings.model_api_key
            return LiteLLM.at(url, api_key=key.get_secret_value() if key else None)
        case "litellm":
            from backend.llm.litellm_router import LiteLLM

            return LiteLLM.from_file(Path(url.rest))
        case _:
            raise UnknownScheme(
                "MODEL_URL", url, ("extractive", "openai+http", "openai+https", "litellm")
            )

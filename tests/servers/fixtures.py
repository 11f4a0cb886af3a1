"""The addresses of real servers, each started once for all the suites that ask."""

from __future__ import annotations

import os
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.servers import serve


@pytest.fixture(scope="session")
def qdrant_address() -> Iterator[str]:
    """A real Qdrant: the one whose host:port is in the environment, else one of our own."""
    if named := os.environ.get("STRATMASTER_TEST_QDRANT"):
        yield named
        return
    with serve.qdrant() as address:
        yield address


@pytest.fixture(scope="session")
def s3_url() -> Iterator[str]:
    """A real S3 server, as BLOBS_URL has it but for the bucket, which is ``{bucket}``."""
    if named := os.environ.get("STRATMASTER_TEST_S3_URL"):
        yield named
        return
    with serve.s3() as address:
        key, secret = quote(serve.S3_KEY, safe=""), quote(serve.S3_SECRET, safe="")
        yield f"s3://{key}:{secret}@{{bucket}}?endpoint={address}&secure=false"


@pytest.fixture(scope="session")
def opensearch_address() -> Iterator[str]:
    """A real OpenSearch: the one whose host:port is in the environment, else one of our own."""
    if named := os.environ.get("STRATMASTER_TEST_OPENSEARCH"):
        yield named
        return
    with serve.opensearch() as address:
        yield address


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """A real Redis: the one whose URL is in the environment, else one of our own."""
    if named := os.environ.get("STRATMASTER_TEST_REDIS_URL"):
        yield named
        return
    with serve.redis() as address:
        yield f"redis://{address}/0"

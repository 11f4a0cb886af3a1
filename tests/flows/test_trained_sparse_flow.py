"""A trained sparse encoder as the third leg of the product."""

from __future__ import annotations

import numpy as np
import pytest

from backend.settings import Settings
from backend.wiring import open_services
from retrieval.encoders.hashing import HashingEncoder
from retrieval.encoders.inference_free import Tables, TrainedEncoder, write
from retrieval.model import Passage, Query, Scope

ALL = Scope("t", frozenset({"s"}))
BODY = HashingEncoder()
TABLES = Tables(
    query=np.ones(1, np.float32),
    bias=np.zeros(1, np.float32),
    words=np.zeros((1, BODY.dimensions), np.float16),
    centre=np.zeros(1, np.float32),
    turn=np.eye(BODY.dimensions, dtype=np.float32),
    base=0.0,
    gain=1.0,
    near=1.0,
    far=1.0,
    threshold=0.5,
    usual=2.0,
    unseen=1.0,
)


async def test_it_asks_the_dense_encoder_that_is_open_and_is_closed_with_the_rest(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No weights lie beside it, so only the dense leg's own encoder can have read the passage."""
    write(
        settings.models / "metals",
        terms=["copper"],
        tables=TABLES,
        about={
            "name": "metals",
            "licence": "Apache-2.0",
            "language": "en",
            "body": "hashing",
            "body_fingerprint": BODY.fingerprint,
            "trained_on": "one line",
            "passages": 1,
            "passages_sha256": "0" * 64,
            "training": {"seed": 1},
        },
    )
    closed: list[TrainedEncoder] = []
    monkeypatch.setattr(TrainedEncoder, "close", lambda encoder: closed.append(encoder))
    trained = settings.model_copy(update={"sparse_url": "inference-free:metals"})
    passage = Passage("src_1.v.00000", "t", "s", "src_1", "v", 0, "copper tariffs", 0, 14)
    async with open_services(trained) as services:
        (opened,) = (one for one in services.legs if one.setting == "SPARSE_URL")
        assert opened.standing.serving is not None
        leg = opened.standing.serving.leg
        await leg.put([passage])
        run = await leg.search(Query("copper"), scope=ALL, limit=3)
        assert [line.passage for line in run.ranked] == [passage.id]
        assert closed == []
    assert len(closed) == 1

"""What can go wrong with a language model."""

from __future__ import annotations

from backend.errors import Unavailable


class ModelFailed(Unavailable):
    """The model gave no answer, or not the whole of one. The code says how."""

    code = "model_failed"

"""ONNX Runtime as all our encoders open it: a thread to a run, and silent."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

from retrieval.errors import WeightsError

# Read by the runtime's own C code when it loads; Python's environment stays as it is.
os.putenv("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # type: ignore[import-untyped]  # it ships no types

onnxruntime.disable_telemetry_events()


class Input(Protocol):
    @property
    def name(self) -> str: ...


class Session(Protocol):
    """The part of the runtime's session that is called; safe from many threads."""

    def get_inputs(self) -> Sequence[Input]: ...

    def run(self, outputs: Sequence[str] | None, fed: Mapping[str, Any], /) -> Sequence[Any]: ...


def open_session(model: Path) -> Session:
    """A session whose runs work in the thread that calls them. Blocking.

    Raises WeightsError for a file that the runtime cannot open.
    """
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    options.inter_op_num_threads = 1
    # Beyond basic, Add and LayerNormalization are fused into a slower kernel.
    options.graph_optimization_level = onnxruntime.GraphOptimizationLevel.ORT_ENABLE_BASIC
    # Lengths vary, so planned memory would be kept for every length seen.
    options.enable_mem_pattern = False
    options.enable_cpu_mem_arena = False
    try:
        session: Session = onnxruntime.InferenceSession(
            str(model), options, providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # the runtime's exceptions share no public root
        said = str(error).replace(f"{model.parent}/", "")  # searches' traces show it to everyone
        raise WeightsError(
            f"ONNX Runtime {onnxruntime.__version__} cannot open "
            f"{model.parent.name}/{model.name}: {said}"
        ) from error
    return session

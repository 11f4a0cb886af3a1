"""Serves a GGUF model OpenAI-style on a free port of this machine, until its input closes.

python tests/models/serve.py MODEL.gguf    prints the address once it answers
"""

from __future__ import annotations

import sys

import xllamacpp


def main(model: str) -> None:
    params = xllamacpp.CommonParams()
    params.model.path = model
    params.hostnames = ["127.0.0.1"]
    params.port = 0
    params.n_ctx = 4096
    params.n_parallel = 1
    params.n_gpu_layers = 0
    params.cpuparams.n_threads = 2
    params.cpuparams_batch.n_threads = 2
    params.offline = True
    server = xllamacpp.Server(params)
    print(server.listening_address, flush=True)
    sys.stdin.read()  # whoever started us goes, and we go
    del server


if __name__ == "__main__":
    main(sys.argv[1])

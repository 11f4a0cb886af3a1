"""The default product is light: heavy and remote libraries load only when a setting names them."""

import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).parents[2]
HEAVY = ("torch", "transformers", "sentence_transformers", "litellm", "openai", "opensearchpy")
REMOTE = ("qdrant_client", "nebula3", "minio", "notion_client", "trello", "jira", "authlib", "onnx")


# Loaded with the first file, question or download that needs them: a start should take no second.
LATER = ("onnxruntime", "tokenizers", "docx", "pptx", "openpyxl", "lxml", "pypdfium2")
LATER += ("alembic", "tantivy", "qdrant_edge", "faiss", "asyncpg", "httpx", "cryptography")


def imported_by(statement: str) -> set[str]:
    program = f"import sys; {statement}; print('\\n'.join(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=ROOT, capture_output=True, text=True, check=True
    )
    return {name.split(".")[0] for name in done.stdout.split()}


def test_the_default_product_imports_nothing_heavy() -> None:
    """Importing the application and its wiring pulls in no model runtime and no remote client."""
    loaded = imported_by("import backend.app, backend.wiring, backend.serving")
    assert loaded.isdisjoint(HEAVY + REMOTE)
    assert loaded.isdisjoint(LATER)


def test_the_command_line_explains_itself_without_the_engines() -> None:
    """--help stays instant because the engines load with the command that uses them."""
    loaded = imported_by("import backend.cli")
    assert loaded.isdisjoint((*HEAVY, *REMOTE, "onnxruntime", "tantivy", "qdrant_edge", "pycrdt"))

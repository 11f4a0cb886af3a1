"""The README, the front step and CI say the same thing."""

import re
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_ci_runs_the_command_that_contributors_run() -> None:
    """CI has no checks of its own."""
    assert (ROOT / ".ci/run").read_text().rstrip().endswith("exec ./stratmaster test")


def test_the_readme_opens_with_the_two_commands() -> None:
    """One starts the product, one runs the tests; both exist."""
    first_block = re.search(r"```\w*\n(.*?)```", (ROOT / "README.md").read_text(), re.S)
    assert first_block is not None
    commands = [line.split("#")[0].strip() for line in first_block[1].splitlines() if line.strip()]
    assert commands == ["./stratmaster up", "./stratmaster test"]
    usage = subprocess.run(
        [ROOT / "stratmaster", "--help"], capture_output=True, text=True, check=True
    ).stdout
    assert all(command in usage for command in commands)


def test_links_in_the_documents_lead_somewhere() -> None:
    """A relative link in a top-level document names a file that exists."""
    broken = [
        f"{document.name}: {target}"
        for document in ROOT.glob("*.md")
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", document.read_text())
        if not (ROOT / target).exists()
    ]
    assert broken == []


def test_locks_carry_hashes_and_no_addresses() -> None:
    """Any mirror serves them, and no changed file passes."""
    for name in ("product.txt", "test.txt", "uv.txt"):
        lock = (ROOT / "requirements" / name).read_text()
        assert "://" not in lock
        pinned = re.findall(r"^[a-z0-9].*==.*$", lock, re.M)
        assert pinned
        assert all(line.endswith("\\") for line in pinned), name
    assert '"resolved"' not in (ROOT / "frontend/package-lock.json").read_text()

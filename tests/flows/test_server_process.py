"""The served product as a process: killed, stopped, backed up, and started again."""

import asyncio
import io
import json
import os
import signal
import subprocess
import sys
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from websockets.exceptions import ConnectionClosed
from websockets.sync.client import connect

ROOT = Path(__file__).parents[2]
TEXT = "\n\n".join(
    f"# Part {n}\n\nFreight to port {n} cost {n} % more than the year before. "
    + "Costs rose. " * 60
    for n in range(400)
)


def environment(folder: Path, **more: str) -> dict[str, str]:
    kept = {name: value for name, value in os.environ.items() if "STRATMASTER" not in name}
    return {
        **kept,
        "STRATMASTER_DATA_DIR": str(folder / "var"),
        "STRATMASTER_DENSE_URL": "hashing:",
        "STRATMASTER_SAMPLE": "false",
        "STRATMASTER_PORT": "1",
        **more,
    }


@contextmanager
def served(folder: Path, **more: str) -> Iterator[tuple[subprocess.Popen[str], httpx.Client]]:
    """The product on a free port, and a client for it; killed at the end if it still runs."""
    process = subprocess.Popen(
        [sys.executable, "-m", "backend", "serve", "--port", "0"],
        cwd=ROOT,
        env=environment(folder, **more),
        stdout=subprocess.PIPE,
        text=True,
    )
    assert process.stdout is not None
    try:
        line = process.stdout.readline()
        assert line.startswith("StratMaster serves on "), line
        with httpx.Client(base_url=line.split()[-1], timeout=30, trust_env=False) as client:
            yield process, client
    finally:
        if process.poll() is None:
            process.kill()
        process.wait()
        process.stdout.close()


def command(folder: Path, *arguments: str, port: str = "1") -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "backend", *arguments],
        cwd=ROOT,
        env=environment(folder, STRATMASTER_PORT=port),
        capture_output=True,
        text=True,
    )


def until_ready(client: httpx.Client, source: str) -> dict[str, Any]:
    async def look() -> dict[str, Any]:
        async with asyncio.timeout(90):
            while True:
                row: dict[str, Any] = client.get(f"/api/sources/{source}").json()
                if row["state"] not in {"queued", "reading", "indexing"}:
                    return row
                await asyncio.sleep(0.05)

    return asyncio.run(look())


def add(client: httpx.Client, name: str, content: bytes) -> tuple[str, str]:
    space = client.post("/api/spaces", json={"name": "Papers"}).json()["id"]
    sent = client.post(f"/api/spaces/{space}/sources", files={"file": (name, content)})
    return space, sent.json()["id"]


@pytest.mark.parametrize("stage", ["reading", "indexing"])
def test_a_killed_server_takes_its_reading_up_again(tmp_path: Path, stage: str) -> None:
    """kill -9 while a file is read or indexed: after the next start it is ready, whole and once."""
    with served(tmp_path) as (process, client):
        space, source = add(client, "big.md", TEXT.encode())
        while client.get(f"/api/sources/{source}").json()["state"] in {"queued", "reading"} - {
            stage
        }:
            pass
        process.send_signal(signal.SIGKILL)
        process.wait()
    with served(tmp_path) as (_, client):
        row = until_ready(client, source)
        assert (row["state"], row["versions"]) == ("ready", 1)
        health = client.get("/api/health").json()
        held = {port["port"]: port["detail"] for port in health["ports"]}
        assert health["status"] == "ok", health
        assert held["bm25"] == held["hashing"] == f"{row['receipt']['passages']:,} passages"
        found = client.get(f"/api/spaces/{space}/search", params={"q": "freight to port 77"})
        ids = [hit["passage"]["id"] for hit in found.json()["hits"]]
        assert ids
        assert len(set(ids)) == len(ids)


def test_a_stop_ends_open_streams_and_leaves_in_good_order(tmp_path: Path) -> None:
    """SIGTERM with a listener connected: its stream ends, and the exit status is 0."""
    with served(tmp_path) as (process, client):
        space = client.post("/api/spaces", json={"name": "Papers"}).json()["id"]
        with client.stream("GET", f"/api/spaces/{space}/events") as stream:
            lines = stream.iter_lines()
            assert next(lines) == ": listening"
            process.send_signal(signal.SIGTERM)
            assert [line for line in lines if line] == []
        assert process.wait(timeout=20) == 0


@pytest.mark.parametrize("larger_by", [1, 16 * 1024 * 1024])
def test_a_change_that_is_too_large_is_refused_by_its_code(tmp_path: Path, larger_by: int) -> None:
    """Past 16 MiB the room says 4413; the socket reads twice that, so that it can."""
    with served(tmp_path) as (_, client):
        space = client.post("/api/spaces", json={"name": "Papers"}).json()["id"]
        brief = client.post(f"/api/spaces/{space}/briefs", json={"title": "Plan"}).json()["id"]
        with connect(f"{client.base_url}/rooms/{brief}".replace("http", "ws", 1)) as room:
            room.send(bytes(16 * 1024 * 1024 + larger_by))
            with pytest.raises(ConnectionClosed) as closed:
                while True:
                    room.recv(timeout=10)
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 4413


def test_two_servers_do_not_share_a_data_folder(tmp_path: Path) -> None:
    """The second one says what is wrong and what to do, without a traceback."""
    with served(tmp_path):
        second = command(tmp_path, "serve", "--port", "0")
    assert second.returncode == 1
    assert "open in another process" in second.stderr
    assert "Traceback" not in second.stderr


def test_a_backup_taken_while_serving_restores_to_the_same_answers(tmp_path: Path) -> None:
    """Everything is there afterwards: sources, briefs, evidence, and what search finds."""
    archive = tmp_path / "backup.tar.gz"
    with served(tmp_path) as (_, client):
        space, source = add(client, "m.md", b"# Market\n\nThe market grew 12.1 % in 2025.\n")
        row = until_ready(client, source)
        brief = client.post(f"/api/spaces/{space}/briefs", json={"title": "Plan"}).json()
        query = f"/api/spaces/{space}/search?q=market%20grew"
        before = client.get(query).json()["hits"]
        port = str(client.base_url.port)
        made = command(tmp_path, "backup", str(archive), "--json", port=port)
        assert made.returncode == 0, made.stderr
    elsewhere = tmp_path / "elsewhere"
    restored = command(elsewhere, "restore", str(archive), "--json")
    assert restored.returncode == 0, restored.stderr
    assert json.loads(restored.stdout)["passages"] == row["receipt"]["passages"]
    with served(elsewhere) as (_, client):
        assert client.get(f"/api/sources/{source}").json()["version"] == row["version"]
        assert client.get(f"/api/briefs/{brief['id']}").json()["title"] == "Plan"
        after = client.get(query).json()["hits"]
        assert [hit["passage"] for hit in after] == [hit["passage"] for hit in before]
        file = f"/api/sources/{source}/versions/{row['version']['hash']}/file"
        assert client.get(file).content == b"# Market\n\nThe market grew 12.1 % in 2025.\n"


def test_a_damaged_or_hostile_archive_changes_nothing(tmp_path: Path) -> None:
    """One flipped byte, a cut file, a path that leads out: refused, and the data stays."""
    with served(tmp_path) as (_, client):
        space, source = add(client, "m.md", b"# Market\n\nThe market grew.\n")
        until_ready(client, source)
    archive = tmp_path / "backup.tar.gz"
    assert command(tmp_path, "backup", str(archive)).returncode == 0
    refused = command(tmp_path, "restore", str(archive))
    assert refused.returncode == 1
    assert "--replace" in refused.stderr
    cut = tmp_path / "cut.tar.gz"
    cut.write_bytes(archive.read_bytes()[:-200])
    changed = tmp_path / "changed.tar.gz"
    outside = tmp_path / "outside.tar.gz"
    with (
        tarfile.open(archive) as whole,
        tarfile.open(changed, "w:gz") as wrong,
        tarfile.open(outside, "w:gz") as hostile,
    ):
        for entry in whole:
            content = whole.extractfile(entry)
            assert content is not None
            data = content.read()
            if entry.name.startswith("blobs/local/originals"):
                data = bytes([data[0] ^ 1]) + data[1:]
            wrong.addfile(entry, io.BytesIO(data))
        evil = tarfile.TarInfo("blobs/../../evil")
        hostile.addfile(evil, io.BytesIO(b""))
    for bad in (cut, changed, outside):
        answer = command(tmp_path, "restore", str(bad), "--replace")
        assert answer.returncode == 1, bad
        assert "is not a whole backup" in answer.stderr, answer.stderr
        assert "Traceback" not in answer.stderr
    assert not (tmp_path / "evil").exists()
    with served(tmp_path) as (_, client):
        assert client.get(f"/api/sources/{source}").json()["state"] == "ready"
        assert space


def test_ingest_and_ask_work_with_and_without_a_server(tmp_path: Path) -> None:
    """The same commands, the same answers; what could not be read is named and sets the status."""
    papers = tmp_path / "papers"
    (papers / "deep").mkdir(parents=True)
    (papers / "deep/market.md").write_text("# Market\n\nThe Austrian market grew 12.1 % in 2025.\n")
    (papers / "empty.txt").write_text("")
    alone = command(tmp_path, "ingest", str(papers), "--json")
    assert alone.returncode == 1, alone.stderr
    rows = {row["path"]: row for row in json.loads(alone.stdout)}
    assert rows["papers/deep/market.md"]["state"] == "ready"
    assert rows["papers/empty.txt"]["error"]["code"] == "empty"
    question = "How much did the Austrian market grow in 2025?"
    answer = command(tmp_path, "ask", question, "--json")
    assert answer.returncode == 0, answer.stderr
    told = json.loads(answer.stdout)
    assert "12.1 %" in told["sentences"][0]["text"]
    assert told["sentences"][0]["evidence"]
    with served(tmp_path) as (_, client):
        served_answer = command(tmp_path, "ask", question, port=str(client.base_url.port))
    assert served_answer.returncode == 0, served_answer.stderr
    assert "[1] market.md" in served_answer.stdout
    declined = command(tmp_path, "ask", "Who won the chess olympiad of 1972?")
    assert declined.returncode == 3, declined.stdout


def test_doctor_says_what_is_missing_and_what_to_do(tmp_path: Path) -> None:
    """Without weights the dense leg is down by name, words still find things, and status is 1."""
    said = command(tmp_path, "doctor", "--json")
    assert {port["port"] for port in json.loads(said.stdout)["ports"]} >= {"database", "bm25"}
    without = subprocess.run(
        [sys.executable, "-m", "backend", "doctor"],
        cwd=ROOT,
        env=environment(
            tmp_path,
            STRATMASTER_DENSE_URL="onnx:granite-embedding-30m-english",
            STRATMASTER_MODELS_DIR=str(tmp_path / "nothing"),
        ),
        capture_output=True,
        text=True,
    )
    assert without.returncode == 1
    assert "LOOK dense" in without.stdout
    assert "./stratmaster setup" in without.stdout


def test_reindex_builds_what_was_thrown_away(tmp_path: Path) -> None:
    """With the index folders gone everything stored is found again, without reading any file."""
    import shutil

    with served(tmp_path) as (_, client):
        space, source = add(client, "m.md", b"# Market\n\nThe market grew.\n")
        row = until_ready(client, source)
    for folder in ("lexical", "vectors"):
        shutil.rmtree(tmp_path / "var" / folder)
    assert command(tmp_path, "doctor").returncode == 1
    made = command(tmp_path, "reindex", "--json")
    assert json.loads(made.stdout) == {"passages": row["receipt"]["passages"]}, made.stderr
    with served(tmp_path) as (_, client):
        found = client.get(f"/api/spaces/{space}/search?q=market").json()["hits"]
        assert found[0]["contributions"][0]["leg"] == "bm25"


def test_reindex_is_done_by_the_server_that_runs(tmp_path: Path) -> None:
    """It serves meanwhile; the command shows how far it is, and says the same number at the end."""
    with served(tmp_path) as (_, client):
        space, source = add(client, "m.md", TEXT.encode())
        row = until_ready(client, source)
        passages = row["receipt"]["passages"]
        made = command(tmp_path, "reindex", "--json", port=str(client.base_url.port))
        assert json.loads(made.stdout) == {"passages": passages}, made.stderr
        counts = [json.loads(line) for line in made.stderr.splitlines()]
        assert counts[-1] == {"done": passages, "total": passages}
        found = client.get(f"/api/spaces/{space}/search?q=freight").json()
        assert {leg["state"] for leg in found["trace"]["legs"]} == {"ok"}
        ports = client.get("/api/health").json()["ports"]
        (words,) = (port for port in ports if port["port"] == "bm25")
        assert words["detail"] == f"{passages:,} passages"
    assert (tmp_path / "var" / "lexical.g1").is_dir()

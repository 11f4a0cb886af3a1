"""Starts the fetched servers: on loopback and free ports, without privileges, gone with the tests.

A server of your own is used instead where its address is in the environment.
"""

from __future__ import annotations

import json
import os
import pwd
import shutil
import socket
import subprocess
import tempfile
import time
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path

from tests.conftest import ROOT, missing
from tests.ports import free_port, free_ports

SERVERS = Path(os.environ.get("STRATMASTER_TEST_SERVERS", ROOT / "var/test-servers"))
PATIENCE = 90.0  # seconds until a server that has not answered is given up
S3_KEY, S3_SECRET = "stratmaster", "only-for/the+tests"


@contextmanager
def qdrant(kept: Path | None = None) -> Iterator[str]:
    """The address, as host and port, of a Qdrant; what it holds may be kept for the next one."""
    http, grpc = free_ports(2)
    with private_folder() as folder:
        environment = {
            "QDRANT__SERVICE__HOST": "127.0.0.1",
            "QDRANT__SERVICE__HTTP_PORT": str(http),
            "QDRANT__SERVICE__GRPC_PORT": str(grpc),
            "QDRANT__STORAGE__STORAGE_PATH": str((kept or folder) / "storage"),
            "QDRANT__STORAGE__SNAPSHOTS_PATH": str(folder / "snapshots"),
            "QDRANT__TELEMETRY_DISABLED": "true",
            "QDRANT__LOG_LEVEL": "WARN",
        }
        command = [str(_fetched("qdrant", "qdrant"))]
        with _running(command, folder, environment, f"http://127.0.0.1:{http}/readyz"):
            yield f"127.0.0.1:{http}"


@contextmanager
def s3() -> Iterator[str]:
    """The address of an S3 server that takes S3_KEY and S3_SECRET and nobody else's."""
    s3, master, master_grpc, volume, volume_grpc, filer, filer_grpc, s3_grpc = free_ports(8)
    with private_folder() as folder:
        (folder / "s3.json").write_text(
            f'{{"identities": [{{"name": "tests", "actions": ["Admin"], "credentials": '
            f'[{{"accessKey": "{S3_KEY}", "secretKey": "{S3_SECRET}"}}]}}]}}'
        )
        command = [
            str(_fetched("seaweedfs", "weed")), "server", "-ip=127.0.0.1", "-ip.bind=127.0.0.1",
            f"-dir={folder}", "-s3", f"-s3.config={folder}/s3.json", f"-s3.port={s3}",
            f"-s3.port.grpc={s3_grpc}", "-s3.port.iceberg=0", "-s3.port.lance=0",
            f"-master.port={master}", f"-master.port.grpc={master_grpc}", f"-volume.port={volume}",
            f"-volume.port.grpc={volume_grpc}", f"-filer.port={filer}",
            f"-filer.port.grpc={filer_grpc}", "-master.volumeSizeLimitMB=64", "-volume.max=1000",
        ]  # fmt: skip
        with _running(command, folder, {}, f"http://127.0.0.1:{s3}/healthz"):
            yield f"127.0.0.1:{s3}"


@contextmanager
def oidc(config: Mapping[str, object]) -> Iterator[str]:
    """The address, with its scheme, of an authorization server: tests/servers/oidc/serve.mjs says
    what the configuration may hold."""
    _fetched("oidc", "node_modules/oidc-provider/lib/index.js")
    node = shutil.which("node")
    if node is None:
        missing("Node 20 is needed; see https://nodejs.org")
    (port,) = free_ports(1)
    said = [str(SERVERS / "oidc"), str(port), json.dumps(config)]
    with tempfile.TemporaryFile() as output:
        server = subprocess.Popen(
            [node, str(ROOT / "tests/servers/oidc/serve.mjs"), *said],
            stdout=subprocess.PIPE,
            stderr=output,
        )
        try:
            assert server.stdout is not None
            if server.stdout.readline() != b"ready\n":
                output.seek(0)
                raise RuntimeError(f"it did not start:\n{output.read().decode(errors='replace')}")
            yield f"http://127.0.0.1:{port}"
        finally:
            server.kill()
            server.communicate()


@contextmanager
def prism(document: Mapping[str, object], ready: str) -> Iterator[str]:
    """The address, with its scheme, of a server that answers as an OpenAPI document says, and
    refuses what it does not allow. ``ready``: a path that it answers without a token."""
    program = _fetched("prism", "node_modules/@stoplight/prism-cli/dist/index.js")
    node = shutil.which("node")
    if node is None:
        missing("Node 20 is needed; see https://nodejs.org")
    (port,) = free_ports(1)
    address = f"http://127.0.0.1:{port}"
    command = [node, str(program), "mock", "--errors", "--host", "127.0.0.1", "--port", str(port)]
    with private_folder() as folder:
        file = folder / "document.json"
        file.write_text(json.dumps(document))
        file.chmod(0o644)
        with _running([*command, str(file)], folder, {}, f"{address}{ready}"):
            yield address


@contextmanager
def opensearch() -> Iterator[str]:
    """The address of an OpenSearch of one node, without the security plugin."""
    home = _fetched("opensearch", "bin/opensearch").parents[1]
    http, transport = free_ports(2)
    with private_folder() as folder:
        if not _readable(home):
            home = Path(shutil.copytree(home, folder / "home", symlinks=True))
        settings = {
            "cluster.name": "tests",
            "discovery.type": "single-node",
            "network.host": "127.0.0.1",
            "http.port": http,
            "transport.port": transport,
            "path.data": folder / "data",
            "path.logs": folder / "logs",
            "node.processors": 2,
            "action.auto_create_index": "false",  # a write that meets no index of ours is a fault
            "cluster.routing.allocation.disk.threshold_enabled": "false",
        }
        config = folder / "config"
        config.mkdir()
        shutil.copy(home / "config/log4j2.properties", config)
        (config / "jvm.options").write_text(
            "-Xms512m\n-Xmx512m\n-XX:+UseSerialGC\n-XX:TieredStopAtLevel=1\n"
            "-Djava.io.tmpdir=${OPENSEARCH_TMPDIR}\n"
        )
        (config / "opensearch.yml").write_text(
            "".join(f"{name}: {value}\n" for name, value in settings.items())
        )
        _hand_over(folder)
        environment = {
            "OPENSEARCH_JAVA_HOME": str(home / "jdk"),
            "OPENSEARCH_PATH_CONF": str(config),
            "OPENSEARCH_TMPDIR": str(folder),
        }
        command = [str(home / "bin/opensearch")]
        address = f"http://127.0.0.1:{http}/_cluster/health?wait_for_status=yellow"
        with _running(command, folder, environment, address):
            yield f"127.0.0.1:{http}"


@contextmanager
def redis(port: int | None = None) -> Iterator[str]:
    """The address, as host and port, of a Redis that keeps nothing."""
    program = shutil.which("redis-server") or shutil.which("valkey-server")
    if program is None:
        missing("no Redis is installed; on Debian: apt-get install redis-server")
    port = port or free_port()
    with private_folder() as folder:
        command = [
            program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no",
            "--dir", str(folder),
        ]  # fmt: skip
        with _running(command, folder, {}, f"tcp://127.0.0.1:{port}"):
            yield f"127.0.0.1:{port}"


def _fetched(name: str, program: str) -> Path:
    path = SERVERS / name / program
    if not path.exists():
        missing(f"no {name} in {SERVERS}; run python tests/servers/fetch.py {name}")
    return path


@contextmanager
def private_folder() -> Iterator[Path]:
    """A folder of the account that runs the servers; gone at the end."""
    folder = Path(tempfile.mkdtemp(prefix="stratmaster-server-"))
    _hand_over(folder)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _account() -> pwd.struct_passwd:
    """Who runs the servers: root lends them nobody's account."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else pwd.getpwuid(os.geteuid())


def _hand_over(folder: Path) -> None:
    account = _account()
    for path in (folder, *folder.rglob("*")):
        if not path.is_symlink():
            os.chown(path, account.pw_uid, account.pw_gid)


def _unprivileged() -> list[str]:
    """What goes before a command: it loses root's rights, and dies when the tests are killed."""
    if shutil.which("setpriv") is None:
        if os.geteuid() == 0:
            missing("setpriv (util-linux) is needed to start servers without root's rights")
        return []
    prefix = ["setpriv", "--pdeathsig=KILL"]
    if os.geteuid() == 0:
        account = _account()
        prefix += [f"--reuid={account.pw_uid}", f"--regid={account.pw_gid}", "--clear-groups"]
    return [*prefix, "--"]


def _readable(home: Path) -> bool:
    """Whether the account that runs the servers may read here; a checkout may lie in /root."""
    asked = [*_unprivileged(), "test", "-r", str(home / "bin")]
    return subprocess.run(asked, check=False).returncode == 0


@contextmanager
def _running(
    command: Sequence[str], folder: Path, environment: Mapping[str, str], address: str
) -> Iterator[None]:
    """A server from when it answers at the address until the end of the block."""
    inherited = {name: os.environ[name] for name in ("PATH", "LANG") if name in os.environ}
    program = Path(command[0]).name
    if not _runnable(command[0]):
        command = [shutil.copy(command[0], str(folder / program)), *command[1:]]
        Path(command[0]).chmod(0o755)
    with (folder / "output").open("wb") as output:
        server = subprocess.Popen(
            [*_unprivileged(), *command],
            cwd=folder,
            env={**inherited, "HOME": str(folder), **environment},
            stdout=output,
            stderr=subprocess.STDOUT,
            stdin=subprocess.DEVNULL,
        )
    try:
        _await(server, address, folder / "output", program)
        yield
    finally:
        server.kill()  # nothing it holds outlives the tests
        with suppress(subprocess.TimeoutExpired):
            server.wait(10)


def _runnable(program: str) -> bool:
    asked = [*_unprivileged(), "test", "-x", program]
    return subprocess.run(asked, check=False).returncode == 0


def _await(server: subprocess.Popen[bytes], address: str, output: Path, program: str) -> None:
    until = time.monotonic() + PATIENCE
    while time.monotonic() < until and server.poll() is None:
        with suppress(OSError, urllib.error.URLError), _answers(address):
            return
        time.sleep(0.1)
    said = output.read_text(errors="replace")[-2_000:]
    raise RuntimeError(f"{program} did not answer at {address}; its last words:\n{said}")


def _answers(address: str) -> AbstractContextManager[object]:
    parts = urllib.parse.urlsplit(address)
    if parts.scheme == "tcp":
        return socket.create_connection((parts.hostname, parts.port), timeout=5)
    opened: AbstractContextManager[object] = urllib.request.urlopen(address, timeout=5)
    return opened

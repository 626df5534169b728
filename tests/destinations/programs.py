"""Programs that the tests need: built once from the Go module proxy, run as servers for as long as a test."""

from __future__ import annotations

import hashlib
import http.client
import os
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from pipeline.cache import cache_root
from release.filelock import locked

START_SECONDS = 30.0


def go_program(name: str, version: str, package: str, module: Path | None = None) -> Path:
    """Build a Go program once a version, into the cache; ``module``: the folder that ``package`` is relative to."""
    place = cache_root() / "servers" / f"{name}-{version}"
    with locked(place.with_name(f"{place.name}.lock")):
        if not place.exists():
            with tempfile.TemporaryDirectory(dir=place.parent) as work:
                env = {**os.environ, "CGO_ENABLED": "0", "GOBIN": f"{work}/bin"}
                subprocess.run(["go", "install", "-p", "2", package], cwd=module or work, env=env, check=True)
                Path(work, "bin").rename(place)
    return place / name


def go_module(folder: Path) -> Path:
    """Build the Go program in a folder of this repository, once for each state of it; called like the folder."""
    state = hashlib.sha256(b"".join((folder / name).read_bytes() for name in ("main.go", "go.mod", "go.sum")))
    return go_program(folder.name, state.hexdigest()[:12], ".", folder)


@contextmanager
def serving(command: Sequence[str | Path], host: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server that answers HTTP on ``host``; its output goes to ``folder``/log."""
    folder.mkdir(parents=True, exist_ok=True)
    log = folder / "log"
    with log.open("wb") as output:
        # It dies with this process, however that ends.
        process = subprocess.Popen(
            ["setpriv", "--pdeathsig", "KILL", *command],
            stdin=subprocess.DEVNULL,
            stdout=output,
            stderr=subprocess.STDOUT,
        )
    try:
        deadline = time.monotonic() + START_SECONDS
        while not _answers(host):
            if process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"{command[0]} does not answer on {host}:\n{log.read_text(errors='replace')}")
            time.sleep(0.05)
        yield process
    finally:
        process.kill()
        process.wait()


def free_host() -> str:
    """An address of this machine that nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        return f"127.0.0.1:{server.getsockname()[1]}"


def _answers(host: str) -> bool:
    connection = http.client.HTTPConnection(host, timeout=5)
    try:
        connection.request("GET", "/")
        connection.getresponse().read()
    except (OSError, http.client.HTTPException):
        return False
    finally:
        connection.close()
    return True

"""Sessions: release · engine · bump · lock · requirements · lint · types · tests · reproduce · bench (`nox -l`)."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import nox

nox.options.default_venv_backend = "venv"
nox.options.reuse_existing_virtualenvs = True
nox.options.error_on_missing_interpreters = True
nox.options.sessions = ["lint", "types", "tests"]

REQUIREMENTS = Path("requirements")
REQUIREMENT_GROUPS = {
    "tests": ["pipeline", "tests"],
    "bench": ["pipeline", "tests", "bench"],
    "pipeline": ["pipeline"],
    "lint": ["lint"],
    "kms": ["kms"],
    "nox": ["nox"],
}
# Without a header or annotations: neither a command line nor an index is written into the files.
UV_COMPILE = ["--quiet", "--universal", "--python-version=3.11", "--generate-hashes", "--no-header", "--no-annotate"]


def install(session: nox.Session, *groups: str) -> None:
    """Install hash-pinned requirements; nothing that has no hash comes in."""
    for group in groups:
        session.install("--require-hashes", "--only-binary=:all:", "-r", str(REQUIREMENTS / f"{group}.txt"))


def run_to_status(session: nox.Session, *arguments: str) -> None:
    """Run this project's program as it would run without nox: it gets the signals, and its exit
    status becomes nox's (nox itself knows only 1)."""
    command = [str(Path(session.bin) / "python"), "-m", "pipeline", *arguments, *session.posargs]
    process = subprocess.Popen(command)
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, lambda received, _: process.send_signal(received))
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to the program too
    status = process.wait()
    if status:
        sys.exit(status if status > 0 else 128 - status)


@nox.session(default=False)
def release(session: nox.Session) -> None:
    """Build a release on a Dagger engine and publish it: `-- --help` lists the options."""
    install(session, "pipeline")
    run_to_status(session, "release")


@nox.session(default=False)
def engine(session: nox.Session) -> None:
    """The Dagger engine built on this machine: `-- status|start|stop|logs|build|prune`."""
    install(session, "pipeline")
    run_to_status(session, "engine")


@nox.session(default=False)
def bump(session: nox.Session) -> None:
    """Turn Unreleased in CHANGELOG.md into the next version: `-- major|minor|patch|rc`."""
    install(session, "pipeline")
    run_to_status(session, "bump")


@nox.session(default=False)
def lock(session: nox.Session) -> None:
    """Write toolchain.lock anew from the installed data packages and the Debian mirror."""
    install(session, "pipeline")
    run_to_status(session, "lock")


@nox.session(default=False)
def requirements(session: nox.Session) -> None:
    """Write requirements/*.txt anew from pyproject.toml: `-- --upgrade` takes the newest versions."""
    session.install("uv")
    for name, groups in REQUIREMENT_GROUPS.items():
        arguments = ["pyproject.toml"] if "pipeline" in groups else []
        for group in groups:
            arguments += ["--group", group]
        arguments += ["--output-file", str(REQUIREMENTS / f"{name}.txt"), *session.posargs]
        session.run("uv", "pip", "compile", *UV_COMPILE, *arguments)


@nox.session
def lint(session: nox.Session) -> None:
    """Check style and format with ruff."""
    install(session, "lint")
    session.run("ruff", "check", ".")
    session.run("ruff", "format", "--check", ".")


@nox.session
def types(session: nox.Session) -> None:
    """Check types with mypy, strictly."""
    install(session, "tests")
    install(session, "nox")
    session.run("mypy")


@nox.session
def tests(session: nox.Session) -> None:
    """Run the tests, fast ones first; `-- -m 'not engine'` leaves out those that build."""
    install(session, "tests")
    session.run("pytest", *session.posargs)


@nox.session(default=False)
def reproduce(session: nox.Session) -> None:
    """Build a release in several worlds and compare byte for byte: `-- --help` lists the options."""
    install(session, "pipeline")
    run_to_status(session, "reproduce")


@nox.session(default=False)
def bench(session: nox.Session) -> None:
    """Measure publishing and fetching beside other tools on the same servers: `-- --help` lists the options."""
    install(session, "bench")
    folders = [".", "tests", "tests/bench", "tests/destinations", "tests/release"]
    session.run("python", "tests/bench/bench.py", *session.posargs, env={"PYTHONPATH": os.pathsep.join(folders)})

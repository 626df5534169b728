"""A real release of the sample, made once by the real engine, for all end-to-end tests."""

from __future__ import annotations

import json
import tarfile
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import VERSION
from support import make_source, pipeline


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything in this folder needs the engine."""
    for item in items:
        if Path(__file__).parent in item.path.parents:
            item.add_marker(pytest.mark.engine)


@pytest.fixture(scope="session", autouse=True)
def running_engine() -> Iterator[None]:
    """Keep one engine for all tests; one that was started by hand before stays afterwards."""
    before = pipeline("engine", "status").stdout
    started = pipeline("engine", "start")
    assert started.returncode == 0, started.stdout + started.stderr
    yield
    if "stays until stopped" not in before:
        pipeline("engine", "stop")


@pytest.fixture(scope="session")
def tagged_source(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_source(tmp_path_factory.mktemp("tagged") / "source")


@pytest.fixture(scope="session")
def destination(tmp_path_factory: pytest.TempPathFactory, tagged_source: Path) -> Path:
    """A destination with the release 1.0.0 of the sample in it."""
    target = tmp_path_factory.mktemp("released") / "dist"
    done = pipeline("release", "--source", tagged_source, "--to", target)
    assert done.returncode == 0, done.stdout + done.stderr
    return target


@pytest.fixture(scope="session")
def release(destination: Path) -> Path:
    """The folder of the release itself."""
    return destination / "releases" / VERSION


@pytest.fixture(scope="session")
def manifest(release: Path) -> dict:  # type: ignore[type-arg]
    return json.loads((release / "release.json").read_bytes())  # type: ignore[no-any-return]


@pytest.fixture(scope="session")
def unpacked(release: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """All archives unpacked, each into a folder named like its file."""
    target = tmp_path_factory.mktemp("unpacked")
    for archive in release.iterdir():
        if archive.name.endswith(".tar.gz"):
            with tarfile.open(archive) as tar:
                tar.extractall(target / archive.name, filter="data")
        elif archive.suffix == ".zip":
            with zipfile.ZipFile(archive) as zipped:
                zipped.extractall(target / archive.name)
    return target

"""Servers that run once for all tests of this folder; see servers.py."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from servers import RegistryServer, S3Server, start_docker_registry, start_referrers_registry, start_s3


@pytest.fixture(scope="session")
def s3(tmp_path_factory: pytest.TempPathFactory) -> Iterator[S3Server]:
    """An S3 server."""
    with start_s3(tmp_path_factory.mktemp("s3")) as server:
        yield server


@pytest.fixture(scope="session")
def plain_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry without the referrers API."""
    with start_docker_registry(tmp_path_factory.mktemp("plain-registry")) as server:
        yield server


@pytest.fixture(scope="session")
def referrers_registry(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry with the referrers API."""
    with start_referrers_registry(tmp_path_factory.mktemp("referrers-registry")) as server:
        yield server


@pytest.fixture(params=["plain_registry", "referrers_registry"])
def registry(request: pytest.FixtureRequest) -> RegistryServer:
    """Each kind of registry in turn."""
    return request.getfixturevalue(request.param)  # type: ignore[no-any-return]

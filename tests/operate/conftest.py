"""Servers that run once for all tests of this folder; see proxied.py and echo_api.py."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from doctor_servers import Healthy, start_installation
from echo_api import EchoApi, start_echo_api
from postgres_server import PostgresServer, golang_migrate, start_postgres
from proxied import Proxies, certify, lay_out_bundles, local_site, start_proxies


@pytest.fixture(scope="session")
def api() -> Iterator[EchoApi]:
    """What stands behind the proxies."""
    with start_echo_api() as echo:
        yield echo


@pytest.fixture(scope="session")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with certificates and both bundles."""
    folder = tmp_path_factory.mktemp("installation")
    certify(folder)
    lay_out_bundles(folder)
    return folder


@pytest.fixture(scope="session")
def proxies(api: EchoApi, installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    """All proxies, before an api that answers."""
    with start_proxies(local_site(installation, api.host), tmp_path_factory.mktemp("nginx") / "etc") as running:
        yield running


@pytest.fixture(scope="session")
def postgres(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgresServer]:
    """PostgreSQL 17."""
    with start_postgres(tmp_path_factory.mktemp("postgresql")) as server:
        yield server


@pytest.fixture(scope="session")
def migrate() -> Path:
    """The real golang-migrate."""
    return golang_migrate()


@pytest.fixture(scope="session")
def healthy(postgres: PostgresServer, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Healthy]:
    """A whole installation, for doctor; see doctor_site.py."""
    with start_installation(tmp_path_factory.mktemp("healthy"), postgres) as running:
        yield running

"""The released parts work together: PostgreSQL 17, the migrations image, bootstrap, the api."""

from __future__ import annotations

import asyncio
import json
import urllib.request
import uuid
from pathlib import Path

import dagger
from e2e_support import layout_tar
from rich.console import Console

from pipeline.base import ensure_root
from pipeline.engine.connect import session
from pipeline.progress import Progress

POSTGRES = "/usr/lib/postgresql/17/bin"
INITIALISE = f"""set -e
{POSTGRES}/initdb --pgdata /tmp/data --username postgres --auth trust
echo 'host all all all trust' >> /tmp/data/pg_hba.conf
"""
URL = "postgres://postgres@db:5432/postgres?sslmode=disable"


async def postgres(client: dagger.Client, progress: Progress) -> dagger.Service:
    """PostgreSQL 17 of Debian trixie with an empty database."""
    root = await ensure_root("postgresql", "trixie", ["postgresql-17"], progress)
    return (
        client.container()
        .with_rootfs(client.host().directory(str(root)))
        .with_user("postgres")
        .with_env_variable("INSTANCE", str(uuid.uuid4()))
        .with_exec(["sh", "-c", INITIALISE])
        .with_exposed_port(5432)
        .as_service(
            args=[f"{POSTGRES}/postgres", "-D", "/tmp/data"]
            + ["-c", "listen_addresses=*", "-c", "unix_socket_directories=/tmp"]
        )
    )


def get(address: str) -> str:
    with urllib.request.urlopen(address, timeout=30) as answer:
        return str(answer.read().decode())


async def deploy(release: Path, work: Path) -> dict[str, str]:
    """Carry an empty database to an answering api; returns what each part printed."""
    said: dict[str, str] = {}
    with Progress(Console(quiet=True)) as progress:
        async with session(progress, work / "session.log") as client:
            database = await (await postgres(client, progress)).start()

            def image(name: str) -> dagger.Container:
                layout = client.host().file(str(layout_tar(release, name, work)))
                # The database is new in each run, so a result of an earlier run must not be taken.
                return (
                    client.container()
                    .import_(layout)
                    .with_service_binding("db", database)
                    .with_env_variable("INSTANCE", str(uuid.uuid4()))
                )

            migrate = image("tesseraldb-migrations")
            for action in (["up"], ["version"]):
                done = migrate.with_exec(["-database", URL, *action], use_entrypoint=True)
                said[action[0]] = await done.stdout() + await done.stderr()
            said["bootstrap"] = await (
                image("tesseral-bootstrap")
                .with_exec(
                    ["bootstrap", "--database", URL, "--session-kms-key-id", "key", "--kms-endpoint", "http://kms"]
                    + ["--root-user-email", "root@example.com", "--console-domain", "console.example.com"]
                    + ["--vault-domain", "vault.console.example.com"],
                    use_entrypoint=True,
                )
                .stdout()
            )
            project = said["bootstrap"].split("\t")[0]
            api = (
                image("tesseral-api")
                .with_env_variable("API_DB_DSN", URL)
                .with_env_variable("API_CONSOLE_DOMAIN", "console.example.com")
                .with_env_variable("API_AUTH_APPS_ROOT_DOMAIN", "example.com")
                .with_env_variable("API_DOGFOOD_PROJECT_ID", project)
                .with_env_variable("API_SESSION_KMS_KEY_ID", "key")
                .with_exposed_port(3001)
                .as_service(use_entrypoint=True)
            )
            tunnel = await client.host().tunnel(api).start()
            address = await tunnel.endpoint(scheme="http")
            for path in ("/api/internal/health", "/api/backend/v1/projects", "/api/config-api/v1/config"):
                said[path] = await asyncio.to_thread(get, address + path)
            await tunnel.stop()
            await database.stop()
    return said


def test_an_empty_database_becomes_an_answering_api(release: Path, tmp_path: Path) -> None:
    said = asyncio.run(deploy(release, tmp_path))
    assert "5/u session_signing_keys" in said["up"]
    assert said["version"].strip() == "5"
    project, email, password = said["bootstrap"].strip().split("\t")
    assert project.startswith("project_")
    assert email == "root@example.com"
    assert password.startswith("this_is_a_very_sensitive_password_")
    assert said["/api/internal/health"] == "ok"
    # These answers can only come out of the database that bootstrap wrote to.
    projects = json.loads(said["/api/backend/v1/projects"])["projects"]
    assert [(p["id"], p["vaultDomain"]) for p in projects] == [(project, "vault.console.example.com")]
    assert json.loads(said["/api/config-api/v1/config"])["dogfoodProjectId"] == project

"""Logging in: passwords, tokens, credential helpers, and who is never told who we are."""

from __future__ import annotations

import base64
import json
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from faults import Answer, FaultProxy, either, every
from registry_samples import V140, destination, fetched, publisher
from registry_tokens import LEEWAY, TokenServer, token_server
from release_samples import staged
from servers import RegistryServer, start_docker_registry

from release.destination.registry import RegistryDestination, manifests
from release.errors import DestinationError
from release.publish import publish
from release.staged import StagedRelease

USER, PASSWORD = "maintainer", "correct horse:battery"
MAY_ALL = frozenset({"pull", "push", "delete"})


@pytest.fixture
def release(tmp_path: Path) -> StagedRelease:
    return staged(tmp_path / "stage", content=b"small")


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RegistryServer]:
    """A registry with one user."""
    folder = tmp_path_factory.mktemp("guarded")
    # glibc's crypt knows bcrypt in Debian; Perl asks it.
    salt = "$2b$04$" + "a" * 22
    hashed = subprocess.run(
        ["perl", "-e", "print crypt($ARGV[0], $ARGV[1])", PASSWORD, salt], capture_output=True, text=True, check=True
    ).stdout
    assert hashed.startswith("$2b$04$")
    (folder / "htpasswd").write_text(f"{USER}:{hashed}\n")
    auth = {"htpasswd": {"realm": "test", "path": str(folder / "htpasswd")}}
    with start_docker_registry(folder, auth=auth) as server:
        yield server


@pytest.fixture(scope="module")
def tokens(tmp_path_factory: pytest.TempPathFactory) -> Iterator[TokenServer]:
    users = {USER: (PASSWORD, MAY_ALL), "reader": ("reads", frozenset({"pull"}))}
    with token_server(tmp_path_factory.mktemp("token") / "server", users=users) as server:
        server.refresh_tokens["a refresh token"] = USER
        yield server


@pytest.fixture(scope="module")
def bearing(tmp_path_factory: pytest.TempPathFactory, tokens: TokenServer) -> Iterator[RegistryServer]:
    """A registry that wants tokens."""
    with start_docker_registry(tmp_path_factory.mktemp("bearing"), auth=tokens.registry_settings) as server:
        yield server


@pytest.fixture
def config(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Docker's configuration file, which isn't there yet; the home directory has none."""
    monkeypatch.setenv("DOCKER_CONFIG", str(tmp_path / "docker"))
    monkeypatch.delenv("REGISTRY_AUTH_FILE", raising=False)
    (tmp_path / "docker").mkdir()
    return tmp_path / "docker" / "config.json"


def login(config: Path, place: str, user: str = USER, password: str = PASSWORD) -> None:
    entry = {"auth": base64.b64encode(f"{user}:{password}".encode()).decode()}
    config.write_text(json.dumps({"auths": {place: entry}}))


def helper(folder: Path, monkeypatch: pytest.MonkeyPatch, script: str) -> None:
    """Install ``docker-credential-testing``."""
    folder.mkdir()
    program = folder / "docker-credential-testing"
    program.write_text(f"#!/bin/sh\n{script}\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(folder), prepend=":")


def works(here: RegistryDestination, release: StagedRelease, folder: Path) -> None:
    publish(release, [here], "stable")
    assert fetched(here, V140, folder) is not None


def test_a_password(config: Path, guarded: RegistryServer, release: StagedRelease, tmp_path: Path) -> None:
    login(config, guarded.host)
    works(destination(guarded.prefix()), release, tmp_path / "found")


@pytest.mark.parametrize("password", ["wrong", None])
def test_a_wrong_password_and_none(
    config: Path, guarded: RegistryServer, release: StagedRelease, password: str | None
) -> None:
    if password is not None:
        login(config, guarded.host, password=password)
    with publisher(DOCKER_CONFIG=str(config.parent)) as process:
        process.start(release, guarded.prefix())
        answer, status = process.wait()
    assert status == DestinationError.exit_status == 6
    assert "does not accept who we are (401)" in answer
    assert f"log in with `docker login {guarded.host}`" in answer
    assert "\n" not in answer
    assert PASSWORD not in answer


def test_podman_keeps_passwords_by_prefix(
    config: Path, guarded: RegistryServer, release: StagedRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    place = guarded.prefix()
    login(config, place)
    document = json.loads(config.read_text())
    document["auths"][guarded.host] = {"auth": base64.b64encode(b"somebody:else").decode()}
    (tmp_path / "auth.json").write_text(json.dumps(document))
    config.write_text("{}")
    monkeypatch.setenv("REGISTRY_AUTH_FILE", str(tmp_path / "auth.json"))
    works(destination(place), release, tmp_path / "found")


def test_a_credential_helper(
    config: Path, guarded: RegistryServer, release: StagedRelease, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = json.dumps({"ServerURL": guarded.host, "Username": USER, "Secret": PASSWORD})
    script = f"""[ "$1" = get ] && [ "$(cat)" = {guarded.host} ] && echo '{answer}'"""
    helper(tmp_path / "bin", monkeypatch, script)
    config.write_text(json.dumps({"credsStore": "absent", "credHelpers": {guarded.host: "testing"}}))
    works(destination(guarded.prefix()), release, tmp_path / "found")


@pytest.mark.parametrize(
    ("content", "script", "told"),
    [
        ("{", "", "is not a Docker configuration file"),
        ('{"auths": [1]}', "", "is not a Docker configuration file"),
        ('{"auths": {"HOST": {"auth": "bm9jb2xvbg=="}}}', "", "is not a Docker configuration file"),
        ('{"credsStore": "absent"}', "", "docker-credential-absent, which .* names, cannot be run"),
        ('{"credsStore": "../evil"}', "", "which is no program's name"),
        ('{"credsStore": "testing"}', "echo locked; exit 1", "docker-credential-testing failed for HOST: locked"),
        ('{"credsStore": "testing"}', "echo nonsense", "did not answer with credentials"),
        ('{"credsStore": "testing"}', "echo credentials not found in native keychain; exit 1", "docker login"),
    ],
)
def test_broken_credentials_are_told(
    config: Path,
    guarded: RegistryServer,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    content: str,
    script: str,
    told: str,
) -> None:
    helper(tmp_path / "bin", monkeypatch, script)
    config.write_text(content.replace("HOST", guarded.host))
    with pytest.raises(DestinationError, match=told.replace("HOST", guarded.host)) as caught:
        destination(guarded.prefix()).check()
    assert "\n" not in str(caught.value)


def test_tokens(
    config: Path, bearing: RegistryServer, tokens: TokenServer, release: StagedRelease, tmp_path: Path
) -> None:
    login(config, bearing.host)
    tokens.asked.clear()
    works(destination(bearing.prefix()), release, tmp_path / "found")
    # To read and to write in each of two repositories, and to give up the upload that shows early that it can be.
    assert tokens.asked == [("GET", USER)] * 5


def test_an_identity_token_from_a_helper(
    config: Path,
    bearing: RegistryServer,
    tokens: TokenServer,
    release: StagedRelease,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    answer = json.dumps({"Username": "<token>", "Secret": "a refresh token"})
    helper(tmp_path / "bin", monkeypatch, f"echo '{answer}'")
    config.write_text('{"credsStore": "testing"}')
    tokens.asked.clear()
    works(destination(bearing.prefix()), release, tmp_path / "found")
    assert set(tokens.asked) == {("POST", USER)}


def test_a_token_that_ends_is_replaced(config: Path, bearing: RegistryServer, tokens: TokenServer) -> None:
    login(config, bearing.host)
    here = destination(bearing.prefix())
    tokens.asked.clear()
    tokens.lifetime = 1 - LEEWAY
    try:
        assert here.versions() == ()
        assert here.versions() == ()
        assert len(tokens.asked) == 1
        time.sleep(2.1)
        assert here.versions() == ()
        assert len(tokens.asked) == 2
    finally:
        tokens.lifetime = 300


def test_who_may_only_read(config: Path, bearing: RegistryServer, release: StagedRelease, tmp_path: Path) -> None:
    place = bearing.prefix()
    login(config, bearing.host)
    works(destination(place), release, tmp_path / "one")
    login(config, bearing.host, "reader", "reads")
    here = destination(place)
    assert fetched(here, V140, tmp_path / "two") is not None
    with pytest.raises(DestinationError, match=r"docker login .* as somebody who may") as caught:
        here.check()
    assert caught.value.exit_status == 6


def test_a_wrong_password_at_the_token_server(config: Path, bearing: RegistryServer) -> None:
    login(config, bearing.host, password="wrong")
    with pytest.raises(DestinationError, match=rf"the token server .* of {bearing.host} does not accept who we are"):
        destination(bearing.prefix()).check()


def test_a_refusal(plain_registry: RegistryServer) -> None:
    body = b'{"errors": [{"code": "DENIED", "message": "requested access\\nis denied \\u001b[31m"}]}'
    with FaultProxy(plain_registry.host, every(Answer(403, body=body))) as proxy:
        with pytest.raises(
            DestinationError, match=r"does not permit it \(403\): DENIED requested access is denied \[31m;"
        ):
            destination(f"{proxy.host}/there").check()
        assert len(proxy.requests) == 1


def test_passwords_go_to_the_registry_only(
    config: Path, guarded: RegistryServer, plain_registry: RegistryServer, release: StagedRelease, tmp_path: Path
) -> None:
    """Its blobs are elsewhere: who reads is sent there, and comes without a name."""
    prefix = guarded.prefix().partition("/")[2]
    publish(release, [destination(f"{plain_registry.host}/{prefix}")])
    with FaultProxy(guarded.host) as front, FaultProxy(plain_registry.host) as elsewhere:
        login(config, front.host)
        here = destination(f"{front.host}/{prefix}")
        publish(release, [here])

        def moved(request: object) -> Answer | None:
            target = str(getattr(request, "target", ""))
            away = "/blobs/sha256" in target and getattr(request, "method", "") == "GET"
            return Answer(307, {"Location": f"{elsewhere.url}{target}"}) if away else None

        front.reset(either(moved))
        elsewhere.reset()
        assert fetched(here, V140, tmp_path / "found") is not None
        assert elsewhere.requests
        assert not any("authorization" in request.headers for request in elsewhere.requests)
        assert all("authorization" in request.headers for request in front.requests)


def test_a_token_server_without_encryption_is_refused(config: Path, plain_registry: RegistryServer) -> None:
    login(config, plain_registry.host)
    challenge = 'Bearer realm="http://192.0.2.1/token",service="x"'
    with FaultProxy(plain_registry.host, every(Answer(401, {"WWW-Authenticate": challenge}))) as proxy:
        login(config, proxy.host)
        with pytest.raises(DestinationError, match="a token server without encryption"):
            destination(f"{proxy.host}/there").check()


def test_an_upload_elsewhere_without_encryption_is_refused(plain_registry: RegistryServer) -> None:
    away = Answer(307, {"Location": "http://192.0.2.1/blob"})
    with FaultProxy(plain_registry.host, every(away, method="GET")) as proxy:
        here = destination(f"{proxy.host}/there")
        with pytest.raises(DestinationError, match=r"sends us to http://192\.0\.2\.1, which is not encrypted"):
            manifests.get(here._client, "there/x", "1.4.0")

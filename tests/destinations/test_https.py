import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from faults import FaultProxy
from programs import free_host
from reading_samples import API_LINUX, CONSOLE, published, several
from web_server import WebServer, start_nginx

from release.checksums import Digest, digest_of
from release.destination import open_origin
from release.destination.https import HttpsOrigin
from release.errors import DestinationError, ReleaseError, TransientError, VerificationError, VersionError
from release.fetch import Downloads, Item, Selection, fetch, find
from release.promote import yank
from release.staged import StagedRelease
from release.transfer import Retrier
from release.verify import verify
from release.version import parse

V140 = parse("1.4.0")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return several(tmp_path_factory.mktemp("several") / "stage", size=200_000)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, release: StagedRelease) -> Iterator[WebServer]:
    folder = tmp_path_factory.mktemp("web")
    yanked = several(folder / "stage", "1.3.0", size=10)
    yank([published(folder / "root", release, yanked, channel=None)], parse("1.3.0"), "eats data")
    with start_nginx(folder / "root", folder / "nginx") as server:
        yield server


@pytest.fixture(autouse=True)
def trusted(monkeypatch: pytest.MonkeyPatch, server: WebServer) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(server.authority))


def at(url: str) -> HttpsOrigin:
    """An origin that does not wait."""
    return HttpsOrigin(httpx.URL(url), retrier=Retrier(sleep=lambda _: None))


def sentence(url: str, kind: type[ReleaseError] = DestinationError) -> str:
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        find(at(url), "1.4.0")
    assert time.monotonic() - began < 5
    assert "\n" not in str(caught.value)
    assert "s3cret" not in str(caught.value)
    return str(caught.value)


def test_a_whole_release_over_tls(server: WebServer, release: StagedRelease, tmp_path: Path) -> None:
    origin = open_origin(server.url)
    assert origin.versions() == (parse("1.3.0"), V140)
    assert origin.yanked() == frozenset([parse("1.3.0")])
    assert find(origin, "1.3.0").warnings == ("1.3.0 is yanked: eats data",)
    fetch(origin, find(origin, "1.4.0"), Selection(images=True), tmp_path / "into")
    assert verify(tmp_path / "into") == release.manifest


@pytest.mark.parametrize("habit", ["", "whole", "packed", "bucket", "moved"])
def test_servers_with_habits(server: WebServer, release: StagedRelease, tmp_path: Path, habit: str) -> None:
    item = Item(path=CONSOLE, digest=digest_of(release.directory / CONSOLE), target=tmp_path / CONSOLE)
    (tmp_path / f".{CONSOLE}.part").write_bytes((release.directory / CONSOLE).read_bytes()[:150_000])
    origin = at(f"{server.url}/{habit}")
    assert Downloads(origin, V140).bring(item)
    assert digest_of(item.target) == item.digest
    status, size = server.log.read_text().splitlines()[-1].split('"')[2].split()
    asked_for_the_rest = (status, int(size)) == ("206", item.digest.size - 150_000)
    assert asked_for_the_rest == (habit != "whole")
    fetch(origin, find(origin, "1.4.0"), Selection(pieces=("api",)), tmp_path / "into")
    with pytest.raises(VersionError, match=r"1\.5\.0 is not published in .*; it has 1\.4\.0, 1\.3\.0"):
        find(origin, "1.5.0")


def test_what_is_not_there(server: WebServer, tmp_path: Path) -> None:
    item = Item(path="nothing", digest=Digest(sha256="sha256:" + "0" * 64, size=1), target=tmp_path / "nothing")
    for habit in ("", "/bucket"):
        with pytest.raises(DestinationError, match=r"does not hold releases/1\.4\.0/nothing; check the address"):
            Downloads(at(server.url + habit), V140).bring(item)


def test_a_part_that_is_longer_than_the_file(server: WebServer, release: StagedRelease, tmp_path: Path) -> None:
    """The manifest says more than there is: the server answers 416, and nothing is named."""
    right = digest_of(release.directory / API_LINUX)
    item = Item(path=API_LINUX, digest=Digest(sha256=right.sha256, size=right.size + 5), target=tmp_path / API_LINUX)
    (tmp_path / f".{API_LINUX}.part").write_bytes(bytes(right.size + 1))
    with pytest.raises(VerificationError, match=f"has {right.size + 1} bytes, release.json says {right.size + 5}"):
        Downloads(at(server.url), V140).bring(item)
    assert " 416 " in server.log.read_text().splitlines()[-1]
    assert list(tmp_path.iterdir()) == []


def test_credentials_are_used_and_not_shown(server: WebServer, tmp_path: Path) -> None:
    private = server.url.replace("https://", "https://operator:s3cret@") + "/private"
    origin = open_origin(private)
    assert origin.name == f"{server.url}/private"
    fetch(origin, find(origin, "1.4.0"), Selection(pieces=("api",)), tmp_path / "into")
    words = f"{server.url}/private answers 401 Unauthorized for releases/1.4.0/release.json; put a user"
    assert sentence(f"{server.url}/private").startswith(words)
    assert sentence(private.replace("s3cret", "s3cret-no")).startswith(words)
    assert "answers 403" in sentence(f"{server.url}/forbidden")


def test_certificates_that_are_not_trusted(monkeypatch: pytest.MonkeyPatch, server: WebServer) -> None:
    wrong_host = server.url.replace("localhost", "127.0.0.1")
    assert sentence(wrong_host) == (
        f"{wrong_host} has a certificate that is not trusted: "
        "IP address mismatch, certificate is not valid for '127.0.0.1'.; "
        "if its authority is your own, name the authority's certificate in SSL_CERT_FILE"
    )
    monkeypatch.delenv("SSL_CERT_FILE")
    requests = server.log.read_text().count("\n")
    assert "has a certificate that is not trusted: unable to get local issuer" in sentence(server.url)
    assert server.log.read_text().count("\n") == requests


def test_redirections(server: WebServer) -> None:
    assert find(at(f"{server.url}/moved"), "1.4.0")
    plain = f"http://{server.plain}/releases/1.4.0/release.json"
    assert sentence(f"{server.url}/insecure") == f"{server.url}/insecure sends to {plain}; ask for https:// there"
    assert "sends from place to place" in sentence(f"{server.url}/loop")
    assert "\n" not in sentence(f"{server.url}/nowhere")


def test_places_that_do_not_answer(monkeypatch: pytest.MonkeyPatch, server: WebServer) -> None:
    words = "has a host that is not known here; check the address|cannot be reached, or hung up"
    assert any(word in sentence("https://no-such-host.invalid") for word in words.split("|"))
    nobody = free_host()
    assert f"https://{nobody} cannot be reached, or hung up" in sentence(f"https://{nobody}", TransientError)
    assert "speaks no TLS that this machine can use" in sentence(f"https://{server.plain}")
    monkeypatch.setenv("HTTPS_PROXY", f"http://{nobody}")
    monkeypatch.setenv("NO_PROXY", "example.com")
    assert "cannot be reached" in sentence(server.url, DestinationError)
    monkeypatch.setenv("NO_PROXY", "localhost")
    assert find(at(server.url), "1.4.0")


def test_a_proxy_of_the_environment_is_used(monkeypatch: pytest.MonkeyPatch, server: WebServer) -> None:
    with FaultProxy(server.plain) as proxy:
        monkeypatch.setenv("HTTP_PROXY", proxy.url)
        find(at(f"http://{server.plain}"), "1.4.0")
        assert [request.method for request in proxy.requests] == ["GET"] * 4
        assert proxy.requests[0].target == f"http://{server.plain}/releases/1.4.0/release.json"
        assert proxy.requests[0].headers["accept-encoding"] == "identity"

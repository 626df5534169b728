"""How the proxies serve the two bundles: their files, index.html for all else, and nothing that lies beside them."""

from __future__ import annotations

import gzip
from pathlib import Path

import pytest
from proxied import Answer, Proxies, local_site, start_proxies
from test_proxy_api import SECURITY, VAULTS

CONSOLE = "console.example.com"
TITLES = {CONSOLE: b"<title>console</title>", **dict.fromkeys(VAULTS, b"<title>vault-ui</title>")}
ASKED_EACH_TIME = {
    "index.html": "text/html; charset=utf-8",
    "index.js": "text/javascript; charset=utf-8",
    "index.css": "text/css; charset=utf-8",
    "index.js.map": "application/json",
    "configured.json": "application/json",
}
KEPT_A_DAY = {"images/logo.svg": "image/svg+xml", "images/photo.png": "image/png"}


def check_policy(answer: Answer) -> None:
    """Every answer tells the browser the same about itself."""
    assert {name: answer.one(name) for name in SECURITY} == SECURITY
    policy = dict(part.strip().split(" ", 1) for part in answer.one("content-security-policy").split(";"))
    assert policy["script-src"] == policy["default-src"] == "'self'"
    assert policy["frame-ancestors"] == policy["object-src"] == policy["base-uri"] == "'none'"
    assert (answer.one("server"), b"nginx/" in answer.body) == ("nginx", False)


@pytest.mark.parametrize("name", TITLES)
@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/login",
        "/organizations/org_1/users?page=2",
        "/images",
        "/images/",
        "/images/none.png",
        "/index.html/x",
        "/apiary",
        "/apis/x",
        "/x/api/y",
        "/.well-knownish",
        "/a%20b%2Fc",
        "/" + "long/" * 400,
        # What lies in the folder and is no part of a bundle.
        "/.env",
        "/.git/config",
        "/.git/",
        "/images/../.env",
        "/%2eenv",
        "/leak.txt",
        "/leaks/hostname",
    ],
)
def test_every_other_path_is_a_page(proxies: Proxies, name: str, path: str) -> None:
    answer = proxies.ask(name, path)
    assert (answer.status, TITLES[name] in answer.body) == (200, True)
    assert answer.one("content-type") == "text/html; charset=utf-8"
    assert answer.one("cache-control") == "no-cache"
    check_policy(answer)


@pytest.mark.parametrize("path", ["/api", "/api/v1", "/.well-known/jwks.json"])
def test_the_console_has_no_part_of_the_api(proxies: Proxies, path: str) -> None:
    assert TITLES[CONSOLE] in proxies.ask(CONSOLE, path).body


@pytest.mark.parametrize(("path", "kind"), [*ASKED_EACH_TIME.items(), *KEPT_A_DAY.items()])
@pytest.mark.parametrize("name", [CONSOLE, VAULTS[2]])
def test_files_with_type_and_age(proxies: Proxies, installation: Path, name: str, path: str, kind: str) -> None:
    answer = proxies.ask(name, f"/{path}?v=1")
    folder = installation / ("console" if name == CONSOLE else "vault-ui")
    assert (answer.status, answer.body) == (200, (folder / path).read_bytes())
    assert answer.one("content-type") == kind
    assert answer.one("cache-control") == ("max-age=86400" if path in KEPT_A_DAY else "no-cache")
    check_policy(answer)


def test_a_name_that_is_encoded(proxies: Proxies) -> None:
    answer = proxies.ask(CONSOLE, "/images/deep/Gr%C3%B6%C3%9Fe%201.txt")
    assert (answer.body.decode(), answer.one("content-type")) == ("Größe", "text/plain; charset=utf-8")


def test_a_film_can_be_asked_for_in_parts(proxies: Proxies) -> None:
    answer = proxies.ask(CONSOLE, "/films.mp4", headers={"Range": "bytes=1-3"})
    assert (answer.status, answer.body, answer.one("content-type")) == (206, b"PNG", "video/mp4")
    answer = proxies.ask(CONSOLE, "/films.mp4", headers={"Range": "bytes=90000-"})
    assert answer.status == 416
    # nginx 1.22 says them twice here.
    assert {name: set(answer.all(name)) for name in SECURITY} == {name: {value} for name, value in SECURITY.items()}


@pytest.mark.parametrize("path", [*ASKED_EACH_TIME, *KEPT_A_DAY])
@pytest.mark.parametrize("coding", ["gzip", "identity"])
def test_nothing_is_sent_twice(proxies: Proxies, path: str, coding: str) -> None:
    accepts = {"Accept-Encoding": coding}
    first = proxies.ask(CONSOLE, f"/{path}", headers=accepts)
    again = proxies.ask(CONSOLE, f"/{path}", headers={**accepts, "If-None-Match": first.one("etag")})
    # A tag of what was compressed is a weak one.
    assert (again.status, again.body, again.one("etag")) == (304, b"", first.one("etag").removeprefix("W/"))
    assert again.one("cache-control") == first.one("cache-control")
    check_policy(again)
    assert proxies.ask(CONSOLE, f"/{path}", headers={"If-None-Match": '"other"'}).status == 200


@pytest.mark.parametrize(
    ("path", "packed"),
    [("index.js", True), ("index.css", True), ("images/logo.svg", True), ("images/photo.png", False), ("", False)],
)
def test_text_is_compressed(proxies: Proxies, installation: Path, path: str, packed: bool) -> None:
    answer = proxies.ask(CONSOLE, f"/{path}", headers={"Accept-Encoding": "br, gzip"})
    assert answer.all("content-encoding") == (["gzip"] if packed else [])
    if packed:
        assert answer.one("vary") == "Accept-Encoding"
        plain = (installation / "console" / path).read_bytes()
        assert gzip.decompress(answer.body) == plain
        assert len(answer.body) < len(plain) / 5


def test_pages_take_no_orders(proxies: Proxies) -> None:
    answer = proxies.ask(CONSOLE, "/login", method="POST", body=b"x=1")
    assert answer.status == 405
    check_policy(answer)


def test_a_bundle_that_is_not_there_yet(
    proxies: Proxies, installation: Path, tmp_path: Path, tmp_path_factory: pytest.TempPathFactory
) -> None:
    odd = tmp_path / "we;ird {root} #1 'größe'"
    (odd / "images").mkdir(parents=True)
    web = {"vault-ui": str(tmp_path / "none"), "console": str(odd)}
    site = local_site(installation, proxies.site.api.address, web=web)
    with start_proxies(site, tmp_path_factory.mktemp("nginx") / "etc") as running:
        for name in (CONSOLE, *VAULTS):
            for path in ("/", "/index.html", "/.env", "/images/"):
                answer = running.ask(name, path)
                assert answer.status == 404
                check_policy(answer)
        # It needs no restart when it comes.
        (odd / "index.html").write_text("there")
        assert running.ask(CONSOLE, "/x").body == b"there"

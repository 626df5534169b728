"""What the proxies make of requests to the api, byte for byte."""

from __future__ import annotations

import http.client
import json
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from echo_api import KEPT, LARGE, PARTS, EchoApi
from hypothesis import given
from hypothesis import strategies as st
from proxied import Answer, Proxies, exchange, local_site, new_host, start_proxies
from release_samples import unhurried

BACKEND, CONFIG, CONSOLE = "api.example.com", "config.example.com", "console.example.com"
VAULTS = ("vault.console.example.com", "acme.vaults.example.com", "login.customer.example")
PREFIXES = {BACKEND: "/api/backend", CONFIG: "/api/config-api", VAULTS[0]: ""}
TARGETS = (
    "/v1/projects",
    "/v1/projects/",
    "/v1/a%2Fb%2fc",
    "/v1/a%20b",
    "/v1/x?name=a%20b&path=%2F+%2f&url=http://other.example/",
    "/v1/x?",
    "/v1//double///slashes",
    "/v1/./dots/../dots",
    "/v1/%25",
    "/v1/%E2%82%AC/%01%0a",
    "/v1/;a=b,c'd(e)!*$&@:~",
    '/v1/"<>[]{}|\\^`',
    "/v1/\xff\xe9",
)
SECURITY = {
    "strict-transport-security": "max-age=31536000",
    "x-content-type-options": "nosniff",
    "x-frame-options": "DENY",
    "referrer-policy": "strict-origin-when-cross-origin",
}


def reached(answer: Answer) -> tuple[str, dict[str, str]]:
    """The target and the headers with which a request reached the api."""
    assert answer.status == 200
    document = json.loads(answer.body)
    names = [name.lower() for name, _ in document["headers"]]
    assert len(names) == len(set(names))
    return document["target"], {name.lower(): value for name, value in document["headers"]}


@pytest.fixture(scope="module")
def api_down(installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    """All proxies, before an api that is not there."""
    with start_proxies(local_site(installation, new_host()), tmp_path_factory.mktemp("nginx") / "etc") as running:
        yield running


@pytest.mark.parametrize("name", [BACKEND, CONFIG])
@pytest.mark.parametrize("target", ["/", "/?a=b", "//", "/api/backend/v1", *TARGETS])
def test_every_path_gets_the_prefix_and_stays_as_it_is(proxies: Proxies, name: str, target: str) -> None:
    assert reached(proxies.ask(name, target))[0] == PREFIXES[name] + target


@pytest.mark.parametrize("name", VAULTS)
@pytest.mark.parametrize("start", ["/api", "/.well-known"])
@pytest.mark.parametrize("rest", ["", "/", "?a=b", *TARGETS])
def test_the_vaults_hand_the_apis_paths_on_unchanged(proxies: Proxies, name: str, start: str, rest: str) -> None:
    assert reached(proxies.ask(name, start + rest))[0] == start + rest


SEGMENT = st.text("abz09-._~!$&'()*+,;=:@", max_size=4) | st.sampled_from(["%2F", "%2e", "%20", "%25", "%3F", "%23"])


@unhurried
@given(
    name=st.sampled_from(sorted(PREFIXES)),
    segments=st.lists(SEGMENT, max_size=5),
    query=st.none() | st.text("ab=&%/?:+.", max_size=8).filter(lambda text: "%" not in text),
)
def test_any_path_arrives_or_is_refused(
    proxies: Proxies, api: EchoApi, name: str, segments: list[str], query: str | None
) -> None:
    path = "/".join(["", *segments])
    target = ("/api" if name == VAULTS[0] else "") + (path or "/") + ("" if query is None else f"?{query}")
    before = len(api.seen)
    answer = proxies.ask(name, target)
    if answer.status == 400:  # it leads above /
        assert len(api.seen) == before
        assert ".." in target.replace("%2e", ".")
    elif name == VAULTS[0] and len(api.seen) == before:  # it leads out of /api
        assert answer.body.startswith(b"<!doctype html>")
        assert ".." in target.replace("%2e", ".")
    else:
        assert reached(answer)[0] == PREFIXES[name] + target


@pytest.mark.parametrize("target", ["/../internal/panic", "/%2e%2e/x", "/a/..%2f..%2fx", "/..", "/a/../../x"])
def test_no_path_leads_out_of_the_prefix(proxies: Proxies, api: EchoApi, target: str) -> None:
    before = len(api.seen)
    answer = proxies.ask(BACKEND, target)
    assert (answer.status, len(api.seen)) == (400, before)
    assert {name: answer.one(name) for name in SECURITY} == SECURITY


@pytest.mark.parametrize("name", sorted(PREFIXES))
def test_the_same_over_http_2(proxies: Proxies, name: str) -> None:
    start = "/api" if name in VAULTS else ""
    for target in ("/v1/a%2Fb%20c?x=%20&y=//", "/v1//x/./y/../z", "/"):
        document = json.loads(proxies.ask_with_http_2(name, start + target, "--header", "X-Tesseral-Host: forged"))
        assert document["target"] == PREFIXES[name] + start + target
        headers = {key.lower(): value for key, value in document["headers"]}
        assert headers["host"] == f"{name}:{proxies.site.listen.https}"
        assert headers.get("x-tesseral-host") == (name if name in VAULTS else None)


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"])
def test_methods_and_bodies_arrive(proxies: Proxies, method: str) -> None:
    document = json.loads(proxies.ask(BACKEND, "/v1", method=method, body=b"x" * 9_000_000).body)
    assert (document["method"], document["size"]) == (method, 9_000_000)


def test_a_body_that_is_too_large_is_refused(proxies: Proxies, api: EchoApi) -> None:
    before = len(api.seen)
    answer = proxies.ask(VAULTS[0], "/api/v1", method="POST", body=b"x" * 11_000_000)
    assert answer.status == 413
    assert len(api.seen) == before
    assert {name: answer.one(name) for name in SECURITY} == SECURITY


def test_the_api_learns_who_asked_for_what(proxies: Proxies, api: EchoApi) -> None:
    forged = dict.fromkeys(["X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Tesseral-Host"], "forged")
    for name, target in ((BACKEND, "/v1"), (CONFIG, "/v1"), *((vault, "/api/v1") for vault in VAULTS)):
        _, headers = reached(proxies.ask(name, target, headers=forged | {"Authorization": "Bearer x", "Cookie": "a=b"}))
        assert headers["host"] == headers["x-forwarded-host"] == f"{name}:{proxies.site.listen.https}"
        assert (headers["x-forwarded-for"], headers["x-forwarded-proto"]) == ("127.0.0.1", "https")
        assert (headers["authorization"], headers["cookie"]) == ("Bearer x", "a=b")
        # The api finds the project by it, so nobody but a vault may say it.
        assert headers.get("x-tesseral-host") == (name if name in VAULTS else None)
        assert "connection" not in headers
        assert api.seen[-1].endswith(" HTTP/1.1")


def test_the_name_of_a_vault_is_told_in_lower_case(proxies: Proxies) -> None:
    _, headers = reached(proxies.ask(VAULTS[0], "/api/v1", host=VAULTS[0].upper()))
    assert headers["x-tesseral-host"] == VAULTS[0]


@pytest.mark.parametrize("name", [BACKEND, VAULTS[0]])
def test_nothing_is_kept_unless_the_api_says_so(proxies: Proxies, api: EchoApi, name: str) -> None:
    start = "/api/" if name in VAULTS else "/"
    for path, expected in (("x", "no-store"), ("status-404", "no-store"), ("kept", KEPT)):
        before = len(api.seen)
        answers = [proxies.ask(name, start + path) for _ in range(2)]
        assert [answer.all("cache-control") for answer in answers] == [[expected]] * 2
        assert len(api.seen) == before + 2
        assert answers[0].all("etag") == []


@pytest.mark.parametrize("name", [BACKEND, CONFIG, VAULTS[0]])
@pytest.mark.parametrize("path", ["x", "status-404", "status-500", "status-401", "moved", "page"])
def test_answers_of_the_api_stay_as_they_are(proxies: Proxies, name: str, path: str) -> None:
    start = "/api/" if name in VAULTS else "/"
    answer = proxies.ask(name, start + path, headers={"Accept-Encoding": "gzip"})
    assert json.loads(answer.body)["target"] == PREFIXES[name] + start + path
    assert answer.status == {"moved": 302}.get(path, int(path[-3:]) if path.startswith("status") else 200)
    assert answer.one("content-type") == ("text/html" if path == "page" else "application/json")
    assert answer.all("content-encoding") == []
    assert {name: answer.one(name) for name in SECURITY} == SECURITY
    # Pages of the api hold a script.
    assert answer.one("content-security-policy") == "frame-ancestors 'none'"
    assert "/" not in answer.one("server")


def test_redirections_of_the_api_lose_the_prefix_again(proxies: Proxies) -> None:
    assert proxies.ask(BACKEND, "/v1/moved/").one("location") == "/v1/here/"
    assert proxies.ask(CONFIG, "/moved").one("location") == "/here"
    assert proxies.ask(VAULTS[0], "/api/moved").one("location") == "/api/here"


def test_long_headers_go_both_ways(proxies: Proxies) -> None:
    for name, target in ((BACKEND, "/long-header"), (VAULTS[0], "/api/long-header")):
        answer = proxies.ask(name, target, headers={"Cookie": f"token={'y' * 20_000}"})
        assert reached(answer)[1]["cookie"] == f"token={'y' * 20_000}"
        assert answer.one("set-cookie") == f"token={'x' * 20_000}"
    assert reached(proxies.ask(VAULTS[0], f"/api/x?SAMLRequest={'z' * 20_000}"))[0].endswith("z" * 20_000)


@pytest.mark.parametrize(("name", "target"), [(BACKEND, "/parts"), (VAULTS[0], "/api/parts")])
def test_an_answer_in_parts_arrives_in_parts(proxies: Proxies, api: EchoApi, name: str, target: str) -> None:
    api.go_on.clear()
    with proxies.connected(name) as secure:
        secure.sendall(f"GET {target} HTTP/1.1\r\nHost: {name}\r\n\r\n".encode())
        response = http.client.HTTPResponse(secure)
        response.begin()
        assert response.read1(100) == PARTS[0]
        api.go_on.set()
        assert response.read() == PARTS[1]


def test_a_large_answer_for_a_slow_reader_never_lies_in_a_file(proxies: Proxies) -> None:
    with proxies.connected(BACKEND) as secure:
        secure.sendall(f"GET /large HTTP/1.1\r\nHost: {BACKEND}\r\nConnection: close\r\n\r\n".encode())
        response = http.client.HTTPResponse(secure)
        response.begin()
        time.sleep(0.5)
        assert len(response.read()) == LARGE
    assert "upstream response is buffered to a temporary file" not in (proxies.folder / "output/log").read_text()


@pytest.mark.parametrize(("name", "target"), [(BACKEND, "/socket"), (VAULTS[0], "/api/socket")])
def test_a_websocket_goes_through(proxies: Proxies, name: str, target: str) -> None:
    with proxies.connected(name) as secure:
        lines = [f"GET {target} HTTP/1.1", f"Host: {name}", "Upgrade: WebSocket", "Connection: Upgrade"]
        secure.sendall("\r\n".join([*lines, "", ""]).encode())
        response = http.client.HTTPResponse(secure)
        response.begin()
        assert response.status == 101
        secure.sendall(b"to and fro")
        assert secure.recv(100) == b"to and fro"


def test_no_other_upgrade_goes_through(proxies: Proxies) -> None:
    wish = {"Upgrade": "h2c", "Connection": "Upgrade, HTTP2-Settings", "HTTP2-Settings": "AAMAAABkAARAAAAAAAIAAAAA"}
    with proxies.connected(BACKEND) as secure:
        _, headers = reached(exchange(secure, BACKEND, "/v1", "GET", wish, b""))
    assert not {"upgrade", "connection"} & headers.keys()


@pytest.mark.parametrize(("name", "target"), [(BACKEND, "/v1"), (CONFIG, "/"), (VAULTS[1], "/.well-known/jwks.json")])
def test_an_api_that_is_down_is_said(api_down: Proxies, name: str, target: str) -> None:
    answer = api_down.ask(name, target)
    assert answer.status == 502
    assert {name: answer.one(name) for name in SECURITY} == SECURITY
    assert answer.one("cache-control") == "no-store"
    assert (answer.one("server"), b"nginx/" in answer.body) == ("nginx", False)
    # The rest goes on.
    assert api_down.ask(VAULTS[1], "/login").status == 200
    assert api_down.ask(CONSOLE, "/").status == 200


@pytest.mark.parametrize("name", ["other.example", "example.com", "vaults.example.com", "xapi.example.com"])
def test_other_names_get_nothing(proxies: Proxies, name: str) -> None:
    with pytest.raises(ssl.SSLError, match="UNRECOGNIZED_NAME"):
        proxies.ask(name)
    with pytest.raises(http.client.RemoteDisconnected):
        proxies.ask(BACKEND, host=name)
    with pytest.raises(http.client.RemoteDisconnected):
        proxies.ask_plain(name)


@pytest.mark.parametrize("name", [BACKEND, CONFIG, CONSOLE, *VAULTS])
def test_plain_http_leads_to_https(proxies: Proxies, name: str) -> None:
    answer = proxies.ask_plain(name.upper(), "/a%2Fb?c=%20")
    assert answer.status == 301
    assert answer.one("location") == f"https://{name}:{proxies.site.listen.https}/a%2Fb?c=%20"
    assert answer.all("strict-transport-security") == []


def test_each_host_has_its_own_certificate(proxies: Proxies) -> None:
    for name in (BACKEND, CONFIG, CONSOLE, *VAULTS):
        with proxies.connected(name) as secure:
            certificate = secure.getpeercert()
            subject = certificate["subject"][0][0][1] if certificate else None
            assert subject == ("customer" if name == "login.customer.example" else "server")
            assert secure.version() == "TLSv1.3"


def test_old_tls_is_refused_and_http_2_is_offered(proxies: Proxies) -> None:
    port = proxies.site.listen.https
    command = ["openssl", "s_client", "-connect", f"127.0.0.1:{port}", "-servername", CONSOLE, "-alpn", "h2"]
    for version, expected in (("-tls1_1", False), ("-tls1_2", True), ("-tls1_3", True)):
        weak = ["-cipher", "ALL:@SECLEVEL=0"]
        done = subprocess.run([*command, version, *weak], input=b"", capture_output=True, check=False)
        assert (b"ALPN protocol: h2" in done.stdout) == expected, done.stdout

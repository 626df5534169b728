"""What the public sees, with one thing broken at a time: certificates, proxies, pages, bundles."""

from __future__ import annotations

import json
import ssl
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from doctor_certificates import Authority
from doctor_release import make_release, serve_bundles
from doctor_servers import CONSOLE, NAMES, VAULT, WILDCARD, Healthy, start_proxies
from doctor_site import PROJECT, Installation
from programs import free_host
from proxied import port_of

from release.doctor.attempt import Trouble
from release.doctor.certificates import read_certificate
from release.doctor.resolve import ask_dns
from release.site import Certificate, read

BACKEND, CONFIG = NAMES[0], NAMES[1]
# Whether a server still speaks an old TLS is asked with what Python gives up.
pytestmark = pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1")
DNS = {f"dns {name}": "skipped" for name in NAMES}
OF_A_VAULT = [
    f"vault api {name}{path}"
    for name in (VAULT, WILDCARD)
    for path in ("/api/internal/health", "/api/frontend/v1/me", "/.well-known/jwks.json")
]


@contextmanager
def changed(
    healthy: Healthy, folder: Path, edits: Mapping[str, tuple[str, str]] | None = None, **sections: Any
) -> Iterator[Installation]:
    """An installation with proxies of its own; ``sections`` are merged into the settings."""
    folder.mkdir(exist_ok=True)
    site = healthy.site.copy(folder / "site")
    https, http = (port_of(free_host()) for _ in range(2))
    site.settings["listen"] |= {"https": https, "http": http}
    site.arguments = [f"--resolve=*:{port}:127.0.0.1" for port in (https, http)]
    for name, section in sections.items():
        site.settings[name] = {**site.settings[name], **section}
    site.write()
    with start_proxies(read(site.config), folder / "nginx", edits):
        yield site


def failed(names: list[str], status: str = "fail") -> dict[str, str]:
    return dict.fromkeys(names, status)


# Names.


def test_a_name_that_dns_does_not_know(healthy: Healthy, tmp_path: Path) -> None:
    site = healthy.site.copy(tmp_path / "site")
    # RFC 6761: nothing is ever below it, and what is below localhost is here.
    site.settings["hosts"] = {
        "backend-api": "api.localhost",
        "config-api": "config.invalid",
        "console": "console.invalid",
        "vault": "vault.console.invalid",
        "vaults": ["*.vaults.invalid"],
    }
    port = site.settings["listen"]["https"]
    site.arguments = [f"--resolve={name}:{port}:127.0.0.1" for name in ("console.invalid", "vault.console.invalid")]
    report = site.doctor("--before")
    assert report.of("dns console.invalid") == ("skipped", "--resolve says 127.0.0.1")
    assert report.of("dns config.invalid")[0] == report.of("dns *.vaults.invalid")[0] == "fail"
    assert report.of("dns *.vaults.invalid")[1].startswith(
        ("tesseral-doctor.vaults.invalid", "DNS does not answer for")
    )
    after = site.doctor()
    assert after.of("certificate config.invalid")[0] == after.of("redirect config.invalid")[0] == "skipped"


def test_the_addresses_of_a_name_are_told() -> None:
    assert set(ask_dns("localhost")) <= {"127.0.0.1", "::1"}
    with pytest.raises(Trouble):
        ask_dns("doctor.invalid")
    with pytest.raises(Trouble, match="no name that DNS could have"):
        ask_dns("a" * 64 + ".example.com")


# Certificates.


@pytest.mark.parametrize(
    ("kind", "found"),
    [
        ({"starts": timedelta(-9), "ends": timedelta(-1)}, "it expired on"),
        ({"starts": timedelta(1)}, "it is good from"),
        ({"names": ["other.example.com"]}, "it is for other.example.com"),
        ({"ends": timedelta(20, 60)}, "in 20 days"),
        ({"stranger": True}, "its chain is not trusted ("),
    ],
)
def test_a_certificate_that_is_not_good(healthy: Healthy, tmp_path: Path, kind: dict[str, Any], found: str) -> None:
    authority = Authority(tmp_path / "stranger.pem") if kind.pop("stranger", False) else healthy.authority
    tls = authority.certify(tmp_path / "console.pem", kind.pop("names", [CONSOLE]), **kind)
    status = "warn" if "ends" in kind and kind["ends"] > timedelta() else "fail"
    with changed(healthy, tmp_path, tls={"console": tls}) as site:
        before, after = site.doctor("--before"), site.doctor()
    # The same is said of the files before, and of what is served after.
    assert before.unwell == DNS | {f"certificate {CONSOLE}": status}
    assert found in before.of(f"certificate {CONSOLE}")[1]
    assert before.of(f"certificate {CONSOLE}")[1] == after.of(f"certificate {CONSOLE}")[1]
    asked_over_it = [f"console bundle {CONSOLE}", f"console pages {CONSOLE}", "console settings"]
    assert after.unwell == before.unwell | (failed(asked_over_it) if status == "fail" else {})
    assert after.status == (17 if status == "fail" else 0)


def test_files_that_are_no_certificate(healthy: Healthy, tmp_path: Path) -> None:
    site = healthy.site.copy(tmp_path / "site")
    good = site.settings["tls"]
    other = healthy.authority.certify(tmp_path / "other.pem", [CONSOLE])
    (tmp_path / "empty").touch()
    locked = str(tmp_path / "locked.key")
    command = ["openssl", "ec", "-in", other["key"], "-aes256", "-passout", "pass:x", "-out", locked]
    subprocess.run(command, check=True, capture_output=True)
    for tls, found in (
        ({**good, "key": other["key"]}, "are no certificate with its key: KEY_VALUES_MISMATCH"),
        (
            {**good, "certificate": str(tmp_path / "gone")},
            f"{tmp_path / 'gone'} cannot be read: No such file or directory",
        ),
        ({**good, "key": str(tmp_path / "gone")}, f"{tmp_path / 'gone'} cannot be read: No such file or directory"),
        ({"certificate": str(tmp_path / "empty"), "key": str(tmp_path / "empty")}, "are no certificate with its key"),
        ({**other, "key": locked}, "are no certificate with its key"),
    ):
        files = Certificate(certificate=Path(tls["certificate"]), key=Path(tls["key"]))
        with pytest.raises(Trouble) as caught:
            read_certificate(ssl.create_default_context(), CONSOLE, files)
        assert found in str(caught.value)
    site.settings["tls"] = {**good, "vault": {**good, "key": str(tmp_path / "gone")}}
    report = site.doctor("--before")
    assert report.unwell == DNS | {f"certificate {VAULT}": "fail"}
    assert "run doctor where the proxies run" in report.checks[f"certificate {VAULT}"]["advice"]


def test_tls_that_is_too_old(healthy: Healthy, tmp_path: Path) -> None:
    old = (
        "ssl_protocols TLSv1.2 TLSv1.3;\nssl_ciphers ",
        "ssl_protocols TLSv1 TLSv1.1 TLSv1.2;\nssl_ciphers ALL:@SECLEVEL=0:",
    )
    with changed(healthy, tmp_path, {"snippets/https.conf": old}) as site:
        report = site.doctor()
    assert report.unwell == DNS | failed([f"certificate {name}" for name in NAMES], "warn")
    only = ("ssl_protocols TLSv1.2 TLSv1.3;\nssl_ciphers ", "ssl_protocols TLSv1.1;\nssl_ciphers ALL:@SECLEVEL=0:")
    with changed(healthy, tmp_path / "only", {"snippets/https.conf": only}) as site:
        report = site.doctor()
    assert "does not speak TLS 1.2 or newer" in report.of(f"certificate {CONSOLE}")[1]


def test_a_host_that_nobody_serves(healthy: Healthy, tmp_path: Path) -> None:
    with changed(healthy, tmp_path) as site:
        site.settings["hosts"]["config-api"] = "other.example.com"
        report = site.doctor()
    assert report.of("certificate other.example.com")[0] == report.of("config-api other.example.com")[0] == "fail"
    assert report.of("redirect other.example.com")[0] == "fail"
    assert len([one for one in report.unwell.values() if one == "fail"]) == 3


def test_proxies_that_do_not_run(healthy: Healthy, tmp_path: Path) -> None:
    site = healthy.site.copy(tmp_path / "site")
    site.arguments = [f"--resolve=*:{port}:{free_host()}" for port in list(site.settings["listen"].values())[:2]]
    report = site.doctor()
    assert report.status == 17
    assert report.of("api")[0] == report.of("database")[0] == "ok"
    assert "cannot be reached: Connection refused" in report.of(f"certificate {CONSOLE}")[1]
    assert report.of(f"vault pages {VAULT}")[0] == report.of(f"backend-api {BACKEND}")[0] == "fail"


def test_plain_http_that_leads_nowhere(healthy: Healthy, tmp_path: Path) -> None:
    with changed(healthy, tmp_path, {"servers/redirect.conf": ("return 301 https", "return 301 http")}) as site:
        report = site.doctor()
    assert report.unwell == DNS | failed([f"redirect {name}" for name in NAMES])
    with changed(healthy, tmp_path / "none") as site:
        site.settings["listen"]["http"] = 0
        report = site.doctor()
    assert report.unwell == DNS | failed([f"redirect {name}" for name in NAMES], "skipped")


# Proxies.


@pytest.mark.parametrize(
    ("edits", "unwell", "advice"),
    [
        (
            {"servers/backend-api.conf": ("/api/backend$request_uri", "$request_uri")},
            [f"backend-api {BACKEND}"],
            "let the proxy put /api/backend before every path",
        ),
        (
            {"servers/config-api.conf": ("/api/config-api$request_uri", "$request_uri")},
            [f"config-api {CONFIG}"],
            "let the proxy put /api/config-api before every path",
        ),
        (
            {"servers/backend-api.conf": ("/api/backend$request_uri", "/api/backend/api/backend$request_uri")},
            [f"backend-api {BACKEND}"],
            "let the proxy put /api/backend before every path, once",
        ),
        (
            {"servers/vaults.conf": ("X-Tesseral-Host $host", 'X-Tesseral-Host ""')},
            [f"vault api {VAULT}/api/frontend/v1/me"],
            "let the proxy set X-Tesseral-Host to the name of the vault",
        ),
        (
            {"servers/vaults.conf": (r"(?:api|\.well-known)", "(?:api)")},
            [name for name in OF_A_VAULT if "well-known" in name],
            "hand /.well-known/jwks.json on to the api",
        ),
        (
            {"servers/vaults.conf": (r"(?:api|\.well-known)", r"(?:\.well-known)")},
            [name for name in OF_A_VAULT if "well-known" not in name],
            "on to the api",
        ),
        (
            {"tesseral.conf": ('""      no-store;', '""      "public, max-age=600";')},
            [f"backend-api {BACKEND}", f"config-api {CONFIG}", *OF_A_VAULT],
            "let the proxy keep nothing, and say no-store",
        ),
    ],
)
def test_a_proxy_that_hands_on_something_else(
    healthy: Healthy, tmp_path: Path, edits: dict[str, tuple[str, str]], unwell: list[str], advice: str
) -> None:
    with changed(healthy, tmp_path, edits) as site:
        report = site.doctor()
    assert report.unwell == DNS | failed(unwell)
    assert advice in report.checks[unwell[0]]["advice"]


def test_a_proxy_that_says_nothing_of_caching(healthy: Healthy, tmp_path: Path) -> None:
    line = "add_header Cache-Control $tesseral_api_cache always;"
    with changed(healthy, tmp_path, {"snippets/api.conf": (line, "")}) as site:
        report = site.doctor()
    assert report.unwell == DNS | failed([f"backend-api {BACKEND}", f"config-api {CONFIG}", *OF_A_VAULT], "warn")
    assert report.status == 0


def test_what_the_api_says_about_caching_counts(healthy: Healthy, tmp_path: Path) -> None:
    healthy.api.cache_control = "public, max-age=60"
    try:
        report = healthy.site.copy(tmp_path / "site").doctor()
    finally:
        healthy.api.cache_control = ""
    assert report.unwell == DNS


def test_an_api_that_is_unhealthy(healthy: Healthy, tmp_path: Path) -> None:
    healthy.api.unhealthy = True
    try:
        report = healthy.site.copy(tmp_path / "site").doctor()
    finally:
        healthy.api.unhealthy = False
    assert report.of("api")[1].endswith('says 503 "unhealthy: the database doesn\'t answer"')
    # That is no fault of the proxies.
    assert report.unwell == DNS | {"api": "fail"}


def test_an_api_that_does_not_run(healthy: Healthy, tmp_path: Path) -> None:
    with changed(healthy, tmp_path, api={"address": free_host()}) as site:
        site.variables["API_SERVE_ADDR"] = f":{site.settings['api']['address'].partition(':')[2]}"
        report = site.doctor()
    assert report.unwell == DNS | failed(["api", f"backend-api {BACKEND}", f"config-api {CONFIG}", *OF_A_VAULT])
    assert report.of(f"backend-api {BACKEND}")[1] == f"https://{BACKEND}/v1/project says 502"


def test_an_api_that_only_the_proxies_reach(healthy: Healthy, tmp_path: Path) -> None:
    site = healthy.site.copy(tmp_path / "site")
    site.settings["api"]["address"] = free_host()
    del site.variables["API_SERVE_ADDR"]
    report = site.doctor()
    compared = [f"backend-api {BACKEND}", f"config-api {CONFIG}", *OF_A_VAULT, "listening"]
    assert report.unwell == DNS | failed(compared, "skipped") | {"api": "warn"}
    assert report.status == 0


# Pages and bundles.


def test_a_deep_link_that_is_not_the_page(healthy: Healthy, tmp_path: Path) -> None:
    with changed(
        healthy,
        tmp_path,
        {"snippets/bundle.conf": ("try_files $uri /index.html =404", "try_files $uri $uri/index.html =404")},
    ) as site:
        report = site.doctor()
    pages = [f"vault pages {VAULT}", f"vault pages {WILDCARD}", f"console pages {CONSOLE}"]
    assert report.unwell == DNS | failed(pages)
    assert report.of(pages[0])[1] == "/tesseral-doctor/a/deep/link says 404"


def test_a_page_that_browsers_keep(healthy: Healthy, tmp_path: Path) -> None:
    kept = ("default                                                          no-cache", "default max-age=86400")
    with changed(healthy, tmp_path, {"tesseral.conf": kept}) as site:
        report = site.doctor()
    pages = [f"vault pages {VAULT}", f"vault pages {WILDCARD}", f"console pages {CONSOLE}"]
    assert report.unwell == DNS | failed(pages, "warn")


def test_other_files_than_those_of_the_release(healthy: Healthy, tmp_path: Path) -> None:
    serve_bundles(tmp_path / "web", VAULT, PROJECT)
    (tmp_path / "web/vault-ui/index.js").write_text("evil()")
    (tmp_path / "web/console/index.css").unlink()
    web = {name: str(tmp_path / "web" / name) for name in ("vault-ui", "console")}
    with changed(healthy, tmp_path, web=web) as site:
        report = site.doctor()
    vaults = [f"vault-ui bundle {name}" for name in (VAULT, WILDCARD)]
    assert report.unwell == DNS | failed([*vaults, f"console bundle {CONSOLE}"])
    assert report.of(vaults[0])[1] == "index.js is not what 1.4.0 has there"
    assert report.of(f"console bundle {CONSOLE}")[1] == "index.css is not what 1.4.0 has there"


def test_the_bundles_of_another_release(healthy: Healthy, tmp_path: Path) -> None:
    site = healthy.site.copy(tmp_path / "site")
    page = {
        "index.html": b"other",
        "index.js": b"__PLACEHOLDER_CONSOLE_API_URL__ __PLACEHOLDER_CONSOLE_DOGFOOD_PROJECT_ID__",
    }
    site.release = make_release(tmp_path / "release", "1.5.0", {"vault-ui": page, "console": page})
    report = site.doctor()
    assert report.of(f"console bundle {CONSOLE}")[1] == "index.html, index.js are not what 1.5.0 has there"
    assert report.of(f"vault-ui bundle {VAULT}")[0] == "fail"


@pytest.mark.parametrize(
    ("vault", "project", "found"),
    [
        ("api.example.com", PROJECT, f"it asks https://api.example.com, the vault is https://{VAULT}"),
        (VAULT, "project_" + "2" * 25, f"index.js is not for {PROJECT} (API_DOGFOOD_PROJECT_ID)"),
    ],
)
def test_a_console_that_is_configured_for_something_else(
    healthy: Healthy, tmp_path: Path, vault: str, project: str, found: str
) -> None:
    serve_bundles(tmp_path / "web", vault, project)
    with changed(healthy, tmp_path, web={"console": str(tmp_path / "web/console")}) as site:
        report = site.doctor()
        assert report.unwell == DNS | failed(["console settings"])
        assert report.of("console settings")[1] == found
        # Without its record the script itself has to do.
        (tmp_path / "web/console/configured.json").unlink()
        report = site.doctor()
        assert report.unwell == DNS | failed(["console settings", f"console bundle {CONSOLE}"])


def test_a_console_without_its_record(healthy: Healthy, tmp_path: Path) -> None:
    serve_bundles(tmp_path / "web", VAULT, PROJECT)
    (tmp_path / "web/console/configured.json").unlink()
    with changed(healthy, tmp_path, web={"console": str(tmp_path / "web/console")}) as site:
        # On another port than 443 the vault's address has it in it, which here it has not.
        assert site.doctor().of("console settings")[0] == "ok"
        del site.variables["API_DOGFOOD_PROJECT_ID"]
        assert site.doctor().of(f"console bundle {CONSOLE}")[0] == "skipped"


def test_a_console_that_is_not_configured(healthy: Healthy, tmp_path: Path) -> None:
    serve_bundles(tmp_path / "web", VAULT, PROJECT)
    script = "__PLACEHOLDER_CONSOLE_API_URL__ and __PLACEHOLDER_CONSOLE_DOGFOOD_PROJECT_ID__"
    (tmp_path / "web/console/index.js").write_text(script)
    with changed(healthy, tmp_path, web={"console": str(tmp_path / "web/console")}) as site:
        report = site.doctor()
    assert report.of("console settings") == ("fail", f"index.js still has {script} in it")


def test_without_a_release_nothing_is_compared(healthy: Healthy, tmp_path: Path) -> None:
    site = healthy.site.copy(tmp_path / "site")
    site.release = None
    report = site.doctor()
    bundles = [f"vault-ui bundle {VAULT}", f"vault-ui bundle {WILDCARD}", f"console bundle {CONSOLE}"]
    assert report.unwell == DNS | failed(["release", "schema", *bundles], "skipped")
    assert report.status == 0
    done = site.run()
    assert "give --release DIR, which fetch made, or --from ORIGIN" in done.stdout
    assert json.loads(site.run("--json").stdout)["healthy"] is True

"""Both bundles render behind the proxies of the same release, under the policy that these tell a browser."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import VERSION, install
from echo_api import start_echo_api
from playwright.sync_api import Browser, sync_playwright
from proxied import Proxies, certify, local_site, start_proxies
from test_bundles import HEADINGS, QUIET

from release.proxy import installed, open_kit

HOSTS = {"vault-ui": "acme.vaults.example.com", "console": "console.example.com"}

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def proxies(unpacked: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    work = tmp_path_factory.mktemp("proxies")
    certify(work)
    web = {piece: str(unpacked / f"tesseral-{piece}_{VERSION}.tar.gz") for piece in HOSTS}
    with start_echo_api() as api, start_proxies(local_site(work, api.host, web=web), work / "nginx") as running:
        yield running


@pytest.fixture(scope="module")
def browser(proxies: Proxies) -> Iterator[Browser]:
    install("chromium", commands=("chromium",))
    with sync_playwright() as playwright:
        arguments = [*QUIET, "--no-proxy-server", "--host-resolver-rules=MAP * 127.0.0.1"]
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=arguments)
        yield browser
        browser.close()


@pytest.mark.parametrize("piece", HOSTS)
def test_a_deep_link_renders_without_a_complaint(browser: Browser, proxies: Proxies, piece: str) -> None:
    page = browser.new_page(ignore_https_errors=True)
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(f"https://{HOSTS[piece]}:{proxies.site.listen.https}/settings", wait_until="networkidle")
    page.get_by_role("heading", name=HEADINGS[piece]).wait_for(timeout=10_000)
    assert complaints == []
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"
    page.close()


def test_the_kit_of_the_release_is_this_projects(release: Path) -> None:
    kit = open_kit(release)
    assert (kit.version, kit.templates) == (VERSION, installed().templates)

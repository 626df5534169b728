"""What the proxies tell a real browser lets the bundles work, and stops what does not belong to them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from browser_bundle import write_bundle
from e2e_support import install
from echo_api import EchoApi
from playwright.sync_api import Browser, Page, sync_playwright
from proxied import Proxies, local_site, start_proxies

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync", "--no-proxy-server"]
HOSTS = ("console.example.com", "acme.vaults.example.com")

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module")
def here(api: EchoApi, installation: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Proxies]:
    """Proxies before bundles that do something."""
    folder = tmp_path_factory.mktemp("bundles")
    web = {"vault-ui": str(folder / "vault-ui"), "console": str(folder / "console")}
    site = local_site(installation, api.host, web=web)
    for place in (site.web.vault_ui, site.web.console):
        write_bundle(place, site.listen.https)
    with start_proxies(site, tmp_path_factory.mktemp("nginx") / "etc") as running:
        yield running


@pytest.fixture(scope="module")
def browser(here: Proxies) -> Iterator[Browser]:
    """A browser, started last: its event loop runs as long as it does, and there may be one only."""
    install("chromium", commands=("chromium",))
    with sync_playwright() as playwright:
        # Every name is this machine.
        resolved = "--host-resolver-rules=MAP * 127.0.0.1"
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=[*QUIET, resolved])
        yield browser
        browser.close()


@pytest.fixture(params=HOSTS)
def page(request: pytest.FixtureRequest, browser: Browser, here: Proxies) -> Iterator[Page]:
    """The page of a deep link."""
    page = browser.new_page(ignore_https_errors=True)
    page.goto(f"https://{request.param}:{here.site.listen.https}/deep/link", wait_until="load")
    yield page
    page.close()


def until(page: Page, condition: str) -> None:
    """Wait ten seconds at most; playwright's own way to wait is an eval, which the page does not allow."""
    for _ in range(200):
        if page.evaluate(condition):
            return
        page.wait_for_timeout(50)
    raise AssertionError(f"it never came to {condition}")


def test_what_the_bundles_do_works(page: Page) -> None:
    complaints: list[str] = []
    page.on("console", lambda message: complaints.append(message.text) if message.type == "error" else None)
    assert page.evaluate("usual()") == ["7px", "8px", "rgb(1, 2, 3)"]
    assert page.evaluate("window.blocked") == []
    if "vaults" in page.url:
        assert complaints == []
    else:  # the console has no api of its own to POST to
        assert [text for text in complaints if "405" not in text] == []


@pytest.mark.parametrize(
    ("intrusion", "directive"),
    [
        ("inline", "script-src-attr"),
        ("script", "script-src-elem"),
        ("other", "script-src-elem"),
        ("evaluated", "script-src"),
        ("frame", "frame-ancestors"),
        ("base", "base-uri"),
        ("form", "form-action"),
    ],
)
def test_what_does_not_belong_there_is_stopped(page: Page, intrusion: str, directive: str) -> None:
    page.evaluate(f"setTimeout(intrusions.{intrusion})")  # else it had the rights of a debugger
    if intrusion == "frame":  # it is the frame that refuses, and shows nothing
        until(page, "document.querySelector('iframe').contentDocument === null")
        return
    until(page, "window.blocked.length > 0")
    assert page.evaluate("window.blocked") == [directive]
    assert page.evaluate("window.taken") is None

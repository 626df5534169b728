"""Both bundles render in a real browser, served as plain files."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from e2e_support import VERSION, install
from playwright.sync_api import Browser, Page, sync_playwright

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
HEADINGS = {"vault-ui": "Tesseral vault (sample)", "console": "Tesseral console (sample)"}

pytestmark = pytest.mark.browser


class Silent(http.server.SimpleHTTPRequestHandler):
    """A static file server without a log."""

    def log_message(self, format: str, *args: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    install("chromium", commands=("chromium",))
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path="/usr/bin/chromium", args=QUIET)
        yield browser
        browser.close()


@pytest.fixture(params=["vault-ui", "console"])
def piece(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def address(piece: str, unpacked: Path) -> Iterator[str]:
    folder = unpacked / f"tesseral-{piece}_{VERSION}.tar.gz"
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=folder)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


def opened(browser: Browser, address: str) -> tuple[Page, list[str]]:
    """The page when it is quiet, and every complaint that the browser's console got."""
    page = browser.new_page(viewport={"width": 1000, "height": 700})
    complaints: list[str] = []
    page.on("console", lambda m: complaints.append(m.text) if m.type in {"error", "warning"} else None)
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("requestfailed", lambda request: complaints.append(f"failed: {request.url}"))
    page.goto(address, wait_until="networkidle")
    return page, complaints


def test_it_renders_without_a_console_error(
    browser: Browser, address: str, piece: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    page, complaints = opened(browser, address)
    page.get_by_role("heading", name=HEADINGS[piece]).wait_for(timeout=10_000)
    page.screenshot(path=tmp_path_factory.getbasetemp() / f"{piece}.png")
    assert complaints == []
    # Tailwind's result is there: without it the body has the browser's own margin.
    assert page.evaluate("getComputedStyle(document.body).margin") == "0px"
    page.close()


def test_the_console_says_that_it_is_not_configured(browser: Browser, address: str, piece: str) -> None:
    page, _ = opened(browser, address)
    notices = page.get_by_text("This console is not configured yet").count()
    assert notices == (1 if piece == "console" else 0)
    page.close()

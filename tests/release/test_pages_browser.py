"""The pages in a real browser: on a phone and a desk, light and dark, friendly and hostile."""

from __future__ import annotations

import functools
import http.server
import threading
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from e2e_support import install
from playwright.sync_api import Browser, Page, sync_playwright
from site_samples import artifact, place, promote, whole, yank

from release.catalogue import refresh
from release.destination import DirectoryDestination

QUIET = ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-background-networking"]
QUIET += ["--disable-component-update", "--disable-sync"]
SIZES = {"phone": (320, 640), "desk": (1280, 800)}
PAGES = ("index.html", "releases/1.4.0.html", "releases/1.3.0.html", "releases/1.2.0.html")
LONG = "Donaudampfschifffahrt" * 20
HOSTILE_NOTES = f"""# {LONG}

<script>document.title = "taken"</script> <img src=x onerror="document.title='taken'">

- [click](javascript:document.title='taken') `{LONG}`

      {LONG}

> \u202e{LONG} \u05e9\u05dc\u05d5\u05dd \u05e2\u05d5\u05dc\u05dd

[{LONG}](https://example.com/{LONG})
"""

# For each text: the contrast of its colour with the first ground below it that is not transparent (WCAG 2.2, 1.4.3).
CONTRASTS = """() => {
  const channels = text => text.match(/[\\d.]+/g).map(Number);
  const luminance = ([r, g, b]) => [r, g, b]
    .map(value => value / 255)
    .map(value => value <= 0.04045 ? value / 12.92 : ((value + 0.055) / 1.055) ** 2.4)
    .reduce((sum, value, index) => sum + value * [0.2126, 0.7152, 0.0722][index], 0);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  for (let node = walker.nextNode(); node; node = walker.nextNode()) {
    if (!node.data.trim()) continue;
    let ground = node.parentElement;
    while (ground && channels(getComputedStyle(ground).backgroundColor)[3] === 0) ground = ground.parentElement;
    const pair = [getComputedStyle(node.parentElement).color, getComputedStyle(ground).backgroundColor]
      .map(text => luminance(channels(text)));
    found.push([node.data.trim().slice(0, 30), (Math.max(...pair) + 0.05) / (Math.min(...pair) + 0.05)]);
  }
  return found;
}"""

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


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A site with a plain release, a yanked one, and one whose text is as bad as it can be."""
    root = tmp_path_factory.mktemp("site")
    hostile = whole(
        "1.2.0",
        notes=HOSTILE_NOTES,
        source=replace(whole().source, repository=f"https://example.com/{LONG}", path=f"\u202e{LONG}"),
        console_placeholders={LONG: LONG, "\"><script>document.title='taken'</script>": "x"},
        artifacts=(artifact(f"{LONG[:190]}.zip", LONG[:200], f"linux/{LONG.lower()}", 5 * 2**50),),
    )
    pins = [place(root, release) for release in (hostile, whole("1.3.0"), whole("1.4.0"))]
    place(root, whole("1.4.1-snapshot.20260101.abc1234.dirty-abc1234.partial-abc1234"))
    for pin in pins:
        promote(root, "stable", pin)
    yank(root, "1.3.0", "Tokens of removed users stayed valid for an hour; use 1.4.0.")
    yank(root, "1.2.0", f"<script>document.title='taken'</script> \u202e{LONG} \u05e9\u05dc\u05d5\u05dd"[:1000])
    refresh(DirectoryDestination(root))
    for release in (hostile, whole("1.3.0"), whole("1.4.0")):
        folder = root / "releases" / str(release.version)
        for name in ["SHA256SUMS", *(one.name for one in release.artifacts)]:
            (folder / name).write_bytes(b"content\n")
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Silent, directory=root)) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/"
        server.shutdown()


@pytest.fixture(params=[(size, scheme) for size in SIZES for scheme in ("light", "dark")], ids="-".join)
def page(request: pytest.FixtureRequest, browser: Browser) -> Iterator[Page]:
    size, scheme = request.param
    width, height = SIZES[size]
    context = browser.new_context(viewport={"width": width, "height": height}, color_scheme=scheme)
    page = context.new_page()
    yield page
    context.close()


@pytest.fixture
def complaints(page: Page) -> list[str]:
    found: list[str] = []
    page.on("console", lambda message: found.append(message.text))
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("requestfailed", lambda request: found.append(f"failed: {request.url}"))
    return found


@pytest.mark.parametrize("path", PAGES)
def test_a_page_is_quiet_and_fits(
    page: Page,
    complaints: list[str],
    address: str,
    path: str,
    request: pytest.FixtureRequest,
    tmp_path_factory: pytest.TempPathFactory,
) -> None:
    asked: list[str] = []
    page.on("request", lambda one: asked.append(one.url))
    page.goto(address + path, wait_until="networkidle")
    name = f"{request.node.callspec.id}-{Path(path).stem}.png".replace("/", "-")
    page.screenshot(path=tmp_path_factory.getbasetemp() / name, full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")
    # Nothing is cut off or scrolls on its own either.
    assert page.evaluate("[...document.body.querySelectorAll('main *')].every(e => e.scrollWidth <= innerWidth)")
    assert page.locator("script, img, iframe, object, form").count() == 0
    assert "taken" not in page.title()
    assert asked == [address + path]
    assert complaints == []


@pytest.mark.parametrize("path", PAGES)
def test_every_text_has_contrast(page: Page, address: str, path: str) -> None:
    page.goto(address + path)
    contrasts = page.evaluate(CONTRASTS)
    assert len(contrasts) > 15
    assert [(text, ratio) for text, ratio in contrasts if ratio < 4.5] == []


def test_dark_is_dark(page: Page, address: str) -> None:
    page.goto(address)
    dark = page.evaluate("matchMedia('(prefers-color-scheme: dark)').matches")
    assert page.evaluate("getComputedStyle(document.body).backgroundColor") == (
        "rgb(20, 23, 28)" if dark else "rgb(255, 255, 255)"
    )


def test_every_link_of_ours_leads_somewhere(browser: Browser, address: str) -> None:
    page = browser.new_page()
    seen: set[str] = set()
    for path in PAGES:
        page.goto(address + path)
        seen.update(page.eval_on_selector_all("a", "all => all.map(one => one.href.split('#')[0])"))
    ours = {url for url in seen if url.startswith(address)}
    assert len(ours) > 30
    assert {url: page.request.get(url).status for url in ours} == dict.fromkeys(ours, 200)
    page.close()


def test_a_person_finds_the_way_to_a_file_and_back(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(address)
    page.get_by_role("row", name="1.4.0 2026-02-10 stable").get_by_role("link", name="1.4.0").click()
    assert page.url == f"{address}releases/1.4.0.html"
    with page.expect_download() as download:
        page.get_by_role("link", name="tesseral-api_1.4.0_linux_amd64.tar.gz", exact=True).click()
    assert download.value.suggested_filename == "tesseral-api_1.4.0_linux_amd64.tar.gz"
    page.get_by_role("link", name="SBOM of tesseral-api_1.4.0_linux_amd64.tar.gz").click()
    assert page.url == f"{address}releases/1.4.0/tesseral-api_1.4.0_linux_amd64.cdx.json"
    page.go_back()
    page.get_by_role("link", name="Tesseral releases").click()
    assert page.url == f"{address}index.html"
    page.close()


def test_the_focus_is_seen_and_the_first_key_skips_to_the_content(page: Page, address: str) -> None:
    page.goto(f"{address}releases/1.4.0.html")
    for expected in ("Skip to the content", "Tesseral releases"):
        page.keyboard.press("Tab")
        focused = page.locator(":focus")
        assert focused.inner_text() == expected
        assert focused.evaluate("e => getComputedStyle(e).outlineStyle") == "solid"
        box = focused.bounding_box()
        assert box is not None
        assert box["y"] >= 0


def test_tables_are_tables_on_a_phone_too(page: Page, address: str) -> None:
    page.goto(f"{address}releases/1.4.0.html")
    files = page.get_by_role("table", name="Every file with its size and SHA-256.")
    assert files.get_by_role("rowheader", name="linux/amd64").count() == 2
    assert files.get_by_role("row").count() == 1 + 5 + 13
    assert files.get_by_role("columnheader").all_inner_texts() == ["Target", "File", "Size"]


def test_one_click_selects_a_digest_or_a_command(browser: Browser, address: str) -> None:
    page = browser.new_page()
    page.goto(f"{address}releases/1.4.0.html")
    for selector in ("td .digest", "pre code"):
        found = page.locator(selector).last
        found.click()
        assert page.evaluate("getSelection().toString()").strip() == (found.text_content() or "").strip()
    page.close()


def test_nothing_that_slips_in_runs(browser: Browser, address: str, root: Path) -> None:
    evil = '<script>document.title="taken"</script><style>body{color:red}</style><b style="color:red">x</b></main>'
    (root / "evil.html").write_text((root / "index.html").read_text().replace("</main>", evil))
    page = browser.new_page()
    page.goto(f"{address}evil.html")
    assert page.title() == "Tesseral releases"
    assert page.evaluate("getComputedStyle(document.body).color") == "rgb(27, 31, 39)"
    assert page.locator("b").evaluate("e => getComputedStyle(e).color") == "rgb(27, 31, 39)"
    page.close()

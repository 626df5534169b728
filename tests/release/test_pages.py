import base64
import hashlib
import os
import subprocess
import sys
from dataclasses import replace
from itertools import pairwise

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from page_reader import Reader, read
from release_samples import ROOT, unhurried
from site_samples import NOTES, artifact, digest, whole

from release.destination import Channel, Pin
from release.destination.index import Row
from release.manifest import Requirements
from release.pages import overview_page, release_page
from release.pages.overview import MOST
from release.standing import Standing
from release.version import parse

TAGS = (
    "html head meta title style body a header main footer p h1 h2 h3 h4 h5 h6 section aside strong em s span time bdi "
    "div code pre ul ol li blockquote hr br dl dt dd table caption thead tbody tr th td"
)
ATTRIBUTES = (
    "lang charset http-equiv content name href class id aria-label aria-labelledby role scope colspan tabindex title "
    "datetime dir rel start"
)
HOSTILE = [
    "<script>alert(1)</script>",
    "</style><script>alert(1)</script>",
    "\"'><img src=x onerror=alert(1)>",
    "[x](javascript:alert(1))",
    "[x](JaVaScRiPt:alert(1))",
    "[x]( javascript:alert(1))",
    "[x](java&#115;cript:alert(1))",
    "[x](data:text/html;base64,PHNjcmlwdD4=)",
    "[x](vbscript:x)",
    "[x](//elsewhere.example)",
    "[x](../../index.json)",
    "<javascript:alert(1)>",
    "![pixel](https://tracker.example/x.png)",
    "[x]: javascript:alert(1)\n\n[x]",
    '[x](https://a.example "title\\" onclick=alert(1)")',
    '```js onclick=alert(1)"><script>\n</script>\n```',
    "<!-- <script> -->\n<?php ?>\n<![CDATA[x]]>",
    "\x00\x1b[31m\x07",
    "\u202eRTL \u05e9\u05dc\u05d5\u05dd",
    "&lt;script&gt; &#x3c;script&#x3e;",
]


def page(**changes: object) -> Reader:
    return read(release_page(whole("1.4.0", **changes), yanked=None, channels=()))


def check_harmless(reader: Reader) -> None:
    assert {node.tag for node in reader.nodes} <= set(TAGS.split())
    assert {name for node in reader.nodes for name in node.attributes} <= set(ATTRIBUTES.split())
    names = [node.attributes["id"] for node in reader.nodes if "id" in node.attributes]
    assert len(names) == len(set(names))
    for link in reader.links:
        scheme = link.split(":")[0].lower() if ":" in link else ""
        assert scheme in ("", "https", "http", "mailto")
        assert not link.startswith("//")
        # Markdown's "[]()" is a link to the page itself.
        assert scheme or not link or link.startswith(("#content", "../index.", "1.4.0/", "releases/", "index.json"))


def row(version: str, yanked: str | None = None) -> Row:
    return Row(
        version=parse(version), manifest_digest=digest(version), committed_at="2026-02-03T04:05:06Z", yanked=yanked
    )


def standing(name: str, *versions: str, reached: int | None = 0) -> Standing:
    pins = [Pin(version=parse(version), manifest_digest=digest(version)) for version in versions]
    channel = Channel(name=name, current=pins[0], previous=tuple(pins[1:]))
    return Standing(channel=channel, reached=None if reached is None else pins[reached])


def test_a_release_has_all_that_an_operator_needs() -> None:
    release = whole()
    reader = read(release_page(release, yanked=None, channels=("candidate", "stable")))
    text = reader.one("body").text
    for one in release.artifacts:
        assert reader.links.count(f"1.4.0/{one.name}") == 1
        assert (one.digest.removeprefix("sha256:") in text) is not one.name.endswith(".cdx.json")
    for image in release.images:
        assert image.digest in text
        assert f"1.4.0/images/{image.name}" in text
    for words in (
        "16.4 or newer",
        "1 to 90",
        "7, 87",
        "1.2.0 or newer",
        release.source.commit,
        release.source.tree_digest,
        release.pipeline.toolchain_lock_digest,
        "__PLACEHOLDER_CONSOLE_API_URL__",
        'tesseral-release fetch 1.4.0 --from "$URL"',
        "sha256sum -c SHA256SUMS",
        "14.0 MiB",
        "linux/amd64, linux/arm64",
    ):
        assert words in text, words
    assert [node.text for node in reader.all("span", class_="badge")] == ["candidate", "stable"]
    assert {"1.4.0/SHA256SUMS", "1.4.0/release.json", "../index.html", "../index.json"} <= set(reader.links)
    assert "https://git.example/tesseral/tesseral" in reader.links
    assert reader.all("aside") == []


def test_pieces_are_groups_of_the_table_of_files() -> None:
    reader = page()
    groups = [node.text for node in reader.all("th", scope="rowgroup")]
    assert groups == [
        "tesseral-api",
        "tesseral-bootstrap",
        "tesseral-console",
        "tesseral-vault-ui",
        "tesseraldb-migrations",
    ]


def test_an_sbom_is_beside_what_it_is_of() -> None:
    reader = page()
    links = {node.attributes["aria-label"]: node.attributes["href"] for node in reader.all("a", class_="sbom")}
    assert links["SBOM of tesseral-api_1.4.0_windows_amd64.zip"] == "1.4.0/tesseral-api_1.4.0_windows_amd64.cdx.json"
    assert links["SBOM of tesseral-console"] == "1.4.0/tesseral-console_1.4.0_image.cdx.json"
    assert len(links) == 13 + 4
    assert {node.text for node in reader.all("a", class_="sbom")} == {"SBOM"}


def test_a_release_without_sboms_does_not_speak_of_them() -> None:
    older = tuple(one for one in whole().artifacts if not one.name.endswith(".cdx.json"))
    assert "SBOM" in page().one("main").text
    assert "SBOM" not in page(artifacts=older).one("main").text


def test_an_sbom_of_nothing_that_is_listed_is_a_file() -> None:
    reader = page(artifacts=(artifact("other.cdx.json", "other", None),))
    assert reader.one("a", href="1.4.0/other.cdx.json").text == "other.cdx.json"


def test_a_small_release_leaves_out_what_it_has_not() -> None:
    reader = page(
        artifacts=(), images=(), notes=None, console_placeholders={}, requirements=Requirements(), source=whole().source
    )
    assert [node.text for node in reader.all("h2")] == ["Requirements", "Fetch and verify", "Source"]
    assert [node.text for node in reader.all("dd")][:4] == ["16.4 or newer", "none", "none", "any version"]


def test_markdown() -> None:
    reader = page(notes=NOTES + "\n\n# Top\n\n## Second\n\n##### Fifth\n")
    notes = reader.one("div", class_="notes")
    assert [node.text for node in reader.all("strong")] == ["every"]
    assert [node.text for node in reader.all("h3")] == ["Added", "Changed", "Fixed", "Top", "Second"]
    assert [node.text for node in reader.all("h5")] == ["Fifth"]
    assert len(reader.all("li")) == 5
    assert reader.one("a", rel="nofollow noreferrer", href="https://docs.example/passkeys").text == "the guide"
    assert "API_SESSION_IDLE=12h" in notes.text


def test_a_yanked_release_says_so_first() -> None:
    reader = read(release_page(whole(), yanked="It <b>leaks</b>.", channels=()))
    assert "do not use it" in reader.one("aside").text
    assert reader.one("aside").text.endswith("It <b>leaks</b>.")
    assert reader.one("s").text == "1.4.0"
    first = [node.tag for node in reader.nodes if node.tag in ("h1", "aside", "h2")]
    assert first[:3] == ["h1", "aside", "h2"]


@pytest.mark.parametrize("text", HOSTILE)
def test_hostile_text_does_nothing(text: str) -> None:
    source = replace(whole().source, repository=text, path=text)
    reader = read(
        release_page(whole(notes=text, source=source, console_placeholders={text: text}), yanked=text, channels=())
    )
    check_harmless(reader)
    check_harmless(read(overview_page([row("1.4.0", yanked=text)], [])))
    shown = "".join("\ufffd" if ord(c) < 32 and c not in "\t\n" else c for c in text)
    assert shown in reader.one("aside").text
    assert reader.one("div", class_="notes", dir="auto")


def test_only_links_to_the_web_and_to_mail_are_links() -> None:
    notes = "[a](https://a.example) [b](HTTP://b.example) [c](mailto:c@d.example) [d](ftp://d.example) [e](e.html)"
    links = [link for link in page(notes=notes).links if "example" in link and "git" not in link]
    assert links == ["https://a.example", "HTTP://b.example", "mailto:c@d.example"]


def test_a_repository_is_a_link_only_on_the_web() -> None:
    for repository, linked in (("https://a.example/x", True), ("javascript:alert(1)", False), ("git@host:x", False)):
        links = page(source=replace(whole().source, repository=repository)).links
        assert (repository in links) is linked


@unhurried
@given(notes=st.text(), reason=st.text(min_size=1), repository=st.text(min_size=1))
@example(notes="- [x](javascript:a)\n" * 3, reason="<", repository='https://"><script>')
def test_no_text_does_harm(notes: str, reason: str, repository: str) -> None:
    source = replace(whole().source, repository=repository)
    release = whole(notes=notes, source=source)
    first = release_page(release, yanked=reason, channels=())
    check_harmless(read(first))
    assert release_page(release, yanked=reason, channels=()) == first
    check_harmless(read(overview_page([row("1.4.0", yanked=reason)], [])))


@unhurried
@given(st.lists(st.sampled_from(["<", ">", "[", "](", ")", "javascript:", "&", '"', "`", "\n", "*", "!", "a", "//"])))
def test_no_markdown_does_harm(words: list[str]) -> None:
    check_harmless(page(notes="".join(words)))


@pytest.mark.parametrize(
    "data", [release_page(whole(), yanked="x", channels=("stable",)), overview_page([row("1.0.0")], [])]
)
def test_a_page_is_well_made(data: bytes) -> None:
    reader = read(data)
    assert reader.nodes[0].attributes == {"lang": "en"}
    assert len(reader.one("title").text) > 5
    assert len(reader.all("h1")) == len(reader.all("main")) == len(reader.all("header")) == 1
    assert len(reader.all("caption")) == len(reader.all("table"))
    assert all("scope" in node.attributes for node in reader.all("th"))
    names = {node.attributes.get("id") for node in reader.nodes}
    assert {node.attributes["aria-labelledby"] for node in reader.all("section")} <= names
    assert "content" in names
    levels = [int(node.tag[1]) for node in reader.nodes if node.tag in ("h1", "h2", "h3", "h4")]
    assert all(after <= before + 1 for before, after in pairwise(levels))


def test_nothing_but_the_style_of_the_page_is_allowed() -> None:
    reader = page()
    style = reader.one("style").text
    hashed = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    policy = reader.one(
        "meta", content=f"default-src 'none'; style-src 'sha256-{hashed}'; base-uri 'none'; form-action 'none'"
    )
    assert policy.attributes["http-equiv"] == "Content-Security-Policy"
    assert "url(" not in style
    assert "@import" not in style


def test_the_same_bytes_everywhere() -> None:
    code = (
        "import sys; from site_samples import whole; from release.pages import release_page;"
        "sys.stdout.buffer.write(release_page(whole(), yanked='größer', channels=('stable',)))"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests"), str(ROOT / "tests" / "release")])
    outputs = {
        subprocess.run(
            [sys.executable, "-c", code],
            env={**os.environ, "PYTHONPATH": path, "TZ": zone, "LC_ALL": locale, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
        ).stdout
        for zone, locale, seed in (("UTC", "C", "1"), ("Asia/Tokyo", "C.UTF-8", "2"))
    }
    assert outputs == {release_page(whole(), yanked="größer", channels=("stable",))}


def test_releases_are_listed_newest_first() -> None:
    rows = [row("1.9.0"), row("1.10.0-rc.1"), row("1.10.0", yanked="bad"), row("1.2.0")]
    reader = read(overview_page(rows, [standing("stable", "1.10.0", "1.9.0", reached=1)]))
    versions = [node.text for node in reader.all("th", scope="row")]
    assert versions == ["stable", "1.10.0", "1.10.0-rc.1", "1.9.0", "1.2.0"]
    assert reader.links[1:6] == ["releases/1.9.0.html", *(f"releases/{v}.html" for v in versions[1:])][:5]
    assert [node.text for node in reader.all("time", datetime="2026-02-03T04:05:06Z")] == ["2026-02-03"] * 4
    assert [node.text for node in reader.all("s")] == ["1.10.0"]
    cells = [node.text for node in reader.all("td")]
    assert cells[0] == "1.9.0, since 1.10.0 is yanked"
    assert cells[2::2] == ["yanked bad", "", "stable", ""]


def test_a_channel_whose_releases_are_all_yanked() -> None:
    reader = read(overview_page([row("1.0.0", yanked="bad")], [standing("stable", "1.0.0", reached=None)]))
    assert reader.all("td")[0].text == "none: 1.0.0 and all before it are yanked"
    assert reader.all("span", class_="badge") == []


@pytest.mark.parametrize(
    ("number", "words"),
    [
        (MOST, None),
        (MOST + 1, "There is one older release in index.json."),
        (MOST + 2, "There are 2 older releases in index.json."),
    ],
)
def test_the_newest_releases_are_shown_and_the_others_pointed_to(number: int, words: str | None) -> None:
    reader = read(overview_page([row(f"1.{minor}.0") for minor in range(number)], []))
    assert len(reader.all("th", scope="row")) == MOST
    assert reader.all("th", scope="row")[0].text == f"1.{number - 1}.0"
    assert [node.text for node in reader.all("p") if "older" in node.text] == ([words] if words else [])


def test_no_release_yet() -> None:
    assert "There is no release yet." in read(overview_page([], [])).one("main").text

"""What every page has: the head with its policy and style, the header, and small parts that pages share."""

from __future__ import annotations

import base64
import functools
import hashlib
from importlib import resources

from ..destination.documents import INDEX, INDEX_PAGE
from .markup import Child, Html, element, joined

SITE = "Tesseral releases"


def document(title: str, header: Child, *main: Child, root: str = "") -> bytes:
    """Return a whole page. ``root`` is the way from it to where ``index.html`` is: nothing, or ``../``."""
    style = _style()
    digest = base64.b64encode(hashlib.sha256(style.encode()).digest()).decode()
    # Whatever slips into a page can neither run nor fetch: the one thing allowed is this very style.
    policy = f"default-src 'none'; style-src 'sha256-{digest}'; base-uri 'none'; form-action 'none'"
    head = element(
        "head",
        element("meta", charset="utf-8"),
        element("meta", http_equiv="Content-Security-Policy", content=policy),
        element("meta", name="viewport", content="width=device-width, initial-scale=1"),
        element("meta", name="referrer", content="no-referrer"),
        element("meta", name="color-scheme", content="light dark"),
        element("title", title),
        element("style", Html(style)),
    )
    body = element(
        "body",
        element("a", "Skip to the content", href="#content", class_="skip"),
        element("header", header),
        element("main", *main, id="content"),
        element("footer", element("p", "For programs: ", element("a", INDEX, href=root + INDEX))),
    )
    return f"<!DOCTYPE html>\n{element('html', head, body, lang='en').markup}\n".encode()


def home(root: str) -> Html:
    """Return the header of a page other than ``index.html``: the way to that."""
    return element("p", element("a", SITE, href=root + INDEX_PAGE), class_="site")


def section(title: str, *content: Child, name: str) -> Html:
    """Return a section that its heading names; ``name`` is the target of links to it."""
    heading = element("h2", title, id=name)
    return element("section", heading, *content, aria_labelledby=name)


def table(caption: str, titles: tuple[str, ...], *groups: Html, kind: str) -> Html:
    """Return a table of the class ``kind``; ``groups`` are ``tbody`` elements.

    The roles say again what the elements do: narrow screens get rows as blocks, for which some
    browsers forget that they are rows.
    """
    heads = [element("th", title, scope="col", role="columnheader") for title in titles]
    return element(
        "table",
        element("caption", caption),
        element("thead", element("tr", *heads, role="row"), role="rowgroup"),
        *groups,
        role="table",
        class_=kind,
    )


def row(head: Child, *cells: Child) -> Html:
    """Return a row whose first cell names it."""
    first = element("th", head, scope="row", role="rowheader")
    return element("tr", first, *(element("td", cell, role="cell") for cell in cells), role="row")


def facts(*pairs: tuple[str, Child | None]) -> Html:
    """Return a list of names and values; those that are None are left out."""
    shown = [element("div", element("dt", name), element("dd", value)) for name, value in pairs if value is not None]
    return element("dl", *shown)


def command(*lines: str) -> Html:
    """Return lines for a shell, selected as a whole by one click."""
    # Focusable, so that a keyboard reaches it too.
    return element("pre", element("code", "\n".join(lines)), tabindex="0")


def digest(text: str) -> Html:
    """Return a digest in full, selected as a whole by one click."""
    return element("code", text, class_="digest")


def isolated(text: str) -> Html:
    """Return somebody's text whose direction is its own and changes nothing around it."""
    return element("bdi", text, dir="auto")


def badge(text: str, *, bad: bool = False) -> Html:
    """Return a word on a coloured ground."""
    return element("span", text, class_="badge bad" if bad else "badge")


def spaced(*children: Child) -> Html:
    """Return ``children`` with spaces between."""
    return joined(*children, by=" ")


@functools.cache
def _style() -> str:
    return (resources.files(__package__) / "style.css").read_text("utf-8")

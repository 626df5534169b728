"""``index.html``: the channels, and the releases newest first."""

from __future__ import annotations

from collections.abc import Sequence

from ..destination.documents import INDEX, page_key
from ..destination.index import Row
from ..standing import Standing
from .frame import SITE, badge, document, isolated, row, section, spaced, table
from .markup import Child, Html, element, joined

MOST = 200
"""Releases on the page; ``index.json`` has all."""


def overview_page(rows: Sequence[Row], channels: Sequence[Standing]) -> bytes:
    """Return the page about all ``rows``, given in any order."""
    newest = sorted(rows, key=lambda one: one.version, reverse=True)
    content = [section("Channels", _channels(channels), name="channels")] if channels else []
    content.append(section("Releases", *_releases(newest, channels), name="releases"))
    return document(SITE, element("h1", SITE), *content)


def _channels(channels: Sequence[Standing]) -> Html:
    lines = (row(standing.name, _target(standing)) for standing in channels)
    return table(
        "A channel is a moving name. It only goes forward.",
        ("Channel", "Release"),
        element("tbody", *lines, role="rowgroup"),
        kind="channels",
    )


def _target(standing: Standing) -> Html:
    current, reached = standing.channel.current, standing.reached
    if reached is None:
        return joined("none: ", str(current.version), " and all before it are yanked")
    link = element("a", str(reached.version), href=page_key(reached.version))
    if reached == current:
        return link
    return joined(link, f", since {current.version} is yanked")


def _releases(newest: Sequence[Row], channels: Sequence[Standing]) -> list[Child]:
    if not newest:
        return [element("p", "There is no release yet.")]
    lines = (row(_name(one), _date(one), _remarks(one, channels)) for one in newest[:MOST])
    content: list[Child] = [
        table(
            "Newest version first, with the date of its source.",
            ("Version", "Date", "Remarks"),
            element("tbody", *lines, role="rowgroup"),
            kind="releases",
        )
    ]
    older = len(newest) - MOST
    if older > 0:
        more = "one older release" if older == 1 else f"{older} older releases"
        content.append(element("p", "There is " if older == 1 else "There are ", more, " in ", _index_link(), "."))
    return content


def _index_link() -> Html:
    return element("a", INDEX, href=INDEX)


def _name(one: Row) -> Html:
    link = element("a", str(one.version), href=page_key(one.version))
    return link if one.yanked is None else element("s", link)


def _date(one: Row) -> Html:
    return element("time", one.committed_at[:10], datetime=one.committed_at)


def _remarks(one: Row, channels: Sequence[Standing]) -> Html:
    words: list[Child] = [
        badge(standing.name)
        for standing in channels
        if standing.reached is not None and standing.reached.version == one.version
    ]
    if one.yanked is not None:
        words += [badge("yanked", bad=True), isolated(one.yanked)]
    return spaced(*words)

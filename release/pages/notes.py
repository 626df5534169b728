"""Release notes, Markdown written by anybody, as HTML that can do no harm."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import Any

from markdown_it import MarkdownIt
from markdown_it.token import Token

from .markup import Html, element

_SAFE = ("https://", "http://", "mailto:")
_TOP = 3


def rendered(notes: str) -> Html:
    """Render CommonMark without raw HTML and images; only links to the web and to mail stay links.

    Headings begin below those of the page.
    """
    return element("div", Html(_renderer().render(notes)), class_="notes", dir="auto")


@functools.cache
def _renderer() -> MarkdownIt:
    # No images: a page fetches nothing, and tells nobody that it was read.
    markdown = MarkdownIt("commonmark", {"html": False}).disable("image")
    markdown.validateLink = _is_safe  # type: ignore[method-assign]
    markdown.core.ruler.push("headings", lambda state: _lower(state.tokens))
    markdown.add_render_rule("link_open", _link)
    return markdown


def _is_safe(url: str) -> bool:
    return url.lower().startswith(_SAFE)


def _lower(tokens: Sequence[Token]) -> None:
    for token in tokens:
        if token.type in ("heading_open", "heading_close"):
            token.tag = f"h{max(_TOP, int(token.tag[1:]))}"


def _link(self: Any, tokens: Sequence[Token], position: int, options: Any, env: Any) -> str:  # noqa: ANN401
    tokens[position].attrSet("rel", "nofollow noreferrer")
    return str(self.renderToken(tokens, position, options, env))

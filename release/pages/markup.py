"""HTML that is safe by construction: text is escaped unless it is :class:`Html` already."""

from __future__ import annotations

import html
import unicodedata
from dataclasses import dataclass

_VOID = frozenset({"meta", "link", "br"})


@dataclass(frozen=True)
class Html:
    """Markup. Only this module and the Markdown renderer make it."""

    markup: str


Child = str | Html


def element(tag: str, *children: Child, **attributes: str) -> Html:
    """Return an element around ``children``; ``class_`` is the attribute class, ``http_equiv`` http-equiv."""
    names = ((name.rstrip("_").replace("_", "-"), value) for name, value in attributes.items())
    start = f"<{tag}" + "".join(f' {name}="{_escaped(value)}"' for name, value in names) + ">"
    return Html(start if tag in _VOID else f"{start}{joined(*children).markup}</{tag}>")


def joined(*children: Child, by: str = "") -> Html:
    """Return ``children`` one after the other, with the text ``by`` between them."""
    parts = (child.markup if isinstance(child, Html) else _escaped(child) for child in children)
    return Html(_escaped(by).join(parts))


def _escaped(text: str) -> str:
    # Control characters are no part of HTML, whoever wrote the text.
    shown = "".join("\ufffd" if unicodedata.category(c) == "Cc" and c not in "\t\n" else c for c in text)
    return html.escape(shown, quote=True)

"""Declared licences in the form of CycloneDX: an id or expression of SPDX, or else the words as they are."""

from __future__ import annotations

import re

# Of the SPDX list, what packages declare most. Another one is still told, by its name.
# fmt: off
KNOWN = frozenset({
    "0BSD", "AFL-2.1", "AGPL-3.0-only", "AGPL-3.0-or-later", "Apache-2.0", "Artistic-2.0", "BSD-2-Clause",
    "BSD-3-Clause", "BSD-3-Clause-Clear", "BSL-1.0", "BlueOak-1.0.0", "CC-BY-3.0", "CC-BY-4.0", "CC-BY-SA-4.0",
    "CC0-1.0", "EPL-2.0", "GPL-2.0-only", "GPL-2.0-or-later", "GPL-3.0-only", "GPL-3.0-or-later", "ISC",
    "LGPL-2.1-only", "LGPL-2.1-or-later", "LGPL-3.0-only", "LGPL-3.0-or-later", "MIT", "MIT-0", "MPL-2.0",
    "OFL-1.1", "PostgreSQL", "Python-2.0", "Unicode-3.0", "Unicode-DFS-2016", "Unlicense", "WTFPL", "ZPL-2.1",
    "Zlib",
})
# fmt: on
_OPERATORS = ("AND", "OR")
_WORDS = re.compile(r"[()]|[^\s()]+")


def choice(declared: str) -> list[dict[str, object]]:
    """Return CycloneDX's ``licenses`` for what a package declares; nothing declared gives an empty list."""
    if not declared:
        return []
    if declared in KNOWN:
        return [{"license": {"acknowledgement": "declared", "id": declared}}]
    if _is_expression(declared):
        return [{"acknowledgement": "declared", "expression": declared}]
    return [{"license": {"acknowledgement": "declared", "name": declared}}]


def _is_expression(text: str) -> bool:
    """Whether ``text`` is a licence expression (SPDX 2.3, annex D) over known ids, without exceptions (WITH)."""
    depth = 0
    wants_licence = True
    for word in _WORDS.findall(text):
        if word == "(" and wants_licence:
            depth += 1
        elif word == ")" and not wants_licence and depth:
            depth -= 1
        elif wants_licence == (word in KNOWN) and (wants_licence or word in _OPERATORS):
            wants_licence = not wants_licence
        else:
            return False
    return not wants_licence and depth == 0

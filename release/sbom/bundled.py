"""Which packages gave content to a web bundle: read off what the bundler and the style sheets say.

esbuild's source map lists the files that have bytes in its output, the same as its metafile does, and no
build has to be changed for it. Style sheets are compiled without a map; there, what they import counts.
"""

from __future__ import annotations

import posixpath
import re
from collections.abc import Iterator, Mapping
from typing import Any

from .. import canonical
from ..errors import BuildError

_COMMENT = re.compile(r"/\*.*?\*/", re.DOTALL)
# @import (CSS Cascading and Inheritance, section 2) and Tailwind's @plugin, whose rules are content too.
_AT_RULE = re.compile(r"""@(?:import|plugin)\s+(?:url\(\s*)?(?:"([^"\n]+)"|'([^'\n]+)'|([^\s"';)]+))""", re.IGNORECASE)
_LOCAL = re.compile(r"[./#]|[A-Za-z][A-Za-z0-9+.-]*:")  # a path, or a URL
_PACKAGE = re.compile(r"(@[^/]+/)?[^/]+")


def sources(source_map: bytes, name: str) -> tuple[str, ...]:
    """Return the files that a source map lists (ECMA-426, sections of index maps included), sorted.

    ``name`` is for people. Raises BuildError when it is no source map.
    """
    try:
        return tuple(sorted(set(_sources(canonical.loads(source_map)))))
    except (ValueError, TypeError, KeyError, AttributeError) as error:
        raise BuildError(f"{name} is no source map: {error!r}", "see what the build writes there") from error


def imports(stylesheets: Mapping[str, bytes]) -> tuple[str, ...]:
    """Return the packages that style sheets (path → content) import by name, sorted.

    Not those which a package's own style sheet imports.
    """
    found = set()
    for path, content in stylesheets.items():
        for match in _AT_RULE.finditer(_COMMENT.sub(" ", content.decode(errors="replace"))):
            specifier = next(filter(None, match.groups())).removeprefix("~")
            beside = posixpath.normpath(posixpath.join(posixpath.dirname(path), specifier))
            package = _PACKAGE.match(specifier)
            if package and beside not in stylesheets and not _LOCAL.match(specifier):
                found.add(package[0])
    return tuple(sorted(found))


def _sources(document: Any) -> Iterator[str]:  # noqa: ANN401 - JSON; what doesn't fit raises
    if "sections" in document:
        for section in document["sections"]:
            yield from _sources(section["map"])
        return
    root = (document.get("sourceRoot") or "").rstrip("/")
    for source in document["sources"]:
        if not isinstance(source, str | None):
            raise TypeError(f"{source!r} among its sources")
        if source is not None:  # code that the bundler made up
            yield f"{root}/{source}" if root else source

"""Templates of this program, with tokens such as ``@version@``, and how what is made of them begins."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path

from .. import __version__
from ..proxy.render import MARK
from ..site import Site
from ..site.values import shown
from .pinned import Pinned

_FOLDER = Path(__file__).parent / "templates"
_TOKEN = re.compile("@([a-z_]+)@")


def header(site: Site, release: Pinned) -> str:
    """Return the line that every file begins with: it tells what to change, and that this program made it."""
    return (
        f"{MARK}{__version__} from {shown(site.path.name)} for Tesseral {release.version} "
        f"({release.pin.manifest_digest}): change that and make it again.\n"
    )


def filled(path: str, values: Mapping[str, str]) -> str:
    """Return the template ``path`` with ``values`` for its tokens; what is put in is not looked at again."""
    text = (_FOLDER / path).read_text("utf-8")
    return _TOKEN.sub(lambda token: values[token[1]], text)

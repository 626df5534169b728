"""An operator's settings for tests: a document that is good, and TOML of any document.

::

    site = site_of(settings(hosts={"vaults": ["*.vaults.example.com"]}))
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from release.site import Site, parse

GOOD: Mapping[str, Mapping[str, Any]] = {
    "hosts": {
        "backend-api": "api.example.com",
        "config-api": "config.example.com",
        "console": "console.example.com",
        "vault": "vault.console.example.com",
    },
    "tls": {"certificate": "/etc/tesseral/tls/fullchain.pem", "key": "/etc/tesseral/tls/key.pem"},
    "api": {"address": "127.0.0.1:3001"},
    "web": {"vault-ui": "/srv/tesseral/vault-ui", "console": "/srv/tesseral/console"},
}


def settings(**sections: Mapping[str, Any] | None) -> dict[str, Any]:
    """The good document with keys of some sections added or replaced; a value of None leaves the key out."""
    document: dict[str, Any] = {name: dict(table) for name, table in GOOD.items()}
    for name, table in sections.items():
        if table is None:
            del document[name]
        else:
            merged = {**document.get(name, {}), **table}
            document[name] = {key: value for key, value in merged.items() if value is not None}
    return document


def toml(document: Mapping[str, Any]) -> bytes:
    """A document as TOML, all in inline tables. JSON's texts, numbers and words are TOML's too."""
    return "".join(f"{_value(name)} = {_value(value)}\n" for name, value in document.items()).encode()


def site_of(document: Mapping[str, Any], path: Path = Path("/etc/tesseral/tesseral.toml")) -> Site:
    """What the settings say; raises as :func:`release.site.parse` does."""
    return parse(toml(document), path)


def _value(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{_value(key)} = {_value(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_value, value)) + "]"
    # TOML has no surrogates, which is how JSON escapes what is not in the basic plane.
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")

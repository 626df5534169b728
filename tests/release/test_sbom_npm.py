"""The packages of web bundles: what a bundle says of itself, joined with its lock file."""

from __future__ import annotations

import base64
import hashlib
import json
from collections.abc import Iterable
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import ROOT, unhurried
from sbom_samples import read, sbom

from release.errors import BuildError, SourceError
from release.sbom.bundled import imports, sources
from release.sbom.licences import choice
from release.sbom.npm import Packages, packages

LOCK = "console/package-lock.json"
SHA512 = hashlib.sha512(b"react").digest()
INTEGRITY = "sha512-" + base64.b64encode(SHA512).decode()


def found(entries: dict[str, Any], source: Iterable[str] = (), imported: Iterable[str] = ()) -> Packages:
    document = {"lockfileVersion": 3, "packages": {"": {"name": "console"}, **entries}}
    return packages(json.dumps(document).encode(), LOCK, sources=source, imports=imported)


def names(result: Packages) -> list[str]:
    return [f"{one.name} {one.version}" for one in result.components]


def test_what_went_in_and_no_tools() -> None:
    entries = {
        "node_modules/react": {"version": "19.3.1", "license": "MIT", "integrity": INTEGRITY},
        "node_modules/esbuild": {"version": "0.28.2", "dev": True},
    }
    result = found(entries, ["../src/index.tsx", "../node_modules/react/index.js", "../node_modules/react/cjs/a.js"])
    assert names(result) == ["react 19.3.1"]
    assert result.unknown == ()
    (component,) = read(sbom(*result.components))["components"]
    assert component == {
        "type": "library",
        "bom-ref": "pkg:npm/react@19.3.1",
        "purl": "pkg:npm/react@19.3.1",
        "name": "react",
        "version": "19.3.1",
        "licenses": [{"license": {"acknowledgement": "declared", "id": "MIT"}}],
        "hashes": [{"alg": "SHA-512", "content": SHA512.hex()}],
    }


def test_development_dependency_whose_styles_went_in() -> None:
    entries = {"node_modules/tailwindcss": {"version": "4.3.3", "dev": True}}
    assert names(found(entries, imported=["tailwindcss"])) == ["tailwindcss 4.3.3"]


def test_scopes_and_nested_copies() -> None:
    entries = {
        "node_modules/@a/b": {"version": "1.0.0"},
        "node_modules/c": {"version": "1.0.0"},
        "node_modules/@a/b/node_modules/c": {"version": "2.0.0"},
        "node_modules/@a/b/node_modules/@d/e": {"version": "3.0.0"},
    }
    inner = "../node_modules/@a/b/node_modules"
    assert names(found(entries, ["../node_modules/@a/b/x.js"])) == ["@a/b 1.0.0"]
    assert names(found(entries, [f"{inner}/c/x.js"])) == ["c 2.0.0"]
    assert names(found(entries, ["../node_modules/c/x.js"])) == ["c 1.0.0"]
    assert names(found(entries, [f"{inner}/@d/e/x.js"])) == ["@d/e 3.0.0"]
    assert names(found(entries, [f"{inner}/unheard-of/x.js"])) == ["@a/b 1.0.0"]


def test_copies_below_a_workspace() -> None:
    entries = {"node_modules/c": {"version": "1.0.0"}, "packages/p/node_modules/c": {"version": "2.0.0"}}
    assert names(found(entries, ["../packages/p/node_modules/c/x.js"])) == ["c 2.0.0"]
    assert names(found(entries, ["webpack://app/./node_modules/c/x.js"])) == ["c 1.0.0"]


def test_what_no_package_stands_for_is_told() -> None:
    entries = {"node_modules/react": {"version": "19.3.1"}}
    # A package's own source map can lead anywhere; upstream's bundles have such a source.
    source = ["../node_modules/shared/src/utils.ts", "../node_modules/@a", "../node_modules/react"]
    result = found(entries, source, imported=["absent"])
    assert names(result) == ["react 19.3.1"]
    assert result.unknown == ("../node_modules/@a", "../node_modules/shared/src/utils.ts", "node_modules/absent")


def test_alias_has_its_real_name() -> None:
    entries = {"node_modules/short": {"name": "@real/name", "version": "1.0.0"}}
    assert found(entries, ["../node_modules/short/x.js"]).components[0].purl == "pkg:npm/%40real/name@1.0.0"


def test_own_code_that_is_linked_is_no_package() -> None:
    entries = {"node_modules/own": {"resolved": "packages/own", "link": True}, "packages/own": {"version": "1.0.0"}}
    assert found(entries, ["../node_modules/own/x.js"]) == Packages(components=(), unknown=())


@pytest.mark.parametrize("resolved", ["git+ssh://git@example.com/a/b.git#0123", "file:vendored.tgz"])
def test_not_from_a_registry(resolved: str) -> None:
    entries = {"node_modules/x": {"version": "1.0.0", "resolved": resolved}}
    (component,) = found(entries, ["../node_modules/x/x.js"]).components
    assert component.purl == "pkg:generic/x@1.0.0"
    assert "example.com" not in json.dumps(read(sbom(component)))


def test_several_hashes() -> None:
    sha1 = base64.b64encode(hashlib.sha1(b"x").digest()).decode()
    entries = {"node_modules/x": {"version": "1.0.0", "integrity": f"sha1-{sha1} {INTEGRITY}?option md5-AA=="}}
    (component,) = found(entries, ["../node_modules/x/x.js"]).components
    assert [one.algorithm for one in component.hashes] == ["SHA-1", "SHA-512"]


@pytest.mark.parametrize(
    ("entry", "sentence"),
    [
        ({}, f"{LOCK} gives no version of node_modules/x"),
        ({"version": ""}, "no version"),
        ({"version": 1}, "no version"),
        ({"version": "1", "name": 1}, "no version"),
        ({"version": "1", "integrity": "sha512-AAAA"}, f"{LOCK}: node_modules/x has the integrity 'sha512-AAAA'"),
        ({"version": "1", "integrity": "sha512-ä"}, "no SHA-512"),
        ({"version": "1\n2"}, "can't stand in an SBOM"),
    ],
)
def test_hostile_entries(entry: dict[str, Any], sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence.replace("(", r"\(")):
        found({"node_modules/x": entry}, ["../node_modules/x/x.js"])


@pytest.mark.parametrize(
    ("lock", "sentence"),
    [
        (b"{", "is not JSON"),
        (b"\xff", "is not JSON"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[]", "lists no packages"),
        (b'{"lockfileVersion":1,"dependencies":{}}', "lists no packages; write it anew with npm 7"),
        (b'{"packages":{"":[]}}', "lists no packages"),
    ],
)
def test_hostile_lock_files(lock: bytes, sentence: str) -> None:
    with pytest.raises(SourceError, match=f"{LOCK} .*{sentence}"):
        packages(lock, LOCK, sources=[], imports=[])


@unhurried
@given(st.lists(st.text(min_size=1)), st.text())
def test_any_names_end_in_a_document_or_a_sentence(path: list[str], licence: str) -> None:
    source = "/".join(["..", "node_modules", *path])
    key = "/".join(["node_modules", *path[:2]])
    try:
        result = found({key: {"version": "1", "license": licence}}, [source])
        read(sbom(*result.components))
    except SourceError as error:
        assert "\n" not in str(error)  # noqa: PT017 - what it says is the point


def test_the_samples_licences_are_of_spdx() -> None:
    for piece in ("console", "vault-ui"):
        lock = json.loads((ROOT / "examples/minitesseral" / piece / "package-lock.json").read_text())
        declared = {entry["license"] for entry in lock["packages"].values() if "license" in entry}
        choices: list[Any] = [choice(one)[0] for one in declared]
        assert [one for one in choices if "name" in one.get("license", {})] == []


def test_sources() -> None:
    assert sources(b'{"version":3,"sources":["b","a",null,"b"],"mappings":""}', "m") == ("a", "b")
    assert sources(b'{"sourceRoot":"root/","sources":["a"]}', "m") == ("root/a",)
    assert sources(b'{"sections":[{"map":{"sources":["a"]}},{"map":{"sources":["b"]}}]}', "m") == ("a", "b")


@pytest.mark.parametrize(
    "data",
    [b"", b"[]", b"1", b"{}", b'{"sources":1}', b'{"sources":[1]}', b'{"sections":1}', b'{"sections":["a"]}', b"\xff",
     b'{"sourceRoot":1,"sources":[]}', b'{"sections":' * 10_000],
)  # fmt: skip
def test_no_source_map(data: bytes) -> None:
    with pytest.raises(BuildError, match=r"console: index\.js\.map is no source map"):
        sources(data, "console: index.js.map")


@pytest.mark.parametrize(
    ("style", "expected"),
    [
        ('@import "tailwindcss" source("../src");', ["tailwindcss"]),
        ("@import 'tailwindcss/preflight' layer(base);", ["tailwindcss"]),
        ("@import url(tw-animate-css);", ["tw-animate-css"]),
        ('@IMPORT url( "@scope/styles/x.css" ) screen;', ["@scope/styles"]),
        ('@import "~old-way/x.css";', ["old-way"]),
        ('@plugin "@tailwindcss/typography";', ["@tailwindcss/typography"]),
        ('@import "b";\n@import "a";\n@import "b";', ["a", "b"]),
        ('@import "./local.css"; @import "../up.css"; @import "/top.css"; @plugin "#sub";', []),
        ('@import "https://example.com/x.css"; @import url(//example.com/y.css); @import "data:text/css,";', []),
        ('@import "beside.css"; @import "sub/beside.css";', ["sub"]),
        ('/* @import "comment"; */ a { color: red }', []),
        ('@reference "tailwindcss"; @source "../node_modules/x"; @importance "x";', []),
        ('@import ""; @import ', []),
        ("\udcff".join(["", ""]), []),
    ],
)
def test_imports(style: str, expected: list[str]) -> None:
    sheets = {"src/index.css": style.encode("utf-8", "surrogateescape"), "src/beside.css": b""}
    assert imports(sheets) == tuple(expected)

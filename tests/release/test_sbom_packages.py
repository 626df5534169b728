"""The packages that a bill of materials lists, read from the document and from components."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried
from sbom_samples import library, sbom

from release.checksums import digest_of_bytes
from release.gobuildinfo import BuildInfo, Module
from release.sbom import Component, Package, packages_of, read_packages, to_json
from release.sbom.golang import modules, program

INFO = BuildInfo(
    go_version="go1.24.1", main=Module(path="m", version="(devel)"), modules=(Module(path="a", version="v1"),)
)
COMPILED = {
    Package(kind="golang", name="stdlib", version="1.24.1"),
    Package(kind="golang", name="m", version=""),
    Package(kind="golang", name="a", version="v1"),
}


def document(*components: Any) -> bytes:
    return json.dumps({"components": components}).encode()


def test_what_was_written_is_read_programs_apart() -> None:
    whole = program("api", digest_of_bytes(b"api"), INFO, version="1.4.0")
    react = Package(kind="npm", name="@scope/react", version="19.0.0")
    bill = sbom(whole, library("@scope/react", "19.0.0"))
    assert read_packages(to_json(bill)) == COMPILED | {react}
    assert packages_of((whole, *modules(INFO))) == COMPILED


def test_parts_inside_of_others_count() -> None:
    inner = {"type": "library", "name": "b", "version": "2", "purl": "pkg:npm/b@2"}
    outer = {"type": "application", "name": "a", "purl": "pkg:generic/a", "components": [inner]}
    assert read_packages(document(outer)) == {Package(kind="npm", name="b", version="2")}


def test_a_bill_of_nothing_is_empty() -> None:
    assert read_packages(to_json(sbom())) == frozenset()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"[]",
        b"{",
        b'{"components":1}',
        document(1),
        document({"type": "library"}),
        document({"type": "library", "name": 1, "purl": "pkg:npm/a"}),
        document({"type": "library", "name": "a", "version": [], "purl": "pkg:npm/a"}),
        document({"type": "library", "name": "a", "purl": None}),
        b'{"components":' + b'[{"components":' * 900 + b"1" + b"}]" * 900 + b"}",
    ],
)
def test_another_document_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match=r"^no CycloneDX: "):
        read_packages(data)


@unhurried
@given(st.lists(st.tuples(st.text("ab", min_size=1), st.text("12", min_size=1)), unique=True))
def test_all_come_back(pairs: list[tuple[str, str]]) -> None:
    parts: list[Component] = [library(name, version) for name, version in pairs]
    assert read_packages(to_json(sbom(*parts))) == packages_of(parts)

"""CycloneDX documents: their bytes, their schema, and that nothing but content shows in them."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import timedelta, timezone
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from release_samples import CREATED, unhurried
from sbom_samples import DIGEST, library, read, sbom, schema_error

from release import canonical
from release.errors import SourceError
from release.sbom import Component, Hash, Kind, Sbom, file_name, to_json
from release.sbom.licences import KNOWN, choice

REACT = library("react", "19.3.1", licence="MIT", hashes=(Hash(algorithm="SHA-512", content="b" * 128),))
PARTS = (REACT, library("@scope/inner", properties=(("npm:unattributed", "x"),)), library("scheduler"))

printable = st.text(st.characters(exclude_categories=("C", "Z")), min_size=1)
components = st.builds(
    library,
    name=printable,
    version=printable,
    licence=st.one_of(st.sampled_from(sorted(KNOWN)), st.just("(MIT OR CC0-1.0)"), printable),
    hashes=st.lists(st.builds(Hash, algorithm=st.just("SHA-256"), content=st.just("c" * 64))).map(tuple),
    properties=st.lists(st.tuples(printable, printable)).map(tuple),
)


def test_golden() -> None:
    component = {
        "bom-ref": f"pkg:generic/tesseral-console@1.4.0?checksum={DIGEST}",
        "hashes": [{"alg": "SHA-256", "content": "a" * 64}],
        "name": "tesseral-console",
        "purl": f"pkg:generic/tesseral-console@1.4.0?checksum={DIGEST}",
        "type": "application",
        "version": "1.4.0",
    }
    react = {
        "bom-ref": "pkg:npm/react@19.3.1",
        "hashes": [{"alg": "SHA-512", "content": "b" * 128}],
        "licenses": [{"license": {"acknowledgement": "declared", "id": "MIT"}}],
        "name": "react",
        "purl": "pkg:npm/react@19.3.1",
        "type": "library",
        "version": "19.3.1",
    }
    tool = {"name": "tesseral-release", "type": "application", "version": "0.1.0"}
    assert to_json(sbom(REACT)) == canonical.dumps(
        {
            "bomFormat": "CycloneDX",
            "components": [react],
            "dependencies": [{"dependsOn": [react["bom-ref"]], "ref": component["bom-ref"]}],
            "metadata": {
                "component": component,
                "lifecycles": [{"phase": "build"}],
                "timestamp": "2026-01-01T12:30:07Z",
                "tools": {"components": [tool]},
            },
            "serialNumber": "urn:uuid:c7eb56ed-c121-51c7-ba13-be12596134bd",
            "specVersion": "1.7",
            "version": 1,
        }
    )


def test_follows_the_schema() -> None:
    document = read(sbom(*PARTS))
    assert [one["name"] for one in document["components"]] == ["@scope/inner", "react", "scheduler"]


def test_the_schema_would_object() -> None:
    document = read(sbom(*PARTS))
    for change in (
        {"specVersion": 1.7},
        {"serialNumber": "urn:uuid:1"},
        {"components": [{"type": "library"}]},
        {"components": [{"type": "library", "name": "x", "licenses": [{"license": {"id": "No-Such-Licence"}}]}]},
        {"unknown": 1},
    ):
        assert schema_error(json.dumps(document | change).encode())


def test_nothing_inside() -> None:
    document = read(sbom())
    assert document["components"] == []
    assert [one["dependsOn"] for one in document["dependencies"]] == [[]]


@unhurried
@given(st.permutations(PARTS), st.permutations([("b", "1"), ("a", "2"), ("a", "1")]))
def test_order_does_not_show(parts: list[Component], properties: list[tuple[str, str]]) -> None:
    first = replace(parts[0], name="x", purl="pkg:npm/x@1", properties=tuple(properties))
    same = replace(first, properties=(*sorted(properties), properties[0]))
    assert to_json(sbom(first, *parts)) == to_json(sbom(*sorted(parts, key=lambda one: one.name), same))


@settings(unhurried, max_examples=30)
@given(st.lists(components, unique_by=lambda one: one.purl, max_size=4))
def test_any_text_follows_the_schema(parts: list[Component]) -> None:
    assert len(read(sbom(*parts))["components"]) == len(parts)


def test_time_zone_does_not_show() -> None:
    elsewhere = CREATED.astimezone(timezone(timedelta(hours=9)))
    assert to_json(sbom(*PARTS, made_at=elsewhere)) == to_json(sbom(*PARTS))


def test_serial_number_tells_content_apart() -> None:
    bills: list[Sbom] = [
        sbom(),
        sbom(REACT),
        sbom(REACT, made_by="0.2.0"),
        sbom(REACT, made_at=CREATED + timedelta(seconds=1)),
        sbom(replace(REACT, licence="ISC")),
    ]
    assert len({read(bill)["serialNumber"] for bill in bills}) == len(bills)
    assert read(bills[0])["serialNumber"] == read(sbom())["serialNumber"]


def test_one_package_at_two_places_is_listed_once() -> None:
    programs = [library(name, parts=(REACT,)) for name in ("amd64", "arm64")]
    document = read(sbom(*programs))
    assert [one["name"] for one in document["components"]] == ["amd64", "arm64", "react"]
    assert {one["ref"]: one["dependsOn"] for one in document["dependencies"]} == {
        "pkg:npm/amd64@1.0.0": [REACT.purl],
        "pkg:npm/arm64@1.0.0": [REACT.purl],
        sbom().subject.purl: ["pkg:npm/amd64@1.0.0", "pkg:npm/arm64@1.0.0"],
    }


def test_one_package_with_two_contents_is_refused() -> None:
    other = replace(REACT, hashes=(Hash(algorithm="SHA-512", content="d" * 128),))
    with pytest.raises(SourceError, match=r"tesseral-console holds react 19\.3\.1 twice, with different facts"):
        to_json(sbom(REACT, library("x", parts=(other,))))


@pytest.mark.parametrize("text", ["line\nfeed", "\x1b[31m", "\ud800", "a\u202eb", "\0"])
@pytest.mark.parametrize("field", ["name", "version", "licence"])
def test_text_that_cannot_be_shown_is_refused(field: str, text: str) -> None:
    with pytest.raises(SourceError, match="can't stand in an SBOM"):
        replace(REACT, **{field: text})  # type: ignore[arg-type]


def test_ids_are_those_of_the_schema() -> None:
    licences = [{"license": {"id": one}} for one in sorted(KNOWN)]
    document = read(sbom()) | {"components": [{"type": "library", "name": "all", "licenses": licences}]}
    assert schema_error(json.dumps(document).encode()) is None


@pytest.mark.parametrize(
    ("declared", "kind"),
    [
        ("MIT", "id"),
        ("(MIT OR CC0-1.0)", "expression"),
        ("MIT AND (Apache-2.0 OR (ISC))", "expression"),
        ("mit", "name"),
        ("SEE LICENSE IN LICENSE.txt", "name"),
        ("UNLICENSED", "name"),
        ("MIT OR", "name"),
        ("OR MIT", "name"),
        ("(MIT", "name"),
        ("MIT)", "name"),
        ("()", "name"),
        ("MIT ()", "name"),
        ("MIT) AND (ISC", "name"),
        ("MIT ISC", "name"),
        ("MIT or ISC", "name"),
        ("AND", "name"),
        (" ", "name"),
    ],
)
def test_licences(declared: str, kind: str) -> None:
    (entry,) = choice(declared)
    licence: Any = entry.get("license", entry)
    assert licence[kind] == declared


def test_no_licence() -> None:
    assert choice("") == []
    assert "licenses" not in read(sbom(library("x")))["components"][0]


def test_file_names() -> None:
    assert file_name("tesseral-api_1.4.0_linux_amd64.tar.gz") == "tesseral-api_1.4.0_linux_amd64.cdx.json"
    assert file_name("tesseral-api_1.4.0_windows_amd64.zip") == "tesseral-api_1.4.0_windows_amd64.cdx.json"
    assert file_name("tesseral-api_1.4.0_image") == "tesseral-api_1.4.0_image.cdx.json"


def test_kinds_are_those_of_the_schema() -> None:
    for kind in Kind:
        read(sbom(library("x", kind=kind)))

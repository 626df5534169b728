"""Dependencies of two published releases, compared from their SBOMs."""

import argparse
import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from release_samples import manifest
from sbom_samples import library, listing, sbom
from site_samples import artifact, place

from release import dependencies
from release.commands import diff as command
from release.errors import DestinationError, VerificationError
from release.sbom import Component, to_json
from release.sbom.purl import purl

API = "tesseral-api_{}_linux_amd64"
IMAGE = "tesseral-api_{}_image"
CONSOLE = "tesseral-console_{}"


def module(name: str, version: str) -> Component:
    return library(name, version, purl=purl("golang", name, version))


class Site:
    """A directory with releases whose programs are not there, but their SBOMs."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, version: str, contents: Mapping[str, tuple[Component, ...]], *changes: tuple[str, bytes]) -> None:
        """Place a release; ``contents``: by the name of an SBOM. ``changes`` are other bytes for some."""
        files = {
            f"{name.format(version)}.cdx.json": to_json(sbom(*parts, made_by=version))
            for name, parts in contents.items()
        }
        files |= {f"{name.format(version)}.cdx.json": data for name, data in changes}
        listed = [listing(name, name.split("_")[0], None, data) for name, data in files.items()]
        place(
            self.root, manifest(version, artifacts=(*listed, artifact(f"{API}.tar.gz".format(version), "api", "a/b")))
        )
        for name, data in files.items():
            self.path(version, name).write_bytes(data)

    def path(self, version: str, name: str) -> Path:
        return self.root / "releases" / version / name

    def diff(self, *arguments: str) -> None:
        parser = argparse.ArgumentParser()
        command.add(parser.add_subparsers(), argparse.ArgumentParser(add_help=False))
        parsed = parser.parse_args(["diff", "1.3.0", "1.4.0", *arguments, "--from", str(self.root)])
        parsed.run(parsed)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def test_go_modules_and_npm_packages(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    old = (module("a", "v1"), module("b", "v1"))
    site.add("1.3.0", {API: old, IMAGE: (*old, library("certifi")), CONSOLE: (library("react", "18.0.0"),)})
    new = (module("a", "v2"), module("b", "v1"))
    site.add("1.4.0", {API: new, IMAGE: (*new, library("certifi")), CONSOLE: (library("react", "19.0.0"),)})
    site.diff()
    output, warnings = capsys.readouterr()
    lines = output.splitlines()
    assert lines[lines.index("Go modules of tesseral-api") :] == [
        "Go modules of tesseral-api",
        "  ~  a  v1 → v2",
        "",
        "npm packages of tesseral-console",
        "  ~  react  18.0.0 → 19.0.0",
    ]
    assert warnings == ""
    site.diff("--json")
    assert json.loads(capsys.readouterr().out)["dependencies"] == {
        "tesseral-api": {"golang": {"a": {"old": "v1", "new": "v2"}}, "npm": {}},
        "tesseral-console": {"npm": {"react": {"old": "18.0.0", "new": "19.0.0"}}},
    }


def test_an_sbom_without_a_counterpart_makes_nothing_look_new(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("1.3.0", {API: (module("a", "v1"),), CONSOLE: (library("react"),)})
    site.add("1.4.0", {API: (module("a", "v1"),), IMAGE: (module("a", "v1"), library("certifi"))})
    site.diff("--json")
    assert json.loads(capsys.readouterr().out)["dependencies"] == {"tesseral-api": {"golang": {}}}


def test_the_same_sbom_is_not_read(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.add(version, {CONSOLE: (library("react"),)}, (API, to_json(sbom(module("a", "v1")))))
        site.path(version, f"{API}.cdx.json".format(version)).unlink()
    site.diff("--json")
    assert json.loads(capsys.readouterr().out)["dependencies"].keys() == {"tesseral-console"}


def test_one_release_without_sboms_is_named(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    site.add("1.3.0", {API: ()})
    site.add("1.4.0", {})
    with pytest.raises(DestinationError, match="cannot be used: No such file"):
        site.diff()  # the programs are asked for, and are not there
    assert capsys.readouterr().err.startswith("warning: 1.4.0 has no SBOMs, so only Go modules are compared")


def test_without_dependencies_no_sbom_is_read(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.add(version, {API: ()}, (API, b"no SBOM"))
    site.diff("--no-dependencies", "--json")
    assert "dependencies" not in json.loads(capsys.readouterr().out)


def test_an_sbom_that_was_altered_is_not_read(site: Site) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.add(version, {API: ()})
    path = site.path("1.4.0", "tesseral-api_1.4.0_linux_amd64.cdx.json")
    path.write_bytes(path.read_bytes().replace(b"tesseral-console", b"tesseral-c0nsole"))
    with pytest.raises(VerificationError, match=r"tesseral-api_1\.4\.0_linux_amd64\.cdx\.json .* has .* the digest"):
        site.diff()


def test_what_is_no_sbom_is_named(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.add(version, {}, (API, b"no SBOM of " + version.encode()))
    with pytest.raises(VerificationError) as caught:
        site.diff()
    place = f"tesseral-api_1.3.0_linux_amd64.cdx.json in {site.root}"
    assert str(caught.value) == f"{place} is no SBOM; compare with --no-dependencies"
    monkeypatch.setattr(dependencies, "LARGEST", 15)
    with pytest.raises(VerificationError) as caught:
        site.diff()
    assert str(caught.value) == f"{place} has more than 15 bytes; compare with --no-dependencies"

"""The bills of materials of a real release, beside what Go and syft find in the same files."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path
from typing import Any

import pytest
from e2e_support import VERSION
from programs import go_program
from sbom_samples import schema_error

from release.sbom.purl import purl

SYFT = "v1.57.0"
PROGRAMS = {"tesseral-api": "api", "tesseral-bootstrap": "openauthctl"}
STYLES_ONLY = "pkg:npm/tailwindcss@"  # a development dependency, which syft leaves out, whose rules are in index.css


def bill(release: Path, name: str) -> Any:
    return json.loads((release / f"{name}.cdx.json").read_bytes())


def purls(document: Any, kind: str) -> set[str]:
    return {one["purl"] for one in document["components"] if one.get("purl", "").startswith(f"pkg:{kind}/")}


def archives(manifest: Any) -> dict[str, str]:
    """The digests of the archives by their names without an ending."""
    ends = (".tar.gz", ".zip")
    return {
        one["name"].removesuffix(ends[0]).removesuffix(ends[1]): one["digest"]
        for one in manifest["artifacts"]
        if one["name"].endswith(ends)
    }


@pytest.fixture(scope="session")
def syft(tmp_path_factory: pytest.TempPathFactory) -> Any:
    program = go_program("syft", SYFT, f"github.com/anchore/syft/cmd/syft@{SYFT}")
    env = {**os.environ, "SYFT_CHECK_FOR_APP_UPDATE": "false", "HOME": str(tmp_path_factory.mktemp("home"))}

    def scan(folder: Path) -> Any:
        command: list[str | Path] = [program, "scan", "--quiet", "--output", "cyclonedx-json", f"dir:{folder}"]
        return json.loads(subprocess.run(command, env=env, check=True, capture_output=True).stdout)

    return scan


def test_everything_has_a_bill_that_follows_the_schema(release: Path, manifest: Any) -> None:
    images = {f"{image['name']}_{VERSION}_image": image["digest"] for image in manifest["images"]}
    expected = {**archives(manifest), **images}
    bills = {path.name.removesuffix(".cdx.json"): path.read_bytes() for path in release.glob("*.cdx.json")}
    assert bills.keys() == expected.keys()
    for name, data in bills.items():
        assert schema_error(data) is None, name
        subject = json.loads(data)["metadata"]["component"]
        assert subject["hashes"] == [{"alg": "SHA-256", "content": expected[name].removeprefix("sha256:")}], name


def test_the_modules_are_those_that_go_and_syft_find(release: Path, unpacked: Path, manifest: Any, syft: Any) -> None:
    for name in archives(manifest):
        program = PROGRAMS.get(name.partition("_")[0])
        if program is None:
            continue
        (folder,) = unpacked.glob(f"{name}.*")
        (path,) = folder.glob(f"{program}*")
        ours = purls(bill(release, name), "golang")
        printed = subprocess.run(["go", "version", "-m", path], check=True, capture_output=True, text=True).stdout
        listed = [line.split("\t")[1:] for line in printed.splitlines()]
        assert ours == {
            purl("golang", "stdlib", printed.split()[1].removeprefix("go")),
            *(purl("golang", one[1]) for one in listed if one[:1] == ["mod"]),
            *(purl("golang", *one[1:3]) for one in listed if one[:1] == ["dep"]),
        }, name
        assert ours == purls(syft(folder), "golang"), name


def test_the_packages_are_those_that_syft_finds_in_the_lock(release: Path, tagged_source: Path, syft: Any) -> None:
    for piece in ("console", "vault-ui"):
        ours = purls(bill(release, f"tesseral-{piece}_{VERSION}"), "npm")
        styles = {one for one in ours if one.startswith(STYLES_ONLY)}
        # The sample uses all that it depends on; of upstream's 158 packages, 99 are in its console.
        itself = f"pkg:npm/minitesseral-{piece}@1.0.0"
        assert ours - styles == purls(syft(tagged_source / piece), "npm") - {itself}
        assert len(styles) == 1


def test_images_hold_their_programs_and_data(release: Path) -> None:
    migrations = bill(release, f"tesseraldb-migrations_{VERSION}_image")["components"]
    names = {one["name"] for one in migrations}
    assert {"migrate", "github.com/golang-migrate/migrate/v4", "stdlib", "certifi"} < names
    assert "tzdata" not in names
    assert {"certifi", "tzdata"} < {one["name"] for one in bill(release, f"tesseral-api_{VERSION}_image")["components"]}
    assert bill(release, f"tesseraldb-migrations_{VERSION}")["components"] == []

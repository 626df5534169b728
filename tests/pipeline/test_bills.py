"""The bills of materials of what is packed: derived from the entries themselves."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
from dataclasses import replace
from pathlib import Path

import pytest
from sbom_samples import DIGEST, read
from support import make_source

from pipeline.data import certificates, zoneinfo
from pipeline.lock import read_lock
from pipeline.pieces import API, CONSOLE, MIGRATIONS, PROXY, Piece, Selection
from pipeline.plan import Plan, make_plan
from pipeline.sboms import LICENCES, artifact_sbom, image_sbom
from pipeline.source import open_source
from release import __version__
from release.archive import Entry
from release.errors import BuildError
from release.manifest import Artifact, Image
from release.oci import ImageConfig, PlatformImage

LOCK = read_lock()
ARTIFACT = Artifact(name="a.tar.gz", piece="p", size=1, digest=DIGEST, media_type="application/gzip")
MAP = b'{"version":3,"sources":["../node_modules/react/index.js","../node_modules/no/x.js","../src/index.tsx"]}'


@pytest.fixture(scope="module")
def plan(tmp_path_factory: pytest.TempPathFactory) -> Plan:
    source = asyncio.run(open_source(str(make_source(tmp_path_factory.mktemp("tagged") / "source")), None, Path()))
    return make_plan(source, Selection(), version=None, notes=None, destinations=(), channel=None)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("program")
    (folder / "go.mod").write_text("module example.com/tiny\n\ngo 1.24\n")
    (folder / "main.go").write_text("package main\n\nfunc main() {}\n")
    env = {**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}
    subprocess.run(["go", "build", "-buildvcs=false", "-o", "tiny", "."], cwd=folder, env=env, check=True)
    return folder / "tiny"


def test_a_binarys_archive(plan: Plan, built: Path) -> None:
    entries = (Entry(path="api", source=built, mode=0o755), Entry(path="LICENSE", source=b"MIT\n"))
    document = read(artifact_sbom(plan, LOCK, API, replace(ARTIFACT, target="linux/amd64"), entries))
    assert document["metadata"]["timestamp"] == "2026-02-03T04:05:06Z"
    assert document["metadata"]["tools"]["components"][0]["version"] == __version__
    subject = document["metadata"]["component"]
    assert (subject["type"], subject["name"], subject["version"]) == ("application", "tesseral-api", "1.0.0")
    assert subject["hashes"] == [{"alg": "SHA-256", "content": "a" * 64}]
    assert subject["properties"] == [
        {"name": "tesseral-release:file", "value": "a.tar.gz"},
        {"name": "tesseral-release:target", "value": "linux/amd64"},
    ]
    assert [one["name"] for one in document["components"]] == ["api", "example.com/tiny", "stdlib"]


def test_a_bundle(plan: Plan) -> None:
    entries = [Entry(path="index.js.map", source=MAP), Entry(path="run", source=b"no program", mode=0o755)]
    document = read(artifact_sbom(plan, LOCK, CONSOLE, ARTIFACT, entries))
    assert [one["purl"] for one in document["components"]] == ["pkg:npm/react@19.3.1", "pkg:npm/tailwindcss@4.3.3"]
    assert {"name": "tesseral-release:npm:unattributed", "value": "../node_modules/no/x.js"} in document["metadata"][
        "component"
    ]["properties"]


@pytest.mark.parametrize("piece", [MIGRATIONS, PROXY])
def test_plain_files_hold_nothing_of_others(plan: Plan, piece: Piece) -> None:
    document = read(artifact_sbom(plan, LOCK, piece, ARTIFACT, [Entry(path="migrations/1.up.sql", source=b"")]))
    assert document["components"] == []
    assert document["metadata"]["component"]["type"] == "file"


def test_an_image_on_two_platforms(plan: Plan, built: Path) -> None:
    program = Entry(path="migrate", source=built, mode=0o755)
    files = (program, *certificates(LOCK), *zoneinfo(LOCK))
    platforms = [
        PlatformImage(platform=platform, entries=files, config=ImageConfig(entrypoint=()))
        for platform in ("linux/amd64", "linux/arm64")
    ]
    image = Image(name="tesseraldb-migrations", digest=DIGEST, size=1, platforms=("linux/amd64", "linux/arm64"))
    document = read(image_sbom(plan, LOCK, MIGRATIONS, image, platforms))
    names = [one["name"] for one in document["components"]]
    assert names == ["migrate", "example.com/tiny", "stdlib", "certifi", "tzdata"]
    assert document["metadata"]["component"]["type"] == "container"
    assert [one for one in document["components"] if one["name"] in LICENCES and "licenses" not in one] == []
    only = read(image_sbom(plan, LOCK, MIGRATIONS, image, [replace(platforms[0], entries=(program,))]))
    assert [one["name"] for one in only["components"]] == ["migrate", "example.com/tiny", "stdlib"]


def test_no_path_of_this_machine(plan: Plan, built: Path) -> None:
    entries = [Entry(path="api", source=built, mode=0o755)]
    text = json.dumps(read(artifact_sbom(plan, LOCK, API, ARTIFACT, entries)))
    assert str(plan.source.root) not in text
    assert str(built.parent) not in text


def test_a_program_that_is_not_gos(plan: Plan, tmp_path: Path) -> None:
    (tmp_path / "api").write_bytes(b"\x7fELF")
    with pytest.raises(BuildError, match="api was built, and it holds no build information"):
        artifact_sbom(plan, LOCK, API, ARTIFACT, [Entry(path="api", source=tmp_path / "api", mode=0o755)])

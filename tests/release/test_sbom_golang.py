"""The modules of Go programs: of a real one, built here, and in the rarer forms."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest
from release_samples import ROOT
from sbom_samples import DIGEST, read, sbom

from release.checksums import Digest, digest_of
from release.gobuildinfo import BuildInfo, Module, parse
from release.sbom.component import Component
from release.sbom.golang import program

SAMPLE = ROOT / "examples/minitesseral"
MAIN = 'package main\n\nimport (\n\t"example.com/local"\n\t"golang.org/x/sync/errgroup"\n)\n\n' + (
    "func main() {\n\tvar group errgroup.Group\n\tgroup.Go(local.Nothing)\n\t_ = group.Wait()\n}\n"
)


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A program with one module of the sample's go.mod in it, and one that a folder replaces."""
    folder = tmp_path_factory.mktemp("module")
    sums = (SAMPLE / "go.sum").read_text().splitlines(keepends=True)
    sync = next(line.split()[1] for line in sums if line.startswith("golang.org/x/sync ") and "/go.mod" not in line)
    files = {
        "go.mod": f"module example.com/tiny\n\ngo 1.24.0\n\nrequire (\n\tgolang.org/x/sync {sync}\n"
        "\texample.com/local v1.0.0\n)\n\nreplace example.com/local => ./local\n",
        "go.sum": "".join(line for line in sums if line.startswith("golang.org/x/sync ")),
        "main.go": MAIN,
        "local/go.mod": "module example.com/local\n\ngo 1.24\n",
        "local/local.go": "package local\n\nfunc Nothing() error { return nil }\n",
    }
    (folder / "local").mkdir()
    for name, content in files.items():
        (folder / name).write_text(content)
    command = ["go", "build", "-trimpath", "-buildvcs=false", "-ldflags", "-s -w", "-o", "tiny", "."]
    subprocess.run(command, cwd=folder, env={**os.environ, "CGO_ENABLED": "0", "GOFLAGS": ""}, check=True)
    return folder / "tiny"


def made(info: BuildInfo, version: str = "1.4.0") -> Component:
    return program("api", Digest(sha256=DIGEST, size=1), info, version=version)


def properties(component: Component) -> dict[str, str]:
    return dict(component.properties)


def test_the_modules_that_go_lists(built: Path) -> None:
    component = program("tiny", digest_of(built), parse(built.read_bytes()), version="1.4.0")
    printed = subprocess.run(["go", "version", "-m", built], check=True, capture_output=True, text=True).stdout
    listed = [line.split("\t")[1:] for line in printed.splitlines() if line.startswith("\tdep")]
    (sync,) = [fields for fields in listed if len(fields) == 4]  # one with a sum, so not from a folder
    assert [(one.name, one.version, properties(one).get("golang:sum")) for one in component.parts] == [
        ("stdlib", printed.split()[1].removeprefix("go"), None),
        ("example.com/tiny", "", None),
        ("example.com/local", "", None),
        tuple(sync[1:]),
    ]
    read(sbom(component))


def test_a_program() -> None:
    component = made(BuildInfo(go_version="go1.26.8", path="example.com/m/cmd/api"))
    assert component.purl == f"pkg:generic/api@1.4.0?checksum={DIGEST}"
    assert [(one.algorithm, one.content) for one in component.hashes] == [("SHA-256", "a" * 64)]
    assert properties(component) == {"golang:package": "example.com/m/cmd/api"}
    assert [one.purl for one in component.parts] == ["pkg:golang/stdlib@1.26.8"]


def test_modules_have_no_hash_of_a_file() -> None:
    module = Module(path="github.com/BurntSushi/toml", version="v1.5.0", sum="h1:x=")
    _, part = made(BuildInfo(go_version="go1.26.8", modules=(module,))).parts
    assert part.hashes == ()
    assert properties(part) == {"golang:sum": "h1:x="}
    assert part.purl == "pkg:golang/github.com/BurntSushi/toml@v1.5.0"


def test_a_main_module_has_no_version_of_its_own() -> None:
    component = made(BuildInfo(go_version="go1.26.8", main=Module(path="example.com/m", version="(devel)")))
    assert component.version == "1.4.0"
    assert (component.parts[1].purl, component.parts[1].version) == ("pkg:golang/example.com/m", "")


def test_a_replacement_is_what_was_compiled() -> None:
    fork = Module(path="example.com/fork", version="v2.0.0", sum="h1:y=")
    module = Module(path="example.com/orig", version="v1.0.0", replacement=fork)
    _, part = made(BuildInfo(go_version="go1.26.8", modules=(module,))).parts
    assert part.purl == "pkg:golang/example.com/fork@v2.0.0"
    assert properties(part) == {"golang:replaces": "example.com/orig v1.0.0", "golang:sum": "h1:y="}


@pytest.mark.parametrize("folder", ["./local", "../up", "/somewhere/secret", ".", "..", "C:\\secret", "..\\up"])
def test_a_replacement_by_a_folder_shows_no_path(folder: str) -> None:
    module = Module(path="example.com/orig", version="v1.0.0", replacement=Module(path=folder, version="(devel)"))
    _, part = made(BuildInfo(go_version="go1.26.8", modules=(module,))).parts
    assert part.purl == "pkg:golang/example.com/orig"
    assert properties(part) == {"golang:replaced-by": "a folder of the source"}


def test_a_program_of_a_published_module_has_the_version_of_that() -> None:
    # What golang-migrate's command says of itself, when it's built as a tool of another module.
    main = Module(path="github.com/golang-migrate/migrate/v4", version="v4.19.1", sum="h1:z=")
    component = made(BuildInfo(go_version="go1.26.8", path=f"{main.path}/cmd/migrate", main=main))
    assert component.version == "v4.19.1"
    assert component.parts[1].purl == "pkg:golang/github.com/golang-migrate/migrate/v4@v4.19.1"


@pytest.mark.parametrize(
    ("go_version", "version"),
    [
        ("go1.26.8", "1.26.8"),
        ("go1.26.8 X:synctest", "1.26.8"),
        ("devel go1.27-0a1b Mon", "1.27-0a1b"),
        ("devel", "devel"),
    ],
)
def test_standard_library(go_version: str, version: str) -> None:
    component = made(BuildInfo(go_version=go_version))
    assert component.parts[0].version == version
    assert component.properties == ()

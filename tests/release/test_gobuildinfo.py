import contextlib
import mmap

import pytest
from go_samples import Go
from hypothesis import example, given
from hypothesis import strategies as st
from release_samples import unhurried

from release.errors import VerificationError
from release.gobuildinfo import BuildInfo, Module, parse

REQUIREMENTS = {"example.com/dep": "v1.2.3", "example.com/other": "v0.1.0"}
TARGETS = ["linux/amd64", "linux/arm64", "darwin/arm64", "windows/amd64"]

EMBEDDING = """package main

import _ "embed"

//go:embed inner
var inner KIND

func main() { println(len(inner)) }
"""


@pytest.fixture(scope="module")
def go(tmp_path_factory: pytest.TempPathFactory) -> Go:
    go = Go(tmp_path_factory.mktemp("go"))
    for module, version in REQUIREMENTS.items():
        go.publish(module, version, package=module.removeprefix("example.com/"))
    go.publish("example.com/fork", "v1.2.4", package="dep")
    return go


def as_go_says(info: BuildInfo) -> list[str]:
    """The lines of ``go version -m`` about modules, without the name of the file."""

    def line(kind: str, module: Module) -> str:
        return f"\t{kind}\t{module.path}\t{module.version}" + (f"\t{module.sum}" if module.sum or kind != "dep" else "")

    lines = [f": {info.go_version}", f"\tpath\t{info.path}"]
    for kind, module in (("mod", info.main), *(("dep", module) for module in info.modules)):
        assert module is not None
        lines.append(line(kind, module))
        if module.replacement is not None:
            lines.append(line("=>", module.replacement))
    return lines


@pytest.mark.parametrize("target", TARGETS)
def test_it_says_what_go_says(go: Go, target: str) -> None:
    program = go.build("plain", REQUIREMENTS, target=target, replaced={"example.com/dep": "example.com/fork v1.2.4"})
    said = [
        line
        for line in go.version(program).removeprefix(str(program)).splitlines()
        if line.strip() and "\tbuild\t" not in line
    ]
    info = parse(program.read_bytes())
    assert as_go_says(info) == said
    assert [(module.path, module.shown) for module in info.modules] == [
        ("example.com/dep", "v1.2.3 => example.com/fork v1.2.4"),
        ("example.com/other", "v0.1.0"),
    ]
    assert info.modules[1].sum.startswith("h1:")
    with program.open("rb") as file, mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as mapped:
        assert parse(mapped) == info


@pytest.mark.parametrize("kind", ["string", "[]byte"])
@pytest.mark.parametrize("target", TARGETS)
def test_a_program_in_a_program_is_not_taken_for_it(go: Go, target: str, kind: str) -> None:
    inner = go.build("inner", REQUIREMENTS).read_bytes()
    outer = go.build("outer", {}, target=target, main=EMBEDDING.replace("KIND", kind), files={"inner": inner})
    assert parse(outer.read_bytes()).path == "example.com/outer"


def blob(
    version: str = "go1.24.1", modules: str = "path\tx\nmod\tx\tv1\t\ndep\ty\tv2\th1:a=\n", flags: int = 2
) -> bytes:
    framed = b"F" * 16 + modules.encode() + b"F" * 16
    return b"\xff Go buildinf:\x08" + bytes([flags]) + bytes(16) + string(version.encode()) + string(framed)


def string(data: bytes) -> bytes:
    length, prefix = len(data), b""
    while length >= 0x80:
        prefix += bytes([length & 0x7F | 0x80])
        length >>= 7
    return prefix + bytes([length]) + data


def test_a_blob_is_found_at_multiples_of_16_only() -> None:
    assert parse(bytes(48) + blob()) == BuildInfo(
        go_version="go1.24.1",
        path="x",
        main=Module(path="x", version="v1"),
        modules=(Module(path="y", version="v2", sum="h1:a="),),
    )
    assert parse(bytes(7) + blob(version="go9") + bytes(-(7 + len(blob(version="go9"))) % 16) + blob()).main
    with pytest.raises(VerificationError, match=r"no build information of Go 1\.18 or newer"):
        parse(bytes(8) + blob())


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x7fELF\x02\x01" + bytes(10),
        b"\xcf\xfa\xed\xfe" + bytes(10),
        b"MZ" + bytes(10),
        blob(flags=0),
        blob(version="python3"),
        blob(version="go\x1b[31m"),
        blob()[:20],
        blob()[:40],
        blob()[:-1],
        blob(modules="dep\ta\n"),
        blob(modules="dep\ta\x1b\tv1\n"),
        blob(modules="=>\ta\tv1\th1:\n"),
        blob(modules="path\ta\tb\n"),
        blob()[:32] + b"\xff" * 40,
    ],
)
def test_what_is_no_build_information_is_refused(data: bytes) -> None:
    with pytest.raises(VerificationError):
        parse(data)


def test_a_program_built_without_modules() -> None:
    assert parse(blob(modules="")) == BuildInfo(go_version="go1.24.1")


@unhurried
@given(st.binary(max_size=200))
@example(b"\xff" * 100)
def test_any_bytes_are_read_or_refused(data: bytes) -> None:
    with contextlib.suppress(VerificationError):
        parse(blob()[:32] + data)

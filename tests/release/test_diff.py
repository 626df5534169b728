import argparse
import json
from dataclasses import replace
from pathlib import Path

import pytest
from go_samples import Go
from hypothesis import given
from hypothesis import strategies as st
from release_samples import EPOCH, manifest, unhurried
from site_samples import artifact, digest, place, whole, yank

from release import compiled
from release.archive import Entry, write_tar_gz
from release.checksums import digest_of
from release.commands import diff as command
from release.diff import Dependencies, Migrations, Pair, compare, compare_packages, document, paired
from release.errors import ReleaseError, VerificationError, VersionError
from release.manifest import Artifact, Image, Manifest, Requirements
from release.sbom import Package


def lines(old: Manifest, new: Manifest) -> list[str]:
    return [line for line in command.lines(compare(old, new)) if line]


def requiring(first: int | None, last: int | None, *irreversible: int, **changes: object) -> Manifest:
    needs = Requirements(first_migration=first, last_migration=last, irreversible_migrations=irreversible)
    return manifest(requirements=replace(needs, **changes))  # type: ignore[arg-type]


def test_nothing_differs() -> None:
    difference = compare(whole(), whole())
    assert document(difference) == {
        "schemaVersion": 1,
        "old": "1.4.0",
        "new": "1.4.0",
        "source": {},
        "pipeline": {},
        "requirements": {},
        "consolePlaceholders": {},
        "artifacts": {},
        "images": {},
    }
    assert lines(whole(), whole()) == ["1.4.0 → 1.4.0", "no difference"]


def test_artifacts_are_compared_by_their_names_without_the_version() -> None:
    old = manifest("1.3.0", artifacts=(artifact("a_1.3.0_x.zip", "a", None, 1000), artifact("b_1.3.0.zip", "b", None)))
    new = manifest("1.4.0", artifacts=(artifact("a_1.4.0_x.zip", "a", None, 1015), artifact("c_1.4.0.zip", "c", None)))
    assert lines(old, new) == [
        "1.3.0 → 1.4.0",
        "artifacts",
        "  ~  a_x.zip  1000 B → 1015 B  +1.5%",
        "  -  b.zip    1000 B",
        "  +  c.zip    1000 B",
    ]
    assert document(compare(old, new))["artifacts"] == {
        "a_x.zip": {
            "old": {"size": 1000, "digest": digest("a_1.3.0_x.zip")},
            "new": {"size": 1015, "digest": digest("a_1.4.0_x.zip")},
        },
        "b.zip": {"old": {"size": 1000, "digest": digest("b_1.3.0.zip")}},
        "c.zip": {"new": {"size": 1000, "digest": digest("c_1.4.0.zip")}},
    }


def test_the_same_bytes_are_no_difference() -> None:
    old, new = artifact("a_1.3.0.zip", "a", None), replace(artifact("a_1.3.0.zip", "a", None), name="a_1.4.0.zip")
    assert compare(manifest("1.3.0", artifacts=(old,)), manifest("1.4.0", artifacts=(new,))).artifacts == ()


def test_an_artifact_that_was_empty_has_no_percentage() -> None:
    old, new = (
        manifest(artifacts=(replace(artifact("a.zip", "a", None, size), digest=digest(str(size))),)) for size in (0, 5)
    )
    assert lines(old, new)[-1] == "  ~  a.zip  0 B → 5 B"


def test_images() -> None:
    def image(name: str, content: str, *platforms: str) -> Image:
        return Image(name=name, digest=digest(content), size=1, platforms=platforms)

    old = manifest(images=(image("a", "1", "linux/amd64"), image("b", "1", "linux/amd64")))
    new = manifest(images=(image("a", "2", "linux/amd64", "linux/arm64"),))
    assert lines(old, new)[2:] == [
        f"  ~  a  linux/amd64 → linux/amd64, linux/arm64  {digest('1')[7:19]} → {digest('2')[7:19]}",
        f"  -  b  linux/amd64                             {digest('1')[7:19]}",
    ]


@pytest.mark.parametrize(
    ("old", "new", "expected", "text"),
    [
        ((1, 90, 7), (1, 95, 7, 93), (91, 95, (93,), True), "91 to 95 are new; cannot be taken back: 93"),
        ((1, 90), (1, 91), (91, 91, (), True), "91 is new"),
        ((1, 95, 93), (1, 90), (91, 95, (93,), False), "91 to 95 are gone; cannot be taken back: 93"),
        ((None, None), (3, 9, 4), (3, 9, (4,), True), "3 to 9 are new; cannot be taken back: 4"),
        ((0, 0), (0, 1), (1, 1, (), True), "1 is new"),
        ((1, 90), (1, 90), None, None),
        ((None, None), (None, None), None, None),
    ],
)
def test_migrations(
    old: tuple[int, ...],
    new: tuple[int, ...],
    expected: tuple[int, int, tuple[int, ...], bool] | None,
    text: str | None,
) -> None:
    difference = compare(requiring(*old), requiring(*new))
    if expected is None:
        assert difference.migrations is None
        return
    first, last, irreversible, added = expected
    assert difference.migrations == Migrations(first=first, last=last, irreversible=irreversible, added=added)
    assert f"  {text}" in command.lines(difference)
    name = "migrationsAdded" if added else "migrationsRemoved"
    assert document(difference)[name] == {"first": first, "last": last, "irreversible": list(irreversible)}


def test_requirements_source_and_what_built_it() -> None:
    old = requiring(1, 2, upgrade_from="1.0.0")
    new = replace(
        requiring(1, 2, postgresql=">=17"),
        source=replace(old.source, commit="f" * 40, repository="https://git.example/x"),
        pipeline=replace(old.pipeline, version="0.2.0", toolchain_lock_digest=digest("lock")),
        console_placeholders={"CONSOLE_API_URL": "other"},
    )
    assert lines(old, new) == [
        "1.4.0 → 1.4.0",
        "source",
        f"  ~  commit      {old.source.commit} → {'f' * 40}",
        "  +  repository  https://git.example/x",
        "built by",
        f"  ~  toolchainLockDigest  {old.pipeline.toolchain_lock_digest} → {digest('lock')}",
        "  ~  version              0.1.0 → 0.2.0",
        "requirements",
        "  ~  postgresql   >=16.4 → >=17",
        "  -  upgradeFrom  1.0.0",
        "values of the console",
        "  ~  CONSOLE_API_URL  https://placeholder.invalid → other",
    ]


def test_text_steers_no_terminal() -> None:
    old, new = whole(), whole(console_placeholders={"\x1b]0;x\x07": "\x1b[2J\u202e"})
    assert "\x1b" not in "".join(lines(old, new))
    assert "\u202e" not in "".join(lines(old, new))


@unhurried
@given(*[st.dictionaries(st.text(max_size=2), st.integers(0, 2))] * 2)
def test_pairs_tell_exactly_what_differs(old: dict[str, int], new: dict[str, int]) -> None:
    result = dict(old)
    for pair in paired(old, new):
        assert pair.old != pair.new
        assert result.pop(pair.name, None) == pair.old
        if pair.new is not None:
            result[pair.name] = pair.new
    assert result == new


def packages(kind: str, *words: str) -> set[Package]:
    """Packages that are given as ``name@version``."""
    pairs = [word.split("@") for word in words]
    return {Package(kind=kind, name=name, version=version) for name, version in pairs}


def test_packages_are_compared_kind_by_kind() -> None:
    old = packages("npm", "a@1", "b@1", "b@2", "c@1") | packages("golang", "a@v1", "m@")
    new = packages("npm", "a@2", "b@2", "b@1", "d@1") | packages("golang", "a@v1", "m@v3")
    assert compare_packages("api", old, new) == (
        Dependencies(piece="api", kind="golang", packages=(Pair(name="m", old="", new="v3"),)),
        Dependencies(
            piece="api",
            kind="npm",
            packages=(
                Pair(name="a", old="1", new="2"),
                Pair(name="c", old="1", new=None),
                Pair(name="d", old=None, new="1"),
            ),
        ),
    )
    difference = replace(compare(whole(), whole()), dependencies=compare_packages("api", old, new))
    assert command.lines(difference)[2:] == [
        "Go modules of api",
        "  ~  m  no version → v3",
        "",
        "npm packages of api",
        "  ~  a  1 → 2",
        "  -  c  1",
        "  +  d  1",
    ]


def test_several_versions_of_a_package_are_all_told() -> None:
    (npm,) = compare_packages("console", packages("npm", "a@1", "a@2"), packages("npm", "a@2", "a@3"))
    assert npm.packages == (Pair(name="a", old="1, 2", new="2, 3"),)


def test_sboms_differ_always_and_are_no_news() -> None:
    assert "tesseral-api_linux_amd64.tar.gz" in (text := "\n".join(lines(whole("1.3.0"), whole("1.4.0"))))
    assert "cdx" not in text
    assert "tesseral-api_image.cdx.json" in document(compare(whole("1.3.0"), whole("1.4.0")))["artifacts"]


def test_linux_is_compared_where_there_is_one() -> None:
    assert {piece: one.target for piece, one in compiled.representative(whole().artifacts).items()} == {
        "tesseral-api": "linux/amd64",
        "tesseral-bootstrap": "linux/amd64",
    }
    others = [artifact(f"a_{target[:3]}.tar.gz", "a", target) for target in ("darwin/arm64", "darwin/amd64")]
    assert compiled.representative(others)["a"].target in ("darwin/arm64", "darwin/amd64")
    assert compiled.representative([artifact("a.zip", "a", "windows/amd64"), artifact("b.tar.gz", "b", None)]) == {}


class Site:
    """A directory with releases of one Go program."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def add(self, version: str, entries: tuple[Entry, ...]) -> Path:
        name = f"tesseral-api_{version}_linux_amd64.tar.gz"
        archive = self.root / name
        archive.parent.mkdir(parents=True, exist_ok=True)
        tar = write_tar_gz(archive, entries, EPOCH)
        packed = digest_of(archive)
        one = Artifact(
            name=name,
            piece="tesseral-api",
            target="linux/amd64",
            size=packed.size,
            digest=packed.sha256,
            tar_digest=tar.sha256,
            media_type="application/gzip",
        )
        place(self.root, manifest(version, artifacts=(one,)))
        return archive.rename(self.root / "releases" / version / name)

    def diff(self, *arguments: str) -> None:
        parser = argparse.ArgumentParser()
        command.add(parser.add_subparsers(), argparse.ArgumentParser(add_help=False))
        parsed = parser.parse_args(["diff", *arguments, "--from", str(self.root)])
        parsed.run(parsed)


@pytest.fixture
def site(tmp_path: Path) -> Site:
    return Site(tmp_path / "site")


def test_go_modules_are_read_from_the_published_programs(
    tmp_path: Path, site: Site, capsys: pytest.CaptureFixture[str]
) -> None:
    go = Go(tmp_path / "go")
    for module, version in (("dep", "v1.0.0"), ("dep", "v1.1.0"), ("other", "v0.1.0")):
        go.publish(f"example.com/{module}", version, package=module)
    licence = Entry(path="LICENSE", source=b"MIT\n")
    for release, dep in (("1.3.0", "v1.0.0"), ("1.4.0", "v1.1.0")):
        program = go.build(f"api{dep[3]}", {"example.com/dep": dep, "example.com/other": "v0.1.0"})
        site.add(release, (licence, Entry(path="api", source=program, mode=0o755)))
    site.diff("1.3.0", "1.4.0")
    output, warnings = capsys.readouterr()
    lines = output.splitlines()
    assert lines[lines.index("Go modules of tesseral-api") :] == [
        "Go modules of tesseral-api",
        "  -  example.com/api0  no version",
        "  +  example.com/api1  no version",
        "  ~  example.com/dep   v1.0.0 → v1.1.0",
    ]
    assert warnings == "warning: 1.3.0 has no SBOMs, so only Go modules are compared, and no npm packages\n"
    site.diff("1.3.0", "1.4.0", "--json")
    assert json.loads(capsys.readouterr().out)["dependencies"]["tesseral-api"]["golang"]["example.com/dep"] == {
        "old": "v1.0.0",
        "new": "v1.1.0",
    }


def test_without_dependencies_nothing_is_downloaded(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.add(version, (Entry(path="api", source=version.encode(), mode=0o755),)).unlink()
    site.diff("1.3.0", "1.4.0", "--no-dependencies")
    output, warnings = capsys.readouterr()
    assert ("Go modules" in output, warnings) == (False, "")
    with pytest.raises(ReleaseError):
        site.diff("1.3.0", "1.4.0")


def test_a_program_that_was_altered_is_not_read(site: Site) -> None:
    for version in ("1.3.0", "1.4.0"):
        path = site.add(version, (Entry(path="api", source=version.encode(), mode=0o755),))
    path.write_bytes(path.read_bytes()[:-1] + b"x")
    with pytest.raises(VerificationError, match="tesseral-api_1"):
        site.diff("1.3.0", "1.4.0")


@pytest.mark.parametrize(
    ("entry", "words"),
    [
        (Entry(path="api", source=b"#!/bin/sh\n", mode=0o755), "holds no program of Go 1.18 or newer"),
        (Entry(path="api", source=b"x"), "is no archive with a program"),
        (Entry(path="api", source=b"", mode=0o755), "is no archive with a program"),
    ],
)
def test_an_archive_without_a_go_program_is_named(site: Site, entry: Entry, words: str) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.add(version, (entry, Entry(path="version", source=version.encode())))
    with pytest.raises(VerificationError) as caught:
        site.diff("1.3.0", "1.4.0")
    assert f"tesseral-api_1.3.0_linux_amd64.tar.gz in {site.root} {words}" in str(caught.value)
    assert "--no-dependencies" in str(caught.value)


def test_what_unpacks_to_too_much_is_refused(site: Site, monkeypatch: pytest.MonkeyPatch) -> None:
    for version in ("1.3.0", "1.4.0"):
        site.add(version, (Entry(path="api", source=bytes(3_000_000) + version.encode(), mode=0o755),))
    monkeypatch.setattr(compiled, "LARGEST", 2_000_000)
    with pytest.raises(VerificationError, match="is no archive with a program"):
        site.diff("1.3.0", "1.4.0")
    monkeypatch.setattr(compiled, "LARGEST", 10)
    with pytest.raises(VerificationError, match="has more than 10 bytes"):
        site.diff("1.3.0", "1.4.0")


def test_a_version_that_is_not_there(site: Site) -> None:
    place(site.root, whole())
    with pytest.raises(VersionError, match=r"1\.5\.0 is not published"):
        site.diff("1.4.0", "1.5.0")


def test_a_yanked_release_is_pointed_out(site: Site, capsys: pytest.CaptureFixture[str]) -> None:
    place(site.root, whole())
    yank(site.root, "1.4.0", "It leaks")
    site.diff("1.4.0", "1.4.0")
    assert "1.4.0 is yanked: It leaks" in capsys.readouterr().err

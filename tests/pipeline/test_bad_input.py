"""What a person is told when what they ask for cannot be done: one sentence, a status of its kind, nothing written."""

from __future__ import annotations

import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest
from support import commit, git, make_source, pipeline

from release.destination.channel import Channel, Pin, to_json
from release.destination.seal import sealed
from release.signing import open_signer
from release.signing.keygen import Kind, generate
from release.version import parse

STATUS_USAGE, STATUS_SOURCE, STATUS_VERSION, STATUS_DESTINATION, STATUS_SIGNING = 2, 3, 5, 6, 11


def refused(*arguments: str | Path, status: int, cache: Path) -> str:
    """The sentence on standard error, after the checks that hold for every refusal."""
    done = pipeline("release", *arguments, env={"XDG_CACHE_HOME": str(cache)}, timeout=60)
    assert done.returncode == status, done.stdout + done.stderr
    assert "Traceback" not in done.stdout + done.stderr
    assert "engine" not in done.stdout, "it should have been refused before an engine was started"
    return done.stderr.splitlines()[-1]


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """A cache directory of its own: whatever needs an engine would be seen to build one."""
    return tmp_path / "cache"


@pytest.fixture
def target(tmp_path: Path) -> Path:
    return tmp_path / "dist"


def test_a_folder_that_is_no_git_tree(tmp_path: Path, cache: Path, target: Path) -> None:
    folder = tmp_path / "plain"
    folder.mkdir()
    said = refused("--source", folder, "--to", target, status=STATUS_SOURCE, cache=cache)
    assert said == f"release: {folder} is no git work tree with a commit; run `git init` and commit the source"


def test_a_source_that_is_not_there(tmp_path: Path, cache: Path, target: Path) -> None:
    said = refused("--source", tmp_path / "nowhere", "--to", target, status=STATUS_SOURCE, cache=cache)
    assert said == f"release: {tmp_path}/nowhere is no folder; name a git work tree or a git URL with --source"


@pytest.mark.parametrize(
    ("missing", "sentence"),
    [
        ("go.mod", "the source is no Go module: go.mod is not tracked by git; commit go.mod"),
        ("go.sum", "go.sum, the lock file, is not tracked by git; commit go.sum"),
        ("console", "the source has no console: console/package.json is not tracked by git"),
        ("vault-ui/package-lock.json", "vault-ui/package-lock.json, the lock file, is not tracked by git"),
        ("cmd/openauthctl/migrations/000003_users.down.sql", "000003_users.down.sql is missing; 000003_users.up.sql"),
    ],
)
def test_a_source_that_lacks_something(source: Path, cache: Path, target: Path, missing: str, sentence: str) -> None:
    git(source, "rm", "-r", "--quiet", missing)
    commit(source, "Remove it")
    assert sentence in refused("--source", source, "--to", target, status=STATUS_SOURCE, cache=cache)


def test_two_migrations_with_one_number(source: Path, cache: Path, target: Path) -> None:
    folder = source / "cmd/openauthctl/migrations"
    for direction in ("up", "down"):
        shutil.copy(folder / f"000003_users.{direction}.sql", folder / f"000003_more.{direction}.sql")
    commit(source, "Add a twin")
    said = refused("--source", source, "--to", target, status=STATUS_SOURCE, cache=cache)
    assert "cmd/openauthctl/migrations has two migrations 000003: 000003_more.up.sql and 000003_users.up.sql" in said
    assert "give one of them the next number" in said


@pytest.mark.parametrize(
    ("option", "value", "sentence"),
    [
        ("--target", "plan9/amd64", "there is no target 'plan9/amd64'; the targets are linux/amd64, linux/arm64"),
        ("--piece", "ui", "there is no piece 'ui'; the pieces are api, bootstrap, vault-ui, console, migrations"),
        ("--to", "gs://bucket/prefix", "gs://bucket/prefix is no kind of destination; use s3://, oci:// or"),
        ("--to", "https://example.com", "https://example.com can be read from, not published to"),
    ],
)
def test_an_unknown_word(source: Path, cache: Path, option: str, value: str, sentence: str) -> None:
    assert sentence in refused("--source", source, option, value, status=STATUS_USAGE, cache=cache)


@pytest.mark.parametrize("version", ["1.4", "v1.4.0", "1.04.0", "latest", "1.4.0+build"])
def test_a_version_that_is_no_semver(source: Path, cache: Path, target: Path, version: str) -> None:
    said = refused("--source", source, "--to", target, "--version", version, status=STATUS_VERSION, cache=cache)
    assert said.startswith(f"release: '{version}' ")


def test_a_final_version_without_notes(source: Path, cache: Path, target: Path) -> None:
    said = refused("--source", source, "--to", target, "--version", "2.0.0", status=STATUS_VERSION, cache=cache)
    assert "version 2.0.0 has no release notes: the source has no section [2.0.0]" in said


def test_a_dirty_tree_is_no_version(source: Path, cache: Path, target: Path) -> None:
    (source / "README.md").write_text("changed\n")
    said = refused("--source", source, "--to", target, "--version", "1.0.0", status=STATUS_VERSION, cache=cache)
    assert "has changes that are not committed, so it can't be 1.0.0" in said


@pytest.mark.parametrize(("tag", "channel"), [(None, "candidate"), (None, "stable"), ("v1.0.0-rc.1", "stable")])
def test_what_a_channel_does_not_take(tmp_path: Path, cache: Path, target: Path, tag: str, channel: str) -> None:
    source = make_source(tmp_path / "source", tag=tag)
    said = refused("--source", source, "--to", target, "--channel", channel, status=STATUS_VERSION, cache=cache)
    assert channel in said


def test_a_signed_channel_without_the_key(source: Path, cache: Path, target: Path, tmp_path: Path) -> None:
    generate(tmp_path / "key", Kind.ECDSA, "key", b"")
    pin = Pin(version=parse("0.9.0"), manifest_digest="sha256:" + "0" * 64)
    there = sealed(
        Channel(name="stable", current=pin, sequence=1), open_signer(str(tmp_path / "key")), datetime.now(UTC)
    )
    (target / "channels").mkdir(parents=True)
    (target / "channels/stable.json").write_bytes(to_json(there))
    said = refused("--source", source, "--to", target, "--channel", "stable", status=STATUS_SIGNING, cache=cache)
    assert (
        said == f"release: the channel 'stable' in {target} is signed, and stays so; name the key with --sign-with KEY"
    )


def test_a_destination_that_is_a_file(source: Path, cache: Path, target: Path) -> None:
    target.write_text("a file")
    said = refused("--source", source, "--to", target, status=STATUS_DESTINATION, cache=cache)
    assert str(target) in said
    assert target.read_text() == "a file"


def test_a_destination_that_cannot_be_written(source: Path, cache: Path) -> None:
    said = refused("--source", source, "--to", "/proc/dist", status=STATUS_DESTINATION, cache=cache)
    assert "/proc/dist" in said


def test_a_cache_that_cannot_be_written(source: Path, target: Path) -> None:
    said = refused("--source", source, "--to", target, status=STATUS_DESTINATION, cache=Path("/proc"))
    assert said.startswith("release: the cache directory /proc/tesseral-release/runs can't be written")


def test_a_git_url_that_cannot_be_cloned(tmp_path: Path, cache: Path, target: Path) -> None:
    said = refused("--source", f"file://{tmp_path}/none", "--to", target, status=STATUS_SOURCE, cache=cache)
    assert said == f"release: file://{tmp_path}/none could not be cloned; see git's message above"


def test_a_ref_that_is_not_there(source: Path, cache: Path, target: Path) -> None:
    said = refused("--source", f"file://{source}#v9.9.9", "--to", target, status=STATUS_SOURCE, cache=cache)
    assert said.startswith("release: the source has no ref 'v9.9.9'")


def test_a_link_out_of_the_source_is_a_source_error(source: Path, cache: Path, target: Path) -> None:
    (source / "internal/secret").symlink_to("/etc/passwd")
    commit(source, "Link out")
    said = refused("--source", source, "--to", target, status=STATUS_SOURCE, cache=cache)
    assert "internal/secret is a link out of the source, to /etc/passwd" in said


def test_verbose_shows_the_traceback(tmp_path: Path, cache: Path) -> None:
    done = pipeline("release", "--source", tmp_path, "--verbose", env={"XDG_CACHE_HOME": str(cache)})
    assert "Traceback (most recent call last)" in done.stderr
    assert done.returncode == STATUS_SOURCE

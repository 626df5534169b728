"""A release of the sample to an S3 server, a registry and a directory at once, and back out of each."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from e2e_support import VERSION, install
from servers import start_docker_registry, start_s3
from support import REPOSITORY, pipeline

from release.attestations import NAMES
from release.errors import VerificationError
from release.tree import files

ALL = ("--images", "--sboms")


@dataclass(frozen=True)
class Places:
    """Where the release was published, and what a process needs to reach it."""

    s3: str
    registry: str
    directory: Path
    env: Mapping[str, str]

    @property
    def all(self) -> tuple[str, ...]:
        return (self.s3, self.registry, str(self.directory))


def operator(*arguments: str | Path, env: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    """Run ``tesseral-release``."""
    command = [sys.executable, "-m", "release", *map(str, arguments)]
    return subprocess.run(
        command, cwd=REPOSITORY, env={**os.environ, **env}, capture_output=True, text=True, check=False
    )


def to(places: Sequence[str]) -> list[str]:
    return [word for place in places for word in ("--to", place)]


@pytest.fixture(scope="module")
def places(tmp_path_factory: pytest.TempPathFactory, destination: Path, tagged_source: Path) -> Iterator[Places]:
    """``destination`` comes first, so that everything is built already."""
    work = tmp_path_factory.mktemp("everywhere")
    with start_s3(work / "s3") as s3, start_docker_registry(work / "registry") as registry:
        found = Places(
            s3=f"s3://{s3.bucket()}/tesseral/releases",
            registry=f"oci://{registry.prefix()}",
            directory=work / "directory",
            env={**s3.env(), "TESSERAL_RELEASE_KEY_PASSPHRASE": "a phrase", "XDG_CONFIG_HOME": str(work)},
        )
        made = operator("keygen", work / "key", env=found.env)
        assert made.returncode == 0, made.stderr
        (work / "tesseral-release").mkdir()
        public = (work / "key.pub").read_text().strip()
        (work / "tesseral-release/config.toml").write_text(f'[[trusted-keys]]\nkey = "{public}"\n')
        done = pipeline(
            "release",
            "--source",
            tagged_source,
            *to(found.all),
            "--channel",
            "candidate",
            "--sign-with",
            work / "key",
            env=found.env,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        for place in found.all:
            assert f"published in {place}: version {VERSION}" in done.stdout
        assert done.stdout.count("channel candidate is at 1.0.0") == 3
        yield found


def test_the_same_again_changes_nothing(places: Places, release: Path) -> None:
    done = operator("publish", release, *to(places.all), "--channel", "candidate", "--json", env=places.env)
    assert done.returncode == 0, done.stderr
    assert [row["outcome"] for row in json.loads(done.stdout)] == ["unchanged"] * 3


@pytest.mark.parametrize("number", range(3))
def test_what_is_fetched_is_what_was_built(places: Places, release: Path, tmp_path: Path, number: int) -> None:
    place = places.all[number]
    done = operator("fetch", "candidate", "--from", place, *ALL, "--into", tmp_path / "x", env=places.env)
    assert done.returncode == 0, done.stderr
    names = files(release, VerificationError)
    assert {*files(tmp_path / "x", VerificationError)} == {*names, *NAMES}
    for name in names:
        assert (tmp_path / "x" / name).read_bytes() == (release / name).read_bytes(), name
    done = operator("verify", tmp_path / "x", "--complete", env=places.env)
    assert done.returncode == 0, done.stderr


def test_one_program_of_a_pinned_release_runs(places: Places, tmp_path: Path) -> None:
    pin = tmp_path / "pin.json"
    done = operator("pin", "candidate", "--from", places.registry, "--into", pin, env=places.env)
    assert done.returncode == 0, done.stderr
    wanted = ("--piece", "api", "--target", "linux/amd64", "--unpack", "--into", tmp_path / "x")
    done = operator("fetch", "--pin", pin, "--from", places.s3, *wanted, env=places.env)
    assert done.returncode == 0, done.stderr
    done = operator("verify", tmp_path / "x", "--pin", pin, env=places.env)
    assert "; signed by SHA256:" in done.stdout, done.stderr
    (program,) = (path for path in (tmp_path / "x").rglob("api") if path.is_file())
    assert "API_" in subprocess.run([program, "--help"], capture_output=True, text=True, check=True).stdout


def test_the_images_in_the_registry_are_those_of_the_release(places: Places, manifest: dict) -> None:  # type: ignore[type-arg]
    install("skopeo", commands=("skopeo",))
    for image in manifest["images"]:
        for tag in (VERSION, "candidate"):
            reference = f"docker://{places.registry.removeprefix('oci://')}/{image['name']}:{tag}"
            command = ["skopeo", "inspect", "--tls-verify=false", "--format", "{{.Digest}}", reference]
            found = subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
            assert found == image["digest"]


def test_a_machine_without_a_network(places: Places, release: Path, tmp_path: Path) -> None:
    bundle = tmp_path / "bundle.tar"
    done = operator("bundle", VERSION, "--from", places.s3, "--into", bundle, env=places.env)
    assert done.returncode == 0, done.stderr
    offline = ["unshare", "--net", sys.executable, "-m", "release"]
    wanted: tuple[tuple[str | Path, ...], ...] = (
        ("fetch", VERSION, "--from", bundle, *ALL, "--into", tmp_path / "x"),
        ("verify", tmp_path / "x", "--complete"),
    )
    for arguments in wanted:
        done = subprocess.run(
            [*offline, *arguments],
            cwd=REPOSITORY,
            env={**os.environ, **places.env},
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "x/release.json").read_bytes() == (release / "release.json").read_bytes()


def test_other_bytes_under_the_version_are_refused_everywhere(
    places: Places, release: Path, tagged_source: Path
) -> None:
    done = pipeline(
        "release", "--source", tagged_source, "--version", VERSION, "--piece", "migrations", *to(places.all),
        env=places.env,
    )  # fmt: skip
    assert done.returncode == 7
    assert f"release: {VERSION} is published in {places.s3} with another" in done.stderr


def test_a_yank_reaches_every_place(places: Places, tmp_path: Path) -> None:
    """The last one: it cannot be undone."""
    key = Path(places.env["XDG_CONFIG_HOME"]) / "key"
    done = operator("yank", VERSION, "--reason", "a test", *to(places.all), "--sign-with", key, env=places.env)
    assert done.returncode == 0, done.stderr
    for number, place in enumerate(places.all):
        wanted = ("--piece", "migrations", "--into", tmp_path / str(number))
        done = operator("fetch", VERSION, "--from", place, *wanted, env=places.env)
        assert (done.returncode, "1.0.0 is yanked: a test" in done.stderr) == (0, True)
        done = operator("fetch", "candidate", "--from", place, *wanted, env=places.env)
        assert done.returncode == 5


def test_by_hand_with_what_every_machine_has(places: Places, release: Path, tmp_path: Path) -> None:
    """The lines of docs/operators.md."""
    install("openssh-client", commands=("ssh-keygen",))
    done = operator("fetch", VERSION, "--from", places.s3, "--into", tmp_path / "tesseral", env=places.env)
    assert done.returncode == 0, done.stderr
    (tmp_path / "maintainers.pub").write_bytes((Path(places.env["XDG_CONFIG_HOME"]) / "key.pub").read_bytes())
    text = (REPOSITORY / "docs/operators.md").read_text()
    start = text.index("    cd tesseral\n    echo")
    lines = text[start : text.index("\n\n", start)]
    script = "set -eu\n" + lines
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert 'Good "tesseral-release" signature for maintainers' in done.stdout
    (tmp_path / "tesseral/SHA256SUMS").write_bytes(b"0" * 64 + b"  release.json\n")
    done = subprocess.run(["sh", "-c", script], cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode != 0

"""A release in S3, built again by the pipeline as its maintainers run it: by ``./nox`` of this checkout."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pytest
from servers import start_s3
from support import REPOSITORY, commit, git, pipeline

from pipeline.cache import cache_root
from pipeline.scratch import LOCK
from release.attestations import NAMES
from release.filelock import is_held
from release.signing import TrustedKeys, dsse, trusted_keys
from release.staged import stage
from release.verify import read_manifest

VERSION = "1.0.0"
ARCHIVE = f"tesseral-vault-ui_{VERSION}.tar.gz"
IMAGE = "images/tesseral-vault-ui"
ATTESTATION = f"tesseral-{VERSION}.rebuild.intoto.jsonl"
BUNDLE = "index.js"


@dataclass(frozen=True)
class Published:
    """Where the release is, ``here`` in which folder a third party works, and what their processes need."""

    origin: str
    built: Path
    here: Path
    env: Mapping[str, str]

    def run(self, *arguments: str | Path) -> subprocess.CompletedProcess[str]:
        """Run ``tesseral-release``."""
        return subprocess.run(
            self.command(*arguments), cwd=self.here, env=self.env, capture_output=True, text=True, check=False
        )

    def command(self, *arguments: str | Path) -> list[str]:
        return [sys.executable, "-m", "release", *map(str, arguments)]

    def rebuild(self, *arguments: str | Path, origin: str | None = None) -> subprocess.CompletedProcess[str]:
        return self.run("rebuild", VERSION, "--from", origin or self.origin, *arguments)

    def publish(self, folder: Path, name: str, *arguments: str) -> str:
        """Publish a built release to another place, as the maintainers would."""
        origin = f"{self.origin}-{name}"
        done = self.run("publish", folder, "--to", origin, *arguments)
        assert done.returncode == 0, done.stderr
        return origin

    @property
    def third_party(self) -> TrustedKeys:
        return trusted_keys([self.here / "mine.pub"])


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory, tagged_source: Path) -> Iterator[Published]:
    """One piece of the sample, published from a URL and signed; a third party that trusts the maintainers' key."""
    here = tmp_path_factory.mktemp("third party")
    with start_s3(here / "s3") as s3:
        env = {
            **os.environ,
            **s3.env(),
            "PYTHONPATH": str(REPOSITORY),
            "TESSERAL_RELEASE_KEY_PASSPHRASE": "",
            "XDG_CONFIG_HOME": str(here),
        }
        found = Published(
            origin=f"s3://{s3.bucket()}/tesseral", built=here / "dist/releases" / VERSION, here=here, env=env
        )
        for name in ("maintainers", "mine"):
            assert found.run("keygen", name).returncode == 0
        (here / "tesseral-release").mkdir()
        public = (here / "maintainers.pub").read_text().strip()
        (here / "tesseral-release/config.toml").write_text(f'[[trusted-keys]]\nkey = "{public}"\n')
        words = ["--source", f"file://{tagged_source}", "--version", VERSION, "--piece", "vault-ui"]
        to: list[str | Path] = ["--to", found.origin, "--to", here / "dist", "--sign-with", here / "maintainers"]
        done = pipeline("release", *words, *to, env=env)
        assert done.returncode == 0, done.stdout + done.stderr
        yield found


@pytest.fixture(scope="module")
def changed(place: Published, tagged_source: Path) -> Path:
    """A clone of the source with a commit on top that changes one byte."""
    clone = place.here / "changed"
    git(tagged_source, "clone", "--quiet", str(tagged_source), str(clone))
    page = clone / "vault-ui/src/App.tsx"
    before = page.read_text()
    page.write_text(before.replace("Log in", "Log on", 1))
    assert page.read_text() != before
    commit(clone, "Change a byte")
    return clone


def statements(place: Published) -> dict[str, Any]:
    """The attestation by verdict, after its signatures are checked."""
    lines = (place.here / ATTESTATION).read_bytes().splitlines(keepends=True)
    documents = [json.loads(dsse.verify(line, place.third_party, ATTESTATION).data) for line in lines]
    return {one["predicate"]["verificationResult"]: one for one in documents}


def test_one_artifact_alone(place: Published) -> None:
    done = place.rebuild("--artifact", ARCHIVE, "--sign-with", "mine")
    assert done.returncode == 0, done.stderr
    assert f"attested in {ATTESTATION}" in done.stdout
    assert "build vault-ui" in done.stderr
    assert "image tesseral-vault-ui" not in done.stderr, "more was built than is needed"
    (found,) = statements(place).items()
    assert found[0] == "PASSED"
    digests = {one.name: one.digest for one in read_manifest(place.built).artifacts}
    assert found[1]["subject"] == [{"name": ARCHIVE, "digest": {"sha256": digests[ARCHIVE].removeprefix("sha256:")}}]
    assert {one["uri"].partition("#")[2] for one in found[1]["predicate"]["inputAttestations"]} == {
        "SHA256SUMS.sig",
        "provenance.intoto.jsonl",
    }


def test_all_of_it(place: Published) -> None:
    """``release.json`` too, to the byte: repository, commit, notes."""
    done = place.rebuild("--json")
    assert done.returncode == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["same"] is True
    assert [one["name"] for one in document["compared"]] == [
        ARCHIVE,
        IMAGE,
        f"tesseral-vault-ui_{VERSION}.cdx.json",
        f"tesseral-vault-ui_{VERSION}_image.cdx.json",
        "release.json",
    ]


def test_one_byte_of_the_source(place: Published, changed: Path) -> None:
    done = place.rebuild("--source", f"{changed}#main", "--artifact", ARCHIVE, "--keep", "kept")
    assert done.returncode == 12, done.stderr
    assert f"  {ARCHIVE}: {BUNDLE}: from byte " in done.stdout
    sentence = f"{VERSION} is not what its source yields: {ARCHIVE}: {BUNDLE} differs; kept holds both sides"
    assert done.stderr.splitlines()[-1] == f"tesseral-release: {sentence}"
    assert f"at main is built, and {VERSION} is of the commit " in done.stderr
    assert (place.here / "kept/published" / ARCHIVE).read_bytes() == (place.built / ARCHIVE).read_bytes()


def test_a_release_that_is_not_of_its_commit(place: Published, changed: Path, tmp_path: Path) -> None:
    """Signed by the maintainers' key, and built from a source with another byte than the commit that it names."""
    words = ("--source", changed, "--version", VERSION, "--piece", "vault-ui", "--to", tmp_path)
    done = pipeline("release", *words, env=place.env)
    assert done.returncode == 0, done.stdout + done.stderr
    folder = tmp_path / "releases" / VERSION
    stage(folder, replace(read_manifest(folder), source=read_manifest(place.built).source))
    origin = place.publish(folder, "forged", "--sign-with", "maintainers")
    done = place.rebuild("--artifact", ARCHIVE, "--sign-with", "mine", origin=origin)
    assert done.returncode == 12, done.stderr
    assert f"{ARCHIVE}: {BUNDLE} differs" in done.stderr
    (found,) = statements(place).items()
    assert found[0] == "FAILED"
    (subject,) = found[1]["subject"]
    digests = {one.name: one.digest for one in read_manifest(place.built).artifacts}
    assert subject["annotations"]["rebuiltDigest"] == digests[ARCHIVE]
    assert subject["annotations"]["firstDifference"].startswith(f"{BUNDLE}: ")


def test_a_commit_that_is_not_there(place: Published, tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet")
    commit(tmp_path, "Nothing")
    done = place.rebuild("--source", tmp_path)
    assert done.returncode == 13
    assert f"| release: the source has no ref '{read_manifest(place.built).source.commit}'" in done.stderr
    assert "ended with status 3" in done.stderr.splitlines()[-1]


def test_another_lock(place: Published, tmp_path: Path) -> None:
    for name in ("nox", "pipeline/toolchain.lock", "release/__init__.py"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        shutil.copy(REPOSITORY / name, tmp_path / name)
    with (tmp_path / "pipeline/toolchain.lock").open("a") as lock:
        lock.write("# another\n")
    done = place.rebuild("--pipeline", tmp_path)
    assert done.returncode == 13
    assert read_manifest(place.built).pipeline.toolchain_lock_digest in done.stderr


def test_what_nobody_signed(place: Published, tmp_path: Path) -> None:
    shutil.copytree(place.built, tmp_path / VERSION, ignore=shutil.ignore_patterns(*NAMES))
    origin = place.publish(tmp_path / VERSION, "unsigned")
    done = place.rebuild(origin=origin)
    assert done.returncode == 10
    assert f"{VERSION} in {origin} is not signed" in done.stderr


def test_a_signal_ends_both(place: Published, tmp_path: Path) -> None:
    # A shell starts what it puts in the background with the interrupt ignored, and that is inherited.
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        place.command("rebuild", VERSION, "--from", place.origin, "--sign-with", "mine", "--attestation", "never"),
        cwd=place.here,
        env={**place.env, "TMPDIR": str(tmp_path)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    for line in process.stderr:
        if line.startswith(f"releasing {VERSION}"):
            break
    process.send_signal(signal.SIGINT)
    out, errors = process.communicate(timeout=90)
    assert process.returncode == 128 + signal.SIGINT, errors
    assert (out, errors.splitlines()[-1]) == (
        "",
        "tesseral-release: interrupted; nothing is visible in part; the same command goes on",
    )
    assert not (place.here / "never").exists()
    assert list(tmp_path.iterdir()) == []
    left = subprocess.run(["pgrep", "--full", str(tmp_path)], check=False, capture_output=True)
    assert left.stdout == b""
    # Of the runs of the pipeline none is left behind; one of somebody else may be under way.
    assert all(is_held(run / LOCK) for run in (cache_root() / "runs").iterdir())

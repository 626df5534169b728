"""The command rebuild, with a checkout that answers at once: what it prints, attests, keeps, and ends with."""

from __future__ import annotations

import json
import os
import shutil
import signal
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from reading_samples import API_LINUX, CONSOLE, pin_of, published
from rebuild_samples import NAMES, PIPELINE, REPOSITORY, a_checkout, a_release, answers, asked
from release_samples import COMMIT, ROOT
from signing_support import key_of, make_key

from release.attestations import sign_release
from release.cli import main
from release.errors import (
    DestinationError,
    NotRebuiltError,
    NotReproducibleError,
    ReleaseError,
    UsageError,
    VerificationError,
)
from release.signing import TrustedKey, TrustedKeys, dsse
from release.staged import StagedRelease, stage

ATTESTATION = "tesseral-1.4.0.rebuild.intoto.jsonl"
OTHER_COMMIT = "f" * 40
PAGE = {"index.html": b"<!doctype html>", "index.js": b"one"}


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    """Signed by ``maintainers``, beside it."""
    folder = tmp_path_factory.mktemp("honest")
    made = a_release(folder / "stage", console=PAGE)
    sign_release(made, key_of(make_key(folder / "maintainers")), {})
    return made


@pytest.fixture
def here(tmp_path: Path, release: StagedRelease, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: the release is in ``published``, ``checkout`` rebuilds it, ``mine`` is a key."""
    published(tmp_path / "published", release)
    shutil.copy(release.directory.parent / "maintainers.pub", tmp_path / "maintainers.pub")
    answers(a_checkout(tmp_path / "checkout"), release)
    make_key(tmp_path / "mine")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path / "config"))
    monkeypatch.setenv("TMPDIR", str(tmp_path / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    (tmp_path / "tmp").mkdir()
    return tmp_path


WORDS = ("--from", "published", "--key", "maintainers.pub", "--pipeline", "checkout")


def rebuild(*arguments: str) -> None:
    main(["rebuild", "1.4.0", *WORDS, *arguments])


def attested(here: Path, name: str = ATTESTATION) -> dict[str, dict[str, dict[str, str]]]:
    """By verdict: the subjects and what is noted of each, after the signature is checked."""
    mine = TrustedKeys((TrustedKey(key=key_of(here / "mine").public_key),))
    found = {}
    for line in (here / name).read_bytes().splitlines(keepends=True):
        document = json.loads(dsse.verify(line, mine, name).data)
        verdict = document["predicate"]["verificationResult"]
        found[verdict] = {subject["name"]: subject.get("annotations", {}) for subject in document["subject"]}
    return found


def other(here: Path, checkout: str = "checkout", **source: str) -> StagedRelease:
    """Let the checkout yield a console with another file in it."""
    made = a_release(here / "other", console=PAGE | {"index.js": b"others"}, **source)
    answers(here / checkout, made)
    return made


def test_the_whole_release(here: Path, release: StagedRelease, capsys: pytest.CaptureFixture[str]) -> None:
    rebuild("--sign-with", "mine")
    printed = capsys.readouterr()
    lines = printed.out.splitlines()
    assert [line.split() for line in lines[1:9]] == [[name, *[short(release, name)] * 2, "same"] for name in NAMES]
    fingerprint = key_of(here / "mine").public_key.fingerprint
    assert lines[-1] == (
        f"1.4.0: 8 of 8 are what the commit {COMMIT[:12]} yields, to the byte; "
        f"attested in {ATTESTATION} by {fingerprint}"
    )
    assert printed.err == "building\n"
    assert attested(here) == {"PASSED": {name: {} for name in NAMES}}
    assert list((here / "tmp").iterdir()) == []


def short(release: StagedRelease, name: str) -> str:
    digests = {one.name: one.digest for one in release.manifest.artifacts}
    digests |= {f"images/{one.name}": one.digest for one in release.manifest.images}
    return digests.get(name, pin_of(release).manifest_digest).removeprefix("sha256:")[:12]


def test_what_is_asked_for(here: Path, release: StagedRelease) -> None:
    rebuild()
    found = asked(here / "checkout")
    assert Path(found.pop("to")[0]).is_relative_to(here / "tmp")
    assert found == {
        "source": [REPOSITORY],
        "ref": [COMMIT],
        "path": [""],
        "repository": [REPOSITORY],
        "version": ["1.4.0"],
        "notes": [release.manifest.notes],
        "piece": ["tesseral-api", "tesseral-bootstrap", "tesseral-console", "tesseraldb-migrations"],
        "target": ["linux/amd64", "linux/arm64", "windows/amd64"],
    }


def test_one_artifact_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other(here)
    rebuild("--artifact", API_LINUX, "--json")
    document = json.loads(capsys.readouterr().out)
    assert [one["name"] for one in document["compared"]] == [API_LINUX]
    assert (document["same"], document["attestation"], document["commit"]) == (True, None, COMMIT)
    assert not (here / ATTESTATION).exists()
    found = asked(here / "checkout")
    assert (found["piece"], found["target"]) == (["tesseral-api"], ["linux/amd64"])


def test_nothing_is_attested_without_a_key(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    rebuild("--piece", "console")
    assert capsys.readouterr().out.splitlines()[-1] == (
        f"1.4.0: 2 of 2 are what the commit {COMMIT[:12]} yields, to the byte; "
        "nothing is attested: --sign-with KEY does it"
    )


def test_a_mismatch_names_the_file_and_is_attested_too(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = other(here)
    with pytest.raises(NotReproducibleError) as caught:
        rebuild("--sign-with", "mine", "--attestation", "found.jsonl")
    assert caught.value.exit_status == 12
    assert caught.value.problem == f"1.4.0 is not what its source yields: {CONSOLE}: index.js differs"
    assert caught.value.next_step == "see the differences above, and with --keep DIR both sides"
    lines = capsys.readouterr().out.splitlines()
    rows = {line.split()[0]: line.split()[1:] for line in lines[1:9]}
    assert [name for name, row in rows.items() if row[-1] == "DIFFERS"] == [CONSOLE, "release.json"]
    assert rows["release.json"][1] == pin_of(made).manifest_digest.removeprefix("sha256:")[:12]
    start = lines.index("differences, what was published first") + 1
    assert lines[start] == f"  {CONSOLE}: index.js: size 3 and 6"
    assert lines[start + 1].startswith(f"  {CONSOLE}: index.js: from byte 1 on: ")
    assert lines[start + 2 : start + 3] == [""]
    assert lines[-1].startswith("1.4.0: 6 of 8 are ")
    assert attested(here, "found.jsonl") == {
        "PASSED": {name: {} for name in NAMES if name not in (CONSOLE, "release.json")},
        "FAILED": {
            CONSOLE: {
                "rebuiltDigest": next(one.digest for one in made.manifest.artifacts if one.name == CONSOLE),
                "firstDifference": "index.js: size 3 and 6",
            },
            "release.json": {"rebuiltDigest": pin_of(made).manifest_digest},
        },
    }


def test_a_mismatch_as_json(here: Path, release: StagedRelease, capsys: pytest.CaptureFixture[str]) -> None:
    made = other(here)
    with pytest.raises(NotReproducibleError):
        rebuild("--artifact", CONSOLE, "--json", "--sign-with", "mine", "--keep", "kept")
    document = json.loads(capsys.readouterr().out)
    (digest, other_digest) = (
        next(one.digest for one in side.manifest.artifacts if one.name == CONSOLE) for side in (release, made)
    )
    how = [one.pop("how") for one in document["differences"]]
    assert how[0] == "size 3 and 6"
    fingerprint = key_of(release.directory.parent / "maintainers").public_key.fingerprint
    assert document == {
        "schemaVersion": 1,
        "version": "1.4.0",
        "manifestDigest": pin_of(release).manifest_digest,
        "signedBy": fingerprint,
        "commit": COMMIT,
        "treeDigest": "sha256:" + "a" * 64,
        "same": False,
        "compared": [{"name": CONSOLE, "published": digest, "rebuilt": other_digest, "same": False}],
        "differences": [{"artifact": CONSOLE, "member": "index.js"}] * 2,
        "diffoscope": "",
        "unread": {},
        "attestation": ATTESTATION,
        "kept": "kept",
        "warnings": [],
    }


def test_both_sides_are_kept(here: Path, release: StagedRelease) -> None:
    made = other(here)
    with pytest.raises(NotReproducibleError, match=r"kept holds both sides$"):
        rebuild("--keep", "kept")
    assert {path.name for path in Path("kept").iterdir()} == {"published", "rebuilt"}
    assert (here / "kept/published" / CONSOLE).read_bytes() == (release.directory / CONSOLE).read_bytes()
    assert (here / "kept/rebuilt" / CONSOLE).read_bytes() == (made.directory / CONSOLE).read_bytes()
    assert (here / "kept/rebuilt/release.json").is_file()
    assert {path.name for path in Path("kept/published").iterdir()} == {CONSOLE, "images", "release.json"}
    with pytest.raises(UsageError, match="kept is not empty; name a new folder with --keep"):
        rebuild("--keep", "kept")


def test_more_differences_than_one_reads(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    answers(
        here / "checkout", a_release(here / "other", console=PAGE | {f"{number:02}.js": b"" for number in range(10)})
    )
    more = PAGE | {f"{number:02}.css": b"" for number in range(30)}
    published(here / "larger", a_release(here / "more", console=more))
    words = ["--from", "larger", "--insecure-unsigned", "--pipeline", "checkout", "--artifact", CONSOLE]
    with pytest.raises(NotReproducibleError):
        main(["rebuild", "1.4.0", *words])
    lines = capsys.readouterr().out.splitlines()
    assert sum(line.startswith(f"  {CONSOLE}: ") for line in lines) == 20
    assert "  and 1 more: --json has them all" in lines


def test_names_that_would_steer_a_terminal(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    published(here / "hostile", a_release(here / "steering", console={"\x1b[2J": b"1"}))
    answers(here / "checkout", a_release(here / "other", console={"\x1b[2J": b"2"}))
    words = ["--from", "hostile", "--insecure-unsigned", "--pipeline", "checkout", "--artifact", CONSOLE]
    with pytest.raises(NotReproducibleError) as caught:
        main(["rebuild", "1.4.0", *words])
    assert f"{CONSOLE}: '\\x1b[2J' differs" in str(caught.value)
    assert "\x1b" not in capsys.readouterr().out


def test_diffoscope_looks_where_both_sides_are(
    here: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (here / "bin").mkdir()
    (here / "bin/diffoscope").write_text('#!/bin/sh\nshift 3\necho "looked into" "$@"\n')
    (here / "bin/diffoscope").chmod(0o755)
    monkeypatch.setenv("PATH", f"{here}/bin{os.pathsep}{os.environ['PATH']}")
    other(here)
    (here / "checkout/answer/1.4.0" / API_LINUX).unlink()
    with pytest.raises(NotReproducibleError):
        rebuild("--artifact", CONSOLE, "--artifact", API_LINUX, "--keep", "kept")
    (line,) = (line for line in capsys.readouterr().out.splitlines() if line.startswith("looked into"))
    assert line == f"looked into {here}/kept/published/{CONSOLE} {here}/kept/rebuilt/{CONSOLE}"


def test_an_image_that_differs(here: Path, release: StagedRelease, capsys: pytest.CaptureFixture[str]) -> None:
    made = a_release(here / "other", console=PAGE)
    shutil.rmtree(made.directory / "images/tesseral-console")
    shutil.copytree(made.directory / "images/tesseral-api", made.directory / "images/tesseral-console")
    answers(here / "checkout", made)
    with pytest.raises(NotReproducibleError) as caught:
        rebuild("--artifact", "images/tesseral-console")
    assert caught.value.problem.startswith("1.4.0 is not what its source yields: images/tesseral-console: ")
    assert "images/tesseral-console: linux/amd64 layer 1: bin/api" in capsys.readouterr().out


def test_what_the_pipeline_did_not_make(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = a_release(here / "other", console=PAGE)
    (made.directory / CONSOLE).unlink()
    answers(here / "checkout", made)
    with pytest.raises(NotReproducibleError, match=f"yields: {CONSOLE} differs"):
        rebuild("--artifact", CONSOLE, "--sign-with", "mine")
    assert f"{CONSOLE}: is in the first only" in capsys.readouterr().out
    assert attested(here) == {"FAILED": {CONSOLE: {"firstDifference": "is in the first only"}}}


def test_published_bytes_that_are_not_there(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = other(here)
    place = here / "published/releases/1.4.0" / CONSOLE
    place.write_bytes(place.read_bytes()[:-1])
    with pytest.raises(NotReproducibleError, match=f"yields: {CONSOLE} differs"):
        rebuild("--artifact", CONSOLE, "--artifact", API_LINUX, "--sign-with", "mine")
    printed = capsys.readouterr()
    assert f"warning: {CONSOLE} could not be looked into: published: {CONSOLE} of 1.4.0 has" in printed.err
    digest = next(one.digest for one in made.manifest.artifacts if one.name == CONSOLE)
    (line,) = (line for line in printed.out.splitlines() if line.startswith("  "))
    assert line.endswith(f" and {digest}")
    assert attested(here)["FAILED"][CONSOLE]["rebuiltDigest"] == digest


def test_the_manifest_alone(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    made = a_release(here / "other", console=PAGE)
    answers(here / "checkout", stage(made.directory, replace(made.manifest, notes="other")))
    with pytest.raises(NotReproducibleError, match=r"yields: release\.json differs"):
        rebuild()
    assert r"release.json: notes '### Added\n\n- Größe' and 'other'" in capsys.readouterr().out


def test_another_commit_is_said_and_compared(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other(here, commit=OTHER_COMMIT)
    with pytest.raises(NotReproducibleError, match=f"{CONSOLE}: index.js differs"):
        rebuild("--source", f"{REPOSITORY}#next")
    printed = capsys.readouterr()
    assert f"warning: {REPOSITORY} at next is built, and 1.4.0 is of the commit {COMMIT}\n" in printed.err
    assert f"release.json: source.commit '{COMMIT}' and '{OTHER_COMMIT}'" in printed.out
    assert f"what the commit {OTHER_COMMIT[:12]} yields" in printed.out
    assert asked(here / "checkout")["ref"] == ["next"]


@pytest.mark.parametrize("key", ["maintainers.pub", "mine.pub"])
def test_only_what_a_trusted_key_signed(here: Path, key: str) -> None:
    signature = here / "published/releases/1.4.0/SHA256SUMS.sig"
    if key == "maintainers.pub":
        signature.unlink()
    with pytest.raises(VerificationError):
        main(["rebuild", "1.4.0", "--from", "published", "--key", key, "--pipeline", "checkout"])
    assert not (here / "checkout/asked.json").exists()
    main(["rebuild", "1.4.0", "--from", "published", "--insecure-unsigned", "--pipeline", "checkout"])


def test_a_build_that_fails(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (here / "checkout/status").write_text("4")
    with pytest.raises(NotRebuiltError) as caught:
        rebuild("--sign-with", "mine")
    assert caught.value.exit_status == 13
    assert str(caught.value) == (
        f"1.4.0 could not be rebuilt from {REPOSITORY} at {COMMIT}: "
        f"`{here}/checkout/nox -s release` ended with status 4; see what it said"
    )
    assert caught.value.detail.splitlines() == [
        "The last lines were:", "| line 15", "| line 16", "| line 17", "| line 18", "| line 19"
    ]  # fmt: skip
    printed = capsys.readouterr()
    assert (printed.out, printed.err.count("\n")) == ("", 21)
    assert not (here / ATTESTATION).exists()
    assert list((here / "tmp").iterdir()) == []


def test_a_program_that_cannot_be_run(here: Path) -> None:
    (here / "checkout/nox").chmod(0o644)
    with pytest.raises(NotRebuiltError, match="checkout/nox cannot be run: Permission denied"):
        rebuild()


def test_a_build_that_makes_nothing(here: Path) -> None:
    shutil.rmtree(here / "checkout/answer")
    with pytest.raises(NotRebuiltError, match=r"checkout/nox built no 1\.4\.0"):
        rebuild()


def test_what_was_built_is_of_the_commit_and_the_pipeline(here: Path) -> None:
    """A clone may have a tag that is called like a commit, and a checkout may change meanwhile."""
    other(here, commit=OTHER_COMMIT)
    with pytest.raises(NotRebuiltError, match=f"{REPOSITORY} at {COMMIT} is the commit {OTHER_COMMIT}; name the right"):
        rebuild("--artifact", API_LINUX)
    made = a_release(here / "third", console=PAGE)
    pipeline = replace(PIPELINE, version="0.2.0")
    answers(here / "checkout", stage(made.directory, replace(made.manifest, pipeline=pipeline)))
    with pytest.raises(NotRebuiltError, match="the checkout changed while it built"):
        rebuild("--artifact", API_LINUX)
    (here / "checkout/answer/1.4.0/release.json").write_text("{}")
    with pytest.raises(NotRebuiltError, match=r"what was built is no release: release\.json"):
        rebuild("--artifact", API_LINUX)


@pytest.mark.parametrize(("version", "lock"), [("0.2.0", b"[go]\n"), ("0.1.0", b"[node]\n")])
def test_a_checkout_of_another_state(here: Path, version: str, lock: bytes) -> None:
    a_checkout(here / "checkout", version=version, lock=lock)
    with pytest.raises(NotRebuiltError, match=r"the release was built by version 0\.1\.0 with the toolchain\.lock"):
        rebuild()
    assert not (here / "checkout/asked.json").exists()


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["--artifact", "x"], "1.4.0 has no artifact 'x'"),
        (["--piece", "x"], "1.4.0 has no piece 'x'"),
        (["--source", "nowhere"], "nowhere is no folder"),
        (["--pipeline", "published"], "published is no checkout of tesseral-release"),
        (["--attestation", "x"], "--attestation needs a key"),
        (["--attestation", "no/x", "--sign-with", "mine"], "no/x cannot be a file"),
        (["--attestation", "tmp", "--sign-with", "mine"], "tmp cannot be a file"),
        (["--keep", "published"], "published is not empty"),
        (["--source", f"{REPOSITORY}#next", "--sign-with", "mine"], f"an attestation is about the commit {COMMIT}"),
    ],
)
def test_what_cannot_be_asked_for(here: Path, arguments: list[str], words: str) -> None:
    with pytest.raises(UsageError) as caught:
        rebuild(*arguments)
    assert caught.value.problem.startswith(words)
    assert caught.value.next_step
    assert not (here / "checkout/asked.json").exists()


def test_folders_that_cannot_be_used(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (here / "file").write_text("")
    with pytest.raises(DestinationError, match="file/x cannot be used"):
        rebuild("--keep", "file/x")
    monkeypatch.setattr("tempfile.tempdir", str(here / "nowhere"))
    with pytest.raises(DestinationError, match="nowhere cannot be used"):
        rebuild()


def test_a_key_that_cannot_be_used_is_found_before_the_build(here: Path) -> None:
    with pytest.raises(ReleaseError) as caught:
        rebuild("--sign-with", "nothing")
    assert caught.value.exit_status == 11
    assert not (here / "checkout/asked.json").exists()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_nothing_behind(here: Path, number: signal.Signals) -> None:
    script = "trap 'touch cleared; exit 1' TERM; echo ready; while :; do sleep 0.1; done"
    (here / "checkout/nox").write_text(f"#!/bin/sh\n{script}\n")
    signal.signal(signal.SIGINT, signal.default_int_handler)
    process = subprocess.Popen(
        [sys.executable, "-m", "release", "rebuild", "1.4.0", *WORDS, "--sign-with", "mine"],
        env={**os.environ, "PYTHONPATH": str(ROOT)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "ready\n"
    process.send_signal(number)
    out, errors = process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert (out, errors.startswith("tesseral-release: interrupted")) == ("", True)
    assert Path("cleared").exists()
    assert not Path(ATTESTATION).exists()
    assert list((here / "tmp").iterdir()) == []


def test_as_a_program(here: Path) -> None:
    """One exit status each: 0 to the byte, 12 otherwise, 13 when nothing is known."""
    command = [sys.executable, "-m", "release", "rebuild", "1.4.0", *WORDS]
    env = {**os.environ, "PYTHONPATH": str(ROOT)}
    statuses = []
    for change in (lambda: None, lambda: other(here), lambda: (here / "checkout/status").write_text("8")):
        change()
        done = subprocess.run(command, env=env, capture_output=True, text=True, check=False)
        statuses.append(done.returncode)
        assert "Traceback" not in done.stderr
    assert statuses == [0, 12, 13]
    assert done.stderr.splitlines()[-1].startswith("tesseral-release: 1.4.0 could not be rebuilt from ")

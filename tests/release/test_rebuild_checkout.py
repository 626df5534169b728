"""Which checkout rebuilds, and whether it is the one that built."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from rebuild_samples import LOCK, PIPELINE, a_checkout
from release_samples import ROOT
from support import commit, git

from pipeline.lock import read_lock
from release import __version__
from release.checksums import digest_of_bytes
from release.errors import NotRebuiltError, UsageError
from release.manifest import Pipeline
from release.rebuild import check_checkout, find_checkout


def test_this_very_checkout_is_found_and_read() -> None:
    found = find_checkout(None)
    assert found.folder == ROOT
    assert found.pipeline == Pipeline(version=__version__, toolchain_lock_digest=read_lock().digest)
    check_checkout(found, found.pipeline)


def test_the_one_that_is_named_comes_first(tmp_path: Path) -> None:
    a_checkout(tmp_path / "named", version="0.2.0")
    found = find_checkout(tmp_path / "named")
    assert (found.folder, found.pipeline.version) == (tmp_path / "named", "0.2.0")


def test_an_installed_program_looks_into_the_folder_it_is_called_in(tmp_path: Path) -> None:
    installed = tmp_path / "site-packages"
    here = a_checkout(tmp_path / "here")
    assert find_checkout(None, around=installed, here=here).folder == here
    with pytest.raises(UsageError, match=r"a rebuild needs a checkout of tesseral-release.*; clone the repository"):
        find_checkout(None, around=installed, here=tmp_path)


@pytest.mark.parametrize("lacking", ["nox", "pipeline/toolchain.lock", "release/__init__.py"])
def test_what_is_no_checkout(tmp_path: Path, lacking: str) -> None:
    (a_checkout(tmp_path / "here") / lacking).unlink()
    with pytest.raises(UsageError, match=r"here is no checkout of tesseral-release; clone .* with --pipeline"):
        find_checkout(tmp_path / "here")


@pytest.fixture
def history(tmp_path: Path) -> Path:
    """A checkout whose lock, then version, then lock changed; beside its branch lies a newer one."""
    folder = a_checkout(tmp_path / "here", version="0.1.0", lock=b"first")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "One")
    for message, version, lock in (("Two", "0.1.0", b"second"), ("Three", "0.2.0", b"second"), ("Four", "0.2.0", b"x")):
        a_checkout(folder, version=version, lock=lock)
        commit(folder, message)
    git(folder, "checkout", "--quiet", "-b", "next")
    a_checkout(folder, version="0.3.0", lock=b"x")
    commit(folder, "Five")
    (folder / "more").write_text("")
    commit(folder, "Six")
    git(folder, "checkout", "--quiet", "main")
    return folder


def refusal(folder: Path, version: str, lock: bytes) -> NotRebuiltError:
    wanted = Pipeline(version=version, toolchain_lock_digest=digest_of_bytes(lock).sha256)
    with pytest.raises(NotRebuiltError) as caught:
        check_checkout(find_checkout(folder), wanted)
    return caught.value


@pytest.mark.parametrize(
    ("version", "lock", "message"),
    [("0.1.0", b"first", "One"), ("0.1.0", b"second", "Two"), ("0.2.0", b"second", "Three"), ("0.3.0", b"x", "Five")],
)
def test_the_commit_that_has_both_is_named(history: Path, version: str, lock: bytes, message: str) -> None:
    found = refusal(history, version, lock)
    digests = [digest_of_bytes(data).sha256 for data in (lock, b"x")]
    assert found.exit_status == 13
    assert found.problem == (
        f"the release was built by version {version} with the toolchain.lock {digests[0]}, "
        f"and {history} has version 0.2.0 with the toolchain.lock {digests[1]}"
    )
    said = re.fullmatch(f"run `git -C {history} checkout ([0-9a-f]{{40}})`", found.next_step)
    assert said is not None
    assert git(history, "log", "-1", "--format=%s", said[1]).strip() == message
    git(history, "checkout", "--quiet", said[1])
    check_checkout(
        find_checkout(history), Pipeline(version=version, toolchain_lock_digest=digest_of_bytes(lock).sha256)
    )


@pytest.mark.parametrize(("version", "lock"), [("0.1.0", b"x"), ("0.4.0", b"x"), ("0.2.0", b"never")])
def test_a_state_that_is_nowhere(history: Path, version: str, lock: bytes) -> None:
    assert refusal(history, version, lock).next_step == f"fetch or clone that state of {history}"


def test_a_copy_without_a_past(tmp_path: Path) -> None:
    found = refusal(a_checkout(tmp_path / "here"), "0.2.0", LOCK)
    assert found.next_step == f"fetch or clone that state of {tmp_path}/here"


def test_a_repository_named_by_the_environment_is_not_asked(
    history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("GIT_DIR", str(tmp_path / "nowhere"))
    assert "checkout" in refusal(history, "0.1.0", b"first").next_step


def test_without_git(history: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert refusal(history, "0.1.0", b"first").next_step == f"fetch or clone that state of {history}"


def test_a_version_that_cannot_be_read(tmp_path: Path) -> None:
    folder = a_checkout(tmp_path / "here")
    (folder / "release/__init__.py").write_text("")
    assert "has version unknown" in refusal(folder, PIPELINE.version, LOCK).problem

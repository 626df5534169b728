"""What enters from a source: what git tracks, as it is in the work tree, and nothing from outside."""

from __future__ import annotations

import asyncio
import os
import subprocess
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried
from support import commit, git

from pipeline.source import (
    EXECUTABLE,
    REGULAR,
    SYMLINK,
    Source,
    TrackedFile,
    copy_tree,
    open_source,
    tree_digest,
)
from release.errors import SourceError
from release.giturl import is_url, without_secrets
from release.version import parse

# Made by hand with sha256sum from the definition in docs/formats.md.
GOLDEN = "sha256:4b42e4cc724a8007147460dc15ae079390f7a759ece3ea2cf4bb8c0a6b2153ad"


def make(folder: Path) -> Path:
    """A repository with one file of each sort; GOLDEN is its digest."""
    (folder / "bin").mkdir(parents=True)
    (folder / "a b").write_text("one\n")
    (folder / "bin/run").write_text("#!/bin/sh\n")
    (folder / "bin/run").chmod(0o755)
    (folder / "link").symlink_to("a b")
    (folder / "é").write_text("")
    git(folder, "init", "--quiet", "--initial-branch=main")
    commit(folder, "A source")
    return folder


@pytest.fixture
def repo(tmp_path: Path) -> Path:
    return make(tmp_path / "repo")


def opened(text: Path | str, ref: str | None = None, *, path: str = "", repository: str | None = None) -> Source:
    """Open a source; whatever is cloned goes beside the tests' own folders."""
    checkouts = Path(os.environ["PYTEST_CHECKOUTS"])
    return asyncio.run(open_source(str(text), ref, checkouts, path=path, repository=repository))


@pytest.fixture(autouse=True)
def checkouts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = tmp_path / "checkouts"
    folder.mkdir()
    monkeypatch.setenv("PYTEST_CHECKOUTS", str(folder))
    return folder


def paths(source: Source) -> list[str]:
    return [file.path for file in source.files]


def refusal(text: Path | str, ref: str | None = None) -> str:
    with pytest.raises(SourceError) as caught:
        opened(text, ref)
    return str(caught.value)


def test_what_is_known_of_a_clean_source(repo: Path) -> None:
    git(repo, "tag", "v1.2.0")
    source = opened(repo)
    assert source.root == repo
    assert source.subdirectory == ""
    assert source.repository is None
    assert source.commit == git(repo, "rev-parse", "HEAD").strip()
    assert source.committed_at == datetime(2026, 2, 3, 4, 5, 6, tzinfo=UTC)
    assert source.epoch == 1770091506
    assert source.files == (
        TrackedFile(path="a b", mode=REGULAR),
        TrackedFile(path="bin/run", mode=EXECUTABLE),
        TrackedFile(path="link", mode=SYMLINK),
        TrackedFile(path="é", mode=REGULAR),
    )
    assert source.tree_digest == GOLDEN
    assert (source.dirty, source.untracked) == (False, 0)
    assert source.tagged == source.last_tag == parse("1.2.0")
    assert source.read("bin/run") == b"#!/bin/sh\n"
    assert source.read("bin/none") is None
    assert source.below("bin") == {"run": b"#!/bin/sh\n"}
    assert set(source.below("")) == {"a b", "link", "é"}


def test_a_subdirectory_has_tags_and_files_of_its_own(repo: Path) -> None:
    (repo / "sub/dir").mkdir(parents=True)
    (repo / "sub/dir/file").write_text("x")
    (repo / "sub/other").write_text("x")
    commit(repo, "Add a subdirectory")
    for tag in ("sub/dir/v1.2.3", "v9.9.9", "dir/v8.0.0", "other/sub/dir/v7.0.0"):
        git(repo, "tag", tag)
    source = opened(repo / "sub/dir")
    assert source.subdirectory == "sub/dir"
    assert source.tagged == source.last_tag == parse("1.2.3")
    assert paths(source) == ["file"]
    assert opened(repo).tagged == parse("9.9.9")


def test_changes_beside_a_subdirectory_do_not_make_it_dirty(repo: Path) -> None:
    (repo / "bin/new").write_text("x")
    (repo / "a b").write_text("changed")
    source = opened(repo / "bin")
    assert (source.dirty, source.untracked) == (False, 1)


def test_the_newest_reachable_tag(repo: Path) -> None:
    for tag in ("v1.9.0", "v1.10.0", "v1.x"):
        git(repo, "tag", tag)
    git(repo, "tag", "-a", "v1.11.0-rc.1", "-m", "Annotated")
    commit(repo, "More")
    source = opened(repo)
    assert source.tagged is None
    assert source.last_tag == parse("1.11.0-rc.1")


def test_untracked_files_are_counted_and_stay_out(repo: Path) -> None:
    (repo / "new").write_text("x")
    (repo / "bin/new").write_text("x")
    source = opened(repo)
    assert source.untracked == 2
    assert not source.dirty
    assert (paths(source), source.tree_digest) == (["a b", "bin/run", "link", "é"], GOLDEN)


def test_ignored_files_are_not_counted(repo: Path) -> None:
    (repo / ".gitignore").write_text("*.log\n")
    commit(repo, "Ignore logs")
    (repo / "x.log").write_text("x")
    source = opened(repo)
    assert (source.untracked, source.dirty) == (0, False)
    assert "x.log" not in paths(source)


def test_an_ignored_file_that_is_tracked_enters(repo: Path) -> None:
    (repo / ".gitignore").write_text("a*\n")
    commit(repo, "Ignore it now")
    assert "a b" in paths(opened(repo))


def test_a_deleted_file_makes_the_tree_dirty(repo: Path) -> None:
    (repo / "a b").unlink()
    source = opened(repo)
    assert source.dirty
    assert "a b" not in paths(source)
    assert source.tree_digest != GOLDEN


@pytest.mark.parametrize("stage", [False, True])
def test_a_change_makes_the_tree_dirty_staged_or_not(repo: Path, stage: bool) -> None:
    (repo / "a b").write_text("two\n")
    if stage:
        git(repo, "add", "--all")
    source = opened(repo)
    assert source.dirty
    assert source.read("a b") == b"two\n"
    assert source.tree_digest != GOLDEN


def test_a_file_added_but_not_committed_enters_a_dirty_tree(repo: Path) -> None:
    (repo / "new").write_text("x")
    git(repo, "add", "new")
    source = opened(repo)
    assert source.dirty
    assert "new" in paths(source)


def test_names_with_spaces_letters_and_line_ends(repo: Path) -> None:
    odd = ["  two  spaces ", "größe/日本語", "line\nend", 'quote"\\back', "tab\there"]
    for name in odd:
        (repo / name).parent.mkdir(exist_ok=True)
        (repo / name).write_text(name)
    commit(repo, "Odd names")
    source = opened(repo)
    assert set(odd) < set(paths(source))
    assert not source.dirty
    assert [source.read(name) for name in odd] == [name.encode() for name in odd]


def test_a_file_larger_than_any_buffer(repo: Path) -> None:
    (repo / "big").write_bytes(b"x" * (3 << 20))
    commit(repo, "Big")
    assert len(opened(repo).read("big") or b"") == 3 << 20


def test_a_source_of_many_files(repo: Path) -> None:
    blob = git(repo, "hash-object", "a b").strip()
    lines = "".join(f"100644 {blob}\t{'d' * 150}/{number:05}{'f' * 60}\n" for number in range(5000))
    subprocess.run(["git", "-C", repo, "update-index", "--index-info"], input=lines, text=True, check=True)
    git(repo, "commit", "--quiet", "-m", "Many files")
    assert paths(opened(repo)) == ["a b", "bin/run", "link", "é"]


def test_a_name_that_is_not_utf8_is_refused(repo: Path) -> None:
    Path(os.fsdecode(os.fsencode(repo) + b"/\xff.txt")).write_text("x")
    commit(repo, "A name in another encoding")
    assert "txt" in refusal(repo)


@pytest.mark.parametrize("target", ["a b", "bin", "bin/../é", "missing", "./bin/run"])
def test_a_link_inside_is_fine(repo: Path, target: str) -> None:
    (repo / "inside").symlink_to(target)
    commit(repo, "A link")
    source = opened(repo)
    assert TrackedFile(path="inside", mode=SYMLINK) in source.files
    assert not source.dirty


@pytest.mark.parametrize("target", ["/etc/hostname", "..", "../other", "bin/../../other", "/"])
def test_a_link_out_of_the_source_is_refused(repo: Path, target: str) -> None:
    (repo / "out").symlink_to(target)
    commit(repo, "A link")
    assert refusal(repo).startswith(f"out is a link out of the source, to {target};")


def test_a_link_by_way_of_another_link_is_followed(repo: Path) -> None:
    (repo / "deep/er").mkdir(parents=True)
    (repo / "deep/er/file").write_text("x")
    (repo / "short").symlink_to("deep/er")
    (repo / "fine").symlink_to("short/../../a b")  # short/.. is deep
    commit(repo, "Links")
    opened(repo)
    (repo / "out").symlink_to("short/../../../a b")
    commit(repo, "One more")
    assert refusal(repo).startswith("out is a link out of the source")


def test_a_link_out_of_the_subdirectory_is_refused(repo: Path) -> None:
    (repo / "bin/up").symlink_to("../a b")
    commit(repo, "A link")
    opened(repo)
    assert refusal(repo / "bin").startswith("up is a link out of the source, to ../a b;")


def test_an_absolute_link_is_refused_wherever_the_source_lies(repo: Path) -> None:
    (repo / "absolute").symlink_to(repo / "a b")
    commit(repo, "A link")
    assert "absolute is a link out of the source" in refusal(repo)


def test_a_link_to_itself_is_a_source_error_or_fine(repo: Path) -> None:
    (repo / "loop").symlink_to("loop")
    commit(repo, "A loop")
    assert "loop" in refusal(repo)


def test_a_tracked_file_that_became_a_link_out_is_refused(repo: Path) -> None:
    (repo / "é").unlink()
    (repo / "é").symlink_to("/etc/hostname")
    assert refusal(repo).startswith("é ")


def test_a_folder_that_became_a_link_out_is_refused_or_absent(repo: Path, tmp_path: Path) -> None:
    (tmp_path / "outside").mkdir()
    (tmp_path / "outside/run").write_text("a secret")
    (repo / "bin/run").unlink()
    (repo / "bin").rmdir()
    (repo / "bin").symlink_to(tmp_path / "outside")
    try:
        source = opened(repo)
    except SourceError:
        return
    assert source.read("bin/run") is None


@pytest.mark.parametrize(
    ("change", "path"),
    [
        (lambda repo: ((repo / "link").unlink(), (repo / "link").write_text("a file now")), "link"),
        (lambda repo: ((repo / "a b").unlink(), (repo / "a b").mkdir(), (repo / "a b/x").write_text("x")), "a b"),
    ],
    ids=["a link that became a file", "a file that became a folder"],
)
def test_a_path_that_changed_its_sort_is_a_source_error_or_dirty(
    repo: Path, change: Callable[[Path], object], path: str
) -> None:
    change(repo)
    try:
        assert opened(repo).dirty
    except SourceError as error:
        assert path in str(error)  # noqa: PT017 - either is fine


@pytest.mark.parametrize("flag", ["--assume-unchanged", "--skip-worktree"])
def test_a_file_that_git_is_told_to_overlook_is_looked_at(repo: Path, flag: str) -> None:
    git(repo, "update-index", flag, "a b")
    (repo / "a b").write_text("other content under the tag's name")
    try:
        assert opened(repo).dirty
    except SourceError as error:
        assert "a b" in str(error)  # noqa: PT017 - either is fine


def test_a_repository_named_by_the_environment_is_not_taken(
    repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = make(tmp_path / "other")
    commit(other, "One more")
    expected = git(repo, "rev-parse", "HEAD").strip()
    monkeypatch.setenv("GIT_DIR", str(other / ".git"))
    assert opened(repo).commit == expected


def test_a_submodule_is_refused(repo: Path) -> None:
    head = git(repo, "rev-parse", "HEAD").strip()
    git(repo, "update-index", "--add", "--cacheinfo", f"160000,{head},vendor/sub")
    git(repo, "commit", "--quiet", "-m", "A submodule")
    assert refusal(repo).startswith("vendor/sub is a git submodule, which cannot be released;")


def test_an_lfs_pointer_is_refused(repo: Path) -> None:
    (repo / "logo.png").write_text(f"version https://git-lfs.github.com/spec/v1\noid sha256:{'0' * 64}\nsize 5\n")
    commit(repo, "A pointer")
    assert refusal(repo) == "logo.png is a Git LFS pointer, not the file itself; run `git lfs pull`"


def test_an_unfinished_merge_is_refused(repo: Path) -> None:
    for branch in ("left", "right"):
        git(repo, "checkout", "--quiet", "-b", branch, "main")
        (repo / "a b").write_text(branch)
        commit(repo, branch)
    with pytest.raises(subprocess.CalledProcessError):
        git(repo, "merge", "left")
    assert refusal(repo) == "a b has an unfinished merge; finish the merge and commit"


def test_a_bare_repository_is_refused(repo: Path, tmp_path: Path) -> None:
    git(repo, "clone", "--quiet", "--bare", str(repo), str(tmp_path / "bare"))
    assert refusal(tmp_path / "bare").startswith(f"{tmp_path}/bare is no git work tree with a commit;")


def test_a_repository_without_commits_is_refused(tmp_path: Path) -> None:
    (tmp_path / "new").mkdir()
    git(tmp_path / "new", "init", "--quiet")
    (tmp_path / "new/file").write_text("x")
    git(tmp_path / "new", "add", "file")
    assert refusal(tmp_path / "new").startswith(f"{tmp_path}/new is no git work tree with a commit;")


def test_a_folder_without_tracked_files_is_refused(repo: Path) -> None:
    (repo / "empty").mkdir()
    assert refusal(repo / "empty") == f"git tracks no file in {repo}/empty; commit the source"


def test_a_ref_goes_with_a_url_only(repo: Path) -> None:
    assert refusal(repo, "main").startswith(f"--ref goes with a git URL, and {repo} is a folder;")


def test_git_may_be_missing(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert refusal(repo) == "git is not installed; as root: apt-get install git"


def test_git_may_be_missing_for_a_url_too(repo: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "nothing").mkdir()
    monkeypatch.setenv("PATH", str(tmp_path / "nothing"))
    assert "git is not installed" in refusal(f"file://{repo}")


@pytest.fixture
def history(repo: Path) -> dict[str, str]:
    """Refs of ``repo`` and their commits: a tag, then a branch that is not checked out, then main."""
    git(repo, "tag", "-a", "v1.0.0", "-m", "Annotated")
    commits = {"v1.0.0": git(repo, "rev-parse", "HEAD").strip()}
    git(repo, "checkout", "--quiet", "-b", "work/next")
    (repo / "next").write_text("x")
    commit(repo, "Next")
    commits["work/next"] = git(repo, "rev-parse", "HEAD").strip()
    git(repo, "checkout", "--quiet", "main")
    (repo / "main").write_text("x")
    commit(repo, "Main")
    commits["main"] = git(repo, "rev-parse", "HEAD").strip()
    return commits


@pytest.mark.parametrize("ref", ["v1.0.0", "work/next", "main"])
@pytest.mark.parametrize("behind_hash", [True, False])
def test_a_url_is_cloned_at_a_tag_or_branch(
    repo: Path, history: dict[str, str], checkouts: Path, ref: str, behind_hash: bool
) -> None:
    source = opened(f"file://{repo}#{ref}") if behind_hash else opened(f"file://{repo}", ref)
    assert source.commit == history[ref]
    assert source.root.is_relative_to(checkouts)
    assert source.repository == f"file://{repo}"
    assert ("next" in paths(source), "main" in paths(source)) == (ref == "work/next", ref == "main")
    assert not source.dirty


@pytest.mark.parametrize("length", [40, 12])
def test_a_url_is_cloned_at_a_commit(repo: Path, history: dict[str, str], length: int) -> None:
    assert opened(f"file://{repo}#{history['work/next'][:length]}").commit == history["work/next"]


def test_a_url_without_a_ref_is_cloned_at_its_head(repo: Path, history: dict[str, str]) -> None:
    git(repo, "checkout", "--quiet", "work/next")
    source = opened(f"file://{repo}")
    assert source.commit == history["work/next"]
    assert source.last_tag == parse("1.0.0")


@pytest.mark.parametrize("ref", ["v9.9.9", "0" * 40, "--all", "main:a b"])
def test_a_ref_that_is_not_there_is_refused(repo: Path, history: dict[str, str], ref: str) -> None:
    assert refusal(f"file://{repo}", ref).startswith(f"the source has no ref '{ref}';")


def test_a_name_for_others_wins_over_the_url(repo: Path) -> None:
    assert opened(f"file://{repo}", repository="https://example.com/x").repository == "https://example.com/x"
    assert opened(repo, repository="https://example.com/x").repository == "https://example.com/x"


def test_the_name_for_others_may_be_none(repo: Path) -> None:
    assert opened(f"file://{repo}", repository="").repository is None
    assert opened(repo, repository="").repository is None


@pytest.mark.parametrize("url", [False, True])
def test_a_path_in_the_repository(repo: Path, url: bool) -> None:
    text = f"file://{repo}" if url else str(repo)
    (repo / "bin/more").mkdir()
    (repo / "bin/more/file").write_text("x")
    commit(repo, "Add a folder in a folder")
    source = opened(text, path="bin/more")
    assert (source.subdirectory, paths(source)) == ("bin/more", ["file"])


def test_no_path_is_all_of_it(repo: Path) -> None:
    assert opened(f"file://{repo}", path="").subdirectory == ""


@pytest.mark.parametrize("path", ["none", "a b", "link"])
def test_a_path_that_is_no_folder(repo: Path, path: str) -> None:
    with pytest.raises(SourceError, match=f"^the source has no folder {path}; name one that git tracks with --path$"):
        opened(f"file://{repo}", path=path)


@pytest.mark.parametrize("path", ["..", "bin/../..", "out", "/"])
@pytest.mark.parametrize("url", [False, True])
def test_a_path_out_of_the_repository(repo: Path, path: str, url: bool) -> None:
    """By itself, or by a link that the repository tracks."""
    (repo / "out").symlink_to("../..")
    commit(repo, "Lead out")
    with pytest.raises(SourceError, match=rf"^the path {path} leads out of the source; name a folder in it"):
        opened(f"file://{repo}" if url else repo, path=path)


def test_secrets_of_a_url_are_not_kept(repo: Path) -> None:
    assert opened(f"file://user:hunter2@{repo}").repository == f"file://{repo}"


def test_secrets_of_a_url_are_not_told(tmp_path: Path) -> None:
    with pytest.raises(SourceError) as caught:
        opened(f"file://user:hunter2@{tmp_path}/none")
    assert "hunter2" not in str(caught.value) + caught.value.detail
    assert str(caught.value).startswith(f"file://{tmp_path}/none could not be cloned")


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("https://user:secret@example.com/x.git", "https://example.com/x.git"),
        ("https://token@example.com:8443/x", "https://example.com:8443/x"),
        ("https://example.com/a@b", "https://example.com/a@b"),
        ("https://example.com/x", "https://example.com/x"),
        ("git@example.com:a/b.git", "git@example.com:a/b.git"),
        ("https://user:se@cret@example.com/x", "https://example.com/x"),
    ],
)
def test_a_url_without_its_secrets(url: str, shown: str) -> None:
    assert without_secrets(url) == shown


@pytest.mark.parametrize(
    ("text", "url"),
    [
        ("https://example.com/x", True),
        ("file:///x", True),
        ("git@example.com:a/b", True),
        ("/a/b", False),
        (".", False),
        ("a@b/c", False),
        ("C:x", False),
    ],
)
def test_what_is_a_url(text: str, url: bool) -> None:
    assert is_url(text) is url


def test_the_digest_follows_the_documented_form(repo: Path) -> None:
    source = opened(repo)
    assert tree_digest(repo, source.files) == tree_digest(repo, source.files[::-1]) == GOLDEN


def test_the_digest_is_the_same_in_every_clone(repo: Path, tmp_path: Path) -> None:
    for number, umask in enumerate(("022", "077")):
        clone = tmp_path / f"clone{number}"
        subprocess.run(["sh", "-c", f'umask {umask}; git clone --quiet "$0" "$1"', repo, clone], check=True)
        for path in ("a b", "bin/run", "é"):
            os.utime(clone / path, (number * 10**6, number * 10**6))
        assert opened(clone).tree_digest == GOLDEN
    modes = [(tmp_path / f"clone{number}/a b").stat().st_mode & 0o777 for number in range(2)]
    assert modes == [0o644, 0o600], "the clones should differ"


def rename(repo: Path) -> None:
    (repo / "é").rename(repo / "e")


@pytest.mark.parametrize(
    "change",
    [
        lambda repo: (repo / "a b").write_text("onf\n"),
        lambda repo: (repo / "a b").chmod(0o755),
        lambda repo: ((repo / "link").unlink(), (repo / "link").symlink_to("é")),
        lambda repo: ((repo / "link").unlink(), (repo / "link").write_text("a b")),
        rename,
        lambda repo: (repo / "new").write_text(""),
        lambda repo: (repo / "é").unlink(),
    ],
    ids=["a byte", "a mode", "a link's target", "a link that became a file", "a name", "one more", "one less"],
)
def test_the_digest_changes_with(repo: Path, change: Callable[[Path], object]) -> None:
    change(repo)
    commit(repo, "Change")
    assert opened(repo).tree_digest != GOLDEN


contents = st.dictionaries(
    st.text("abé .", min_size=1, max_size=4).filter(lambda name: name not in (".", "..")), st.binary(max_size=8)
)


@unhurried
@given(contents, contents)
def test_two_trees_have_one_digest_only_when_they_are_the_same(
    tmp_path_factory: pytest.TempPathFactory, one: dict[str, bytes], other: dict[str, bytes]
) -> None:
    digests = []
    for tree in (one, other):
        root = tmp_path_factory.mktemp("tree")
        for name, content in tree.items():
            (root / name).write_bytes(content)
        digests.append(tree_digest(root, [TrackedFile(path=name, mode=REGULAR) for name in tree]))
    assert (digests[0] == digests[1]) == (one == other)


def state(root: Path) -> dict[str, tuple[int, int]]:
    """Mode and time of everything below ``root``."""
    return {
        path.relative_to(root).as_posix(): (path.lstat().st_mode & 0o777, int(path.lstat().st_mtime))
        for path in (root, *root.rglob("*"))
        if not path.is_symlink()
    }


def test_a_copy_has_plain_modes_and_the_commits_time(repo: Path, tmp_path: Path) -> None:
    (repo / "a b").chmod(0o600)
    (repo / "bin/run").chmod(0o711)
    (repo / "bin").chmod(0o700)
    (repo / "untracked").write_text("x")
    source = opened(repo)
    assert not source.dirty
    before = os.umask(0o077)
    try:
        copy_tree(source, tmp_path / "copy/deep")
    finally:
        os.umask(before)
    time = source.epoch
    assert state(tmp_path / "copy/deep") == {
        ".": (0o755, time),
        "a b": (0o644, time),
        "bin": (0o755, time),
        "bin/run": (0o755, time),
        "é": (0o644, time),
    }
    assert (tmp_path / "copy/deep/link").readlink() == Path("a b")
    assert int((tmp_path / "copy/deep/link").lstat().st_mtime) == time
    assert tree_digest(tmp_path / "copy/deep", source.files) == GOLDEN


def test_a_copy_keeps_what_the_filter_keeps(repo: Path, tmp_path: Path) -> None:
    copy_tree(opened(repo), tmp_path / "copy", keep=lambda path: path.startswith("bin/"))
    assert sorted(state(tmp_path / "copy")) == [".", "bin", "bin/run"]
    assert not (tmp_path / "copy/link").is_symlink()


def test_a_copy_does_not_touch_the_source(repo: Path, tmp_path: Path) -> None:
    before = state(repo / "bin")
    copy_tree(opened(repo), tmp_path / "copy")
    (tmp_path / "copy/bin/run").write_text("changed")
    assert state(repo / "bin") == before
    assert (repo / "bin/run").read_text() == "#!/bin/sh\n"

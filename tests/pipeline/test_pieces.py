"""Which pieces and targets a command line names, and what their artifacts are called."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from release_samples import unhurried

from pipeline.pieces import (
    API,
    BOOTSTRAP,
    CONSOLE,
    MIGRATIONS,
    PIECES,
    PROXY,
    TARGETS,
    Piece,
    Selection,
    Target,
    archive_name,
    select,
)
from release.errors import UsageError

LINUX = Target(os="linux", arch="amd64")
WINDOWS = Target(os="windows", arch="amd64")


def test_nothing_named_means_all() -> None:
    assert select() == Selection(pieces=PIECES, targets=TARGETS)
    assert select().whole


def test_a_piece_goes_by_its_name_or_its_artifacts() -> None:
    assert select(["console"]).pieces == (CONSOLE,)
    assert select(["tesseral-console"]).pieces == (CONSOLE,)
    assert select(["tesseraldb-migrations", "migrations"]).pieces == (MIGRATIONS,)


def test_the_order_is_the_tables() -> None:
    chosen = select(["migrations", "api"], ["windows/amd64", "linux/amd64"])
    assert chosen.pieces == (API, MIGRATIONS)
    assert chosen.targets == (LINUX, WINDOWS)
    assert str(chosen) == "api,migrations for linux/amd64,windows/amd64"


def test_whole_means_that_nothing_is_left_out() -> None:
    assert select([p.name for p in PIECES], map(str, TARGETS)).whole
    assert not select(["api"]).whole
    assert not select(targets=["linux/amd64"]).whole
    assert not select([p.name for p in PIECES[:-1]]).whole


def test_images_are_made_for_linux() -> None:
    assert [str(t) for t in select().platforms] == ["linux/amd64", "linux/arm64"]
    assert select(targets=["darwin/arm64", "windows/amd64"]).platforms == ()
    assert select().images == PIECES[:-1]
    assert select(["proxy"]).images == ()
    assert select(["api"], ["windows/amd64"]).images == ()


@pytest.mark.parametrize(
    ("pieces", "targets", "sentence"),
    [
        (["ui"], [], "there is no piece 'ui'; the pieces are api, bootstrap, vault-ui, console, migrations, proxy"),
        (["api", "API"], [], "there is no piece 'API'"),
        ([""], [], "there is no piece ''"),
        ([], ["linux/386"], "there is no target 'linux/386'; the targets are linux/amd64, linux/arm64, darwin/amd64,"),
        (["api"], ["linux"], "there is no target 'linux'"),
    ],
)
def test_an_unknown_name_is_refused(pieces: list[str], targets: list[str], sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(pieces, targets)
    assert sentence in str(caught.value)


@pytest.mark.parametrize(
    ("piece", "target", "name"),
    [
        (API, LINUX, "tesseral-api_1.4.0_linux_amd64.tar.gz"),
        (BOOTSTRAP, Target(os="darwin", arch="arm64"), "tesseral-bootstrap_1.4.0_darwin_arm64.tar.gz"),
        (API, WINDOWS, "tesseral-api_1.4.0_windows_amd64.zip"),
        (CONSOLE, None, "tesseral-console_1.4.0.tar.gz"),
        (MIGRATIONS, None, "tesseraldb-migrations_1.4.0.tar.gz"),
        (PROXY, None, "tesseral-proxy_1.4.0.tar.gz"),
    ],
)
def test_the_name_of_an_artifact(piece: Piece, target: Target | None, name: str) -> None:
    assert archive_name(piece, "1.4.0", target) == name


def test_programs_end_in_exe_on_windows_only() -> None:
    assert [t.executable for t in TARGETS] == ["", "", "", "", ".exe"]


@unhurried
@given(
    st.lists(st.sampled_from([word for p in PIECES for word in (p.name, p.stem)])),
    st.lists(st.sampled_from([str(t) for t in TARGETS])),
)
def test_what_is_named_is_chosen_once(pieces: list[str], targets: list[str]) -> None:
    chosen = select(pieces, targets)
    wanted = {p for p in PIECES if not pieces or p.name in pieces or p.stem in pieces}
    assert chosen.pieces == tuple(p for p in PIECES if p in wanted)
    assert {str(t) for t in chosen.targets} == (set(targets) or {str(t) for t in TARGETS})
    assert chosen == select(reversed(pieces), reversed(targets))
    assert chosen.whole == (len(chosen.pieces) == len(PIECES) and len(chosen.targets) == len(TARGETS))

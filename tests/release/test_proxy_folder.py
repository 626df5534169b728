"""A configuration appears in its folder as a whole, takes the place of an older one, and of nothing else."""

from __future__ import annotations

import os
import threading
from pathlib import Path

import pytest
from settings_samples import settings, site_of

from release import exchange
from release.errors import DestinationError, UsageError
from release.proxy import installed, render, write_folder
from release.proxy.render import MARK

FILES = render(installed(), site_of(settings()))
OTHER = render(installed(), site_of(settings(listen={"http": 0})))


def content(place: Path) -> dict[str, str]:
    return {path.relative_to(place).as_posix(): path.read_text() for path in place.rglob("*") if path.is_file()}


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_it_is_there_for_everyone(tmp_path: Path, umask: int) -> None:
    before = os.umask(umask)
    try:
        write_folder(tmp_path / "deep/er/tesseral", FILES)
    finally:
        os.umask(before)
    place = tmp_path / "deep/er/tesseral"
    assert content(place) == FILES
    assert {path.stat().st_mode & 0o777 for path in place.rglob("*") if path.is_file()} == {0o644}
    assert {path.stat().st_mode & 0o777 for path in (place, *place.rglob("*")) if path.is_dir()} == {0o755}
    assert [path.name for path in place.parent.iterdir()] == ["tesseral"]


@pytest.mark.parametrize("kernel", [True, False])
def test_it_takes_the_place_of_an_older_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kernel: bool) -> None:
    if not kernel:  # as on a system that cannot exchange two names
        monkeypatch.setattr(exchange, "_in_one_step", lambda *_: False)
    write_folder(tmp_path / "tesseral", FILES)
    write_folder(tmp_path / "tesseral", OTHER)
    assert content(tmp_path / "tesseral") == OTHER
    assert [path.name for path in tmp_path.iterdir()] == ["tesseral"]


def test_an_empty_folder_and_a_link_are_taken(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    (tmp_path / "tesseral").symlink_to("real")
    write_folder(tmp_path / "tesseral", FILES)
    assert (tmp_path / "tesseral").readlink() == Path("real")
    assert content(tmp_path / "real") == FILES


def test_there_is_no_moment_without_it(tmp_path: Path) -> None:
    place = tmp_path / "tesseral"
    write_folder(place, FILES)
    gone, done = [], threading.Event()

    def watch() -> None:
        while not done.is_set():
            if not (place / "tesseral.conf").exists():
                gone.append("gone")

    watcher = threading.Thread(target=watch)
    watcher.start()
    for number in range(60):
        write_folder(place, OTHER if number % 2 else FILES)
    done.set()
    watcher.join()
    assert gone == []


def test_what_others_put_there_stays(tmp_path: Path) -> None:
    place = tmp_path / "tesseral"
    write_folder(place, FILES)
    (place / "snippets/mine.conf").write_text("# mine\n")
    with pytest.raises(UsageError) as caught:
        write_folder(place, OTHER)
    assert str(caught.value) == (
        f"{place}/snippets/mine.conf is not of this program, and {place} would be replaced as a whole; "
        "name another folder, or move the file away"
    )
    (place / "snippets/mine.conf").unlink()
    (place / "tesseral.conf").write_text(f"{MARK}by hand\n")  # what it made may be changed: it is made again
    write_folder(place, OTHER)
    assert content(place) == OTHER


def test_a_place_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    for place in (tmp_path / "file", tmp_path / "file/tesseral"):
        with pytest.raises(DestinationError, match=r"cannot be used: (Not a d|File ex).*; name a directory"):
            write_folder(place, FILES)
    assert content(tmp_path) == {"file": "mine"}


def test_nothing_is_left_of_a_failure(tmp_path: Path) -> None:
    write_folder(tmp_path / "tesseral", FILES)
    too_long = {**OTHER, f"snippets/{'x' * 300}.conf": ""}
    with pytest.raises(DestinationError, match="cannot be used: File name too long"):
        write_folder(tmp_path / "tesseral", too_long)
    assert content(tmp_path / "tesseral") == FILES
    assert [path.name for path in tmp_path.iterdir()] == ["tesseral"]

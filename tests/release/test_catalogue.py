import json
import os
import subprocess
import sys
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import pytest
from page_reader import read
from release_samples import ROOT, staged
from site_samples import digest, place, promote, whole, yank

from release.catalogue import refresh
from release.destination import DirectoryDestination, index
from release.destination.index import Row
from release.errors import DestinationError, VerificationError
from release.publish import publish
from release.version import Version, parse


def snapshot(root: Path) -> dict[str, tuple[int, bytes]]:
    """Inode and content of every file that can change."""
    files = [path for path in root.rglob("*") if path.is_file() and path.name != ".lock"]
    return {path.relative_to(root).as_posix(): (path.stat().st_ino, path.read_bytes()) for path in files}


def written(root: Path, work: Callable[[], None]) -> set[str]:
    """The files that ``work`` writes."""
    before = snapshot(root)
    work()
    after = snapshot(root)
    return {name for name in after if after[name] != before.get(name)}


def listed(root: Path) -> dict[str, str | None]:
    rows = json.loads((root / "index.json").read_bytes())["releases"]
    return {row["version"]: row.get("yanked") for row in rows}


def page_of(root: Path, version: str) -> str:
    return (root / "releases" / f"{version}.html").read_text()


class Watched(DirectoryDestination):
    """Counts the manifests that are read, and lets something happen before ``key`` is first read or swapped."""

    def __init__(
        self, root: Path, key: str = "", before: Callable[[], None] = lambda: None, moment: str = "swap"
    ) -> None:
        super().__init__(root)
        self.read: Counter[str] = Counter()
        self._at = (moment, key)
        self._before: Callable[[], None] | None = before

    def _meet(self, moment: str, key: str) -> None:
        if (moment, key) == self._at and self._before is not None:
            before, self._before = self._before, None
            before()

    def document(self, key: str) -> bytes | None:
        self._meet("read", key)
        return super().document(key)

    def manifest_of(self, version: Version) -> bytes | None:
        self.read[str(version)] += 1
        return super().manifest_of(version)

    def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
        self._meet("swap", key)
        return super().swap(key, expected, data)


def test_publishing_writes_the_index_and_the_pages(tmp_path: Path) -> None:
    root = tmp_path / "site"
    for version in ("1.3.0", "1.4.0"):
        publish(staged(tmp_path / version, version), [DirectoryDestination(root)], "stable")
    assert listed(root) == {"1.3.0": None, "1.4.0": None}
    assert [node.text for node in read((root / "index.html").read_bytes()).all("th", scope="row")] == [
        "stable",
        "1.4.0",
        "1.3.0",
    ]
    assert "badge" in page_of(root, "1.4.0").partition("</head>")[2]
    assert "badge" not in page_of(root, "1.3.0").partition("</head>")[2]
    assert not list((root / "releases").glob("*.part"))


@pytest.mark.parametrize("everything", [False, True])
def test_what_is_right_is_not_written(tmp_path: Path, everything: bool) -> None:
    place(tmp_path, whole())
    assert written(tmp_path, lambda: refresh(DirectoryDestination(tmp_path))) == {
        "index.json",
        "index.html",
        "releases/1.4.0.html",
    }
    assert written(tmp_path, lambda: refresh(DirectoryDestination(tmp_path), everything=everything)) == set()


def test_a_move_of_a_channel_writes_three_pages(tmp_path: Path) -> None:
    pins = [place(tmp_path, whole(f"1.{minor}.0")) for minor in range(6)]
    for pin in pins[:5]:
        promote(tmp_path, "stable", pin)
        refresh(DirectoryDestination(tmp_path))
    promote(tmp_path, "stable", pins[5])
    assert written(tmp_path, lambda: refresh(DirectoryDestination(tmp_path))) == {
        "index.html",
        "releases/1.4.0.html",
        "releases/1.5.0.html",
    }


def test_a_run_killed_between_the_move_and_the_pages_is_made_up_for(tmp_path: Path) -> None:
    pins = [place(tmp_path, whole(f"1.{minor}.0")) for minor in range(3)]
    promote(tmp_path, "stable", pins[0])
    refresh(DirectoryDestination(tmp_path))
    promote(tmp_path, "stable", pins[1])
    promote(tmp_path, "stable", pins[2])
    assert 'class="badge"' in page_of(tmp_path, "1.0.0")
    refresh(DirectoryDestination(tmp_path))
    assert 'class="badge"' not in page_of(tmp_path, "1.0.0")


def test_a_yank_changes_index_page_and_what_readers_of_a_channel_get(tmp_path: Path) -> None:
    pins = [place(tmp_path, whole(version)) for version in ("1.2.0", "1.3.0", "1.4.0")]
    for pin in pins[1:]:
        promote(tmp_path, "stable", pin)
    refresh(DirectoryDestination(tmp_path))
    yank(tmp_path, "1.4.0", "It leaks")
    changed = written(tmp_path, lambda: refresh(DirectoryDestination(tmp_path)))
    assert changed == {"index.json", "index.html", "releases/1.4.0.html", "releases/1.3.0.html"}
    assert listed(tmp_path)["1.4.0"] == "It leaks"
    assert "It leaks" in page_of(tmp_path, "1.4.0")
    assert 'class="badge"' in page_of(tmp_path, "1.3.0")


def test_another_reason_reaches_index_and_page(tmp_path: Path) -> None:
    place(tmp_path, whole())
    for reason in ("It leaks", "It leaks tokens"):
        yank(tmp_path, "1.4.0", reason)
        refresh(DirectoryDestination(tmp_path))
        assert listed(tmp_path) == {"1.4.0": reason}
        assert f"{reason}</bdi>" in page_of(tmp_path, "1.4.0")


def test_readers_who_fall_back_far_find_the_channel_on_the_page(tmp_path: Path) -> None:
    for pin in [place(tmp_path, whole(f"1.{minor}.0")) for minor in range(6)]:
        promote(tmp_path, "stable", pin)
    refresh(DirectoryDestination(tmp_path))
    for minor in range(1, 6):
        yank(tmp_path, f"1.{minor}.0", "It leaks")
    refresh(DirectoryDestination(tmp_path))
    assert 'class="badge"' in page_of(tmp_path, "1.0.0")


def test_ten_thousand_releases_are_not_read_again(tmp_path: Path) -> None:
    rows = [
        Row(version=parse(f"1.{n}.0"), manifest_digest=digest(str(n)), committed_at="2026-01-01T00:00:00Z")
        for n in range(10_000)
    ]
    for row in rows:
        (tmp_path / "releases" / str(row.version)).mkdir(parents=True)
    (tmp_path / "index.json").write_bytes(index.to_json(rows))
    place(tmp_path, whole("2.0.0"))
    destination = Watched(tmp_path)
    refresh(destination)
    assert destination.read == {"2.0.0": 1}
    assert len(listed(tmp_path)) == 10_001
    assert list((tmp_path / "releases").glob("*.html")) == [tmp_path / "releases" / "2.0.0.html"]
    assert len((tmp_path / "index.html").read_bytes()) < 100_000


def test_a_run_killed_before_the_index_is_made_up_for(tmp_path: Path) -> None:
    place(tmp_path, whole("1.3.0"))
    refresh(DirectoryDestination(tmp_path))
    place(tmp_path, whole("1.4.0"))  # published, then killed

    def killed() -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        refresh(Watched(tmp_path, "index.json", killed))
    # The page is there before the index says so: a release in the index is never without one.
    assert "Tesseral 1.4.0" in page_of(tmp_path, "1.4.0")
    place(tmp_path, whole("1.5.0"))
    refresh(DirectoryDestination(tmp_path))
    assert list(listed(tmp_path)) == ["1.3.0", "1.4.0", "1.5.0"]


@pytest.mark.parametrize("damage", ["lost", "altered"])
def test_everything_heals_old_pages(tmp_path: Path, damage: str) -> None:
    for version in ("1.3.0", "1.4.0"):
        place(tmp_path, whole(version))
    refresh(DirectoryDestination(tmp_path))
    before = snapshot(tmp_path)
    page = tmp_path / "releases" / "1.3.0.html"
    if damage == "lost":
        page.unlink()
    else:
        page.write_text("other")
    assert written(tmp_path, lambda: refresh(DirectoryDestination(tmp_path))) == set()
    assert written(tmp_path, lambda: refresh(DirectoryDestination(tmp_path), everything=True)) == {
        "releases/1.3.0.html"
    }
    assert {name: data for name, (_, data) in snapshot(tmp_path).items()} == {
        name: data for name, (_, data) in before.items()
    }


@pytest.mark.parametrize("data", [b"", b"{}", b"[]", b'{"schemaVersion":1}', b"\xff"])
def test_a_damaged_index_is_made_anew(tmp_path: Path, data: bytes) -> None:
    place(tmp_path, whole())
    refresh(DirectoryDestination(tmp_path))
    good = (tmp_path / "index.json").read_bytes()
    (tmp_path / "index.json").write_bytes(data)
    refresh(DirectoryDestination(tmp_path))
    assert (tmp_path / "index.json").read_bytes() == good


@pytest.mark.parametrize(("everything", "read"), [(False, {"1.3.0": 1}), (True, {"1.3.0": 1, "1.4.0": 1})])
def test_another_publisher_between_read_and_write_loses_nothing(
    tmp_path: Path, everything: bool, read: dict[str, int]
) -> None:
    place(tmp_path, whole("1.3.0"))

    def other() -> None:
        place(tmp_path, whole("1.4.0"))
        refresh(DirectoryDestination(tmp_path))

    destination = Watched(tmp_path, "index.json", other)
    refresh(destination, everything=everything)
    assert list(listed(tmp_path)) == ["1.3.0", "1.4.0"]
    assert destination.read == read


@pytest.mark.parametrize("moment", ["read", "swap"])
@pytest.mark.parametrize("key", ["index.json", "releases/1.4.0.html", "index.html"])
def test_a_page_never_goes_back_to_an_older_state(tmp_path: Path, key: str, moment: str) -> None:
    place(tmp_path, whole())

    def other() -> None:
        yank(tmp_path, "1.4.0", "It leaks")
        refresh(DirectoryDestination(tmp_path))

    refresh(Watched(tmp_path, key, other, moment))
    assert "It leaks" in page_of(tmp_path, "1.4.0")
    assert "It leaks" in (tmp_path / "index.html").read_text()
    assert listed(tmp_path) == {"1.4.0": "It leaks"}


def test_publishers_at_once_lose_no_row(tmp_path: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from site_samples import *; from release.catalogue import refresh;"
        "root = Path(sys.argv[1]);"
        "[(place(root, whole(f'{sys.argv[2]}.{n}.0')), refresh(DirectoryDestination(root))) for n in range(8)]"
    )
    path = os.pathsep.join([str(ROOT), str(ROOT / "tests" / "release")])
    running = [
        subprocess.Popen([sys.executable, "-c", code, str(tmp_path), str(n)], env={**os.environ, "PYTHONPATH": path})
        for n in range(4)
    ]
    assert [process.wait(timeout=120) for process in running] == [0] * 4
    wanted = [f"{major}.{minor}.0" for major in range(4) for minor in range(8)]
    assert list(listed(tmp_path)) == wanted
    assert sorted(path.stem for path in (tmp_path / "releases").glob("*.html")) == sorted(wanted)
    versions = [node.text for node in read((tmp_path / "index.html").read_bytes()).all("th", scope="row")]
    assert versions == wanted[::-1]


def test_an_index_that_changes_all_the_time(tmp_path: Path) -> None:
    class Restless(DirectoryDestination):
        def swap(self, key: str, expected: bytes | None, data: bytes) -> bool:
            return False

    place(tmp_path, whole())
    with pytest.raises(DestinationError, match=r"releases/1\.4\.0\.html in .* changes all the time; run again"):
        refresh(Restless(tmp_path))


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:-10], "release.json is not JSON"),
        (lambda data: data.replace(b'"1.3.0"', b'"1.9.0"'), "its release.json is that of 1.9.0"),
    ],
)
def test_a_release_that_cannot_be_read_is_named_and_keeps_no_other_from_the_index(
    tmp_path: Path, damage: Callable[[bytes], bytes], words: str
) -> None:
    for version in ("1.2.0", "1.3.0", "1.4.0"):
        place(tmp_path, whole(version))
    broken = tmp_path / "releases" / "1.3.0" / "release.json"
    broken.write_bytes(damage(broken.read_bytes()))
    with pytest.raises(VerificationError) as caught:
        refresh(DirectoryDestination(tmp_path))
    assert f"1.3.0 in {tmp_path} cannot be listed: {words}" in str(caught.value)
    assert list(listed(tmp_path)) == ["1.2.0", "1.4.0"]
    assert (tmp_path / "index.html").exists()


def test_an_unfinished_release_is_not_listed(tmp_path: Path) -> None:
    place(tmp_path, whole())
    (tmp_path / "releases" / "1.5.0").mkdir()
    refresh(DirectoryDestination(tmp_path))
    assert list(listed(tmp_path)) == ["1.4.0"]


def test_nothing_is_written_where_nobody_looks(tmp_path: Path) -> None:
    class Unseen(DirectoryDestination):
        browsable = False

    place(tmp_path, whole())
    assert written(tmp_path, lambda: refresh(Unseen(tmp_path))) == set()

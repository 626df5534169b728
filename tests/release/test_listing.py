import argparse
import json
from datetime import timedelta
from pathlib import Path

import pytest
from release_samples import CREATED, EPOCH
from signing_support import key_of, make_key
from site_samples import place, promote, whole, yank

from release.channels import move
from release.commands import listing
from release.destination import DirectoryDestination
from release.errors import UsageError, VerificationError
from release.revision import Writing


@pytest.fixture
def root(tmp_path: Path) -> Path:
    pins = [place(tmp_path, whole(version)) for version in ("1.9.0", "1.10.0", "1.10.0-rc.2", "1.10.0-rc.10")]
    promote(tmp_path, "stable", pins[0])
    promote(tmp_path, "stable", pins[1])
    promote(tmp_path, "candidate", pins[3])
    return tmp_path


def run(*arguments: str) -> None:
    parser = argparse.ArgumentParser()
    listing.add(parser.add_subparsers(), argparse.ArgumentParser(add_help=False))
    parsed = parser.parse_args(arguments)
    parsed.run(parsed)


def test_versions_are_listed_newest_first(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yank(root, "1.10.0", "It leaks \u202etokens")
    run("list", "--from", str(root))
    assert capsys.readouterr().out.splitlines() == [
        "VERSION       CHANNELS   YANKED",
        "1.10.0                   It leaks \ufffdtokens",
        "1.10.0-rc.10  candidate",
        "1.10.0-rc.2",
        "1.9.0         stable",
    ]
    run("list", "--from", str(root), "--json")
    assert json.loads(capsys.readouterr().out) == [
        {"version": "1.10.0", "channels": [], "yanked": "It leaks \u202etokens"},
        {"version": "1.10.0-rc.10", "channels": ["candidate"]},
        {"version": "1.10.0-rc.2", "channels": []},
        {"version": "1.9.0", "channels": ["stable"]},
    ]


def test_channels(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    yank(root, "1.10.0", "It leaks")
    yank(root, "1.10.0-rc.10", "It leaks")
    run("channels", "--from", str(root), "--json")
    candidate, stable = json.loads(capsys.readouterr().out)
    assert (candidate["version"], candidate["previous"], candidate["readersGet"]) == ("1.10.0-rc.10", [], None)
    assert (stable["channel"], stable["version"]) == ("stable", "1.10.0")
    assert stable["previous"] == [stable["readersGet"]]
    assert stable["readersGet"]["version"] == "1.9.0"
    assert (stable["expires"], stable["signedBy"]) == (None, None)
    numbers = [f"{one['sequence']:<10}  never    nobody   " for one in (candidate, stable)]
    run("channels", "--from", str(root))
    assert capsys.readouterr().out.splitlines() == [
        f"CHANNEL    IS AT         READERS GET              SEQUENCE    EXPIRES  SIGNED BY  {'MANIFEST':<71}  BEFORE",
        f"candidate  1.10.0-rc.10  nothing: all are yanked  {numbers[0]}  {candidate['manifestDigest']}",
        f"stable     1.10.0        1.9.0                    {numbers[1]}  {stable['manifestDigest']}  1.9.0",
    ]


def test_signed_channels(root: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    key = key_of(make_key(tmp_path / "key"))
    writing = Writing(signer=key, lifetime=timedelta(days=1), clock=lambda: CREATED + timedelta(days=3650))
    move(DirectoryDestination(root), "stable", place(root, whole("1.11.0")), writing=writing)
    run("channels", "--from", str(root), "--json")
    _, stable = json.loads(capsys.readouterr().out)
    assert (stable["sequence"], stable["expires"]) == (EPOCH + 3650 * 86400, "2035-12-31T12:30:07Z")
    assert stable["signedBy"] == key.public_key.fingerprint
    run("channels", "--from", str(root))
    lines = capsys.readouterr().out.splitlines()
    assert f" {stable['sequence']}  2035-12-31T12:30:07Z  {key.public_key.fingerprint}  sha256:" in lines[2]
    path = root / "channels/stable.json"
    path.write_bytes(path.read_bytes().replace(b"2035", b"2036"))
    with pytest.raises(VerificationError, match=f"the channel 'stable' in {root} is not by .* was altered"):
        run("channels", "--from", str(root))


def test_a_place_with_nothing(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("list", "--from", str(tmp_path))
    run("channels", "--from", str(tmp_path), "--json")
    assert capsys.readouterr().out == "VERSION  CHANNELS  YANKED\n[]\n"


def test_pages_are_written_anew(root: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("pages", "--to", str(root))
    assert capsys.readouterr().out == f"the index and the pages of {root} are up to date\n"
    page = root / "releases" / "1.10.0-rc.2.html"
    page.unlink()
    run("pages", "--to", str(root))
    assert page.exists()


def test_a_registry_has_no_pages() -> None:
    with pytest.raises(UsageError, match=r"oci://registry\.example/tesseral has no pages"):
        run("pages", "--to", "oci://registry.example/tesseral")

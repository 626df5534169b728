"""The commands fetch, pin, bundle and verify, as people run them."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from reading_samples import ALL, API_LINUX, CONSOLE, V140, pin_of, published, several
from release_samples import ROOT

from release.cli import main
from release.errors import ReleaseError, UsageError, VerificationError
from release.promote import yank
from release.staged import StagedRelease
from release.version import parse

PART = ["--piece", "api", "--target", "linux/amd64"]


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return several(tmp_path_factory.mktemp("several") / "stage")


@pytest.fixture
def here(tmp_path: Path, release: StagedRelease, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; releases are in ``published``."""
    published(tmp_path / "published", release, channel="stable")
    monkeypatch.chdir(tmp_path)
    return tmp_path


def run(*arguments: str, capsys: pytest.CaptureFixture[str]) -> tuple[str, str]:
    main(arguments)
    captured = capsys.readouterr()
    return captured.out, captured.err


def test_fetch_names_what_is_there_now(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, errors = run("fetch", "--insecure-unsigned", "stable", "--from", "published", *PART, capsys=capsys)
    assert output == f"1.4.0: fetched 1 into tesseral-1.4.0\ntesseral-1.4.0/{API_LINUX}\n"
    assert errors == ""
    output, _ = run(
        "fetch", "--insecure-unsigned", "1.4.0", "--from", "published", "--piece", "api", "--unpack", capsys=capsys
    )
    assert output.splitlines()[0] == "1.4.0: fetched 1 into tesseral-1.4.0, 1 were there already"
    assert (here / "tesseral-1.4.0" / API_LINUX.removesuffix(".tar.gz") / "bin/api").is_file()
    output, _ = run("verify", "--insecure-unsigned", "tesseral-1.4.0", capsys=capsys)
    sentence = "1.4.0: 2 of 5 artifacts and 0 of 2 images are here, and are what release.json says\n"
    assert output == sentence


def test_fetch_with_images_is_complete(here: Path, release: StagedRelease, capsys: pytest.CaptureFixture[str]) -> None:
    output, _ = run(
        "fetch",
        "--insecure-unsigned",
        "1.4.0",
        "--from",
        "published",
        "--images",
        "--into",
        "x",
        "--jobs",
        "2",
        "--json",
        capsys=capsys,
    )
    assert json.loads(output) == {
        "version": "1.4.0",
        "manifestDigest": pin_of(release).manifest_digest,
        "directory": "x",
        "fetched": [*ALL, "images/tesseral-api", "images/tesseral-console"],
        "kept": [],
        "unpacked": [],
        "signedBy": None,
        "warnings": [],
    }
    output, _ = run("verify", "--insecure-unsigned", "--complete", "x", capsys=capsys)
    assert output == "1.4.0: 5 artifacts and 2 images are what release.json says\n"
    output, _ = run("verify", "--insecure-unsigned", "x", "--json", capsys=capsys)
    assert json.loads(output) == {
        "version": "1.4.0",
        "manifestDigest": pin_of(release).manifest_digest,
        "complete": True,
        "signedBy": None,
        "artifacts": [*ALL],
        "images": ["tesseral-api", "tesseral-console"],
    }


def test_a_pin_holds(here: Path, release: StagedRelease, capsys: pytest.CaptureFixture[str]) -> None:
    digest = pin_of(release).manifest_digest
    output, _ = run("pin", "--insecure-unsigned", "stable", "--from", "published", capsys=capsys)
    assert output == f"tesseral-release.pin.json pins 1.4.0 ({digest})\n"
    output, _ = run("pin", "--insecure-unsigned", "1.4.0", "--from", "published", "--json", capsys=capsys)
    assert json.loads(output)["written"] is False
    published(here / "published", several(here / "next", "1.5.0"), channel="stable")
    run(
        "fetch",
        "--insecure-unsigned",
        "--pin",
        "tesseral-release.pin.json",
        "--from",
        "published",
        *PART,
        capsys=capsys,
    )
    run("verify", "--insecure-unsigned", "--pin", "tesseral-release.pin.json", "tesseral-1.4.0", capsys=capsys)
    run("fetch", "--insecure-unsigned", "stable", "--from", "published", *PART, capsys=capsys)
    with pytest.raises(VerificationError, match=r"tesseral-1\.5\.0 holds 1\.5\.0 .* the pin says 1\.4\.0"):
        main(["verify", "--insecure-unsigned", "--pin", "tesseral-release.pin.json", "tesseral-1.5.0"])
    with pytest.raises(UsageError, match=r"pins 1\.4\.0, not 1\.5\.0; --update replaces it"):
        main(["pin", "--insecure-unsigned", "stable", "--from", "published"])
    run("pin", "--insecure-unsigned", "stable", "--from", "published", "--update", capsys=capsys)
    run("verify", "--insecure-unsigned", "--pin", "tesseral-release.pin.json", "tesseral-1.5.0", capsys=capsys)
    for arguments in (["fetch"], ["fetch", "--insecure-unsigned", "1.4.0", "--pin", "tesseral-release.pin.json"]):
        with pytest.raises(UsageError, match="fetch takes either a release or --pin"):
            main([*arguments, "--from", "published"])


def test_a_bundle_stands_for_the_place_it_came_from(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    output, _ = run("bundle", "--insecure-unsigned", "stable", "--from", "published", capsys=capsys)
    assert output.startswith("tesseral-1.4.0.tar holds 7 files and images of 1.4.0, ")
    output, _ = run(
        "bundle",
        "--insecure-unsigned",
        "1.4.0",
        "--from",
        "published",
        "--no-images",
        *PART,
        "--json",
        "--into",
        "b",
        capsys=capsys,
    )
    assert json.loads(output)["held"] == [API_LINUX]
    shutil.rmtree("published")
    run("fetch", "--insecure-unsigned", "1.4.0", "--from", "tesseral-1.4.0.tar", "--images", capsys=capsys)
    run("verify", "--insecure-unsigned", "--complete", "tesseral-1.4.0", capsys=capsys)
    run("pin", "--insecure-unsigned", "1.4.0", "--from", "b", capsys=capsys)


def test_warnings_are_on_standard_error(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    destination = published(here / "published", several(here / "next", "1.5.0"), channel="stable")
    yank([destination], parse("1.5.0"), "eats data")
    passed_over = "warning: 1.5.0 is yanked, taking 1.4.0: eats data\n"
    for command in (
        ["fetch", "--insecure-unsigned", "stable", *PART],
        ["pin", "--insecure-unsigned", "stable"],
        ["bundle", "--insecure-unsigned", "stable", *PART],
    ):
        assert run(*command, "--from", "published", capsys=capsys)[1] == passed_over
    yank([destination], V140, "as well")
    output, errors = run("fetch", "--insecure-unsigned", "1.4.0", "--from", "published", *PART, "--json", capsys=capsys)
    assert errors == "warning: 1.4.0 is yanked: as well\n"
    assert json.loads(output)["warnings"] == ["1.4.0 is yanked: as well"]


def test_verify_tells_what_is_wrong(here: Path, capsys: pytest.CaptureFixture[str]) -> None:
    main(["fetch", "--insecure-unsigned", "1.4.0", "--from", "published", *PART])
    with pytest.raises(VerificationError, match="missing; fetch the release again"):
        main(["verify", "--insecure-unsigned", "--complete", "tesseral-1.4.0"])
    for name in ("new.txt", "images/other/index.json", ".hidden", "other_1.4.0/file"):
        path = here / "tesseral-1.4.0" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
        with pytest.raises(VerificationError, match="not part of the release; remove it"):
            main(["verify", "--insecure-unsigned", "tesseral-1.4.0"])
        path.unlink()
    path = here / "tesseral-1.4.0" / API_LINUX
    data = bytearray(path.read_bytes())
    data[-1] ^= 1
    path.write_bytes(data)
    with pytest.raises(VerificationError, match=API_LINUX):
        main(["verify", "--insecure-unsigned", "tesseral-1.4.0"])


@pytest.mark.parametrize(
    "arguments",
    [
        ["fetch", "--insecure-unsigned", "1.4.0"],
        ["fetch", "--insecure-unsigned", "1.4.0", "--from", "published", "--jobs", "0"],
        ["fetch", "--insecure-unsigned", "1.4.0", "--from", "published", "--jobs", "many"],
        ["fetch", "--insecure-unsigned", "1.4.0", "--fro", "published"],
        ["pin", "--insecure-unsigned", "--from", "published"],
        ["bundle", "--insecure-unsigned", "--from", "published"],
        ["verify"],
    ],
)
def test_usage_errors(here: Path, arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == 2


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["fetch", "--insecure-unsigned", "1.3.0", "--from", "published"], 5),
        (["fetch", "--insecure-unsigned", "1.4.0", "--from", "published", "--piece", "apis"], 2),
        (["fetch", "--insecure-unsigned", "1.4.0", "--from", "nowhere"], 5),
        (["fetch", "--insecure-unsigned", "1.4.0", "--from", "ftp://host"], 2),
        (["fetch", "--insecure-unsigned", "1.4.0", "--from", "http://example.com"], 2),
        (["fetch", "--insecure-unsigned", "1.4.0", "--from", "published/index.json"], 10),
        (["fetch", "--insecure-unsigned", "1.4.0", "--from", "published", "--into", "published/index.json"], 6),
        (["fetch", "--insecure-unsigned", "--pin", "nothing", "--from", "published"], 2),
        (["bundle", "--insecure-unsigned", "1.4.0", "--from", "published", "--into", "published"], 2),
        (["pin", "--insecure-unsigned", "1.4.0", "--from", "published", "--into", "no/such/folder"], 6),
        (["verify", "--insecure-unsigned", "nowhere"], 10),
        (["verify", "--insecure-unsigned", "published/releases/1.4.0", "--pin", "nothing"], 2),
    ],
)
def test_every_error_is_one_sentence_and_a_status(here: Path, arguments: list[str], status: int) -> None:
    with pytest.raises(ReleaseError) as caught:
        main(arguments)
    assert caught.value.exit_status == status, caught.value
    assert "\n" not in str(caught.value)
    assert caught.value.next_step


def test_as_a_program(here: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "release",
        "fetch",
        "--insecure-unsigned",
        "stable",
        "--from",
        "published",
        "--piece",
        "console",
    ]
    done = subprocess.run(
        command, env={**os.environ, "PYTHONPATH": str(ROOT)}, capture_output=True, text=True, check=True
    )
    assert (done.stdout, done.stderr) == (f"1.4.0: fetched 1 into tesseral-1.4.0\ntesseral-1.4.0/{CONSOLE}\n", "")

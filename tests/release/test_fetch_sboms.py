"""SBOMs on an operator's side: fetched when asked for, in every bundle, and counted apart."""

import json
from pathlib import Path

import pytest
from reading_samples import ALL, API_LINUX, published, several
from sbom_samples import with_sboms

from release.cli import main
from release.sbom import file_name
from release.staged import StagedRelease

PART = ("--piece", "api", "--target", "linux/amd64")


@pytest.fixture(scope="module")
def release(tmp_path_factory: pytest.TempPathFactory) -> StagedRelease:
    return with_sboms(several(tmp_path_factory.mktemp("several") / "stage"))


@pytest.fixture(autouse=True)
def here(tmp_path: Path, release: StagedRelease, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder; the release is in ``published``."""
    published(tmp_path / "published", release)
    monkeypatch.chdir(tmp_path)
    return tmp_path


def fetch(*arguments: str, place: str = "published") -> list[str]:
    """Fetch into ``x``, and return the files that are there then."""
    main(["fetch", "1.4.0", "--from", place, "--into", "x", "--insecure-unsigned", *arguments])
    return sorted(path.name for path in Path("x").iterdir() if path.is_file() and not path.name.startswith("."))


def verified(capsys: pytest.CaptureFixture[str]) -> str:
    capsys.readouterr()
    main(["verify", "x", "--insecure-unsigned"])
    return capsys.readouterr().out


def test_a_program_is_one_file_and_its_sbom_comes_when_asked_for(capsys: pytest.CaptureFixture[str]) -> None:
    records = ["SHA256SUMS", "release.json"]
    assert fetch(*PART) == [*records, API_LINUX]
    assert verified(capsys) == (
        "1.4.0: 1 of 5 artifacts, 0 of 2 images and 0 of 7 SBOMs are here, and are what release.json says\n"
    )
    assert fetch(*PART, "--sboms") == [*records, file_name(API_LINUX), API_LINUX]
    assert "1 of 5 artifacts, 0 of 2 images and 1 of 7 SBOMs are here" in verified(capsys)


def test_images_bring_theirs(capsys: pytest.CaptureFixture[str]) -> None:
    assert "tesseral-api_1.4.0_image.cdx.json" in fetch(*PART, "--sboms", "--images")
    assert "1 of 5 artifacts, 1 of 2 images and 2 of 7 SBOMs are here" in verified(capsys)


def test_everything_is_complete(capsys: pytest.CaptureFixture[str]) -> None:
    fetch("--images")
    assert "5 of 5 artifacts, 2 of 2 images and 0 of 7 SBOMs are here" in verified(capsys)
    fetch("--images", "--sboms")
    assert verified(capsys) == "1.4.0: 5 artifacts, 2 images and 7 SBOMs are what release.json says\n"


@pytest.mark.parametrize(
    ("part", "held"),
    [
        (
            (),
            [*ALL, *map(file_name, ALL), "tesseral-api_1.4.0_image.cdx.json", "tesseral-console_1.4.0_image.cdx.json"],
        ),
        (("--no-images", *PART), [API_LINUX, file_name(API_LINUX)]),
    ],
)
def test_a_bundle_has_those_of_what_it_holds(
    part: tuple[str, ...], held: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    main(["bundle", "1.4.0", "--from", "published", "--into", "b.tar", "--insecure-unsigned", "--json", *part])
    names = json.loads(capsys.readouterr().out)["held"]
    assert [name for name in names if not name.startswith("images/")] == sorted(held)
    assert file_name(API_LINUX) in fetch(*PART, "--sboms", place="b.tar")

from dataclasses import replace

import pytest
from release_samples import manifest

from release.errors import UsageError
from release.fetch import Selection, select
from release.manifest import Artifact, Image, Manifest
from release.sbom import MEDIA_TYPE, file_name, image_file_name

D = "sha256:" + "0" * 64
IMAGES = (
    Image(name="tesseral-api", digest=D, size=1, platforms=("linux/amd64",)),
    Image(name="tesseral-proxy", digest=D, size=1, platforms=("linux/amd64",)),
)


def artifact(stem: str, target: str | None, *, short: bool) -> Artifact:
    name = f"{stem}_1.4.0" + (f"_{target.replace('/', '_')}" if target else "")
    piece = stem.split("-")[1] if short else stem
    return Artifact(name=name, piece=piece, target=target, size=1, digest=D, media_type="application/gzip")


def sbom(name: str, piece: str, target: str | None) -> Artifact:
    return Artifact(name=name, piece=piece, target=target, size=1, digest=D, media_type=MEDIA_TYPE)


@pytest.fixture(scope="module", params=[True, False], ids=["as the pipeline names them", "by their files"])
def release(request: pytest.FixtureRequest) -> Manifest:
    files = [
        ("tesseral-api", "linux/amd64"),
        ("tesseral-api", "windows/amd64"),
        ("tesseral-bootstrap", "linux/amd64"),
        ("tesseral-console", None),
        ("tesseraldb-migrations", None),
    ]
    archives = [artifact(stem, target, short=request.param) for stem, target in files]
    sboms = [sbom(file_name(one.name), one.piece, one.target) for one in archives]
    sboms += [sbom(image_file_name(one.name, "1.4.0"), one.name, None) for one in IMAGES]
    return manifest(artifacts=(*archives, *sboms), images=IMAGES)


@pytest.mark.parametrize(
    ("pieces", "targets", "expected"),
    [
        ((), (), ["api/linux", "api/windows", "bootstrap/linux", "console", "migrations"]),
        (("api",), ("linux/amd64",), ["api/linux"]),
        (("tesseral-api",), (), ["api/linux", "api/windows"]),
        ((), ("linux/amd64",), ["api/linux", "bootstrap/linux", "console", "migrations"]),
        (("api", "console"), ("linux/amd64",), ["api/linux", "console"]),
        (("migrations",), ("windows/amd64",), ["migrations"]),
        (("tesseraldb-migrations", "migrations"), (), ["migrations"]),
        (
            (),
            ("windows/amd64", "linux/amd64"),
            ["api/linux", "api/windows", "bootstrap/linux", "console", "migrations"],
        ),
    ],
)
def test_what_operators_expect(
    release: Manifest, pieces: tuple[str, ...], targets: tuple[str, ...], expected: list[str]
) -> None:
    selected = select(release, Selection(pieces=pieces, targets=targets))
    short = [
        one.name.split("_")[0].split("-")[1] + (f"/{one.target.split('/')[0]}" if one.target else "")
        for one in selected.artifacts
    ]
    assert short == expected
    assert selected.images == ()


def test_images_follow_the_pieces(release: Manifest) -> None:
    assert select(release, Selection(images=True)).images == release.images
    assert [i.name for i in select(release, Selection(pieces=("api",), images=True)).images] == ["tesseral-api"]
    only = select(release, Selection(pieces=("proxy",), images=True))
    assert ([i.name for i in only.images], only.artifacts) == (["tesseral-proxy"], ())


@pytest.mark.parametrize(
    ("selection", "expected"),
    [
        (Selection(pieces=("api",), targets=("linux/amd64",)), ["tesseral-api_1.4.0_linux_amd64"]),
        (Selection(pieces=("console",)), ["tesseral-console_1.4.0"]),
        (Selection(pieces=("console",), images=True), ["tesseral-console_1.4.0"]),
        (
            Selection(pieces=("api",), targets=("windows/amd64",), images=True),
            ["tesseral-api_1.4.0_windows_amd64", "tesseral-api_1.4.0_image"],
        ),
        (Selection(pieces=("proxy",), images=True), ["tesseral-proxy_1.4.0_image"]),
    ],
)
def test_sboms_are_those_of_what_is_selected(release: Manifest, selection: Selection, expected: list[str]) -> None:
    without, selected = select(release, selection), select(release, replace(selection, sboms=True))
    assert selected.images == without.images
    assert [one.name for one in selected.artifacts[len(without.artifacts) :]] == [
        f"{name}.cdx.json" for name in expected
    ]
    assert selected.artifacts[: len(without.artifacts)] == without.artifacts


def test_everything_is_the_whole_release(release: Manifest) -> None:
    everything = select(release, Selection(images=True, sboms=True))
    assert (everything.artifacts, everything.images) == (release.artifacts, release.images)


def test_a_file_that_has_the_name_alone_is_fetched_like_any_other(release: Manifest) -> None:
    files = tuple(replace(one, media_type="application/json") for one in release.artifacts)
    for sboms in (False, True):
        assert select(replace(release, artifacts=files), Selection(sboms=sboms)).artifacts == files


def test_a_release_without_sboms_is_fetched_as_it_is(release: Manifest) -> None:
    older = replace(release, artifacts=release.artifacts[:5])
    assert select(older, Selection(images=True, sboms=True)).artifacts == older.artifacts


@pytest.mark.parametrize(
    ("selection", "sentence"),
    [
        (
            Selection(pieces=("apis",)),
            "1.4.0 has no piece 'apis'; it has api, bootstrap, console, migrations, proxy",
        ),
        (
            Selection(targets=("linux/arm64",)),
            "1.4.0 is not for the target 'linux/arm64'; it is for linux/amd64, windows/amd64",
        ),
        (
            Selection(pieces=("api", "bootstrap"), targets=("windows/amd64",)),
            "1.4.0 has no bootstrap for windows/amd64; ask for another target",
        ),
        (Selection(pieces=("proxy",)), "1.4.0 has proxy as an image only; ask for images too"),
    ],
)
def test_what_would_add_nothing_is_refused(release: Manifest, selection: Selection, sentence: str) -> None:
    with pytest.raises(UsageError) as caught:
        select(release, selection)
    assert str(caught.value) == sentence

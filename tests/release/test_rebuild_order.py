"""From a manifest to the words of the pipeline's command, for the whole release and for any part."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from release_samples import COMMIT, manifest
from support import git

from pipeline.pieces import Selection, select
from release.errors import NotRebuiltError, UsageError
from release.manifest import Artifact, Image, Manifest
from release.rebuild import Order, Place, order_of, place_of, wanted_of
from release.sbom import MEDIA_TYPE, file_name, image_file_name

D = "sha256:" + "0" * 64
LINUX = ("linux/amd64", "linux/arm64")
URL = "https://example.com/tesseral.git"
PLACE = Place(url=URL, ref=COMMIT, expected=True)

API_LINUX = "tesseral-api_1.4.0_linux_amd64.tar.gz"
API_WINDOWS = "tesseral-api_1.4.0_windows_amd64.zip"
API_SBOM = "tesseral-api_1.4.0_linux_amd64.cdx.json"
API_IMAGE_SBOM = "tesseral-api_1.4.0_image.cdx.json"
VAULT_UI = "tesseral-vault-ui_1.4.0.tar.gz"
VAULT_UI_SBOM = "tesseral-vault-ui_1.4.0.cdx.json"
VAULT_UI_IMAGE_SBOM = "tesseral-vault-ui_1.4.0_image.cdx.json"


def artifact(name: str, piece: str, target: str | None, media_type: str = "application/gzip") -> Artifact:
    return Artifact(name=name, piece=piece, target=target, size=1, digest=D, media_type=media_type)


def image(name: str) -> Image:
    return Image(name=name, digest=D, size=1, platforms=LINUX)


def release(*, images: bool = True, repository: str | None = None, path: str | None = None) -> Manifest:
    """Two pieces, as the pipeline names them, with SBOMs."""
    archives = [
        artifact(API_LINUX, "api", "linux/amd64"),
        artifact("tesseral-api_1.4.0_linux_arm64.tar.gz", "api", "linux/arm64"),
        artifact(API_WINDOWS, "api", "windows/amd64"),
        artifact(VAULT_UI, "vault-ui", None),
    ]
    sboms = [artifact(file_name(one.name), one.piece, one.target, MEDIA_TYPE) for one in archives]
    if images:
        pieces = {"tesseral-api": "api", "tesseral-vault-ui": "vault-ui"}
        sboms += [artifact(image_file_name(name, "1.4.0"), piece, None, MEDIA_TYPE) for name, piece in pieces.items()]
    made = manifest(
        artifacts=(*archives, *sboms), images=(image("tesseral-api"), image("tesseral-vault-ui")) if images else ()
    )
    return replace(made, source=replace(made.source, repository=repository, path=path))


def order(
    *names: str, of: Manifest | None = None, pieces: tuple[str, ...] = (), targets: tuple[str, ...] = ()
) -> Order:
    made = of or release()
    return order_of(made, wanted_of(made, names, pieces, targets), PLACE)


def test_the_whole_release() -> None:
    made = release(repository=URL, path="sub/dir")
    assert order(of=made) == Order(
        place=PLACE,
        path="sub/dir",
        repository=URL,
        version="1.4.0",
        notes="### Added\n\n- Größe",
        pieces=("api", "vault-ui"),
        targets=(*LINUX, "windows/amd64"),
    )
    assert wanted_of(made, (), (), ()).names[-1] == "release.json"


def test_all_pieces_by_name_are_all_pieces() -> None:
    """So nothing is built otherwise for being named."""
    everything = Selection()
    names = [piece.name for piece in everything.pieces]
    assert select(reversed(names), map(str, reversed(everything.targets))) == everything


def test_what_a_manifest_leaves_out() -> None:
    assert (order().path, order().repository) == ("", "")
    assert order(of=replace(release(), notes=None)).notes is None


@pytest.mark.parametrize(
    ("name", "pieces", "targets"),
    [
        (API_LINUX, ("api",), ("linux/amd64",)),
        (API_SBOM, ("api",), ("linux/amd64",)),
        (API_WINDOWS, ("api",), ("windows/amd64",)),
        ("images/tesseral-api", ("api",), LINUX),
        (API_IMAGE_SBOM, ("api",), LINUX),
        # Nothing of it depends on the target, and for this one no image is made.
        (VAULT_UI, ("vault-ui",), ("windows/amd64",)),
        (VAULT_UI_SBOM, ("vault-ui",), ("windows/amd64",)),
        ("images/tesseral-vault-ui", ("vault-ui",), LINUX),
        (VAULT_UI_IMAGE_SBOM, ("vault-ui",), LINUX),
    ],
)
def test_one_of_it_alone(name: str, pieces: tuple[str, ...], targets: tuple[str, ...]) -> None:
    made = release()
    wanted = wanted_of(made, [name], (), ())
    assert (wanted.names, wanted.whole) == ((name,), False)
    one = order_of(made, wanted, PLACE)
    assert (one.pieces, one.targets) == (pieces, targets)


def test_the_target_of_bundles_has_no_images() -> None:
    assert select((), order(VAULT_UI).targets).platforms == ()


def test_several_of_it() -> None:
    one = order(API_WINDOWS, VAULT_UI, "images/tesseral-vault-ui")
    assert (one.pieces, one.targets) == (("api", "vault-ui"), (*LINUX, "windows/amd64"))


def test_a_piece_is_all_that_there_is_of_it() -> None:
    wanted = wanted_of(release(), (), ["vault-ui"], ())
    assert wanted.names == (VAULT_UI, "images/tesseral-vault-ui", VAULT_UI_SBOM, VAULT_UI_IMAGE_SBOM)
    assert not wanted.whole


def test_a_target_has_no_images() -> None:
    wanted = wanted_of(release(), (), ["api"], ["linux/amd64"])
    assert wanted.names == (API_LINUX, API_SBOM)
    wanted = wanted_of(release(), ["images/tesseral-api"], ["api"], ["linux/amd64"])
    assert wanted.names == (API_LINUX, "images/tesseral-api", API_SBOM)


def test_a_release_of_bundles_without_images() -> None:
    made = release(images=False)
    made = replace(made, artifacts=tuple(one for one in made.artifacts if one.target is None))
    assert order(of=made).targets == ("windows/amd64",)


def test_an_image_whose_piece_has_nothing_else() -> None:
    made = manifest(images=(image("tesseral-proxy"),))
    assert order("images/tesseral-proxy", of=made).pieces == ("tesseral-proxy",)


@pytest.mark.parametrize("name", ["tesseral-api", "images/tesseral", "release.json", "SHA256SUMS", "../x"])
def test_what_the_release_does_not_have(name: str) -> None:
    with pytest.raises(UsageError) as caught:
        wanted_of(release(), [API_LINUX, name], (), ())
    assert caught.value.problem == f"1.4.0 has no artifact {name!r}"
    assert caught.value.next_step.startswith(f"it has {API_LINUX}, ")
    assert "images/tesseral-vault-ui" in caught.value.next_step


def test_a_tree_that_nobody_else_has() -> None:
    made = manifest("1.4.1-snapshot.20260101.abc1234.dirty-0123abc")
    with pytest.raises(NotRebuiltError, match=r"dirty-0123abc was built from changes that were not committed"):
        order(of=made)
    assert order(of=manifest("1.4.1-snapshot.20260101.abc1234.partial-0123abc")).version.endswith("partial-0123abc")


def test_the_place_of_the_manifest() -> None:
    assert place_of(release(repository=URL), None) == PLACE


@pytest.mark.parametrize(
    ("repository", "problem"),
    [(None, "names no repository"), ("../t", r"names the repository '\.\./t', which is no URL")],
)
def test_a_manifest_without_a_place(repository: str | None, problem: str) -> None:
    with pytest.raises(UsageError, match=f"^1.4.0 {problem}; say where its source is with --source$"):
        place_of(release(repository=repository), None)


def test_another_place() -> None:
    other = "https://user:secret@example.org/other.git"
    assert place_of(release(), other) == Place(url=other, ref=COMMIT, expected=True)
    assert place_of(release(), f"{other}#v2") == Place(url=other, ref="v2", expected=False)
    assert str(place_of(release(), f"{other}#v2")) == "https://example.org/other.git at v2"


def test_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The repository around it, by its address, so that its commits count."""
    for name, encoded in (("a 1", "a%201"), ("a#1", "a%231")):
        (tmp_path / name / "sub").mkdir(parents=True)
        git(tmp_path / name, "init", "--quiet")
        url = f"file://{tmp_path}/{encoded}"
        assert place_of(release(), f"{tmp_path}/{name}/sub") == Place(url=url, ref=COMMIT, expected=True)
        monkeypatch.chdir(tmp_path / name)
        assert place_of(release(), ".").url == url
    place = Place(url=f"file://{tmp_path}/a%201", ref="main", expected=False)
    assert place_of(release(), f"{tmp_path}/a 1#main") == place


def test_a_bare_repository(tmp_path: Path) -> None:
    git(tmp_path, "init", "--quiet", "--bare", "x.git")
    assert place_of(release(), str(tmp_path / "x.git")).url == f"file://{tmp_path}/x.git"


def test_a_folder_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="x is no folder; name a git repository with --source"):
        place_of(release(), f"{tmp_path}/x")

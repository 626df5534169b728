"""What a built web bundle has to hold."""

from __future__ import annotations

import itertools
import json
from pathlib import Path

import pytest

from pipeline.bundles import BUILT, check_bundle, placeholders_of
from pipeline.pieces import CONSOLE, PIECES, VAULT_UI, Piece
from release.configure import PLACEHOLDERS
from release.errors import BuildError

SCRIPT = f"const values = {json.dumps(list(PLACEHOLDERS.values()))};"


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    for name in BUILT:
        (tmp_path / name).write_text(SCRIPT if name == "index.js" else "x")
    return tmp_path


@pytest.mark.parametrize("piece", [CONSOLE, VAULT_UI])
def test_a_whole_bundle_passes(bundle: Path, piece: Piece) -> None:
    check_bundle(piece, bundle)


@pytest.mark.parametrize("piece", [CONSOLE, VAULT_UI])
@pytest.mark.parametrize("name", BUILT)
def test_a_missing_file_is_named(bundle: Path, piece: Piece, name: str) -> None:
    (bundle / name).unlink()
    with pytest.raises(BuildError) as caught:
        check_bundle(piece, bundle)
    assert str(caught.value) == f"{piece.name}: the build left no public/{name}; see {piece.path}/build.mjs"


def test_a_folder_is_no_file(bundle: Path) -> None:
    (bundle / "index.css").unlink()
    (bundle / "index.css").mkdir()
    with pytest.raises(BuildError, match=r"left no public/index\.css"):
        check_bundle(VAULT_UI, bundle)


@pytest.mark.parametrize("variable", PLACEHOLDERS)
def test_a_missing_placeholder_is_named_by_its_variable(bundle: Path, variable: str) -> None:
    (bundle / "index.js").write_text(SCRIPT.replace(PLACEHOLDERS[variable], "http://localhost:3001"))
    with pytest.raises(BuildError) as caught:
        check_bundle(CONSOLE, bundle)
    assert str(caught.value) == (
        f"console: public/index.js carries no value of {variable}; "
        "console/build.mjs has to compile it in (esbuild's define)"
    )


def test_a_placeholder_in_another_file_does_not_count(bundle: Path) -> None:
    (bundle / "index.js").write_text("")
    (bundle / "index.js.map").write_text(SCRIPT)
    with pytest.raises(BuildError, match="carries no value of"):
        check_bundle(CONSOLE, bundle)


def test_only_the_console_has_placeholders(bundle: Path) -> None:
    assert [piece for piece in PIECES if placeholders_of(piece)] == [CONSOLE]
    (bundle / "index.js").write_text("no placeholder")
    check_bundle(VAULT_UI, bundle)


def test_no_placeholder_is_part_of_another() -> None:
    for one, other in itertools.permutations(PLACEHOLDERS.values(), 2):
        assert one not in other


def test_a_placeholder_stands_in_any_text_as_it_is() -> None:
    for variable, placeholder in PLACEHOLDERS.items():
        assert json.dumps(placeholder) == f'"{placeholder}"'
        assert placeholder.replace("_", "").isalnum(), "sed, HTML and URLs have nothing to escape in it"
        assert placeholder.isascii()
        assert variable in placeholder

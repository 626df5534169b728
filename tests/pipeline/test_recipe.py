"""A build of the engine is named by all that goes into it."""

from __future__ import annotations

import platform
import re
import subprocess
import sys
from dataclasses import fields, replace
from typing import Any

import pytest
from support import REPOSITORY

from pipeline.engine.recipe import MODULE_FILES, Recipe, build_files, without_dang_v2

RECIPE = Recipe(suite="bookworm", machine="x86_64")
FILES = {"module/a.go": b"package a\n", "compile.py": b"pass\n"}


def test_a_key_is_short_and_safe_in_a_path() -> None:
    assert re.fullmatch(r"[0-9a-f]{16}", RECIPE.key(FILES))


def test_the_same_inputs_have_the_same_key_in_every_process() -> None:
    code = (
        "from pipeline.engine.recipe import Recipe;"
        f"print(Recipe(suite='bookworm', machine='x86_64').key({dict(reversed(FILES.items()))!r}))"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == RECIPE.key(FILES)


@pytest.mark.parametrize("name", [field.name for field in fields(Recipe)])
def test_the_key_changes_with_every_part_of_the_recipe(name: str) -> None:
    value = getattr(RECIPE, name)
    changed: dict[str, Any] = {name: f"{value}x" if isinstance(value, str) else (*value, "x")}
    assert replace(RECIPE, **changed).key(FILES) != RECIPE.key(FILES)


@pytest.mark.parametrize("name", ["requires", "drop_requires", "packages", "programs"])
def test_the_key_changes_when_something_is_left_out(name: str) -> None:
    assert replace(RECIPE, **{name: getattr(RECIPE, name)[:-1]}).key(FILES) != RECIPE.key(FILES)


@pytest.mark.parametrize(
    "files",
    [
        {**FILES, "compile.py": b"past\n"},
        {**FILES, "rootfs.py": b""},
        {"compile.py": FILES["compile.py"]},
        {"module/b.go": FILES["module/a.go"], "compile.py": FILES["compile.py"]},
        {"module/a.go": FILES["compile.py"], "compile.py": FILES["module/a.go"]},
    ],
    ids=["a byte", "one more", "one less", "a name", "two changed places"],
)
def test_the_key_changes_with_every_file(files: dict[str, bytes]) -> None:
    assert RECIPE.key(files) != RECIPE.key(FILES)


def test_the_recipe_of_a_machine_is_that_machines() -> None:
    assert replace(RECIPE, machine="aarch64").key(FILES) != RECIPE.key(FILES)
    assert Recipe(suite="bookworm").machine == platform.machine()


def test_the_files_of_a_build_hold_the_three_packages() -> None:
    found = build_files()
    packages = {name.split("/")[1] for name in found if name.startswith("module/")}
    assert packages == {"distconsts", "idtui", "session"}
    assert packages == {path.name for path in MODULE_FILES.iterdir() if path.is_dir()}
    assert found["module/session/main.go"] == (MODULE_FILES / "session/main.go").read_bytes()
    assert {"compile.py", "rootfs.py"} < found.keys()


def test_the_code_that_changes_the_module_is_part_of_the_key() -> None:
    assert "recipe.py" in build_files()


DANG = """\
package sdk

import (
\tdangv1 "github.com/dagger/dagger/core/sdk/dang/v1"
\tdangv2 "github.com/dagger/dagger/core/sdk/dang/v2"
)

func impl(version int) any {
\tif version == 2 {
\t\treturn dangv2.Impl{}
\t}
\treturn dangv1.Impl{}
}
"""


def test_version_1_stands_for_version_2() -> None:
    changed = without_dang_v2(DANG)
    assert "dangv2" not in changed
    assert "dang/v2" not in changed
    assert changed.count("dangv1.Impl{}") == 2
    assert changed.count("\n") == DANG.count("\n") - 1


@pytest.mark.parametrize(
    "text",
    [
        "",
        DANG.replace("dangv2", "other"),
        without_dang_v2(DANG),
        DANG + "var _ = dangv2.New()\n",
        DANG.replace('\tdangv2 "', '  dangv2 "'),
    ],
    ids=["nothing", "no version 2", "changed already", "another use", "another import"],
)
def test_another_form_of_the_file_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"core/sdk/dang_sdk\.go has another form than expected"):
        without_dang_v2(text)

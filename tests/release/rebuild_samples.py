"""A release to rebuild, and a checkout whose ``nox`` is a little program that has the rebuilt bytes ready.

It stands for the pipeline where that is not the point; tests/e2e/test_rebuild.py uses the real one.
"""

from __future__ import annotations

import gzip
import io
import json
import shutil
import sys
import tarfile
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from reading_samples import ALL, CONSOLE, several
from release_samples import COMMIT

from release.checksums import digest_of, digest_of_bytes
from release.manifest import Pipeline
from release.staged import StagedRelease, stage

REPOSITORY = "https://example.com/tesseral.git"
LOCK = b"[go]\n"
PIPELINE = Pipeline(version="0.1.0", toolchain_lock_digest=digest_of_bytes(LOCK).sha256)
NAMES = (*ALL, "images/tesseral-api", "images/tesseral-console", "release.json")

# Writes down what it was asked, says a line, and ends as the files beside it tell.
NOX = """#!{python}
import json, pathlib, shutil, sys
here = pathlib.Path(__file__).parent
assert sys.argv[1:4] == ["-s", "release", "--"]
words = [word.removeprefix("--").split("=", 1) for word in sys.argv[4:]]
asked = {{name: [value for other, value in words if other == name] for name, _ in words}}
asked["notes"] = [pathlib.Path(name).read_bytes().decode() for name in asked.get("notes", [])]
(here / "asked.json").write_text(json.dumps(asked))
print("building", flush=True)
if (here / "status").exists():
    for number in range(20):
        print("line", number, file=sys.stderr)
    sys.exit(int((here / "status").read_text()))
for release in (here / "answer").glob("*"):
    shutil.copytree(release, pathlib.Path(asked["to"][0], "releases", release.name))
"""


def a_release(directory: Path, *, console: Mapping[str, bytes] | None = None, **source: str) -> StagedRelease:
    """A release by the checkout's pipeline; ``console`` are files of the console's archive, ``source`` facts of it."""
    made = several(directory)
    artifacts = made.manifest.artifacts
    if console is not None:
        tar_digest = _any_tar_gz(directory / CONSOLE, console)
        digest = digest_of(directory / CONSOLE)
        artifacts = tuple(
            replace(one, digest=digest.sha256, size=digest.size, tar_digest=tar_digest) if one.name == CONSOLE else one
            for one in artifacts
        )
    facts = {"repository": REPOSITORY, "commit": COMMIT, **source}
    return stage(
        directory,
        replace(
            made.manifest,
            artifacts=artifacts,
            pipeline=PIPELINE,
            source=replace(made.manifest.source, **facts),  # type: ignore[arg-type]
        ),
    )


def _any_tar_gz(path: Path, files: Mapping[str, bytes]) -> str:
    """Ours refuses the names that a stranger's may have."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as tar:
        for name, content in files.items():
            info = tarfile.TarInfo(name)
            info.size = len(content)
            tar.addfile(info, io.BytesIO(content))
    path.write_bytes(gzip.compress(plain.getvalue(), mtime=0))
    return digest_of_bytes(plain.getvalue()).sha256


def a_checkout(folder: Path, *, version: str = PIPELINE.version, lock: bytes = LOCK) -> Path:
    """A folder that looks like this repository as far as a rebuild looks."""
    for name in ("pipeline", "release"):
        (folder / name).mkdir(parents=True, exist_ok=True)
    (folder / "pipeline/toolchain.lock").write_bytes(lock)
    (folder / "release/__init__.py").write_text(f'"""A package."""\n\n__version__ = "{version}"\n')
    (folder / "nox").write_text(NOX.format(python=sys.executable))
    (folder / "nox").chmod(0o755)
    return folder


def answers(checkout: Path, release: StagedRelease) -> None:
    """Let the checkout rebuild just this."""
    shutil.rmtree(checkout / "answer", ignore_errors=True)
    shutil.copytree(release.directory, checkout / "answer" / str(release.manifest.version))


def asked(checkout: Path) -> dict[str, list[str]]:
    """What the checkout was asked to build last, option by option."""
    return json.loads((checkout / "asked.json").read_text())  # type: ignore[no-any-return]

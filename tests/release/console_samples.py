"""A console as released, for the tests of ``configure``: its script and map are what esbuild made of ``console/*.ts``.

    esbuild main.ts --bundle --minify --charset=utf8 --sourcemap --format=iife --global-name=shown --outfile=index.js \\
      --define:__API_URL__='"__PLACEHOLDER_CONSOLE_API_URL__"' \\
      --define:__PROJECT_ID__='"__PLACEHOLDER_CONSOLE_DOGFOOD_PROJECT_ID__"'
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from release_samples import CREATED, EPOCH, manifest

from release.archive import Entry, write_tar_gz
from release.checksums import digest_of
from release.configure import PLACEHOLDERS
from release.manifest import Artifact, Image
from release.oci import ImageConfig, ImageIndex, PlatformImage, write_layout
from release.staged import StagedRelease, stage

_BUILT = Path(__file__).parent / "console"
URL, PROJECT = PLACEHOLDERS.values()
VALUES = {"CONSOLE_API_URL": "https://api.example.com", "CONSOLE_DOGFOOD_PROJECT_ID": "project_2wph7a"}
FLAGS = ("--api-url", VALUES["CONSOLE_API_URL"], "--dogfood-project-id", VALUES["CONSOLE_DOGFOOD_PROJECT_ID"])
ARCHIVE = "tesseral-console_1.4.0.tar.gz"
FILES: Mapping[str, bytes] = {
    "index.html": b'<!doctype html><meta charset="utf-8"><script src="/index.js" defer></script>\n',
    "index.css": b"body { color: black }\n",
    "index.js": (_BUILT / "index.js").read_bytes(),
    "index.js.map": (_BUILT / "index.js.map").read_bytes(),
    "images/gr\u00f6\u00dfe.bin": bytes(range(256)),
}


def entries(files: Mapping[str, bytes] = FILES) -> tuple[Entry, ...]:
    return tuple(Entry(path=path, source=data) for path, data in files.items())


def folder(directory: Path, files: Mapping[str, bytes] = FILES) -> Path:
    for path, data in files.items():
        (directory / path).parent.mkdir(parents=True, exist_ok=True)
        (directory / path).write_bytes(data)
    return directory


def archive(path: Path, files: Mapping[str, bytes] = FILES) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    write_tar_gz(path, entries(files), EPOCH)
    return path


def layout(directory: Path, files: Mapping[str, bytes] = FILES, ref: str = "1.4.0") -> ImageIndex:
    directory.mkdir(parents=True, exist_ok=True)
    images = [
        PlatformImage(platform=platform, entries=entries(files), config=ImageConfig(entrypoint=()))
        for platform in ("linux/amd64", "linux/arm64")
    ]
    more = {"org.opencontainers.image.revision": "abc"}
    return write_layout(directory, "tesseral-console", images, CREATED, ref, more)


def release(
    directory: Path, files: Mapping[str, bytes] = FILES, placeholders: Mapping[str, str] = PLACEHOLDERS
) -> StagedRelease:
    """A release that holds a console only, as an archive and as an image."""
    digest = digest_of(archive(directory / ARCHIVE, files))
    index = layout(directory / "images/tesseral-console", files)
    artifact = Artifact(
        name=ARCHIVE,
        piece="tesseral-console",
        size=digest.size,
        digest=digest.sha256,
        media_type="application/gzip",
    )
    image = Image(name="tesseral-console", digest=index.digest, size=index.size, platforms=index.platforms)
    return stage(directory, manifest(artifacts=(artifact,), images=(image,), console_placeholders=placeholders))


def content(directory: Path) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        path.relative_to(directory).as_posix(): path.read_bytes() for path in directory.rglob("*") if path.is_file()
    }

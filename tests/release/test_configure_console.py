"""``configure console``, from each form of a bundle to a folder or a layout."""

from __future__ import annotations

import gzip
import hashlib
import json
import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from console_samples import (
    ARCHIVE,
    FILES,
    FLAGS,
    PROJECT,
    URL,
    VALUES,
    archive,
    content,
    entries,
    folder,
    layout,
    release,
)
from release_samples import CREATED, ROOT

from release import canonical, exchange
from release import place as placing
from release.archive import Entry, unpack
from release.checksums import digest_of, digest_of_bytes
from release.cli import main
from release.configure import configure_console, configured_files
from release.configure.record import Kind, from_json
from release.errors import DestinationError, ReleaseError, UsageError, VerificationError
from release.oci import ImageConfig, PlatformImage, read_layout, write_layout

FILLED = configured_files(FILES, VALUES)


def configured(bundle: Path, into: Path, **values: str) -> bool:
    return configure_console(bundle, VALUES | values, into).written


def served(directory: Path) -> dict[str, bytes]:
    """The files in a folder besides the record, which is what it must be."""
    files = content(directory)
    record = from_json(files.pop("configured.json"))
    assert record.files == {path: digest_of_bytes(data) for path, data in files.items()}
    return files


# --- what comes in


@pytest.fixture(params=["archive", "folder", "fetched", "archive of fetched", "folder of fetched"])
def bundle(request: pytest.FixtureRequest, tmp_path: Path) -> tuple[Path, Kind, str, str | None]:
    """A bundle, and what the record says of it."""
    whole = tmp_path / "tesseral"
    match request.param:
        case "archive":
            path = archive(tmp_path / ARCHIVE)
            return path, Kind.ARCHIVE, digest_of(path).sha256, "1.4.0"
        case "folder":
            listed = "".join(f"{hashlib.sha256(FILES[path]).hexdigest()}  {path}\n" for path in sorted(FILES))
            return folder(tmp_path / "console"), Kind.FOLDER, digest_of_bytes(listed.encode()).sha256, None
    release(whole)
    digest = digest_of(whole / ARCHIVE).sha256
    match request.param:
        case "fetched":
            return whole, Kind.ARCHIVE, digest, "1.4.0"
        case "archive of fetched":
            return whole / ARCHIVE, Kind.ARCHIVE, digest, "1.4.0"
    unpacked = whole / ARCHIVE.removesuffix(".tar.gz")
    unpack(whole / ARCHIVE, unpacked)
    listed = "".join(f"{hashlib.sha256(FILES[path]).hexdigest()}  {path}\n" for path in sorted(FILES))
    return unpacked, Kind.FOLDER, digest_of_bytes(listed.encode()).sha256, "1.4.0"


def test_a_folder_to_serve(bundle: tuple[Path, Kind, str, str | None], tmp_path: Path) -> None:
    path, kind, digest, version = bundle
    done = configure_console(path, VALUES, tmp_path / "out")
    assert served(tmp_path / "out") == FILLED
    assert (done.record.base.kind, done.record.base.digest, done.record.base.version) == (kind, digest, version)
    assert from_json((tmp_path / "out/configured.json").read_bytes()) == done.record
    assert done.written
    assert done.image is None


def test_a_bundle_without_a_version_in_its_name(tmp_path: Path) -> None:
    for name in ("console.tar.gz", "tesseral-console_x.tar.gz"):
        assert configure_console(archive(tmp_path / name), VALUES, tmp_path / "out").record.base.version is None


def test_here_is_a_bundle_too(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder(tmp_path / "tesseral-console_1.4.0"))
    assert configure_console(Path(), VALUES, Path("../out")).record.base.version == "1.4.0"


def test_the_manifest_names_the_placeholders(tmp_path: Path) -> None:
    others = {"CONSOLE_API_URL": "__OTHER_API_URL__", "CONSOLE_DOGFOOD_PROJECT_ID": "__OTHER_PROJECT_ID__"}
    files = {
        path: data.replace(URL.encode(), b"__OTHER_API_URL__").replace(PROJECT.encode(), b"__OTHER_PROJECT_ID__")
        for path, data in FILES.items()
    }
    whole = tmp_path / "tesseral"
    release(whole, files, others)
    unpack(whole / ARCHIVE, whole / "tesseral-console_1.4.0")
    for number, path in enumerate((whole, whole / ARCHIVE, whole / "tesseral-console_1.4.0")):
        configure_console(path, VALUES, tmp_path / f"{number}")
        assert served(tmp_path / f"{number}")["index.js"] == FILLED["index.js"]
    configure_console(whole / "images/tesseral-console", VALUES, tmp_path / "image")
    # Out of the release's folder nothing names them.
    shutil.copy(whole / ARCHIVE, tmp_path)
    with pytest.raises(VerificationError, match="nothing in it holds __PLACEHOLDER_CONSOLE_API_URL__"):
        configure_console(tmp_path / ARCHIVE, VALUES, tmp_path / "x")


def test_the_manifest_tells_of_nothing_that_it_does_not_list(tmp_path: Path) -> None:
    others = {"CONSOLE_API_URL": "__OTHER_API_URL__", "CONSOLE_DOGFOOD_PROJECT_ID": "__OTHER_PROJECT_ID__"}
    whole = tmp_path / "tesseral"
    release(whole, placeholders=others)
    layout(whole / "images/other")
    for bundle in (archive(whole / "other.tar.gz"), folder(whole / "other"), whole / "images/other"):
        assert configured(bundle, tmp_path / bundle.relative_to(whole))
    with pytest.raises(VerificationError, match="nothing in it holds __OTHER_API_URL__"):
        configured(whole, tmp_path / "out")


def test_the_manifest_is_held_against_the_bundle(tmp_path: Path) -> None:
    whole = tmp_path / "tesseral"
    release(whole)
    archive(whole / ARCHIVE, {**FILES, "index.css": b"other"})
    for path in (whole, whole / ARCHIVE):
        with pytest.raises(VerificationError, match=r"release\.json says .* fetch the release again"):
            configure_console(path, VALUES, tmp_path / "out")
    shutil.rmtree(whole / "images/tesseral-console")
    layout(whole / "images/tesseral-console", {**FILES, "index.css": b"other"})
    with pytest.raises(VerificationError, match=r"holds the image .* release\.json says"):
        configure_console(whole / "images/tesseral-console", VALUES, tmp_path / "out")
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("placeholders", "problem"),
    [
        ({}, "its console takes no value, this program knows CONSOLE_API_URL, CONSOLE_DOGFOOD_PROJECT_ID; use the"),
        ({"CONSOLE_API_URL": URL}, "its console takes CONSOLE_API_URL, this program"),
        ({"CONSOLE_API_URL": "e", "CONSOLE_DOGFOOD_PROJECT_ID": PROJECT}, "'e' is no placeholder"),
        (
            {"CONSOLE_API_URL": "__PLACE HOLDER__", "CONSOLE_DOGFOOD_PROJECT_ID": PROJECT},
            "'__PLACE HOLDER__' is no placeholder",
        ),
    ],
)
def test_placeholders_that_do_not_do(placeholders: dict[str, str], problem: str, tmp_path: Path) -> None:
    release(tmp_path / "tesseral", placeholders=placeholders)
    with pytest.raises(VerificationError) as caught:
        configure_console(tmp_path / "tesseral", VALUES, tmp_path / "out")
    assert f"release.json of 1.4.0: {problem}" in str(caught.value)


def _missing(directory: Path) -> Path:
    return directory / "bundle"


def _not_fetched(directory: Path) -> Path:
    release(directory / "bundle")
    (directory / "bundle" / ARCHIVE).unlink()
    return directory / "bundle"


def _no_console(directory: Path) -> Path:
    return folder(directory / "bundle", {"a": b""})


def _again(directory: Path) -> Path:
    configured(folder(directory / "bundle"), directory / "done")
    return directory / "done"


def _again_as_image(directory: Path) -> Path:
    layout(directory / "bundle")
    configured(directory / "bundle", directory / "done")
    return directory / "done"


def _by_hand(directory: Path) -> Path:
    return folder(directory / "bundle", FILLED)


def _cut(directory: Path) -> Path:
    path = archive(directory / "bundle.tar.gz")
    path.write_bytes(path.read_bytes()[:-9])
    return path


def _not_packed(directory: Path) -> Path:
    (directory / "bundle.tar.gz").write_bytes(b"text")
    return directory / "bundle.tar.gz"


def _tar_cut(directory: Path) -> Path:
    path = archive(directory / "bundle.tar.gz")
    path.write_bytes(gzip.compress(gzip.decompress(path.read_bytes())[:2000]))
    return path


def _damaged_map(directory: Path) -> Path:
    return archive(directory / "bundle.tar.gz", {**FILES, "index.js.map": b"{"})


def _damaged_layout(directory: Path) -> Path:
    layout(directory / "bundle")
    blob = max((directory / "bundle/blobs/sha256").iterdir(), key=lambda one: one.stat().st_size)
    blob.write_bytes(blob.read_bytes()[:-1])
    return directory / "bundle"


def _link(directory: Path) -> Path:
    (folder(directory / "bundle") / "link").symlink_to("index.js")
    return directory / "bundle"


@pytest.mark.parametrize(
    ("make", "error", "problem"),
    [
        (_missing, UsageError, "bundle does not exist; name a console as it was released"),
        (_not_fetched, UsageError, f"bundle holds no {ARCHIVE}; fetch it, or name a layout such as "),
        (_no_console, UsageError, "bundle is no console: it has no index.html"),
        (_again, UsageError, "done is configured already; name the console as it was released"),
        (_again_as_image, UsageError, "done is configured already"),
        (_by_hand, VerificationError, "bundle: nothing in it holds __PLACEHOLDER_CONSOLE_API_URL__"),
        (_cut, VerificationError, "bundle.tar.gz: it ends in the middle; fetch it again"),
        (_not_packed, VerificationError, "bundle.tar.gz: it is damaged"),
        (_tar_cut, VerificationError, "bundle.tar.gz: the tar ends in the middle"),
        (_damaged_map, VerificationError, "bundle.tar.gz: the source map index.js.map is no source map"),
        (_damaged_layout, VerificationError, "bytes, not"),
        (_link, VerificationError, "link is neither a file nor a folder"),
    ],
)
def test_what_is_no_bundle(
    make: Callable[[Path], Path], error: type[ReleaseError], problem: str, tmp_path: Path
) -> None:
    bundle = make(tmp_path)
    with pytest.raises(error) as caught:
        configure_console(bundle, VALUES, tmp_path / "out")
    assert problem in str(caught.value)
    assert str(tmp_path) in str(caught.value)
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".") or path.name == "out"] == []


def test_a_bundle_that_cannot_be_read(tmp_path: Path) -> None:
    with pytest.raises(VerificationError, match="/proc/self/mem cannot be read: Input/output error; check the path"):
        configure_console(Path("/proc/self/mem"), VALUES, tmp_path / "out")


# --- where it goes


@pytest.fixture
def console(tmp_path: Path) -> Path:
    return folder(tmp_path / "console")


@pytest.fixture
def into(tmp_path: Path) -> Path:
    return tmp_path / "www" / "out"


def hidden(into: Path) -> list[str]:
    return [path.name for path in into.parent.iterdir() if path != into]


def written(into: Path) -> dict[Path, tuple[int, int]]:
    """Which files there are, and when they were written."""
    return {path: (path.stat().st_ino, path.stat().st_mtime_ns) for path in (into, *into.rglob("*"))}


def test_the_same_again_changes_nothing(console: Path, into: Path) -> None:
    assert configured(console, into)
    before = written(into)
    assert not configured(console, into)
    assert written(into) == before
    assert hidden(into) == []


def test_other_values_replace_all_of_it(console: Path, into: Path) -> None:
    configured(console, into)
    assert configured(console, into, CONSOLE_API_URL="https://other.example.com")
    assert served(into) == configured_files(FILES, VALUES | {"CONSOLE_API_URL": "https://other.example.com"})
    (console / "index.css").unlink()
    assert configured(console, into)
    assert "index.css" not in served(into)
    assert hidden(into) == []


def test_what_was_damaged_is_made_right(console: Path, into: Path) -> None:
    configured(console, into)
    (into / "index.js").write_bytes(b"x")
    (into / "index.css").unlink()
    assert configured(console, into)
    assert served(into) == FILLED


def test_an_empty_folder_is_taken(console: Path, into: Path) -> None:
    into.mkdir(parents=True)
    assert configured(console, into)
    assert served(into) == FILLED


def test_a_folder_with_anything_else_is_left_alone(console: Path, into: Path) -> None:
    folder(into, {"index.html": b"mine"})
    with pytest.raises(UsageError, match=r"out holds something that `configure` did not write.*name another folder"):
        configured(console, into)
    assert content(into) == {"index.html": b"mine"}
    assert hidden(into) == []


@pytest.mark.parametrize("path", ["robots.txt", ".well-known/security.txt"])
def test_what_was_put_beside_an_earlier_result_is_not_lost(console: Path, into: Path, path: str) -> None:
    configured(console, into)
    folder(into, {path: b"mine"})
    with pytest.raises(UsageError, match="holds something that `configure` did not write"):
        configured(console, into, CONSOLE_API_URL="https://other.example.com")
    assert served_value(into) == "https://api.example.com"


def served_value(into: Path) -> str:
    return from_json((into / "configured.json").read_bytes()).values["CONSOLE_API_URL"]


def test_a_record_of_something_else_is_none(console: Path, into: Path) -> None:
    folder(into, {"configured.json": b"{}"})
    with pytest.raises(UsageError, match="holds something"):
        configured(console, into)


def test_a_file_is_no_folder(console: Path, into: Path) -> None:
    into.parent.mkdir()
    into.write_text("mine")
    with pytest.raises(UsageError, match="holds something"):
        configured(console, into)
    assert into.read_text() == "mine"


def test_the_root_is_not_replaced(console: Path) -> None:
    with pytest.raises(UsageError, match="/ holds something"):
        configured(console, Path("/"))


def test_a_link_to_the_folder_stays_one(console: Path, into: Path) -> None:
    into.parent.mkdir()
    into.symlink_to("real")
    (into.parent / "real").mkdir()
    for value in ("https://a.example.com", "https://b.example.com"):
        assert configured(console, into, CONSOLE_API_URL=value)
        assert into.is_symlink()
        assert served_value(into) == value


def test_anyone_may_read_it_whatever_the_umask(console: Path, into: Path) -> None:
    old = os.umask(0o077)
    try:
        configured(console, into)
    finally:
        os.umask(old)
    modes = {path: path.stat().st_mode & 0o777 for path in (into, *into.rglob("*"))}
    assert modes == {path: 0o755 if path.is_dir() else 0o644 for path in modes}


def test_a_place_that_cannot_be_written(console: Path, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(DestinationError, match="out cannot be used: "):
        configured(console, tmp_path / "file" / "out")


def test_what_a_killed_run_left_is_no_matter(console: Path, into: Path) -> None:
    folder(into.parent / f".{into.name}.part", {"index.html": b"half"})
    folder(into.parent / f".{into.name}.part.old", {"index.html": b"old"})
    (into.parent / f".{into.name}.lock").touch()
    assert configured(console, into)
    assert configured(console, into, CONSOLE_API_URL="https://other.example.com")
    assert served_value(into) == "https://other.example.com"
    assert hidden(into) == []


def test_a_failure_leaves_what_was_there(console: Path, into: Path) -> None:
    configured(console, into)

    def write(part: Path) -> None:
        (part / "index.html").write_bytes(b"half")
        raise OSError(28, "No space left on device")

    with pytest.raises(DestinationError, match="No space left on device; free some space"):
        placing.place(into, write, lambda _: None)
    assert served(into) == FILLED
    assert hidden(into) == []


def test_a_reader_never_misses_it(tmp_path: Path) -> None:
    """While it is replaced again and again, another process always finds a whole index.html."""
    script = (
        "import sys, pathlib\n"
        "path = pathlib.Path(sys.argv[1])\n"
        "print('ready', flush=True)\n"
        "count = 0\n"
        "while not path.with_name('stop').exists():\n"
        "    assert (path / 'index.html').read_bytes()\n"
        "    count += 1\n"
        "print(count)\n"
    )
    one, other = (folder(tmp_path / name, {"index.html": b"x"}) for name in ("one", "other"))
    reader = subprocess.Popen([sys.executable, "-c", script, other], stdout=subprocess.PIPE, text=True)
    assert reader.stdout is not None
    reader.stdout.readline()
    for _ in range(5000):
        exchange.exchange(one, other)
    (tmp_path / "stop").touch()
    count, _ = reader.communicate(timeout=60)
    assert reader.returncode == 0
    assert int(count) > 10


def test_folders_are_exchanged_where_the_system_has_no_call_for_it(tmp_path: Path) -> None:
    one, other = (folder(tmp_path / name, {name: b""}) for name in ("one", "other"))
    exchange._in_steps(one, other)
    assert (content(one), content(other)) == ({"other": b""}, {"one": b""})
    with pytest.raises(OSError, match="No such file"):
        exchange._in_steps(tmp_path / "missing", other)
    assert content(other) == {"one": b""}
    assert len(list(tmp_path.iterdir())) == 2


# --- images


def blob(directory: Path, digest: str) -> bytes:
    return (directory / "blobs/sha256" / digest.removeprefix("sha256:")).read_bytes()


def test_an_image(tmp_path: Path) -> None:
    old = layout(tmp_path / "image")
    done = configure_console(tmp_path / "image", VALUES, tmp_path / "out")
    new = read_layout(tmp_path / "out")
    assert done.image == new
    assert (new.platforms, new.ref) == (old.platforms, "1.4.0-configured")
    assert json.loads(blob(tmp_path / "out", new.digest))["annotations"] == {
        "org.opencontainers.image.base.digest": old.digest,
        "org.opencontainers.image.base.name": "tesseral-console:1.4.0",
        "org.opencontainers.image.created": "2026-01-01T12:30:07Z",
        "org.opencontainers.image.revision": "abc",
        "org.opencontainers.image.title": "tesseral-console",
        "org.opencontainers.image.version": "1.4.0",
    }
    assert (done.record.base.kind, done.record.base.digest, done.record.base.version) == ("image", old.digest, "1.4.0")


def test_the_layer_holds_what_a_folder_would(tmp_path: Path) -> None:
    layout(tmp_path / "image")
    configure_console(tmp_path / "image", VALUES, tmp_path / "out")
    largest = max((tmp_path / "out/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    shutil.copy(largest, tmp_path / "layer.tar.gz")
    unpack(tmp_path / "layer.tar.gz", tmp_path / "layer")
    assert served(tmp_path / "layer") == FILLED


def test_all_else_of_an_image_stays(tmp_path: Path) -> None:
    config = ImageConfig(
        entrypoint=("/serve", "x"),
        env=("A=b",),
        user="1:1",
        exposed_ports=("80/tcp",),
        working_dir="/www",
        labels={"a": "b"},
    )
    program = Entry(path="serve", source=b"x", mode=0o755)
    images = [
        PlatformImage(platform=name, entries=(*entries(), program), config=config)
        for name in ("linux/amd64", "linux/arm64")
    ]
    old = write_layout(tmp_path / "image", "tesseral-console", images, CREATED, "1.4.0", {})
    new = configure_console(tmp_path / "image", VALUES, tmp_path / "out").image
    assert new is not None
    documents = []
    for folder_, index in (("image", old), ("out", new)):
        manifests = json.loads(blob(tmp_path / folder_, index.digest))["manifests"]
        configs = [json.loads(blob(tmp_path / folder_, one["digest"]))["config"]["digest"] for one in manifests]
        documents.append([json.loads(blob(tmp_path / folder_, digest)) | {"rootfs": None} for digest in configs])
    assert documents[0] == documents[1]
    layer = max((tmp_path / "out/blobs/sha256").iterdir(), key=lambda path: path.stat().st_size)
    shutil.copy(layer, tmp_path / "layer.tar.gz")
    unpack(tmp_path / "layer.tar.gz", tmp_path / "layer")
    assert (tmp_path / "layer/serve").stat().st_mode & 0o777 == 0o755


def test_a_long_tag_stays_a_tag(tmp_path: Path) -> None:
    version = "1.4.0-" + "a" * 120
    layout(tmp_path / "image", ref=version)
    done = configure_console(tmp_path / "image", VALUES, tmp_path / "out")
    assert done.image is not None
    assert done.image.ref == f"{version[:117]}-configured"
    assert done.record.base.version == version


def test_an_image_again(tmp_path: Path) -> None:
    layout(tmp_path / "image")
    assert configured(tmp_path / "image", tmp_path / "out")
    assert not configured(tmp_path / "image", tmp_path / "out")
    first = read_layout(tmp_path / "out")
    assert configured(tmp_path / "image", tmp_path / "out", CONSOLE_API_URL="https://other.example.com")
    assert read_layout(tmp_path / "out") != first
    with pytest.raises(UsageError, match="holds something"):
        configured(tmp_path / "image", tmp_path / "image")
    base = {"org.opencontainers.image.base.digest": first.digest}
    images = [PlatformImage(platform="linux/amd64", entries=entries(), config=ImageConfig(entrypoint=()))]
    for name, ref, more in (("based", "1.4.0", base), ("named", "1.4.0-configured", {})):
        write_layout(tmp_path / name, "tesseral-console", images, CREATED, ref, more)
        with pytest.raises(UsageError, match="holds something"):
            configured(tmp_path / "image", tmp_path / name)
    (tmp_path / "out/mine").touch()
    with pytest.raises(UsageError, match="holds something"):
        configured(tmp_path / "image", tmp_path / "out")


def test_neither_form_replaces_the_other(tmp_path: Path) -> None:
    layout(tmp_path / "image")
    configured(tmp_path / "image", tmp_path / "image-out")
    configured(folder(tmp_path / "folder"), tmp_path / "folder-out")
    for bundle, into in (("image", "folder-out"), ("folder", "image-out")):
        with pytest.raises(UsageError, match="or wrote from a bundle of another form"):
            configured(tmp_path / bundle, tmp_path / into)


def test_an_image_with_other_files_for_each_platform(tmp_path: Path) -> None:
    images = [
        PlatformImage(platform=name, entries=(Entry(path=name, source=b""),), config=ImageConfig(entrypoint=()))
        for name in ("linux/amd64", "linux/arm64")
    ]
    write_layout(tmp_path / "image", "tesseral-api", images, CREATED, "1.4.0", {})
    with pytest.raises(VerificationError, match="is not the image of a console as it is known here: one layer of"):
        configured(tmp_path / "image", tmp_path / "out")


@pytest.mark.parametrize(
    "change",
    [
        lambda _, config: config["config"].update(StopSignal="SIGQUIT"),
        lambda _, config: config.update(author="somebody"),
        lambda _, config: config.update(created="today"),
        lambda _, config: config.pop("created"),
        lambda _, config: config["rootfs"].update(diff_ids=[]),
        lambda index, _: index.pop("annotations"),
        lambda index, _: index["annotations"].pop("org.opencontainers.image.title"),
        lambda index, _: index.update(annotations="text"),
    ],
)
def test_an_image_of_another_form(change: Callable[[Any, Any], object], tmp_path: Path) -> None:
    """What this program cannot write again is refused, not lost."""
    old = layout(tmp_path / "image")
    index = json.loads(blob(tmp_path / "image", old.digest))
    (descriptor,) = index["manifests"] = index["manifests"][:1]
    manifest = json.loads(blob(tmp_path / "image", descriptor["digest"]))
    config = json.loads(blob(tmp_path / "image", manifest["config"]["digest"]))
    entry = json.loads((tmp_path / "image/index.json").read_bytes())
    layer = manifest["layers"][0]["digest"].removeprefix("sha256:")
    for path in (tmp_path / "image/blobs/sha256").iterdir():
        if path.name != layer:
            path.unlink()

    def stored(document: object) -> dict[str, object]:
        digest = digest_of_bytes(canonical.dumps(document))
        path = tmp_path / "image/blobs/sha256" / digest.sha256.removeprefix("sha256:")
        path.write_bytes(canonical.dumps(document))
        return {"digest": digest.sha256, "size": digest.size}

    change(index, config)
    manifest["config"] |= stored(config)
    descriptor |= stored(manifest)
    entry["manifests"][0] |= stored(index)
    (tmp_path / "image/index.json").write_bytes(canonical.dumps(entry))
    read_layout(tmp_path / "image")
    with pytest.raises(VerificationError, match="is not the image of a console as it is known here"):
        configured(tmp_path / "image", tmp_path / "out")


# --- the same bytes


def test_golden_digests(tmp_path: Path) -> None:
    """These bytes follow from the bundle and the values: a change here is a change of the format."""
    configured(archive(tmp_path / ARCHIVE), tmp_path / "out")
    assert digest_of(tmp_path / "out/configured.json").sha256 == (
        "sha256:164dd08c8ce14906f4ca48e64350757054f06aa762ec453d542da366de5b9e68"
    )
    layout(tmp_path / "image")
    configured(tmp_path / "image", tmp_path / "image-out")
    assert read_layout(tmp_path / "image-out").digest == (
        "sha256:3e1e18483bef220cdb209cdcac58a6bcb19a4c203780cd5b1677302ab3545d62"
    )


# --- the command line


def test_the_command(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    command = [
        "configure",
        "console",
        *FLAGS,
        "--in",
        str(archive(tmp_path / ARCHIVE)),
        "--into",
        str(tmp_path / "out"),
    ]
    for holds in ("holds", "holds already"):
        main(command)
        assert capsys.readouterr().out == (
            f"{tmp_path}/out {holds} the console 1.4.0, with\n"
            "  CONSOLE_API_URL             https://api.example.com\n"
            "  CONSOLE_DOGFOOD_PROJECT_ID  project_2wph7a\n"
            f"next: serve {tmp_path}/out over https, and let every 404 answer with its index.html\n"
        )


def test_the_command_for_an_image(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    layout(tmp_path / "image")
    main(["configure", "console", *FLAGS, "--in", str(tmp_path / "image"), "--into", str(tmp_path / "out")])
    out = capsys.readouterr().out
    assert out.startswith(f"{tmp_path}/out holds the console 1.4.0 as an image, with\n")
    assert out.endswith(
        f"next: skopeo copy --all oci:{tmp_path}/out:1.4.0-configured "
        "docker://REGISTRY/tesseral-console:1.4.0-configured\n"
    )


def test_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    index = layout(tmp_path / "image")
    for bundle in (folder(tmp_path / "folder"), tmp_path / "image"):
        command = ["configure", "console", *FLAGS, "--in", str(bundle), "--into", f"{bundle}-out", "--json"]
        main(command)
        document = json.loads(capsys.readouterr().out)
        image = document.pop("image")
        digest = document["base"].pop("digest")
        assert document == {
            "directory": f"{bundle}-out",
            "written": True,
            "base": {"kind": "folder" if bundle.name == "folder" else "image"},
            "version": None if bundle.name == "folder" else "1.4.0",
            "values": VALUES,
        }
        if bundle.name == "folder":
            assert image is None
        else:
            assert digest == index.digest
            assert image == {"digest": read_layout(tmp_path / "image-out").digest, "tag": "1.4.0-configured"}


def test_an_error_is_one_sentence_and_a_status(tmp_path: Path) -> None:
    where = ["--in", str(tmp_path / "x"), "--into", str(tmp_path / "y")]
    command = [sys.executable, "-m", "release", "configure", "console", *FLAGS, *where]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (2, "")
    assert done.stderr == f"tesseral-release: {tmp_path}/x does not exist; name a console as it was released\n"

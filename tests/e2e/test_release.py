"""What a person holds after `nox -s release`: files that check, programs of the right kind, images that tools read."""

from __future__ import annotations

import json
import subprocess
import sys
import tarfile
from hashlib import sha256
from pathlib import Path
from typing import Any

from e2e_support import VERSION, install
from settings_samples import settings, toml
from support import REPOSITORY, pipeline

from release.manifest import from_json

FORMATS = {
    "linux_amd64": ("ELF 64-bit LSB executable, x86-64", "statically linked"),
    "linux_arm64": ("ELF 64-bit LSB executable, ARM aarch64", "statically linked"),
    "darwin_amd64": ("Mach-O 64-bit x86_64 executable",),
    "darwin_arm64": ("Mach-O 64-bit arm64 executable",),
    "windows_amd64": ("PE32+ executable (console) x86-64", "MS Windows"),
}
IMAGES = {"tesseral-api", "tesseral-bootstrap", "tesseraldb-migrations", "tesseral-vault-ui", "tesseral-console"}


def output(*command: str | Path, cwd: Path | None = None) -> str:
    return subprocess.run(list(map(str, command)), cwd=cwd, check=True, capture_output=True, text=True).stdout


def test_sha256sum_accepts_the_checksums(release: Path) -> None:
    lines = output("sha256sum", "-c", "SHA256SUMS", cwd=release).splitlines()
    files = {path.name for path in release.iterdir() if path.is_file()} - {"SHA256SUMS"}
    assert {line.removesuffix(": OK") for line in lines} == files
    archives = 5 * 2 + 4
    assert len(files) == archives * 2 + len(IMAGES) + 1, "each archive and image has an SBOM"


def test_every_target_has_the_format_of_its_system(unpacked: Path) -> None:
    install("file", commands=("file",))
    for target, words in FORMATS.items():
        for piece, name in (("tesseral-api", "api"), ("tesseral-bootstrap", "openauthctl")):
            extension, suffix = ("zip", ".exe") if "windows" in target else ("tar.gz", "")
            program = unpacked / f"{piece}_{VERSION}_{target}.{extension}" / f"{name}{suffix}"
            described = output("file", "--brief", program)
            assert all(word in described for word in words), f"{program}: {described}"


def test_the_api_lists_its_variables(unpacked: Path) -> None:
    program = unpacked / f"tesseral-api_{VERSION}_linux_amd64.tar.gz" / "api"
    text = output(program, "--help")
    for variable in ("API_DB_DSN", "API_SERVE_ADDR", "API_CONSOLE_DOMAIN", "API_SESSION_KMS_KEY_ID"):
        assert variable in text


def test_skopeo_reads_every_layout(release: Path, manifest: dict[str, Any]) -> None:
    install("skopeo", commands=("skopeo",))
    assert {image["name"] for image in manifest["images"]} == IMAGES
    for image in manifest["images"]:
        layout = f"oci:{release}/images/{image['name']}:{VERSION}"
        index = json.loads(output("skopeo", "inspect", "--raw", layout))
        assert [m["platform"]["architecture"] for m in index["manifests"]] == ["amd64", "arm64"]
        raw = subprocess.run(["skopeo", "inspect", "--raw", layout], check=True, capture_output=True).stdout
        digest = subprocess.run(
            ["skopeo", "manifest-digest", "/dev/stdin"], input=raw, check=True, capture_output=True
        ).stdout
        assert digest.decode().strip() == image["digest"]
        config = json.loads(output("skopeo", "inspect", "--config", layout))
        assert config["created"] == "2026-02-03T04:05:06Z"


def test_skopeo_copies_a_whole_image(release: Path, tmp_path: Path) -> None:
    install("skopeo", commands=("skopeo",))
    target = tmp_path / "copy"
    output("skopeo", "copy", "--all", f"oci:{release}/images/tesseral-api:{VERSION}", f"dir:{target}")
    assert (target / "manifest.json").exists()


def test_an_image_holds_the_program_of_the_archive(release: Path, unpacked: Path, manifest: dict[str, Any]) -> None:
    blobs = release / "images/tesseral-api/blobs/sha256"
    digest = next(image["digest"] for image in manifest["images"] if image["name"] == "tesseral-api")
    index = json.loads((blobs / digest.removeprefix("sha256:")).read_bytes())
    image = json.loads((blobs / index["manifests"][0]["digest"].removeprefix("sha256:")).read_bytes())
    with tarfile.open(blobs / image["layers"][0]["digest"].removeprefix("sha256:")) as layer:
        member = layer.extractfile("api")
        assert member is not None
        content = member.read()
        names = layer.getnames()
    assert content == (unpacked / f"tesseral-api_{VERSION}_linux_amd64.tar.gz" / "api").read_bytes()
    assert "etc/ssl/certs/ca-certificates.crt" in names
    assert "usr/share/zoneinfo/Europe/Berlin" in names


def test_the_manifest_says_what_it_was_made_from(release: Path, manifest: dict[str, Any], tagged_source: Path) -> None:
    assert from_json((release / "release.json").read_bytes()).notes == manifest["notes"]
    assert manifest["version"] == VERSION
    assert manifest["source"]["commit"] == output("git", "rev-parse", "HEAD", cwd=tagged_source).strip()
    assert manifest["requirements"] == {
        "firstMigration": 1,
        "lastMigration": 5,
        "irreversibleMigrations": [],
        "postgresql": ">=16.4",
    }
    assert set(manifest["consolePlaceholders"]) == {"CONSOLE_API_URL", "CONSOLE_DOGFOOD_PROJECT_ID"}


def test_each_placeholder_is_in_the_console_once(unpacked: Path, manifest: dict[str, Any]) -> None:
    script = (unpacked / f"tesseral-console_{VERSION}.tar.gz" / "index.js").read_text()
    for placeholder in manifest["consolePlaceholders"].values():
        assert script.count(placeholder) == 1


def test_nothing_of_this_machine_is_in_a_release(release: Path, unpacked: Path, destination: Path) -> None:
    words = [str(REPOSITORY).encode(), str(destination.parent).encode(), str(Path.home()).encode() + b"/"]
    for path in [*release.rglob("*"), *unpacked.rglob("*")]:
        if path.is_file() and path.suffix not in {".gz", ".zip"}:
            content = path.read_bytes()
            assert not [word for word in words if word in content], path


def test_a_second_publish_of_the_same_is_a_no_op(tagged_source: Path, destination: Path, release: Path) -> None:
    before = {path: path.stat().st_mtime_ns for path in release.rglob("*")}
    done = pipeline("release", "--source", tagged_source, "--to", destination)
    assert done.returncode == 0, done.stderr
    assert "unchanged" in done.stdout
    assert "cached" in done.stdout
    assert before == {path: path.stat().st_mtime_ns for path in release.rglob("*")}


def test_a_final_version_can_be_the_stable_one(tagged_source: Path, destination: Path, release: Path) -> None:
    done = pipeline("release", "--source", tagged_source, "--to", destination, "--channel", "stable")
    assert done.returncode == 0, done.stderr
    channel = json.loads((destination / "channels/stable.json").read_bytes())
    assert channel["version"] == VERSION
    assert channel["manifestDigest"] == f"sha256:{sha256((release / 'release.json').read_bytes()).hexdigest()}"


def test_an_operator_needs_no_dagger(release: Path, tmp_path: Path) -> None:
    """The installed wheel, in an environment of its own that has neither Dagger nor nox."""
    wheels = tmp_path / "wheels"
    output(sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--wheel-dir", wheels, REPOSITORY)
    output(sys.executable, "-m", "venv", tmp_path / "venv")
    python = tmp_path / "venv/bin/python"
    output(python, "-m", "pip", "install", "--quiet", *wheels.glob("*.whl"))
    installed = output(python, "-m", "pip", "list", "--format=freeze").lower()
    assert "dagger" not in installed
    assert "nox" not in installed
    program = tmp_path / "venv/bin/tesseral-release"
    assert VERSION in output(program, "verify", "--insecure-unsigned", release, cwd=tmp_path)
    origin = release.parent.parent
    assert VERSION in output(program, "list", "--from", origin, cwd=tmp_path)
    output(
        program,
        "fetch",
        "--insecure-unsigned",
        VERSION,
        "--from",
        origin,
        "--piece",
        "migrations",
        "--unpack",
        cwd=tmp_path,
    )
    assert list(tmp_path.glob(f"tesseral-{VERSION}/tesseraldb-migrations_{VERSION}/migrations/*.up.sql"))
    # What it brings to render pages and proxies is installed with it.
    output(program, "pages", "--to", origin, cwd=tmp_path)
    (tmp_path / "tesseral.toml").write_bytes(toml(settings()))
    configure = (program, "configure", "proxy", "--into", "tesseral")
    for said in (output(*configure, cwd=tmp_path), output(*configure, "--in", release, cwd=tmp_path)):
        assert said.startswith("tesseral: nginx for api.example.com, ")
    assert f"kit {VERSION}:" in (tmp_path / "tesseral/servers/vaults.conf").read_text()
    top = output(python, "-c", "import tesseral_release; print(tesseral_release.__file__)", cwd=tmp_path)
    assert "tesseral_release" in top

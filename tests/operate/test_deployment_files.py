"""The commands `configure deployment …`: what they write and say, what they refuse, and that the example is theirs."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
from argparse import Namespace
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import pytest
import yaml
from console_samples import VALUES as CONSOLE_VALUES
from console_samples import layout as console_layout
from deployment_samples import (
    DEPLOY,
    NGINX,
    REGISTRY,
    content,
    make_place,
    pin_of,
    prepare,
    render,
    run,
    without_own_version,
    words,
)
from reading_samples import published
from release_samples import manifest
from settings_samples import settings, toml
from signing_support import key_of, make_key

from release import __version__, attestations
from release import pin as pin_file
from release.commands.configure_deployment import registry_of
from release.configure import configure_console
from release.deploy import Pinned, check_image, check_namespace, registry_prefix
from release.deploy.names import job_name, secret_name, version_label
from release.destination.channel import Pin
from release.doctor.variables import KNOWN, Need
from release.errors import ReleaseError, UsageError, VerificationError
from release.manifest import NAME, Artifact, Image, Manifest, Requirements, from_json
from release.proxy.render import MARK
from release.staged import StagedRelease, stage
from release.version import parse

KINDS = ("systemd", "kubernetes")
DIGEST = "sha256:" + "0123456789abcdef" * 4


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("original") / "place")


@pytest.fixture
def place(original: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The working folder: a release, its pin, settings, the console's image."""
    shutil.copytree(original, tmp_path / "place")
    monkeypatch.chdir(tmp_path / "place")
    return tmp_path / "place"


@pytest.fixture(params=KINDS)
def kind(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def change(place: Path, **fields: object) -> Manifest:
    """Change the release, and pin what comes of it."""
    changed = replace(from_json((place / "tesseral" / NAME).read_bytes()), **fields)  # type: ignore[arg-type]
    stage(place / "tesseral", changed)
    pin_file.write(place / pin_file.NAME, pin_of(changed), update=True)
    return changed


def refused(kind: str, place: Path, *more: str, **changes: str) -> str:
    """The sentence about what is wrong; nothing is written then."""
    with pytest.raises(ReleaseError) as caught:
        render(kind, place, place / "into", **changes) if not more else run(
            [*words(kind, place, place / "into"), *more]
        )
    assert not (place / "into").exists()
    return str(caught.value).replace(f"{place}/", "")


# --- what is made


def test_the_example_is_what_the_command_writes(kind: str, place: Path) -> None:
    """Written anew by running deployment_samples.py."""
    assert without_own_version(render(kind, place, place / "into")) == without_own_version(content(DEPLOY / kind))


def test_the_example_has_all_variables() -> None:
    """An example that lacks what the api needs would teach it so."""
    names = re.findall(r"^([A-Z0-9_]+)=", (DEPLOY / "api.env").read_text(), re.MULTILINE)
    assert {name for name, one in KNOWN.items() if one.need is not Need.NEVER} <= set(names)
    assert (DEPLOY / "api.env").read_text().count("CHANGE-ME") == 3


@pytest.mark.parametrize("umask", [0o022, 0o077])
def test_it_depends_on_nothing_else(kind: str, place: Path, tmp_path: Path, umask: int) -> None:
    first = render(kind, place, place / "into")
    other = place.rename(tmp_path / "elsewhere")
    os.chdir(other)
    before = os.umask(umask)
    try:
        assert render(kind, Path(), tmp_path / "deep/er/into") == first
    finally:
        os.umask(before)
    modes = {path.stat().st_mode & 0o777 for path in (tmp_path / "deep/er/into").rglob("*") if path.is_file()}
    assert modes == {0o644}
    for text in first.values():
        assert str(tmp_path) not in text


def test_every_file_says_what_made_it(kind: str, place: Path) -> None:
    digest = pin_file.read(place / pin_file.NAME).manifest_digest
    for path, text in render(kind, place, place / "into").items():
        first = text.splitlines()[0]
        assert first.startswith(f"{MARK}{__version__} from 'tesseral.toml'")
        assert path.startswith("nginx/tesseral.") or f"for Tesseral 1.0.0 ({digest})" in first
        assert not re.search("@[a-z_]+@", text)


def test_a_new_pin_takes_the_place_of_the_old_one(kind: str, place: Path) -> None:
    before = render(kind, place, place / "into")
    old = pin_file.read(place / pin_file.NAME).manifest_digest
    change(place, notes="### Fixed")
    after = render(kind, place, place / "into")
    assert before.keys() == after.keys()
    assert all(old not in text for text in after.values())
    (place / "into/mine.conf").write_text("mine\n")
    with pytest.raises(UsageError, match=r"into/mine.conf is not of this program"):
        run(words(kind, place, place / "into"))
    assert content(place / "into") == {**after, "mine.conf": "mine\n"}


def test_from_where_releases_are(kind: str, place: Path) -> None:
    expected = render(kind, place, place / "into")
    published(place / "origin", StagedRelease(directory=place / "tesseral", manifest=manifest_of(place)))
    line = words(kind, place, place / "again")
    at = line.index("--release")
    line[at : at + 2] = ["--from", str(place / "origin")]
    with pytest.raises(VerificationError, match="no trusted key is configured"):
        run(line)
    run([*line, "--insecure-unsigned"])
    assert content(place / "again") == expected


def test_signatures_are_asked_for(kind: str, place: Path) -> None:
    prepare(kind, place)
    key = make_key(place / "key")
    with pytest.raises(VerificationError, match=r"1\.0\.0 in .* is not signed"):
        run([*words(kind, place, place / "into"), "--key", f"{key}.pub"])
    attestations.sign_release(StagedRelease(directory=place / "tesseral", manifest=manifest_of(place)), key_of(key))
    run([*words(kind, place, place / "into"), "--key", f"{key}.pub"])
    other = make_key(place / "other")
    with pytest.raises(VerificationError, match="trusted"):
        run([*words(kind, place, place / "again"), "--key", f"{other}.pub"])


def test_the_pin_of_the_settings(kind: str, place: Path, capsys: pytest.CaptureFixture[str]) -> None:
    line = words(kind, place, place / "into")
    at = line.index("--pin")
    del line[at : at + 2]
    shutil.move(place / pin_file.NAME, place / "other.json")
    text = (place / "tesseral.toml").read_text().replace(f"/etc/tesseral/{pin_file.NAME}", "other.json")
    (place / "tesseral.toml").write_text(text.replace("/etc/tesseral/api.env", str(DEPLOY / "api.env")))
    run([*line, "--json"])
    assert json.loads(capsys.readouterr().out) == {
        "directory": str(place / "into"),
        "files": sorted(content(place / "into")),
        "version": "1.0.0",
        "manifestDigest": pin_of(manifest_of(place)).manifest_digest,
    }
    assert "--pin other.json" in (place / "into/README.md").read_text()


def manifest_of(place: Path) -> Manifest:
    return from_json((place / "tesseral" / NAME).read_bytes())


# --- of what operators have


def test_an_arm_machine(place: Path) -> None:
    run([*words("systemd", place, place / "into"), "--target", "linux/arm64"])
    files = content(place / "into")
    assert "/opt/tesseral/1.0.0/tesseral-api_1.0.0_linux_arm64/api\n" in files["tesseral-api.service"]
    assert "amd64" not in "".join(files.values())


def test_other_ports_and_certificates(place: Path) -> None:
    hosts = ["backend-api", "config-api", "console", "vault", "*.vaults.example.com"]
    tls = {name: {"certificate": f"/etc/tls/{n}.pem", "key": f"/etc/tls/{n} $x.key"} for n, name in enumerate(hosts)}
    changed = settings(
        hosts={"vaults": [hosts[-1]]},
        tls={"certificate": None, "key": None, **tls},
        listen={"https": 8443, "http": 0, "addresses": ["[::]"]},
    )
    (place / "tesseral.toml").write_bytes(toml(changed))
    run(words("kubernetes", place, place / "into"))
    files = content(place / "into")
    documents = [one for name in ("proxy", "network") for one in yaml.safe_load_all(files[f"{name}.yaml"])]
    pod = documents[0]["spec"]["template"]["spec"]
    assert pod["containers"][0]["ports"] == [{"name": "https", "containerPort": 8443}]
    assert documents[2]["spec"]["ports"] == [{"name": "https", "port": 8443, "targetPort": "https"}]
    (policy,) = (
        one for one in documents if one["kind"] == "NetworkPolicy" and one["metadata"]["name"] == "tesseral-proxy"
    )
    assert policy["spec"]["ingress"] == [{"ports": [{"protocol": "TCP", "port": 8443}]}]
    (tls_volume,) = (one["projected"]["sources"] for one in pod["volumes"] if one["name"] == "tls")
    names = [one["secret"]["name"] for one in tls_volume]
    assert names == [*(f"tesseral-tls-{name}" for name in hosts[:-1]), "tesseral-tls-wildcard.vaults.example.com"]
    assert "nginx/tesseral.servers.redirect.conf" not in files
    vaults = files["nginx/tesseral.servers.vaults.conf"]
    assert f'ssl_certificate "/etc/tesseral/tls/{names[-1]}/tls.crt";' in vaults
    assert "listen [::]:8443 ssl" in vaults
    assert f"create secret tls {names[0]} --cert=/etc/tls/0.pem --key='/etc/tls/0 $x.key'\n" in files["README.md"]


def test_without_a_file_of_variables(place: Path) -> None:
    (place / "tesseral.toml").write_bytes(toml(settings()))
    run(words("kubernetes", place, place / "into"))
    assert content(place / "into")["api.env"].splitlines()[2:] == [
        "API_CONSOLE_DOMAIN=console.example.com",
        "API_SERVE_ADDR=:3001",
    ]
    assert "`API_DB_DSN`, `API_SVIX_API_KEY`, `API_PAGE_ENCODING_VALUE`" in content(place / "into")["README.md"]


def test_secrets_and_what_nobody_knows_stay_out(place: Path) -> None:
    (place / "api.env").write_text(
        "API_DB_DSN=postgres://u:s3cret@h/d\nAWS_SECRET_ACCESS_KEY=s3cret\nAWS_PROFILE=mine\nOTHER=s3cret\n"
        "API_NEW_THING=s3cret\nAPI_SERVE_ADDR=:80\nAPI_CONSOLE_DOMAIN=other.example.com\n"
        "API_SENTRY_ENVIRONMENT='a b # c'\n"
    )
    (place / "tesseral.toml").write_bytes(toml(settings(api={"environment": "api.env"})))
    run(words("kubernetes", place, place / "into"))
    files = content(place / "into")
    assert "s3cret" not in "".join(files.values())
    assert files["api.env"].splitlines()[2:] == [
        "API_CONSOLE_DOMAIN=console.example.com",
        "API_SENTRY_ENVIRONMENT=a b # c",
        "API_SERVE_ADDR=:3001",
    ]
    assert "`API_DB_DSN`, `API_NEW_THING`, `AWS_SECRET_ACCESS_KEY`, `OTHER`" in files["README.md"]


def test_a_release_from_before_the_kit(kind: str, place: Path) -> None:
    change(place, artifacts=tuple(one for one in manifest_of(place).artifacts if one.piece != "proxy"))
    readme = render(kind, place, place / "into")["README.md"]
    assert "--piece proxy" not in readme
    assert kind == "kubernetes" or "configure proxy --config tesseral.toml --into /etc/nginx/tesseral\n" in readme


def test_odd_names(kind: str, place: Path) -> None:
    """They break no YAML, no unit and no line for a shell."""
    name = 'my "own" @version@\'s\n- x: {y} #z.toml'
    text = (place / "tesseral.toml").read_text().replace("/srv/tesseral/console", "/srv/$(id) 'x'")
    (place / name).write_text(text.replace("/etc/tesseral/api.env", str(DEPLOY / "api.env")))
    line = words(kind, place, place / "into")
    line[line.index("--config") + 1] = name
    run(line)
    files = content(place / "into")
    readme = files.pop("README.md")
    for path, made in files.items():
        assert "x: {y} #z" in made.splitlines()[0]
        assert "x: {y} #z" not in made.partition("\n")[2]
        assert not path.endswith(".yaml") or all(isinstance(one, dict) for one in yaml.safe_load_all(made))
    if kind == "systemd":
        command = re.search(r"    (tesseral-release configure console .*?)\n    tesseral-release", readme, re.DOTALL)
        assert command is not None
        assert shlex.split(command[1].replace("\\\n", ""))[-2:] == ["--into", "/srv/$(id) 'x'"]


# --- what is refused


def test_another_release_than_the_pinned(kind: str, place: Path) -> None:
    changed = replace(manifest_of(place), notes="other")
    stage(place / "tesseral", changed)
    pinned = pin_file.read(place / pin_file.NAME).manifest_digest
    assert refused(kind, place) == (
        f"{place}/tesseral holds 1.0.0 with the manifest {pin_of(changed).manifest_digest}, "
        f"the pin says 1.0.0 and {pinned}; fetch the pinned release"
    ).replace(f"{place}/", "")
    (place / pin_file.NAME).unlink()
    assert refused(kind, place) == f"there is no pin {pin_file.NAME}; make it with tesseral-release pin"


def test_a_part_of_a_release(kind: str, place: Path) -> None:
    whole = manifest_of(place)
    change(place, requirements=Requirements())
    if kind == "systemd":
        assert refused(kind, place) == "release 1.0.0 has no migrations; pin a whole release"
    change(place, requirements=whole.requirements, artifacts=without(whole.artifacts, "linux_amd64"))
    if kind == "systemd":
        assert refused(kind, place) == "release 1.0.0 has no api for linux/amd64; it is for linux/arm64"
    change(place, artifacts=without(whole.artifacts, "vault-ui"), images=without(whole.images, "tesseral-vault-ui"))
    assert (
        refused(kind, place)
        == {
            "systemd": "release 1.0.0 has no vault-ui; pin a whole release",
            "kubernetes": "release 1.0.0 has no image tesseral-vault-ui; "
            "it has tesseral-api, tesseral-bootstrap, tesseral-console, tesseraldb-migrations",
        }[kind]
    )


Named = TypeVar("Named", Artifact, Image)


def without(items: tuple[Named, ...], text: str) -> tuple[Named, ...]:
    return tuple(one for one in items if text not in one.name)


@pytest.mark.parametrize(
    ("flags", "sentence"),
    [
        (["--registry", "my registry/x"], "'oci://my registry/x' names no registry"),
        (["--registry", "registry.example.com/Tesseral"], "'Tesseral' cannot be a repository's name"),
        (["--registry", "https://registry.example.com"], "'https://registry.example.com' names no registry"),
        (["--registry", 'registry.example.com/a"b'], "cannot be a repository's name"),
        (
            ["--nginx-image", "nginx:1.29"],
            "'nginx:1.29' is no image by digest; write NAME@sha256: and its 64 hex digits",
        ),
        (["--namespace", "Tesseral"], "'Tesseral' cannot be a namespace; use lower-case letters, digits and inner"),
        (["--console", "tesseral"], "tesseral/oci-layout cannot be read"),
        (
            ["--console", "tesseral/images/tesseral-console"],
            "tesseral/images/tesseral-console is no configured console",
        ),
        (["--console", "tesseral/images/tesseral-api"], "tesseral/images/tesseral-api is no configured console"),
    ],
)
def test_flags_that_cannot_be(place: Path, flags: list[str], sentence: str) -> None:
    (place / "tesseral.toml").write_bytes(toml(settings()))
    assert sentence in refused("kubernetes", place, *flags)


def test_no_registry(place: Path) -> None:
    line = words("kubernetes", place, place / "into")
    at = line.index("--registry")
    del line[at : at + 2]
    with pytest.raises(UsageError) as caught:
        run(line)
    assert str(caught.value) == "no registry is named where the cluster gets the images; add --registry HOST/PREFIX"


def test_the_console_of_another_release(place: Path) -> None:
    console_layout(place / "other", ref="0.9.0")
    configure_console(place / "other", CONSOLE_VALUES, place / "console-of-other")
    said = refused(
        "kubernetes", place, "--console", str(place / "console-of-other"), "--config", str(kubernetes_settings(place))
    )
    assert said.startswith("console-of-other was made from the console sha256:")
    assert said.endswith(", release 1.0.0 has another; configure that of the pinned release")


def kubernetes_settings(place: Path) -> Path:
    (place / "tesseral.toml").write_bytes(toml(settings()))
    return place / "tesseral.toml"


@pytest.mark.parametrize(
    ("path", "sentence"),
    [
        (None, "[api] environment is missing, where the service reads the api's variables; add it, such as"),
        ("/etc/te sseral/api.env", "'/etc/te sseral/api.env' has a character that systemd takes for something else"),
        ("/etc/%h/api.env", "has a character that systemd takes for something else"),
        ("/etc/*/api.env", "has a character that systemd takes for something else"),
        ("/etc/api.env\\", "has a character that systemd takes for something else"),
    ],
)
def test_files_of_variables_that_no_unit_can_name(place: Path, path: str | None, sentence: str) -> None:
    (place / "tesseral.toml").write_bytes(toml(settings(api={"environment": path})))
    assert sentence in refused("systemd", place)


def test_variables_that_cannot_be_read(place: Path) -> None:
    assert refused("kubernetes", place, "--namespace", "x") == (
        "/etc/tesseral/api.env cannot be read: No such file or directory; correct [api] environment, or leave it out"
    )
    (place / "api.env").write_text("API_CONSOLE_DOMAIN='two\nlines'\n")
    (place / "tesseral.toml").write_bytes(toml(settings(api={"environment": "api.env"})))
    assert refused("kubernetes", place) == "api.env: API_CONSOLE_DOMAIN is more than one line of plain text; correct it"


def test_addresses_that_no_pod_has(place: Path) -> None:
    (place / "tesseral.toml").write_bytes(toml(settings(listen={"addresses": ["0.0.0.0", "192.0.2.7"]})))
    assert refused("kubernetes", place) == (
        "tesseral.toml: [listen] addresses: 192.0.2.7 is none of a pod, which gets its own; "
        "leave it out, or name 0.0.0.0 or [::]"
    )


def test_a_damaged_kit(place: Path) -> None:
    (place / "tesseral.toml").write_bytes(toml(settings()))
    with (place / "tesseral/tesseral-proxy_1.0.0.tar.gz").open("ab") as file:
        file.write(b"more")
    assert "tesseral-proxy_1.0.0.tar.gz is not what release.json says" in refused("kubernetes", place)


# --- names


@pytest.mark.parametrize(
    "image",
    [
        "nginx",
        f"nginx:1@{DIGEST}x",
        f"nginx@{DIGEST[:-1]}",
        f"Nginx@{DIGEST}",
        f"a b@{DIGEST}",
        f'a"@{DIGEST}',
        f"@{DIGEST}",
        "",
    ],
)
def test_no_image(image: str) -> None:
    with pytest.raises(UsageError, match="is no image by digest"):
        check_image(image)


@pytest.mark.parametrize(
    "name", ["nginx", "a/b", "r.example.com/nginx:1.29-alpine", "localhost:5000/a/b_c", "R.example.com/x"]
)
def test_an_image(name: str) -> None:
    assert check_image(f"{name}@{DIGEST}") == f"{name}@{DIGEST}"


@pytest.mark.parametrize("name", ["", "-a", "a-", "a.b", "a_b", "A", "a" * 64, "a\n"])
def test_no_namespace(name: str) -> None:
    with pytest.raises(UsageError, match="cannot be a namespace"):
        check_namespace(name)


def test_the_registry_of_an_origin() -> None:
    origin = Namespace(registry=None, origin="oci://registry.example.com/tesseral")
    assert registry_of(origin) == "registry.example.com/tesseral"
    assert registry_of(Namespace(registry="other.example.com", origin=origin.origin)) == "other.example.com"


def test_registries() -> None:
    assert check_namespace("a" * 63) == "a" * 63
    assert registry_prefix("oci://registry.example.com:5000/a/b/") == "registry.example.com:5000/a/b"
    assert registry_prefix("registry.example.com") == "registry.example.com"
    assert check_image(NGINX) == NGINX
    assert registry_prefix(REGISTRY) == REGISTRY


@pytest.mark.parametrize(
    ("version", "job", "label"),
    [
        ("1.0.0", "m-1.0.0", "1.0.0"),
        ("1.0.0-rc.1", "m-1.0.0-rc.1", "1.0.0-rc.1"),
        ("1.0.0-RC", "m-1.0.0-0123456789", "1.0.0-RC"),
        ("1.0.0-a-", "m-1.0.0-0123456789", "1.0.0-a"),
        ("1.0.0-a.-b", "m-1.0.0-0123456789", "1.0.0-a.-b"),
        ("1.0.0-" + "a" * 60, "m-1.0.0-0123456789", "1.0.0-" + "a" * 57),
    ],
)
def test_versions_as_names(version: str, job: str, label: str) -> None:
    assert job_name("m", Pin(version=parse(version), manifest_digest=DIGEST)) == job
    assert version_label(version) == label


def test_a_name_that_is_too_long() -> None:
    assert secret_name("a" * 253) == "a" * 253
    with pytest.raises(UsageError, match=r"is longer than a Secret's name may be; use one certificate for all hosts"):
        secret_name("a" * 254)


def test_sboms_are_no_archives() -> None:
    sbom = Artifact(
        name="x.cdx.json", piece="api", target=None, size=1, digest=DIGEST, media_type="application/vnd.cyclonedx+json"
    )
    pinned = Pinned(pin=Pin(version=parse("1.4.0"), manifest_digest=DIGEST), manifest=manifest(artifacts=(sbom,)))
    with pytest.raises(UsageError, match=r"^release 1\.4\.0 has no api; pin a whole release$"):
        pinned.archive("api")
    with pytest.raises(UsageError, match=r"^release 1\.4\.0 has no image x; pin a release with images$"):
        pinned.image("x")
    assert pinned.kit is None

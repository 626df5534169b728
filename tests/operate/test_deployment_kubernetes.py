"""The manifests: what Kubernetes' own tools say to them, and what runs when they are followed."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psycopg
import pytest
from deployment_samples import NGINX, REGISTRY, make_place, render, run, words
from deployment_tools import KUBERNETES, Manifest, kubeconform, kustomize, manifests, not_restricted, pod_templates
from nginx_pod import Pod, running
from postgres_server import PASSWORD, PostgresServer
from proxied import certify, need_nginx
from settings_samples import settings, toml

from release.oci import read_layout

HASHED = re.compile("-[a-z0-9]{10}$")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_place(tmp_path_factory.mktemp("operator") / "place")


@pytest.fixture(scope="module")
def folder(place: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What the command makes."""
    into = tmp_path_factory.mktemp("made") / "kubernetes"
    render("kubernetes", place, into)
    return into


@pytest.fixture(scope="module")
def built(folder: Path) -> str:
    return kustomize(folder)


@pytest.fixture(scope="module")
def objects(built: str) -> list[Manifest]:
    return manifests(built)


@pytest.mark.parametrize("version", KUBERNETES)
def test_every_field_is_one_of_kubernetes(built: str, version: str, tmp_path: Path) -> None:
    assert kubeconform(built, version, tmp_path / "schemas") == ""
    wrong = built.replace("maxUnavailable: 0", "maxUnavailble: 0")
    assert "'maxUnavailble' not allowed" in kubeconform(wrong, version, tmp_path / "again")


def test_the_files_without_kustomize_are_the_same(folder: Path, objects: list[Manifest]) -> None:
    """Those that people apply one by one; what is generated is only in the whole."""
    whole = {(one["kind"], one["metadata"]["name"]): one for one in objects}
    for name in ("namespace.yaml", "network.yaml", "migrations.yaml"):
        for one in manifests((folder / name).read_text()):
            assert whole[one["kind"], one["metadata"]["name"]] == one
            assert one["kind"] == "Namespace" or one["metadata"]["namespace"] == "tesseral"


def test_pods_are_restricted(objects: list[Manifest]) -> None:
    (namespace,) = (one for one in objects if one["kind"] == "Namespace")
    assert namespace["metadata"]["labels"]["pod-security.kubernetes.io/enforce"] == "restricted"
    pods = pod_templates(objects)
    assert (len(pods), not_restricted(pods)) == (3, "")
    root = {**pods[0], "spec": {**pods[0]["spec"], "securityContext": {}}}
    assert "runAsNonRoot" in not_restricted([root])
    for pod in pods:
        assert pod["spec"]["automountServiceAccountToken"] is False
        (container,) = pod["spec"]["containers"]
        assert container["securityContext"]["readOnlyRootFilesystem"] is True
        assert {"requests", "limits"} == container["resources"].keys()


def test_images_are_those_of_the_release_by_digest(place: Path, objects: list[Manifest]) -> None:
    digests = {path.name: read_layout(path).digest for path in (place / "tesseral/images").iterdir()}
    console = read_layout(place / "console-image").digest
    assert console != digests["tesseral-console"]
    kinds = ("Deployment", "Job")
    found = {one["metadata"]["name"]: one["spec"]["template"]["spec"] for one in objects if one["kind"] in kinds}
    assert {name: spec["containers"][0]["image"] for name, spec in found.items()} == {
        "tesseral-api": f"{REGISTRY}/tesseral-api@{digests['tesseral-api']}",
        "tesseral-proxy": NGINX,
        "tesseraldb-migrations-1.0.0": f"{REGISTRY}/tesseraldb-migrations@{digests['tesseraldb-migrations']}",
    }
    volumes = {one["name"]: one["image"] for one in found["tesseral-proxy"]["volumes"] if "image" in one}
    assert volumes == {
        "vault-ui": {"reference": f"{REGISTRY}/tesseral-vault-ui@{digests['tesseral-vault-ui']}"},
        "console": {"reference": f"{REGISTRY}/tesseral-console@{console}"},
    }


def test_what_is_named_is_there(objects: list[Manifest]) -> None:
    """Names that one object has of another: config maps, ports, labels; Secrets are the operator's."""
    config_maps = {one["metadata"]["name"]: one["data"] for one in objects if one["kind"] == "ConfigMap"}
    assert {HASHED.sub("", name) for name in config_maps} == {"tesseral-api", "tesseral-proxy"}
    templates = {one["metadata"]["name"]: one["spec"]["template"] for one in objects if one["kind"] == "Deployment"}
    environment = templates["tesseral-api"]["spec"]["containers"][0]["envFrom"]
    assert environment[0] == {"secretRef": {"name": "tesseral-api"}}
    variables = config_maps[environment[1]["configMapRef"]["name"]]
    assert variables["API_SERVE_ADDR"] == ":3001"
    assert variables["API_CONSOLE_DOMAIN"] == "console.example.com"
    assert not {"API_DB_DSN", "API_SVIX_API_KEY", "API_PAGE_ENCODING_VALUE"} & variables.keys()
    (mounted,) = (one["configMap"] for one in templates["tesseral-proxy"]["spec"]["volumes"] if "configMap" in one)
    assert {item["key"] for item in mounted["items"]} == config_maps[mounted["name"]].keys()
    for service in (one for one in objects if one["kind"] == "Service"):
        template = templates[service["spec"]["selector"]["app.kubernetes.io/name"]]
        ports = {port["name"]: port["containerPort"] for port in template["spec"]["containers"][0]["ports"]}
        for port in service["spec"]["ports"]:
            assert ports[port["targetPort"]] == port["port"]
    labels = [pod["metadata"]["labels"] for pod in pod_templates(objects)]
    selectors = [selector for one in objects for selector in selectors_of(one)]
    assert len(selectors) == 12
    for selector in selectors:
        assert any(selector.items() <= one.items() for one in labels), selector


def selectors_of(value: Any) -> Iterator[dict[str, str]]:
    if isinstance(value, dict):
        for key, inner in value.items():
            if key == "matchLabels" and "kubernetes.io/metadata.name" not in inner:
                yield inner
            else:
                yield from selectors_of(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from selectors_of(inner)


def test_no_secret_is_there(folder: Path, objects: list[Manifest]) -> None:
    assert [one for one in objects if one["kind"] == "Secret"] == []
    for path in folder.rglob("*"):
        assert path.is_dir() or "CHANGE-ME" not in path.read_text()


def test_variables_arrive_as_they_are(place: Path, tmp_path: Path) -> None:
    values = {"API_SENTRY_ENVIRONMENT": "a b # c", "API_SES_SPF_MX_RECORD_VALUE": 'x="y" ${HOME} größe'}
    lines = ("".join(f"{name}='{value}'\n" for name, value in values.items()), 'API_STRIPE_PRICE_ID_GROWTH_TIER="012"')
    (tmp_path / "api.env").write_text("".join(lines))
    shutil.copytree(place, tmp_path / "place")
    (tmp_path / "place/tesseral.toml").write_bytes(toml(settings(api={"environment": "../api.env"})))
    run(words("kubernetes", tmp_path / "place", tmp_path / "made"))
    (data,) = (
        one["data"]
        for one in manifests(kustomize(tmp_path / "made"))
        if one["kind"] == "ConfigMap" and one["metadata"]["name"].startswith("tesseral-api")
    )
    own = {"API_CONSOLE_DOMAIN": "console.example.com", "API_SERVE_ADDR": ":3001"}
    assert data == {**values, "API_STRIPE_PRICE_ID_GROWTH_TIER": "012", **own}


def test_the_job_finds_its_database(
    objects: list[Manifest], postgres: PostgresServer, migrate: Path, tmp_path: Path
) -> None:
    """golang-migrate with the Job's arguments and the variables that README names, twice."""
    (job,) = (one for one in objects if one["kind"] == "Job")
    (container,) = job["spec"]["template"]["spec"]["containers"]
    (tmp_path / "1_first.up.sql").write_text("CREATE TABLE here (id int);\n")
    url = postgres.new_database()
    host, port = postgres.host.split(":")
    variables = {
        "PGHOST": host,
        "PGPORT": port,
        "PGUSER": "postgres",
        "PGPASSWORD": PASSWORD,
        "PGDATABASE": url.rpartition("/")[2].partition("?")[0],
        "PGSSLMODE": "disable",
    }
    for _ in range(2):
        subprocess.run([migrate, "-path", tmp_path, *container["args"]], env=os.environ | variables, check=True)
    with psycopg.connect(url) as database:
        assert database.execute("SELECT count(*) FROM here").fetchone() == (0,)


@pytest.fixture(scope="module")
def pod(objects: list[Manifest], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Pod]:
    """The proxies' pod, in which both bundles are a page."""
    need_nginx()
    secrets = tmp_path_factory.mktemp("secrets")
    certify(secrets)
    for name, file in (("tesseral-tls", "server"), ("tesseral-tls-login.customer.example", "customer")):
        (secrets / name).mkdir()
        shutil.copy(secrets / f"{file}.pem", secrets / name / "tls.crt")
        shutil.copy(secrets / f"{file}.key", secrets / name / "tls.key")
        (secrets / name / "tls.key").chmod(0o644)
    images = tmp_path_factory.mktemp("images")
    for name in ("tesseral-vault-ui", "tesseral-console"):
        (images / name).mkdir()
        (images / name / "index.html").write_text(f"<title>{name}</title>")
    bundles = {path.name: path for path in images.iterdir()}
    with running(tmp_path_factory.mktemp("pod"), objects, secrets, bundles) as started:
        yield started


def test_nginx_serves_all_hosts_as_nobody(pod: Pod) -> None:
    status = dict(re.findall(r"^(\w+):\s*(.*)$", Path(f"/proc/{pod.process}/status").read_text(), re.MULTILINE))
    assert status["Uid"].split() == ["65532"] * 4
    assert {status[name] for name in ("CapEff", "CapPrm", "CapBnd")} == {"0" * 16}
    assert pod.ask("https://console.example.com/login") == (200, "<title>tesseral-console</title>")
    for vault in ("vault.console.example.com", "x.vaults.example.com", "login.customer.example"):
        assert pod.ask(f"https://{vault}/login") == (200, "<title>tesseral-vault-ui</title>")
        assert pod.ask(f"https://{vault}/api/frontend/v1/me")[0] == 502, "nobody is there, and is asked"
    assert pod.ask("https://api.example.com/v1/project")[0] == 502
    assert pod.ask("http://console.example.com/x?y=z")[0] == 301


def test_nothing_after_a_question_mark_is_in_its_log(pod: Pod) -> None:
    assert pod.ask("https://console.example.com/verify?secret=t0ken")[0] == 200
    (line,) = (line for line in pod.log.read_text().splitlines() if "/verify" in line)
    assert " console.example.com GET /verify 200 " in line
    assert "t0ken" not in line


def test_a_large_upload_finds_room(pod: Pod, tmp_path: Path) -> None:
    (tmp_path / "large").write_bytes(bytes(3_000_000))
    status, _ = pod.ask("https://api.example.com/v1/x", "--data-binary", f"@{tmp_path}/large")
    assert status == 502
    assert "failed" not in re.sub(r"connect\(\) failed", "", pod.log.read_text())

"""The tools of Kubernetes that judge manifests: kustomize, kubeconform, and the admission of pods."""

from __future__ import annotations

import json
import subprocess
from collections.abc import Iterable, Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import yaml
from programs import go_module, go_program

KUSTOMIZE, KUBECONFORM = "v5.8.1", "v0.8.0"
# The first with image volumes that are not an alpha, the first that has them switched on, the newest there is.
KUBERNETES = ("1.33", "1.35", "1.37")
_DEFINITIONS = "_definitions"

Manifest = Mapping[str, Any]


def kustomize(folder: Path) -> str:
    """What ``kubectl apply -k`` would apply."""
    program = go_program("kustomize", KUSTOMIZE, f"sigs.k8s.io/kustomize/kustomize/v5@{KUSTOMIZE}")
    done = subprocess.run([program, "build", folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


def manifests(text: str) -> list[Manifest]:
    return list(yaml.safe_load_all(text))


def kubeconform(text: str, version: str, schemas: Path) -> str:
    """What is wrong by the schemas of a version of Kubernetes, fields that it does not know too; ``schemas`` is new."""
    program = go_program("kubeconform", KUBECONFORM, f"github.com/yannh/kubeconform/cmd/kubeconform@{KUBECONFORM}")
    _lay_out_schemas(version, schemas, manifests(text))
    # A path that is named, or it would ask the internet.
    location = f"{schemas}/{{{{.ResourceKind}}}}{{{{.KindSuffix}}}}.json"
    command: list[str | Path] = [program, "-strict", "-schema-location", location, "-"]
    done = subprocess.run(command, input=text, capture_output=True, text=True, check=False)
    assert (done.returncode == 0) == (done.stdout == ""), done.stderr
    return done.stdout


def not_restricted(pods: Iterable[Manifest]) -> str:
    """What keeps pod templates from a namespace of the level "restricted", or is no pod template."""
    program = go_module(Path(__file__).parent / "podsecurity")
    text = "\n".join(map(json.dumps, pods))
    done = subprocess.run([program], input=text, capture_output=True, text=True, check=True)
    return done.stdout


def pod_templates(objects: Iterable[Manifest]) -> list[Manifest]:
    return [one["spec"]["template"] for one in objects if one["kind"] in ("Deployment", "Job")]


def _lay_out_schemas(version: str, folder: Path, objects: Iterable[Manifest]) -> None:
    """Write the schemas that the package kubernetes-validate has, with references as kubeconform follows them."""
    folder.mkdir()
    packed = resources.files("kubernetes_validate") / f"kubernetes-json-schema/v{version}.0-local-strict"
    for name in {_DEFINITIONS, *map(_schema_name, objects)}:
        text = (packed / f"{name}.json").read_text("utf-8")
        schema = json.loads(text.replace(f'"/api/{_DEFINITIONS}.json#', f'"{_DEFINITIONS}.json#'))
        del schema["$id"]
        (folder / f"{name}.json").write_text(json.dumps(schema))


def _schema_name(manifest: Manifest) -> str:
    group, _, version = manifest["apiVersion"].rpartition("/")
    return "-".join(part for part in (manifest["kind"].lower(), group.partition(".")[0], version) if part)

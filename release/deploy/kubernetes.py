"""The manifests for Kubernetes, and nginx's configuration for its pods."""

from __future__ import annotations

import shlex
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ..oci import ImageIndex
from ..proxy import Kit
from ..proxy import render as render_proxy
from ..site import Certificate, Site
from .console import NAME as CONSOLE
from .inside import inside, secrets_of
from .names import job_name, version_label
from .pinned import Pinned
from .template import filled, header
from .variables import Variables

_MANIFESTS = ("kustomization.yaml", "namespace.yaml", "network.yaml", "migrations.yaml", "api.yaml", "proxy.yaml")


@dataclass(frozen=True, kw_only=True)
class Cluster:
    """Where it is to run, and what of it is the operator's own.

    ``registry`` is ``host[:port]/prefix``, ``nginx`` an image by digest, ``console`` the configured one.
    """

    namespace: str
    registry: str
    nginx: str
    console: ImageIndex


def render_kubernetes(
    release: Pinned, site: Site, cluster: Cluster, kit: Kit, variables: Variables, *, pin: Path
) -> dict[str, str]:
    """Return the files by path. ``pin`` is the file that people type.

    Raises UsageError for a release without what is needed, and for settings that a pod or nginx cannot take;
    VerificationError for a ``kit`` of another program.
    """
    head = header(site, release)
    proxies = render_proxy(kit, inside(site))
    nginx = {f"nginx/{_key(path)}": text for path, text in proxies.items()}
    values = {**_values(release, site, cluster, variables, proxies), "pin": shlex.quote(pin.name)}
    made = {name: head + filled(f"kubernetes/{name}", values) for name in ("README.md", *_MANIFESTS, "api.env")}
    return made | nginx | {"nginx/nginx.conf": head + filled("kubernetes/nginx.conf", {})}


def _values(
    release: Pinned, site: Site, cluster: Cluster, variables: Variables, proxies: Iterable[str]
) -> Mapping[str, str]:
    paths = {"nginx.conf": "nginx.conf"} | {_key(path): f"tesseral/{path}" for path in sorted(proxies)}
    ports = {"https": site.listen.https} | ({"http": site.listen.http} if site.listen.http else {})
    secrets = secrets_of(site)
    return {
        "api_image": _image(release, cluster, "tesseral-api"),
        "console_image": f"{cluster.registry}/{CONSOLE}@{cluster.console.digest}",
        "console_tag": cluster.console.ref,
        "digest": release.pin.manifest_digest,
        "kit_piece": release.kit_flag,
        "job": job_name("tesseraldb-migrations", release.pin),
        "migrations_image": _image(release, cluster, "tesseraldb-migrations"),
        "namespace": cluster.namespace,
        "nginx_files": _lines(6, (f"- nginx/{key}" for key in paths)),
        "nginx_image": cluster.nginx,
        "nginx_items": _lines(14, (f"- {{ key: {key}, path: {path} }}" for key, path in paths.items())),
        "proxy_container_ports": _lines(
            12, (f"- {{ name: {name}, containerPort: {number} }}" for name, number in ports.items())
        ),
        "proxy_policy_ports": _lines(8, (f"- {{ protocol: TCP, port: {number} }}" for number in ports.values())),
        "proxy_service_ports": _lines(
            4, (f"- {{ name: {name}, port: {number}, targetPort: {name} }}" for name, number in ports.items())
        ),
        "registry": cluster.registry,
        "secret_names": ", ".join(f"`{name}`" for name in variables.secret),
        "tls_commands": _lines(4, (_tls_command(cluster, name, files) for name, files in secrets.items())),
        "tls_sources": _lines(14, (line for name in secrets for line in _tls_source(name))),
        "variables": "\n".join(f"{name}={value}" for name, value in _variables(site, variables).items()),
        "version": release.version,
        "version_label": version_label(release.version),
        "vault_ui_image": _image(release, cluster, "tesseral-vault-ui"),
    }


def _image(release: Pinned, cluster: Cluster, name: str) -> str:
    return f"{cluster.registry}/{name}@{release.image(name).digest}"


def _key(path: str) -> str:
    """Return what a ConfigMap, which has no folders, calls a file of a kit; no name there has two dots."""
    return f"tesseral.{path.replace('/', '.')}"


def _variables(site: Site, variables: Variables) -> Mapping[str, str]:
    own = {"API_CONSOLE_DOMAIN": site.hosts.console, "API_SERVE_ADDR": ":3001"}
    return dict(sorted({**variables.public, **own}.items()))


def _tls_command(cluster: Cluster, name: str, files: Certificate) -> str:
    certificate, key = (shlex.quote(str(path)) for path in (files.certificate, files.key))
    return f"kubectl -n {cluster.namespace} create secret tls {name} --cert={certificate} --key={key}"


def _tls_source(name: str) -> Iterable[str]:
    files = (f"      - {{ key: {file}, path: {name}/{file} }}" for file in ("tls.crt", "tls.key"))
    return ("- secret:", f"    name: {name}", "    items:", *files)


def _lines(indent: int, lines: Iterable[str]) -> str:
    return "\n".join(" " * indent + line for line in lines)

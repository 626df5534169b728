"""The commands ``configure deployment systemd`` and ``configure deployment kubernetes``."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from .. import attestations, site
from .. import pin as pin_file
from ..deploy import (
    Cluster,
    Pinned,
    check_image,
    check_namespace,
    console_image,
    read_variables,
    registry_prefix,
    render_kubernetes,
    render_systemd,
)
from ..destination import open_origin
from ..destination.files import FileStore
from ..errors import UsageError
from ..progress import showing
from ..proxy import Kit, installed, open_kit, write_folder
from ..temporary import brought
from ..verify import read_manifest
from .reading import answer, find_release, trust_flags, trusted

_LARGEST_KIT = 1 << 20
_TARGETS = ("linux/amd64", "linux/arm64")


def add(group: Any, common: argparse.ArgumentParser) -> None:  # noqa: ANN401 - argparse names no public type
    """Add the commands to ``configure``."""
    command = group.add_parser(
        "deployment",
        help="write the services or manifests that run a pinned release",
        parents=[common],
        allow_abbrev=False,
    )
    kinds = command.add_subparsers(dest="deployment", required=True, metavar="KIND")
    parents = [common, _flags(), trust_flags()]
    systemd = kinds.add_parser(
        "systemd", help="services of one machine with systemd", parents=parents, allow_abbrev=False
    )
    systemd.add_argument("--target", choices=_TARGETS, default=_TARGETS[0], help=f"what the machine is ({_TARGETS[0]})")
    systemd.set_defaults(run=_systemd)
    kubernetes = kinds.add_parser(
        "kubernetes", help="manifests for Kubernetes, with a kustomization", parents=parents, allow_abbrev=False
    )
    kubernetes.add_argument(
        "--registry", metavar="HOST/PREFIX", help="where the cluster gets the images (ORIGIN, if that is oci://…)"
    )
    kubernetes.add_argument(
        "--nginx-image", required=True, metavar="IMAGE", help="the nginx that you trust: NAME@sha256:…"
    )
    kubernetes.add_argument(
        "--console", type=Path, required=True, metavar="DIR", help="the console's image, made by configure console"
    )
    kubernetes.add_argument("--namespace", default="tesseral", metavar="NAME", help="namespace for all (tesseral)")
    kubernetes.set_defaults(run=_kubernetes)


def _flags() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(add_help=False)
    parser.add_argument(
        "--config", type=Path, default=Path(site.NAME), metavar="FILE", help=f"the settings ({site.NAME})"
    )
    parser.add_argument(
        "--pin", type=Path, metavar="FILE", help=f"the pin of the release ([release] pin, or {pin_file.NAME})"
    )
    where = parser.add_mutually_exclusive_group(required=True)
    where.add_argument("--release", type=Path, metavar="DIR", help="the release that fetch brought there")
    where.add_argument("--from", dest="origin", metavar="ORIGIN", help="where releases are, as for fetch")
    parser.add_argument("--into", type=Path, required=True, metavar="DIR", help="folder to write or replace")
    parser.add_argument("--json", action="store_true", help="print what was made as JSON")
    return parser


def _systemd(arguments: argparse.Namespace) -> None:
    settings = site.read(arguments.config)
    pin = _pin_path(arguments, settings)
    release = _pinned(arguments, pin)
    files = render_systemd(release, settings, target=arguments.target, pin=pin)
    _write(arguments, release, files, f"systemd, {arguments.target}")


def _kubernetes(arguments: argparse.Namespace) -> None:
    settings = site.read(arguments.config)
    registry, nginx = registry_of(arguments), check_image(arguments.nginx_image)
    namespace = check_namespace(arguments.namespace)
    pin = _pin_path(arguments, settings)
    release = _pinned(arguments, pin)
    cluster = Cluster(
        namespace=namespace,
        registry=registry,
        nginx=nginx,
        console=console_image(arguments.console, release),
    )
    kit, variables = _kit(arguments, release), read_variables(settings)
    files = render_kubernetes(release, settings, cluster, kit, variables, pin=pin)
    _write(arguments, release, files, f"Kubernetes, namespace {namespace}, images from {registry}")


def _pin_path(arguments: argparse.Namespace, settings: site.Site) -> Path:
    return arguments.pin or settings.pin or Path(pin_file.NAME)


def registry_of(arguments: argparse.Namespace) -> str:
    """Return the prefix of the images' names: what ``--registry`` says, or an origin that is a registry."""
    text = arguments.registry or arguments.origin or ""
    if arguments.registry is None and not text.startswith("oci://"):
        raise UsageError("no registry is named where the cluster gets the images", "add --registry HOST/PREFIX")
    return registry_prefix(text)


def _pinned(arguments: argparse.Namespace, pin_path: Path) -> Pinned:
    pin = pin_file.read(pin_path)
    if arguments.release is None:
        found = find_release(arguments, open_origin(arguments.origin), pin)
        return Pinned(pin=pin, manifest=found.manifest)
    folder = arguments.release
    manifest = read_manifest(folder)
    pin_file.check(pin, manifest, str(folder))
    # The pin says which bytes; who signed them was asked when it was made, and is asked again on demand.
    keys = trusted(arguments) if arguments.key else None
    if keys is not None:
        with FileStore(folder).told():
            attestations.check(attestations.read(folder), manifest, keys, str(folder))
    return Pinned(pin=pin, manifest=manifest)


def _kit(arguments: argparse.Namespace, release: Pinned) -> Kit:
    """Return the proxy kit of the release, or this program's own where it has none."""
    if release.kit is None:
        return installed()
    if arguments.release is not None:
        return open_kit(arguments.release)
    origin, version = open_origin(arguments.origin), release.pin.version
    with (
        showing(f"read {version}") as meter,
        brought(origin, version, release.kit, meter, largest=_LARGEST_KIT, otherwise="ask who publishes it") as path,
    ):
        return open_kit(path)


def _write(arguments: argparse.Namespace, release: Pinned, files: dict[str, str], what: str) -> None:
    into = arguments.into
    write_folder(into, files)
    answer(
        arguments,
        {
            "directory": str(into),
            "files": sorted(files),
            "version": release.version,
            "manifestDigest": release.pin.manifest_digest,
        },
        f"{into}: Tesseral {release.version} for {what}\nnext: {into / 'README.md'} has the commands",
    )

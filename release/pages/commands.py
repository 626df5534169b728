"""What a person types to have a release, for its page."""

from __future__ import annotations

from .. import checksums
from ..manifest import Image, Manifest
from ..staged import IMAGES
from .frame import command
from .markup import Child, element

_PLACE = "https://releases.example"


def fetching(version: str) -> tuple[Child, ...]:
    """Return the ways to fetch a release and to check it.

    A page doesn't know where it is served: the reader says so, once.
    """
    page = f"/releases/{version}.html"
    folder = f"$URL/releases/{version}"
    return (
        element("p", "Set the address first, that of this page without ", element("code", page), ":"),
        command(f"URL={_PLACE}"),
        element(
            "p",
            "With ",
            element("code", "tesseral-release"),
            ", which checks every byte, and by the maintainers' public key who signed them:",
        ),
        command(f'tesseral-release fetch {version} --from "$URL" --key maintainers.pub'),
        element("p", "Or with curl and coreutils, without the images:"),
        command(
            f'curl -fLO "{folder}/{checksums.NAME}"',
            f'cut -c 67- {checksums.NAME} | while read -r name; do curl -fLO "{folder}/$name"; done',
            f"sha256sum -c {checksums.NAME}",
        ),
    )


def copying(manifest: Manifest, image: Image) -> str:
    """Return the command that copies ``image`` from where ``fetch`` puts it to a registry."""
    version = manifest.version
    layout = f"oci:tesseral-{version}/{IMAGES}/{image.name}:{version}"
    return f"skopeo copy --all {layout} docker://registry.example/{image.name}:{version}"

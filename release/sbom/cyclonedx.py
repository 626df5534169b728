"""Bills of materials as CycloneDX 1.7 JSON (ECMA-424): the same bill, the same bytes."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator
from typing import Any

from .. import canonical, rfc3339
from ..archive import folder_name
from ..errors import SourceError
from .component import Component, Kind, Sbom
from .licences import choice

# Without its parameter "version": a descriptor of OCI takes none, and the document says its version itself.
MEDIA_TYPE = "application/vnd.cyclonedx+json"

_TOOL = "tesseral-release"
_NAMESPACE = uuid.UUID("3b1a4a86-5a0e-4a0c-9f0e-7d9b2c1f6e58")  # of the serial numbers; made for this project


def file_name(artifact: str) -> str:
    """Return the name of an artifact's SBOM: ``x.tar.gz`` has ``x.cdx.json``."""
    return f"{folder_name(artifact) or artifact}.cdx.json"


def image_file_name(image: str, version: str) -> str:
    """Return the name of an image's SBOM, such as ``tesseral-api_1.4.0_image.cdx.json``."""
    return file_name(f"{image}_{version}_image")


def to_json(sbom: Sbom) -> bytes:
    """Write ``sbom`` as canonical JSON.

    The order of components doesn't show. The serial number is a name-based UUID (RFC 9562, section 5.5)
    of everything else in the document, the artifact's digest included. Raises SourceError when a
    package is in it twice with different facts.
    """
    document = {
        "bomFormat": "CycloneDX",
        "specVersion": "1.7",
        "version": 1,
        "metadata": {
            "timestamp": rfc3339.render(sbom.made_at),
            "lifecycles": [{"phase": "build"}],
            "tools": {"components": [{"type": Kind.APPLICATION, "name": _TOOL, "version": sbom.made_by}]},
            "component": _component(sbom.subject),
        },
        "components": [_component(one) for one in _parts(sbom.subject)],
        "dependencies": _dependencies(sbom.subject),
    }
    serial = uuid.uuid5(_NAMESPACE, canonical.dumps(document).decode())
    return canonical.dumps({**document, "serialNumber": serial.urn})


def _parts(subject: Component) -> list[Component]:
    """Return all that ``subject`` is made of, each once, sorted by package URL."""
    found: dict[str, Component] = {subject.purl: subject}
    for part in _below(subject):
        if _component(found.setdefault(part.purl, part)) != _component(part):
            raise SourceError(
                f"{subject.name} holds {part.name} {part.version} twice, with different facts about it",
                "write the lock file it comes from anew",
            )
    return [found[key] for key in sorted(found) if key != subject.purl]


def _below(component: Component) -> Iterator[Component]:
    for part in component.parts:
        yield part
        yield from _below(part)


def _dependencies(subject: Component) -> list[dict[str, Any]]:
    """Return who has which parts. A package without an entry has dependencies that nobody recorded."""
    graph = {subject.purl: {part.purl for part in subject.parts}}
    for component in _below(subject):
        if component.parts:
            graph.setdefault(component.purl, set()).update(part.purl for part in component.parts)
    return [{"ref": ref, "dependsOn": sorted(graph[ref])} for ref in sorted(graph)]


def _component(component: Component) -> dict[str, Any]:
    facts = {
        "version": component.version,
        "licenses": choice(component.licence),
        "hashes": [{"alg": one.algorithm, "content": one.content} for one in _once(component.hashes)],
        "properties": [{"name": f"{_TOOL}:{name}", "value": value} for name, value in _once(component.properties)],
    }
    return {
        "type": component.kind,
        "bom-ref": component.purl,
        "name": component.name,
        "purl": component.purl,
        **{key: value for key, value in facts.items() if value},
    }


def _once(items: Iterable[Any]) -> list[Any]:
    return sorted(set(items))

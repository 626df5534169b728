"""Software bills of materials: what is in an artifact, said in CycloneDX."""

from .component import Component, Hash, Kind, Sbom
from .cyclonedx import MEDIA_TYPE, file_name, image_file_name, to_json
from .listed import is_sbom, sbom_of, sboms_of
from .packages import Package, packages_of, read_packages

__all__ = [
    "MEDIA_TYPE",
    "Component",
    "Hash",
    "Kind",
    "Package",
    "Sbom",
    "file_name",
    "image_file_name",
    "is_sbom",
    "packages_of",
    "read_packages",
    "sbom_of",
    "sboms_of",
    "to_json",
]

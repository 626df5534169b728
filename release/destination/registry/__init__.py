"""A container registry as a destination: images as images, the release itself as an OCI artifact."""

from .destination import RegistryDestination
from .settings import Settings

__all__ = ["RegistryDestination", "Settings"]

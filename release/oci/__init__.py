"""Container images as OCI image layouts (image-spec 1.1) whose bytes follow from their content alone."""

from .image import ImageConfig, ImageIndex, Layer, PlatformImage
from .read import read_layout
from .write import write_layout

__all__ = ["ImageConfig", "ImageIndex", "Layer", "PlatformImage", "read_layout", "write_layout"]

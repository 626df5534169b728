"""Static pages about releases: documents in, bytes out. No script, nothing from elsewhere, no time of making."""

from .overview import overview_page
from .release import release_page

__all__ = ["overview_page", "release_page"]

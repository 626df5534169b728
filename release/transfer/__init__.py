"""Moving bytes: trying again, several at once, and telling how far it is."""

from .meter import SILENT, Meter
from .parallel import in_parallel
from .retry import Retrier, RetryPolicy

__all__ = ["SILENT", "Meter", "Retrier", "RetryPolicy", "in_parallel"]

"""Building a published release again, for those who want to see for themselves that it is what its source yields.

``wanted.py`` says what is compared, ``source.py`` where the source is, ``order.py`` what is built for that;
``builder.py`` has it built, by the pipeline in a ``checkout.py`` that ``history.py`` knows the past of and ``child.py``
runs; ``published.py`` brings what differs, ``result.py`` is what was found, ``attestation.py`` what is signed of it.
"""

from .builder import Builder, CheckoutBuilder
from .checkout import Checkout, check_checkout, find_checkout
from .order import Order, order_of
from .rebuild import rebuild
from .result import Result
from .source import Place, place_of
from .wanted import Wanted, wanted_of

__all__ = [
    "Builder",
    "Checkout",
    "CheckoutBuilder",
    "Order",
    "Place",
    "Result",
    "Wanted",
    "check_checkout",
    "find_checkout",
    "order_of",
    "place_of",
    "rebuild",
    "wanted_of",
]
